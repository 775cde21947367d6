"""Lists: filters, cursors that stay where they are while others write, and the change feed."""
import threading
import urllib.parse
import uuid

import pytest
from support.answers import accepted, assert_problem, pay
from support.deployment import deploy
from support.fixtures import servers_for
from support.process import wait_until


def listed(client, **query):
    answer = client.get("/transactions?" + urllib.parse.urlencode(query))
    assert answer.status == 200, (answer.status, answer.body)
    return answer.json()


def ids(page):
    return [one["id"] for one in page["data"]]


def all_pages(client, **query):
    """Every id over all pages."""
    found, cursor = [], {}
    while True:
        page = listed(client, **query, **cursor)
        found += ids(page)
        if page["next_cursor"] is None:
            return found
        cursor = {"cursor": page["next_cursor"]}


@pytest.fixture(scope="module")
def story(deployment):
    """A user with a bit of everything; the ids by name, oldest first."""
    user = f"story_{uuid.uuid4().hex}"
    with deployment.client() as client:
        made = {
            "deposit": pay(client, user, "100.00"),
            "yen": pay(client, user, "500", "JPY"),
            "withdrawal": pay(client, user, "30.00", type="withdrawal"),
            "failed": pay(client, user, "1000.00", type="withdrawal"),
            "transfer": pay(client, user, "5.00", type="transfer", to_user_id=f"{user}_friend", reference="r 1&=é"),
            "last": pay(client, user, "1.00"),
        }
    return user, {name: one["id"] for name, one in made.items()}, made


def test_newest_first(client, story):
    user, named, made = story
    page = listed(client, user_id=user)
    assert page["data"] == list(reversed(made.values()))
    assert page["next_cursor"] is None


@pytest.mark.parametrize("query, names", [
    ({"type": "withdrawal"}, ["failed", "withdrawal"]),
    ({"type": "transfer"}, ["transfer"]),
    ({"type": "capture"}, []),
    ({"status": "failed"}, ["failed"]),
    ({"status": "pending"}, []),
    ({"status": "settled", "type": "deposit"}, ["last", "yen", "deposit"]),
    ({"currency": "JPY"}, ["yen"]),
    ({"currency": "jpy"}, ["yen"]),
    ({"reference": "r 1&=é"}, ["transfer"]),
    ({"reference": "r 1"}, []),
    ({"limit": 1}, ["last"]),
    ({"order": "asc", "limit": 2}, ["deposit", "yen"]),
    ({"order": "desc", "limit": 2}, ["last", "transfer"]),
], ids=str)
def test_filters(client, story, query, names):
    user, named, _ = story
    assert ids(listed(client, user_id=user, **query)) == [named[name] for name in names]


def test_times_include_the_start_and_exclude_the_end(client, story):
    user, named, made = story
    start, end = made["withdrawal"]["created_at"], made["transfer"]["created_at"]
    found = ids(listed(client, user_id=user, created_from=start, created_to=end))
    assert found == [named["failed"], named["withdrawal"]]
    assert ids(listed(client, user_id=user, created_from=end)) == [named["last"], named["transfer"]]


def test_other_forms_of_the_same_time(client, story):
    user, named, made = story
    whole = made["deposit"]["created_at"][:19]
    for form in (f"{whole}Z", f"{whole}+00:00", f"{whole}.000Z"):
        assert ids(listed(client, user_id=user, created_from=form))[-1] == named["deposit"], form


def test_pages_of_every_size_make_the_same_list(client, story):
    user, named, _ = story
    expected = list(reversed(named.values()))
    for limit in (1, 2, 5, 6, 7, 1000):
        assert all_pages(client, user_id=user, limit=limit) == expected
        assert all_pages(client, user_id=user, limit=limit, status="settled") == [
            one for one in expected if one != named["failed"]]


def test_pages_stay_where_they_are_while_others_write(deployment):
    user = f"busy_{uuid.uuid4().hex}"
    with deployment.client() as client:
        before = [accepted(client.post("/transactions", {"user_id": user, "amount": 1, "currency": "USD"}))["id"]
                  for _ in range(60)]
    stop = threading.Event()

    def write():
        with deployment.client() as writer:
            while not stop.is_set():
                writer.post("/transactions", {"user_id": user, "amount": 1, "currency": "USD"})

    thread = threading.Thread(target=write)
    thread.start()
    try:
        with deployment.client() as client:
            newest = ids(listed(client, user_id=user, limit=1))[0]
            found, cursor = [], {}
            while True:
                page = listed(client, user_id=user, limit=7, **cursor)
                found += ids(page)
                if page["next_cursor"] is None:
                    break
                cursor = {"cursor": page["next_cursor"]}
    finally:
        stop.set()
        thread.join(20)
    assert found == sorted(set(found), reverse=True)
    assert [one for one in found if one <= before[-1]] == list(reversed(before))
    assert found[0] >= newest - 1


def test_the_change_feed_misses_nothing_and_repeats_nothing(deployment):
    """Read while two writers write: ids without gaps, in order (P = 1)."""
    with deployment.client() as client:
        start = max(ids(listed(client, limit=1)), default=0)
    writers = [threading.Thread(target=write_many, args=(deployment, turn, 200)) for turn in range(2)]
    for writer in writers:
        writer.start()
    found, after = [], start
    with deployment.client() as client:
        def caught_up():
            nonlocal after
            page = ids(listed(client, order="asc", after=after, limit=50))
            found.extend(page)
            after = page[-1] if page else after
            return len(found) >= 400
        wait_until(caught_up, 30, "the end of the feed")
    for writer in writers:
        writer.join(20)
    assert found == list(range(start + 1, start + 401))


