"""haproxy on a private port. It sends requests only to instances whose /readiness returns 200."""
import shutil
import socket

from support.process import Process, free_port, wait_until
from support.servers import temporary_folder

CHECK_MS = 200
FALL = 2  # an instance gets no more requests after this many failed checks
# TPS_DRAIN_DELAY must be longer than this. It includes a reserve for late checks.
NOTICED_WITHIN_MS = 5 * CHECK_MS * FALL

CONFIGURATION = """global
  maxconn 4000
  stats socket {folder}/control level admin
defaults
  mode http
  timeout connect 1s
  timeout client 60s
  timeout server 30s
  timeout queue 5s
  option redispatch 1
  retries {retries}
frontend api
  bind 127.0.0.1:{port}
  default_backend instances
backend instances
  balance leastconn
  option httpchk
  http-check send meth GET uri /readiness
  http-check expect status 200
  default-server check inter {check} fall {fall} rise 2
{servers}
"""


class Haproxy:
    def __init__(self, ports, retries):
        """`retries`: number of retries on another instance after a refused connection."""
        self.folder = temporary_folder("haproxy")
        self.port = free_port()
        servers = "\n".join(f"  server {self.name(port)} 127.0.0.1:{port}" for port in ports)
        (self.folder / "haproxy.cfg").write_text(CONFIGURATION.format(
            folder=self.folder, port=self.port, check=CHECK_MS, fall=FALL, retries=retries,
            servers=servers))
        self.process = Process(["haproxy", "-db", "-f", str(self.folder / "haproxy.cfg")], self.folder / "log")
        wait_until(lambda: all(self.is_up(port) for port in ports), 10, "haproxy with all instances")

    @staticmethod
    def name(port):
        return f"on_{port}"

    def statistics(self, port):
        """The status of the instance on `port` in haproxy."""
        with socket.socket(socket.AF_UNIX) as control:
            control.settimeout(5)
            control.connect(str(self.folder / "control"))
            control.sendall(b"show stat\n")
            text = b"".join(iter(lambda: control.recv(65536), b"")).decode()
        lines = text.lstrip("# ").splitlines()
        names = lines[0].split(",")
        rows = [dict(zip(names, line.split(","))) for line in lines[1:] if line]
        return next(row for row in rows if row["svname"] == self.name(port))

    def is_up(self, port):
        assert self.process.running, (self.folder / "log").read_text()
        try:
            one = self.statistics(port)
        except OSError:  # not listening yet
            return False
        # Requires "L7OK" besides "UP", because a server counts as up before its first check.
        return one["status"] == "UP" and one["check_status"] == "L7OK"

    def stop(self):
        self.process.kill()
        shutil.rmtree(self.folder, ignore_errors=True)
