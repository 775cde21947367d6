"""Every route with every scope, for the caller's own user and for another. The routes come from the served OpenAPI document."""
import itertools
import json

import pytest
from support.deployment import deploy
from support.fixtures import servers_for
from support.tokens import SECRET, bearer

SCOPES = ("transactions:read", "transactions:write", "transactions:deposit", "transactions:reverse", "accounts:read",
          "accounts:write", "admin")
PAYMENT = {"user_id": "own", "amount": 1, "currency": "USD", "type": "withdrawal"}
BODIES = {"/transactions": PAYMENT,
          "/transactions/batch": {"transactions": [PAYMENT]},
          "/users/{id}/accounts/{currency}": {"overdraft_limit": 100}}
ONE_OF_EACH_PLACE = ("own", "foreign", "missing")


@pytest.fixture(scope="module", params=("sqlite", "postgres"))
def deployment(request):
    with deploy(request.param, arguments=("--jwt-secret", SECRET), **servers_for(request.param, request)) as running:
        yield running


@pytest.fixture(scope="module")
def ids(deployment):
    """A withdrawal with a hold of each user, to capture, void or reverse."""
    def hold(client, user):
        everything = bearer("admin")
        client.post("/transactions", {"user_id": user, "amount": 1000, "currency": "USD"}, everything)
        body = {"user_id": user, "amount": 1, "currency": "USD", "type": "withdrawal", "capture": "manual"}
        return client.post("/transactions", body, everything | {"Prefer": "wait=5"}).json()["id"]

    with deployment.client() as client:
        return {"own": hold(client, "own"), "foreign": hold(client, "foreign"), "missing": 999_999_999}


def operations(client):
    document = json.loads(client.get("/openapi.json").body)
    for path, item in document["paths"].items():
        for method, operation in item.items():
            yield method.upper(), path, operation.get("security", [])


def scope_of(security):
    return next((one["oauth2"][0] for one in security if "oauth2" in one), None)


def target(path, whose, ids):
    user = {"own": "own", "foreign": "foreign", "missing": "nobody"}[whose]
    if path.startswith("/users/"):
        path = path.replace("{id}", user).replace("{currency}", "USD")
    return path.replace("{id}", str(ids[whose])) + ("?currency=USD" if path.endswith("/statement") else "")


def test_every_route_with_every_scope(deployment, ids):
    asked = 0
    with deployment.client() as client:
        for (method, path, security), scope, whose in itertools.product(operations(client), SCOPES, ONE_OF_EACH_PLACE):
            needed = scope_of(security)
            if needed is None:
                continue
            asked += 1
            answer = client.request(method, target(path, whose, ids), BODIES.get(path), bearer(scope, user="own"))
            case = (method, path, scope, whose, answer.status, answer.body)
            if scope not in (needed, "admin"):
                assert (answer.status, answer.code) == (403, "forbidden"), case
            elif "{id}" in path and whose != "own":
                assert (answer.status, answer.code) == (404, "not_found"), case
            else:
                assert answer.status in (200, 201, 202, 422), case  # 422: what is done to the hold cannot be done twice
    assert asked == 10 * len(SCOPES) * len(ONE_OF_EACH_PLACE)


def test_foreign_and_missing_ids_get_the_same_answer(deployment, ids):
    with deployment.client() as client:
        for method, path, security in operations(client):
            if scope_of(security) is None or "{id}" not in path:
                continue
            bodies = []
            for whose in ("foreign", "missing"):
                answer = client.request(method, target(path, whose, ids), BODIES.get(path), bearer("admin", user="own"))
                problem = answer.json()
                assert problem.pop("request_id") and problem.pop("instance")
                bodies.append(problem)
            assert bodies[0] == bodies[1], (method, path)


def test_routes_with_a_scope_need_a_credential(deployment, ids):
    with deployment.client() as client:
        for method, path, security in operations(client):
            status = client.request(method, target(path, "own", ids), BODIES.get(path)).status
            if scope_of(security) is not None:
                assert status == 401, (method, path)
            elif path != "/token":
                assert status == 200, (method, path)


def test_a_list_shows_ones_own_only(deployment, ids):
    with deployment.client() as client:
        for query in ("", "?order=asc&after=0", "?type=withdrawal", "?user_id=own"):
            listed = client.get(f"/transactions{query}", bearer("transactions:read", user="own")).json()["data"]
            assert listed and {one["user_id"] for one in listed} == {"own"}, query
        assert client.get("/transactions?user_id=foreign", bearer("transactions:read", user="own")).status == 404


