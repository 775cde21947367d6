from support.fixtures import client, deployment, folder, launch, postgres, redis, sqlite_deployment  # noqa: F401
