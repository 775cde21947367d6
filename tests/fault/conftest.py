from support.fixtures import client, deployment, folder, postgres, redis, sqlite_deployment  # noqa: F401