def write_many(deployment, turn, count):
    with deployment.client() as client:
        client.turn = turn
        for _ in range(count):
            accepted(client.post("/transactions", {"user_id": f"fed_{turn}", "amount": 1, "currency": "USD"}))


def test_the_feed_can_be_followed_by_cursor(client, story):
    user, named, _ = story
    page = listed(client, user_id=user, order="asc", after=named["deposit"], limit=3)
    assert ids(page) == [named["yen"], named["withdrawal"], named["failed"]]
    rest = listed(client, user_id=user, order="asc", cursor=page["next_cursor"])
    assert ids(rest) == [named["transfer"], named["last"]]
    assert rest["next_cursor"], "a reader of the feed can always go on"
    assert ids(listed(client, user_id=user, order="asc", cursor=rest["next_cursor"])) == []
    new = pay(client, user, "2.00")
    assert ids(listed(client, user_id=user, order="asc", cursor=rest["next_cursor"])) == [new["id"]]


@pytest.mark.parametrize("kind", ["sqlite", "pair"])
def test_the_feed_of_several_partitions(request, kind):
    """One cursor follows all logs, with any number of writers. A single id does not describe a position in several logs."""
    arguments = ("--partitions", 8)
    with deploy(kind, **servers_for(kind, request), arguments=arguments) as running, running.client() as client:
        page = listed(client, order="asc", after=0)
        assert page["data"] == [] and page["next_cursor"]
        writers = [threading.Thread(target=write_to_many_users, args=(running, turn, 100)) for turn in range(2)]
        for writer in writers:
            writer.start()
        found, cursor = [], page["next_cursor"]

        def caught_up():
            nonlocal cursor
            more = listed(client, order="asc", cursor=cursor, limit=30)
            cursor = more["next_cursor"]
            found.extend(ids(more))
            return len(found) >= 200
        wait_until(caught_up, 30, "the end of the feed")
        for writer in writers:
            writer.join(20)
        assert ids(listed(client, order="asc", cursor=cursor)) == []
        by_partition = {}
        for one in found:
            by_partition.setdefault(one >> 45, []).append(one & ((1 << 45) - 1))
        assert len(by_partition) > 1
        for sequences in by_partition.values():
            assert sequences == list(range(1, len(sequences) + 1))
        again = listed(client, order="asc", after=0, limit=1000)
        assert sorted(ids(again)) == sorted(found)
        assert_problem(client.get(f"/transactions?order=asc&after={found[0]}"), 400, "invalid_parameter", ["after"])
        assert_problem(client.get(f"/transactions?order=asc&status=failed&cursor={cursor}"), 400, "invalid_cursor")


def write_to_many_users(deployment, turn, count):
    with deployment.client() as client:
        client.turn = turn
        for number in range(count):
            body = {"user_id": f"fed_{turn}_{number}", "amount": 1, "currency": "USD"}
            accepted(client.post("/transactions", body))


@pytest.mark.parametrize("query, name", [
    ("limit=0", "limit"), ("limit=1001", "limit"), ("limit=-1", "limit"), ("limit=x", "limit"), ("limit=", "limit"),
    ("limit=1.0", "limit"), ("limit=99999999999999999999", "limit"),
    ("status=done", "status"), ("status=", "status"), ("type=gift", "type"), ("currency=XXQ", "currency"),
    ("currency=", "currency"), ("user_id=", "user_id"), (f"user_id={'u' * 129}", "user_id"), ("user_id=%00", "user_id"),
    ("user_id=%ff", "user_id"), ("user_id=%zz", "user_id"), ("user_id=%e", "user_id"),
    ("created_from=yesterday", "created_from"), ("created_to=2020-13-01T00:00:00Z", "created_to"),
    ("created_from=2020-02-30T00:00:00Z", "created_from"), ("created_from=2020-01-01T00:00:00", "created_from"),
    ("parent_id=x", "parent_id"), ("parent_id=-1", "parent_id"), ("order=up", "order"), ("after=x&order=asc", "after"),
    ("after=-1&order=asc", "after"), ("after=1", "after"), ("unknown=1", "unknown"), ("limit=1&limit=2", "limit"),
    (f"reference={'r' * 256}", "reference"),
], ids=lambda value: value[:40])
def test_bad_parameters_are_named(client, query, name):
    assert_problem(client.get(f"/transactions?{query}"), 400, "invalid_parameter", [name])


@pytest.mark.parametrize("cursor", ["x", "AAAA", "1", "-1", "a" * 3000, "%F0%9F%92%A9"])
def test_made_up_cursors_are_refused(client, cursor):
    assert_problem(client.get(f"/transactions?cursor={cursor}"), 400, "invalid_cursor")


def test_a_cursor_changed_by_hand_is_refused_or_harmless(client, story):
    user = story[0]
    cursor = listed(client, user_id=user, limit=2)["next_cursor"]
    for place in range(len(cursor)):
        changed = cursor[:place] + ("A" if cursor[place] != "A" else "B") + cursor[place + 1:]
        answer = client.get(f"/transactions?user_id={user}&cursor={urllib.parse.quote(changed)}")
        assert answer.status in (200, 400), (changed, answer)


def test_a_cursor_belongs_to_its_filters(client, story):
    user = story[0]
    cursor = listed(client, user_id=user, limit=2)["next_cursor"]
    answer = client.get(f"/transactions?user_id=somebody_else&cursor={urllib.parse.quote(cursor)}")
    assert answer.status in (200, 400), answer
    if answer.status == 200:
        assert ids(answer.json()) == []
