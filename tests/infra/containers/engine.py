"""A private Docker engine with its own namespaces and its data in a temporary folder.

Its bridges, packet filter, mounts and processes exist only in those namespaces. They are invisible on the host, its port
8000 is private, and everything disappears with its first process.
"""
import contextlib
import ctypes
import fcntl
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile

from support.process import Process, run, wait_until

# Prefers the client that belongs to the engine. /usr/local may contain another one.
PATH = "/usr/sbin:/usr/bin:/sbin:/bin"
CLONE_NEWNET = 0x40000000
# On disk, since images are large and /tmp may be in memory.
TEMPORARY = "/var/tmp"
PREFIX = "tps-infra-"
LOCK = "lock"


class NoContainers(Exception):
    """An engine cannot run on this machine."""


class Engine:
    def __init__(self):
        remove_abandoned()
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix=PREFIX, dir=TEMPORARY))
        self.log_path = self.folder / "dockerd.log"
        self.socket = self.folder / "docker.sock"
        self.process = None
        self.control_group = "/" + self.folder.name
        self.lock = open(self.folder / LOCK, "w", encoding="utf-8")
        fcntl.flock(self.lock, fcntl.LOCK_EX)
        self.environment = {name: value for name, value in os.environ.items()
                            if not name.startswith(("TPS_", "COMPOSE_", "DOCKER_"))}
        self.environment |= {"PATH": PATH, "DOCKER_HOST": f"unix://{self.socket}", "HOME": str(self.folder),
                             "DOCKER_CONFIG": str(self.folder / "client"), "TERM": "dumb"}

    def start(self, private_network):
        """`private_network`: containers have bridges and ports, but reach only each other. Otherwise the engine builds images
        with --network host, since they need packages, and leaves the host's network unchanged."""
        network = [] if private_network else ["--bridge=none", "--iptables=false", "--ip-forward=false", "--ip-masq=false"]
        command = ["dockerd", "--data-root", self.folder / "data", "--exec-root", self.folder / "run",
                   "--pidfile", self.folder / "dockerd.pid", "--host", f"unix://{self.socket}",
                   "--config-file", self._empty_configuration(), "--cgroup-parent", self.control_group,
                   "--exec-opt", "native.cgroupdriver=cgroupfs", *network]
        namespaces = ["--mount", "--pid", "--fork", "--mount-proc", "--kill-child", *(["--net"] if private_network else [])]
        loopback = "ip link set lo up && " if private_network else ""
        self.socket.unlink(missing_ok=True)
        self.process = Process(["unshare", *namespaces, "--", "sh", "-c", f'{loopback}exec "$@"', "dockerd",
                                *map(str, command)], self.log_path, environment=self.environment)
        wait_until(self._answers, 60, "dockerd")

    def _empty_configuration(self):
        path = self.folder / "dockerd.json"
        path.write_text("{}\n")
        return path

    def _answers(self):
        if not self.process.running:
            raise NoContainers("dockerd ended: " + self.log()[-600:])
        return self.socket.exists() and self.docker("version", check=False).returncode == 0

    def run(self, *command, check=True, **options):
        result = run(command, **({"env": self.environment, "timeout": 120} | options))
        assert not check or result.returncode == 0, f"{command}: {result.stdout[-3000:]}\n{result.stderr[-3000:]}"
        return result

    def docker(self, *arguments, **options):
        return self.run("docker", *arguments, **options)

    def try_a_container(self, image):
        """On some machines dockerd runs but cannot start containers."""
        tried = self.docker("run", "--rm", "--network", "host", "--memory", "64m", "--cpus", "0.5", image, "true", check=False)
        if tried.returncode != 0:
            raise NoContainers(tried.stderr.strip()[-600:])

    def inspect(self, container, form):
        return self.docker("inspect", "--format", form, container).stdout.strip()

    @property
    def first_process(self):
        """The pid of dockerd in our namespace: the only child of unshare."""
        pid = self.process.child.pid
        return int(pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()[0])

    @contextlib.contextmanager
    def network(self):
        """While it is active, this thread and its children are in the engine's network: localhost is the engine's host."""
        with open("/proc/self/ns/net", "rb") as ours, open(f"/proc/{self.first_process}/ns/net", "rb") as engines:
            enter_network(engines)
            try:
                yield
            finally:
                enter_network(ours)

    def kill_process(self, container):
        """Kills a container's first process, like a crash or the kernel. After `docker kill`, the engine would not restart
        the container, since it treats that as a request of the user."""
        pid = self.inspect(container, "{{.State.Pid}}")
        self.run("nsenter", "--target", self.first_process, "--pid", "--mount", "kill", "-KILL", pid)

    def log(self):
        return self.log_path.read_text(errors="replace")

    def stop(self):
        """Stops the engine and every process that it started."""
        if self.process is None or not self.process.running:
            return
        os.kill(self.first_process, signal.SIGTERM)  # unshare itself only waits
        try:
            self.process.wait(60)
        except subprocess.TimeoutExpired:
            os.kill(self.first_process, signal.SIGKILL)
            self.process.wait(10)

    def remove(self):
        self.stop()
        remove_traces(self.folder)
        self.lock.close()

    def leftovers(self):
        """The remains of a removed engine on this machine. The list should be empty."""
        mounts = [line for line in pathlib.Path("/proc/mounts").read_text().splitlines() if self.folder.name in line]
        processes = subprocess.run(["pgrep", "--full", self.folder.name], capture_output=True, text=True, check=False)
        return mounts + control_groups(self.folder.name) + processes.stdout.split() + ([self.folder] if self.folder.exists() else [])


def enter_network(namespace):
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.setns(namespace.fileno(), CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "setns")


def control_groups(name):
    """The single hierarchy (cgroup v2), or one per controller (v1)."""
    hierarchies = pathlib.Path("/sys/fs/cgroup")
    return [*hierarchies.glob(name), *hierarchies.glob(f"*/{name}")]


def remove_traces(folder):
    """Removes the control groups and the folder of an engine."""
    for group in control_groups(folder.name):
        for path, _, _ in os.walk(group, topdown=False):
            os.rmdir(path)
    shutil.rmtree(folder)


def remove_abandoned():
    """Removes the gigabytes that a killed test run leaves: its engine ended with it, but the folder remained."""
    for path in pathlib.Path(TEMPORARY).glob(f"{PREFIX}*/{LOCK}"):
        with open(path, encoding="utf-8") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue  # still in use
            remove_traces(path.parent)
