from support.fixtures import folder, postgres, redis  # noqa: F401
