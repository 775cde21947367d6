"""A TCP proxy on loopback that can swallow data and cut connections."""
import selectors
import socket
import threading

PASS, SWALLOW, CUT = "pass", "swallow", "cut"


class TcpProxy:
    """Forwards to one port. `on_request(data)` gets each chunk of the client, `on_answer(data)` each chunk of the server. They
    return PASS, SWALLOW (drop this and all later data in that direction) or CUT (close both ends)."""

    def __init__(self, target_port, on_request=None, on_answer=None, port=0):
        self.target_port = target_port
        self.judges = [on_request or (lambda data: PASS), on_answer or (lambda data: PASS)]
        self.listener = socket.create_server(("127.0.0.1", port))
        self.port = self.listener.getsockname()[1]
        self.other = {}  # each half of a connection -> the half that it is forwarded to, and its callback
        self.swallowing = set()
        self.selector = selectors.DefaultSelector()
        self.selector.register(self.listener, selectors.EVENT_READ)
        self.stopping = False
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self):
        while not self.stopping:
            for key, _ in self.selector.select(0.05):
                if key.fileobj is self.listener:
                    self._accept()
                elif key.fileobj in self.other:
                    self._forward(key.fileobj)

    def _accept(self):
        client, _ = self.listener.accept()
        try:
            server = socket.create_connection(("127.0.0.1", self.target_port), 5)
        except OSError:
            client.close()
            return
        for one, other, judge in ((client, server, self.judges[0]), (server, client, self.judges[1])):
            one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.other[one] = (other, judge)
            self.selector.register(one, selectors.EVENT_READ)

    def _forward(self, source):
        other, judge = self.other[source]
        try:
            data = source.recv(65536)
        except OSError:
            data = b""
        verdict = judge(data) if data else CUT
        if verdict == CUT:
            self._close(source)
        elif verdict == SWALLOW or source in self.swallowing:
            self.swallowing.add(source)
        else:
            try:
                other.sendall(data)
            except OSError:
                self._close(source)

    def _close(self, one):
        for half in (one, self.other[one][0]):
            self.selector.unregister(half)
            del self.other[half]
            self.swallowing.discard(half)
            half.close()

    def stop(self):
        self.stopping = True
        self.thread.join(5)
        for half in list(self.other):
            half.close()
        self.listener.close()
