"""A small HTTP/1.1 client over plain sockets, with keep-alive, pipelining, deadlines and arbitrary bytes."""
import json
import socket
from dataclasses import dataclass
from decimal import Decimal


class Broken(Exception):
    """The connection ended or the deadline passed before the response was complete."""


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict  # names in lower case
    body: bytes

    def json(self):
        """Keeps numbers with decimals as written, so that Decimal('12.50') and Decimal('12.5') differ as text."""
        return json.loads(self.body, parse_float=Decimal)

    @property
    def code(self):
        return self.json()["code"]

    @property
    def pointers(self):
        return [error["pointer"] for error in self.json().get("errors", [])]


def request_bytes(method, path, body=None, headers=None):
    lines = [f"{method} {path} HTTP/1.1", "Host: localhost"]
    headers = dict(headers or {})
    if body is not None:
        if not isinstance(body, bytes):
            body = body.encode() if isinstance(body, str) else json.dumps(body).encode()
        headers.setdefault("Content-Type", "application/json")
        headers.setdefault("Content-Length", str(len(body)))
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + (body or b"")


class Connection:
    def __init__(self, port, timeout=10, tls=None, address=None, host="127.0.0.1"):
        """`tls`: an ssl.SSLContext for https. An end that the server did not announce is then an error. `address`: the
        address of the client, any of 127.0.0.0/8. `host`: the address of the server."""
        self.socket = socket.create_connection((host, port), timeout, (address, 0) if address else None)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if tls:
            self.socket = tls.wrap_socket(self.socket, server_hostname="localhost", suppress_ragged_eofs=False)
        self.received = b""

    def send(self, data):
        try:
            self.socket.sendall(data)
        except OSError as error:
            raise Broken(f"send: {error}") from error
        return self

    def read(self, head=False):
        """The next response. `head`: it has no body, regardless of its headers."""
        while True:
            lines = self._until(b"\r\n\r\n").decode("latin-1").split("\r\n")
            status = int(lines[0].split(" ")[1])
            if status != 100:
                break
        headers = {}
        for line in lines[1:-2]:
            name, _, value = line.partition(":")
            assert name.lower() not in headers, f"header twice: {name}"
            headers[name.lower()] = value.strip()
        assert "transfer-encoding" not in headers, "the server sends lengths"
        return Answer(status, headers, b"" if head or status == 204 else self._take(int(headers["content-length"])))

    def ended(self, seconds=10):
        """True if the server closes the connection in time without sending another byte."""
        self.socket.settimeout(seconds)
        try:
            return not self.received and self.socket.recv(1) == b""
        except ConnectionResetError:
            return True
        except TimeoutError:
            return False

    def _receive(self):
        try:
            data = self.socket.recv(65536)
        except OSError as error:
            raise Broken(f"receive: {error}") from error
        if not data:
            raise Broken(f"closed after {len(self.received)} bytes of an answer")
        self.received += data

    def _until(self, mark):
        while mark not in self.received:
            self._receive()
        return self._take(self.received.index(mark) + len(mark))

    def _take(self, count):
        while len(self.received) < count:
            self._receive()
        data, self.received = self.received[:count], self.received[count:]
        return data

    def close(self):
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Client:
    """Keep-alive connections to one or more instances, used in turn. For one thread."""

    def __init__(self, *ports, timeout=10, tls=None, host="127.0.0.1"):
        self.host = host
        self.ports = ports
        self.timeout = timeout
        self.tls = tls
        self.connections = {}
        self.turn = 0

    def request(self, method, path, body=None, headers=None):
        """Raises Broken if there is no complete response. The outcome of the request is then unknown."""
        port = self.ports[self.turn % len(self.ports)]
        self.turn += 1
        try:
            connection = self.connections.get(port) or Connection(port, self.timeout, self.tls, host=self.host)
        except OSError as error:
            raise Broken(f"connect: {error}") from error
        self.connections[port] = connection
        try:
            answer = connection.send(request_bytes(method, path, body, headers)).read(head=method == "HEAD")
        except Broken:
            self.connections.pop(port).close()
            raise
        if answer.headers.get("connection", "").lower() == "close":
            self.connections.pop(port).close()
        return answer

    def get(self, path, headers=None):
        return self.request("GET", path, None, headers)

    def post(self, path, body, headers=None):
        return self.request("POST", path, body, headers)

    def close(self):
        for connection in self.connections.values():
            connection.close()
        self.connections = {}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
