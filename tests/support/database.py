"""The database as seen with SQL: the same queries for both engines."""
import sqlite3

PLANT = """INSERT INTO transaction_log (id, partition, type, user_id, amount_minor, currency, capture, created_at, created_by)
SELECT max(id) + 1, 0, '{type}', 'planted', 0, 'USD', '{capture}', max(created_at), 'planted' FROM transaction_log"""


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

    def execute(self, statement):
        connection = sqlite3.connect(self.path, timeout=10)
        try:
            with connection:
                connection.execute(statement)
        finally:
            connection.close()

    def plant_bad_row(self):
        """Inserts a deposit of 0, which the server would reject, and returns its id."""
        self.execute(PLANT.format(type="deposit", capture="automatic"))
        return self.rows("SELECT max(id) FROM transaction_log")[0][0]


class PostgresDatabase:
    """A new empty database."""

    def __init__(self, server):
        self.server = server
        self.name = server.create_database()

    @property
    def url(self):
        return self.server.url(self.name)

    def url_of(self, login):
        return self.server.url(self.name, user=login)

    def rows(self, statement):
        return self.server.rows(statement, self.name)

    def execute(self, statement):
        self.server.execute(statement, self.name)

    def plant_bad_row(self):
        """Inserts a deposit of 0, which the server would reject, and returns its id."""
        statement = "SELECT * FROM partitions WHERE partition = 0 FOR UPDATE; " + PLANT.format(type="d", capture="a")
        return self.rows(f"BEGIN; {statement}; COMMIT; SELECT max(id) FROM transaction_log")[0][0]
