"""A page of another site cannot use a browser on this machine against a server without authentication.

The page tries what pages can do without asking: forms, fetch without CORS, images and beacons; to each name of this machine.
"""
import json

import pytest

from support.answers import hold, pay
from support.browser import CHROMIUM, show, site
from support.tps import Tps

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed")
TRIES = 19  # for each name

PAGE = """<!doctype html><meta charset=utf-8><title>another site</title><body><script>
const targets = TARGETS;
const deposit = JSON.stringify({user_id: "thief", amount: 1, currency: "USD"});
const paths = ["/transactions/1/reverse", "/transactions/2/capture", "/transactions/2/void"];
const soon = () => new Promise(resolve => setTimeout(resolve, 5000));
function form(address) {
  const frame = document.createElement("iframe");
  frame.name = "frame" + Math.random();
  document.body.append(frame);
  const form = document.createElement("form");
  form.method = "POST";
  form.action = address;
  form.target = frame.name;
  document.body.append(form);
  const loaded = new Promise(resolve => frame.addEventListener("load", () => resolve("loaded")));
  form.submit();
  return Promise.race([loaded, soon()]);
}
async function ask(address, options) {
  try {
    return (await fetch(address, {signal: AbortSignal.timeout(5000), ...options})).type;
  } catch (error) {
    return error.name;
  }
}
(async () => {
  let count = 0;
  for (const target of targets) {
    for (const path of paths) {
      await form(target + path);
      await ask(target + path, {method: "POST", mode: "no-cors"});
      await ask(target + path, {method: "POST", mode: "cors"});
      navigator.sendBeacon(target + path);
      count += 4;
    }
    for (const type of ["text/plain", "application/x-www-form-urlencoded", "application/json"]) {
      await ask(target + "/transactions", {method: "POST", mode: "no-cors", body: deposit, headers: {"Content-Type": type}});
      await ask(target + "/transactions", {method: "POST", mode: "cors", body: deposit, headers: {"Content-Type": type}});
      count += 2;
    }
    await ask(target + "/users/alice/accounts/USD", {method: "PUT", body: '{"frozen":true}',
                                                     headers: {"Content-Type": "application/json"}});
    count += 1;
  }
  await fetch("/done?" + count);
})();
</script>"""


@pytest.mark.parametrize("address,names", [("127.0.0.1", ("127.0.0.1", "localhost", "0.0.0.0", "tps.localhost")),
                                           ("[::1]", ("[::1]", "[::]", "localhost"))])
@pytest.mark.parametrize("origin", ["evil.example", "localhost"])
def test_a_page_of_another_site_has_no_effect(folder, address, names, origin):
    server = Tps(folder, address=address).start()
    try:
        with server.client() as client:
            pay(client, "alice", 100)
            hold(client, "alice", 30)
            before = state(client)
            page = PAGE.replace("TARGETS", json.dumps([f"http://{name}:{server.port}" for name in names]))
            with site(page) as other:
                show(f"http://{origin}:{other.port}/", other.done, folder, "--host-resolver-rules=MAP evil.example 127.0.0.1")
                assert int(other.result) == len(names) * TRIES
            assert state(client) == before
        assert rejected(server) >= TRIES, "the browser did not reach the server"
    finally:
        server.stop()


def rejected(server):
    with server.client() as client:
        lines = client.get("/metrics").body.decode().splitlines()
    return sum(float(line.rsplit(" ", 1)[1]) for line in lines
               if line.startswith("http_requests_total") and 'http_status="403"' in line)


def state(client):
    return client.get("/users/alice/balances").json(), client.get("/transactions/1").json(), \
        client.get("/transactions/2").json()["status"], client.get("/transactions").json()
