"""A day of realistic transactions in NDJSON batches: every valid line settles, every invalid one gets an error with its line."""
from collections import defaultdict

import pytest
from support.deployment import deploy
from support.fixtures import servers_for, short_or_long
from support.history import check, wait_settled
from support.sample import Sample

COUNT = short_or_long(10_000, 100_000)
BATCH = 1000


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_a_whole_file(kind, request):
    sample = Sample(COUNT)
    with deploy(kind, **servers_for(kind, request)) as running:
        with running.client(timeout=30) as client:
            ids = send(client, sample)
        assert len(ids) == COUNT - len(sample.invalid) and len(set(ids)) == len(ids)
        wait_settled(running.database, 120)
        records = check(running.database)
        assert [row[6] for row in records.log] == [
            f"line {number}" for number in range(COUNT) if number not in sample.invalid]
        statuses = [row[1] for row in records.settlements]
        assert set(statuses) == {"settled", "failed"} and len(statuses) == len(ids)
        assert {row[0]: int(row[1]) for row in records.totals} == sample.deposited()
        assert sums(records.accounts) == {row[0]: int(row[1]) - int(row[2]) for row in records.totals}


def sums(accounts):
    """The sum of all balances per currency."""
    found = defaultdict(int)
    for (_, currency), (posted, _, _) in accounts.items():
        found[currency] += posted
    return dict(found)


def send(client, sample):
    """Posts every batch, holds each answer against its line, and returns the ids."""
    ids = []
    for first, text in sample.batches(BATCH):
        answer = client.post("/transactions/batch", text, {"Content-Type": "application/x-ndjson"})
        assert answer.status == 200, answer
        for number, result in enumerate(answer.json()["results"], first):
            if number in sample.invalid:
                check_refusal(result, sample.invalid[number])
            else:
                assert result["status"] == 201, (sample.lines[number], result)
                assert result["transaction"]["description"] == f"line {number}"
                ids.append(result["transaction"]["id"])
    return ids


def check_refusal(result, pointer):
    assert result["status"] in (400, 422), result
    if pointer is not None:
        assert any(error["pointer"].endswith(pointer) for error in result["problem"]["errors"]), result
