"""Prometheus and Alertmanager with the project's rules and configuration, with all durations divided by FACTOR.

Only durations change: intervals, timeouts, rate windows and the `for` of alerts. Their relations stay the same, so the rules
see the same samples: a window of 5 minutes with 20 scrapes becomes a window of 10 seconds with 20 scrapes.
"""
import json
import re
import shutil
import urllib.parse
import urllib.request

import yaml
from shipped import ALERTMANAGER, PROMETHEUS, RULES
from support.process import Process, free_port, wait_until
from support.servers import temporary_folder

FACTOR = 30
MILLISECONDS = {"s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
DURATION = re.compile(r"(\[|\bfor: |(?:interval|timeout|wait): )(\d+)([smhd])\b")


def milliseconds(count, unit):
    return int(count) * MILLISECONDS[unit] // FACTOR


def faster(text):
    return DURATION.sub(lambda found: f"{found[1]}{milliseconds(found[2], found[3])}ms", text)


def fetch(url):
    with urllib.request.urlopen(url, timeout=5) as answer:
        return json.load(answer)


def answers(url):
    try:
        with urllib.request.urlopen(url, timeout=1) as answer:
            return answer.status == 200
    except OSError:
        return False


class Monitoring:
    """`targets`: the ports of each job of prometheus.yml."""

    def __init__(self, targets):
        self.folder = temporary_folder("prometheus")
        self.prometheus_port, self.alertmanager_port = free_port(), free_port()
        self.processes = []
        self._write(targets)
        try:
            self._start()
        except BaseException:
            self.stop()
            raise

    def _write(self, targets):
        (self.folder / "rules").mkdir()
        for file in RULES:
            (self.folder / "rules" / file.name).write_text(faster(file.read_text()))
        config = yaml.safe_load(faster(PROMETHEUS.read_text()))
        # Replaces host names of Compose's network by ports of this machine.
        config["alerting"]["alertmanagers"][0]["static_configs"] = [{"targets": [f"127.0.0.1:{self.alertmanager_port}"]}]
        for job in config["scrape_configs"]:
            del job["dns_sd_configs"]
            job["static_configs"] = [{"targets": [f"127.0.0.1:{port}" for port in targets[job["job_name"]]]}]
        (self.folder / "prometheus.yml").write_text(yaml.safe_dump(config))
        (self.folder / "alertmanager.yml").write_text(faster(ALERTMANAGER.read_text()))

    def _start(self):
        folder = self.folder
        self._launch("prometheus-alertmanager", f"--config.file={folder}/alertmanager.yml", "--cluster.listen-address=",
                     f"--storage.path={folder}/alertmanager", f"--web.listen-address=127.0.0.1:{self.alertmanager_port}")
        self._launch("prometheus", f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/data",
                     f"--web.listen-address=127.0.0.1:{self.prometheus_port}",
                     f"--query.lookback-delta={milliseconds(5, 'm')}ms")
        for port in (self.alertmanager_port, self.prometheus_port):
            wait_until(lambda port=port: answers(f"http://127.0.0.1:{port}/-/ready"), 30, f"port {port}")

    def wait_for_data(self):
        """Prometheus always takes 5 s to find its targets, so it misses them at first."""
        wait_until(lambda: self.query("namespace:tps_posts_bad:ratio_rate5m >= 0"), 30, "figures")
        wait_until(lambda: not self.firing() | self.told(), 60, "silence")

    def _launch(self, *command):
        self.processes.append(Process(list(command), self.folder / "log"))

    def query(self, expression):
        """The current [(labels, value)]."""
        query = urllib.parse.urlencode({"query": expression})
        answer = fetch(f"http://127.0.0.1:{self.prometheus_port}/api/v1/query?{query}")
        return [(one["metric"], float(one["value"][1])) for one in answer["data"]["result"]]

    def rule_groups(self):
        return fetch(f"http://127.0.0.1:{self.prometheus_port}/api/v1/rules")["data"]["groups"]

    def firing(self):
        """Names of all firing alerts, including suppressed ones."""
        return {labels["alertname"] for labels, _ in self.query('ALERTS{alertstate="firing"}')}

    def told(self):
        """Names of the firing alerts that Alertmanager does not suppress."""
        alerts = fetch(f"http://127.0.0.1:{self.alertmanager_port}/api/v2/alerts?active=true&inhibited=false")
        return {alert["labels"]["alertname"] for alert in alerts}

    def explain(self):
        """Details for the failure message: all alerts, and the POSTs of each instance by status and duration."""
        posts = 'instance,http_status,le) (rate({__name__=~"http_requests_total|http_request_duration_seconds_bucket",method="POST"}[10s])) > 0'
        return "\n".join(str(one) for one in self.query("ALERTS") + self.query(f"sum by (__name__,{posts}"))

    def log(self):
        return (self.folder / "log").read_text(errors="replace")

    def stop(self):
        for process in self.processes:
            process.end()
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()
