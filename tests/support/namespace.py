"""A network that can be cut silently: this machine, a router, and a namespace behind it for a server."""
import os
import secrets
import shutil

import pytest

from support.process import run


def ip(*arguments, namespace=None):
    inside = ["-n", namespace] if namespace else []
    done = run(["ip", *inside, *arguments])
    assert done.returncode == 0, f"ip {arguments}: {done.stderr}"


class Network:
    """Two network namespaces in a row, joined by veth pairs. The second is `far` with the address `far_address`."""

    def __init__(self):
        if os.geteuid() != 0 or not shutil.which("ip"):
            pytest.skip("a network namespace needs root and iproute2")
        token = secrets.token_hex(3)
        self.router, self.far = f"tps-{token}-router", f"tps-{token}-far"
        near, near_end, far_end, far = (f"tps{token}{letter}" for letter in "abcd")  # names of links are short
        self.near_link = near
        subnet = f"10.213.{secrets.randbelow(256)}"
        self.near_address, near_gateway = f"{subnet}.1", f"{subnet}.2"
        far_gateway, self.far_address = f"{subnet}.5", f"{subnet}.6"
        try:
            for namespace in (self.router, self.far):
                ip("netns", "add", namespace)
                ip("link", "set", "lo", "up", namespace=namespace)
            ip("link", "add", near, "type", "veth", "peer", "name", near_end, "netns", self.router)
            ip("link", "add", far_end, "netns", self.router, "type", "veth", "peer", "name", far, "netns", self.far)
            for link, address, namespace in ((near, self.near_address, None), (near_end, near_gateway, self.router),
                                             (far_end, far_gateway, self.router), (far, self.far_address, self.far)):
                ip("address", "add", f"{address}/30", "dev", link, namespace=namespace)
                ip("link", "set", link, "up", namespace=namespace)
            ip("route", "add", f"{self.far_address}/32", "via", near_gateway)
            ip("route", "add", "default", "via", far_gateway, namespace=self.far)
            forward = run(["ip", "netns", "exec", self.router, "sysctl", "-q", "net.ipv4.ip_forward=1"])
            assert forward.returncode == 0, forward.stderr
        except AssertionError:
            self.remove()
            raise

    def _blackholes(self, what):
        for address in (self.near_address, self.far_address):
            ip("route", what, "blackhole", f"{address}/32", namespace=self.router)

    def cut(self):
        """From now on the router silently drops all packets in both directions."""
        self._blackholes("add")

    def heal(self):
        self._blackholes("del")

    def remove(self):
        """Deletes the namespaces and with them links and routes."""
        for namespace in (self.far, self.router):
            run(["ip", "netns", "del", namespace])
        run(["ip", "link", "del", self.near_link])
