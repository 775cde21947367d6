from support.fixtures import folder  # noqa: F401