def test_a_caller_cannot_write_for_another_user(deployment):
    foreign = {"user_id": "foreign", "amount": 1, "currency": "USD"}
    with deployment.client() as client:
        newest = client.get("/transactions?limit=1", bearer("admin")).json()["data"]
        headers = bearer("transactions:write", user="own")
        assert client.post("/transactions", foreign, headers).status == 403
        results = client.post("/transactions/batch", {"transactions": [foreign]}, headers).json()["results"]
        assert [one["status"] for one in results] == [403]
        assert client.get("/transactions?limit=1", bearer("admin")).json()["data"] == newest


# Each act, and the status that the credentials of its payer, of its receiver and of the operator get. "+" is the payer
# with the scope of its own for that act.
ACTS = {
    "deposit": {"payer": 403, "payer+": 201, "operator": 201},
    "withdrawal": {"payer": 201, "receiver": 403, "operator": 201},
    "transfer": {"payer": 201, "receiver": 403, "operator": 201},
    "hold": {"payer": 201, "receiver": 403, "operator": 201},
    "reverse a deposit": {"payer": 403, "payer+": 201, "operator": 201},
    "reverse a withdrawal": {"payer": 403, "payer+": 201, "receiver": 404, "operator": 201},
    "reverse a transfer": {"payer": 403, "payer+": 201, "receiver": 201, "operator": 201},
    "capture a hold": {"payer": 201, "receiver": 403, "operator": 201},
    "void a hold": {"payer": 201, "receiver": 403, "operator": 201},
    "reverse a capture": {"payer": 403, "payer+": 201, "receiver": 201, "operator": 201},
}
CREDENTIALS = {"payer": ("transactions:read transactions:write", "own"),
               "payer+": ("transactions:read transactions:write transactions:deposit transactions:reverse", "own"),
               "receiver": ("transactions:read transactions:write", "receiver"),
               "operator": ("transactions:read transactions:write", None)}


@pytest.mark.parametrize("act,who,status", [(act, who, status) for act, all_ in ACTS.items() for who, status in all_.items()])
def test_who_may_do_what_to_whom(deployment, act, who, status):
    everything = bearer("admin") | {"Prefer": "wait=5"}
    body = {"user_id": "own", "amount": 1, "currency": "USD"}
    kinds = {"deposit": body, "withdrawal": body | {"type": "withdrawal"},
             "transfer": body | {"type": "transfer", "to_user_id": "receiver"},
             "hold": body | {"type": "transfer", "to_user_id": "receiver", "capture": "manual"}}

    with deployment.client() as client:
        def done(*request):
            answer = client.post(*request, everything)
            assert answer.status == 201, answer.body
            return answer.json()["id"]

        done("/transactions", body | {"amount": 10})
        action, _, kind = act.partition(" a ")
        path = "/transactions"
        if kind == "capture":
            id_ = done(f"/transactions/{done('/transactions', kinds['hold'])}/capture", {})
            path = f"/transactions/{id_}/reverse"
        elif kind:
            path = f"/transactions/{done('/transactions', kinds[kind])}/{action}"
        scopes, user = CREDENTIALS[who]
        credential = bearer(scopes, user=user) if user else bearer(scopes)
        before = client.get("/transactions?limit=1", everything).json()["data"]
        answer = client.post(path, {} if kind else kinds[act], credential | {"Prefer": "wait=5"})
        assert answer.status == status, answer.body
        if status == 201:
            assert answer.json()["status"] in ("settled", "authorized", "voided"), answer.body
        else:
            assert client.get("/transactions?limit=1", everything).json()["data"] == before


def test_the_receiver_reads_what_they_received(deployment):
    transfer = {"user_id": "own", "to_user_id": "receiver", "type": "transfer", "amount": 1, "currency": "USD"}
    with deployment.client() as client:
        id_ = client.post("/transactions", transfer, bearer("admin") | {"Prefer": "wait=5"}).json()["id"]
        receiver = bearer("transactions:read transactions:write", user="receiver")
        assert client.get(f"/transactions/{id_}", receiver).json()["to_user_id"] == "receiver"
        assert client.get(f"/transactions/{id_}", bearer("transactions:read", user="somebody")).status == 404
