"""The database as a person with SQL sees it: the same questions to both engines."""
import sqlite3


class SqliteDatabase:
    def __init__(self, path):
        self.path = path

    @property
    def url(self):
        return f"sqlite:{self.path}"

    def rows(self, statement):
        connection = sqlite3.connect(self.path, timeout=10)
        try:
            return connection.execute(statement).fetchall()
        finally:
            connection.close()


class PostgresDatabase:
    def __init__(self, server, name):
        self.server = server
        self.name = name

    @property
    def url(self):
        return self.server.url(self.name)

    def rows(self, statement):
        connection = self.server.connect(self.name)
        try:
            with connection.cursor() as cursor:
                cursor.execute(statement)
                return cursor.fetchall()
        finally:
            connection.close()
