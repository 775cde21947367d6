"""docker-compose and its project, used like by a person."""
import json
import os

from images import JOBS, ROOT
from support.client import Broken, Client
from support.process import Process, wait_until

PORT = 8000
BALANCER_METRICS_PORT = 8404
STARTING_SECONDS = 120
PREBUILT = f"docker-compose.yml:{os.path.relpath(os.path.dirname(__file__), ROOT)}/prebuilt.yml"


class Fleet:
    def __init__(self, engine, context):
        """`context`: the build context of the image tps: the project, or a folder with a compiled binary."""
        self.engine = engine
        self.environment = engine.environment | {"TPS_JOBS": JOBS}  # the value of the build, so that the image is not built again
        if context != ROOT:
            self.environment |= {"COMPOSE_FILE": PREBUILT, "TPS_TEST_CONTEXT": str(context)}

    def compose(self, *arguments, **options):
        return self.engine.run("docker-compose", *arguments, cwd=ROOT, env=self.environment, **({"timeout": 300} | options))

    def start(self, *arguments):
        """docker-compose in the foreground. The caller ends it."""
        return Process(["docker-compose", *arguments], self.engine.folder / "compose.log", environment=self.environment,
                       folder=ROOT)

    def containers(self, *services):
        return self.compose("ps", "--all", "--quiet", *services).stdout.split()

    def inspect(self, container):
        return json.loads(self.engine.docker("inspect", container).stdout)[0]

    def state(self, service):
        [container] = self.containers(service)
        return self.inspect(container)["State"]

    def address(self, container):
        """The container's address on the balancer's network, which the engine's host can reach."""
        return self.inspect(container)["NetworkSettings"]["Networks"]["infra_front"]["IPAddress"]

    def get(self, container, path, port=PORT):
        """The response of this container, without the balancer."""
        return self.engine.run("curl", "--silent", "--fail", f"http://{self.address(container)}:{port}{path}").stdout

    def metric(self, container, name, port=PORT):
        """The sum of all series whose text starts with `name`."""
        lines = self.get(container, "/metrics", port).splitlines()
        return sum(float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith(name))

    def sql(self, statement):
        return self.engine.docker("exec", "infra-db-1", "psql", "-XAt", "-U", "user", "-d", "tps", "-c", statement).stdout

    def answers(self):
        try:
            with Client(PORT, timeout=5) as client:
                return client.get("/readiness").status == 200
        except (Broken, OSError):
            return False

    def wait_until_it_answers(self):
        wait_until(self.answers, STARTING_SECONDS, "an answer on port 8000")

    def wait_until_all_serve(self, instances):
        """Waits until the balancer sends requests to all instances."""
        [balancer] = self.containers("balancer")
        active = 'haproxy_backend_active_servers{proxy="app"}'
        wait_until(lambda: self.metric(balancer, active, BALANCER_METRICS_PORT) == instances, STARTING_SECONDS,
                   f"{instances} instances that serve")

    def crash(self, container):
        """Kills the first process. Returns when Docker has restarted the container and it is healthy."""
        before = self.inspect(container)["RestartCount"]
        self.engine.kill_process(container)
        wait_until(lambda: self.inspect(container)["RestartCount"] > before, 30, "a restart")
        wait_until(lambda: self.inspect(container)["State"]["Health"]["Status"] == "healthy", 60, "health")
