"""Metrics: the two of the original with the route's template as label, the others, and a bounded number of series."""
import re
import uuid

import pytest
from support.answers import pay

OURS = ["tps_lane_queue_depth", "tps_lane_flight_size_bucket", "tps_lane_flight_seconds_bucket",
        "tps_store_operations_total", "tps_cache_operations_total", "tps_shed_total", "tps_build_info",
        "tps_http_connections", "tps_transactions_accepted_total", "tps_transactions_settled_total",
        "tps_settle_batch_size_bucket", "tps_oldest_pending_seconds", "tps_ready", "tps_http_connections_limit",
        "process_cpu_seconds_total", "process_resident_memory_bytes", "process_open_fds", "process_max_fds",
        "tps_memory_limit_bytes", "tps_log_lines_dropped_total"]
LINE = re.compile(r'[a-zA-Z_:][a-zA-Z0-9_:]*(\{([a-zA-Z_]\w*="([^"\\\n]|\\.)*",?)*\})? (-?[0-9.e+-]+|NaN|[+-]Inf)')


def scrape(deployment):
    with deployment.first.client() as client:
        answer = client.get("/metrics")
    assert answer.status == 200 and answer.headers["content-type"].startswith("text/plain")
    return [line for line in answer.body.decode().splitlines() if line and not line.startswith("#")]


def series(deployment):
    return {line.rsplit(" ", 1)[0] for line in scrape(deployment)}


def test_the_two_of_the_original(deployment, client):
    for _ in deployment.instances:
        id_ = pay(client, "metered", 1)["id"]
    for _ in deployment.instances:
        client.get(f"/transactions/{id_}")
        client.get("/nowhere/at/all")
    text = "\n".join(scrape(deployment))
    for labels in ('method="POST",endpoint="/transactions",http_status="201"',
                   'method="GET",endpoint="/transactions/{id}",http_status="200"'):
        wanted = set(labels.split(","))
        assert any(wanted <= set(found.split(",")) for found in re.findall(r"http_requests_total\{(.*)\}", text)), labels
    assert re.search(r'http_request_duration_seconds_bucket\{.*endpoint="/transactions/\{id\}".*le="', text)
    assert "/nowhere" not in text


@pytest.mark.parametrize("status", [500, 503, 504])
@pytest.mark.parametrize("endpoint", ["/transactions", "/transactions/{id}/capture"])
def test_failures_are_there_before_the_first(deployment, status, endpoint):
    wanted = f'http_requests_total{{endpoint="{endpoint}",http_status="{status}",method="POST"}} '
    assert any(line.startswith(wanted) for line in scrape(deployment))


@pytest.mark.parametrize("name", OURS)
def test_ours(deployment, name):
    with deployment.first.client() as client:
        pay(client, "metered", 1)
    assert any(line.startswith(name) for line in scrape(deployment)), name


def test_every_line_is_prometheus_text(deployment):
    for line in scrape(deployment):
        assert LINE.fullmatch(line), line


def test_the_number_of_series_does_not_depend_on_clients(deployment):
    def visit(count):
        with deployment.first.client() as client:
            for number in range(count):
                token = uuid.uuid4().hex
                client.get(f"/transactions/{10**6 + number}")
                client.get(f"/users/{token}/balances")
                client.get(f"/{token}?{token}={token}")
                client.request("DELETE", f"/transactions/{number}")
                client.request(token[:8].upper(), "/transactions")
                client.post("/transactions", {"user_id": token, "amount": number + 1, "currency": "USD"},
                            {"X-Request-Id": token, "Idempotency-Key": token})
    visit(5)
    before = series(deployment)
    visit(300)
    assert series(deployment) == before


def test_counts_are_true(deployment):
    name = 'tps_transactions_accepted_total'
    before = deployment.first.metric(name)
    with deployment.first.client() as client:
        for _ in range(7):
            pay(client, "counted", 1)
        client.post("/transactions", {"user_id": "counted", "amount": -1, "currency": "USD"})
    assert deployment.first.metric(name) == before + 7
