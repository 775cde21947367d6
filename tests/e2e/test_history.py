"""The checker of histories finds what it is there for: each case spoils one thing in a sound database."""
import copy
import types

import pytest
from support.history import Sent, check_acknowledged, check_ids, check_order, check_settlements


def sound():
    """u gets 5.00, fails to pay 9.00, and sends 2.00 to v."""
    return types.SimpleNamespace(
        log=[(1, "u", "deposit", 500, "USD", None, "k1", 0), (2, "u", "withdrawal", 900, "USD", None, "k2", 0),
             (3, "u", "transfer", 200, "USD", "v", "k3", 0)],
        settlements=[(1, "settled", None, 500, 0, 1, None, None),
                     (2, "failed", "insufficient_funds", 500, 0, 1, None, None),
                     (3, "settled", None, 300, 0, 2, 200, 1)],
        accounts={("u", "USD"): (300, 0, 2), ("v", "USD"): (200, 0, 1)},
        totals=[("USD", 500, 0)])


def history():
    return [Sent("k1", "u", "deposit", "5.00", "USD", None, "acknowledged", 1),
            Sent("k2", "u", "withdrawal", "9.00", "USD", None, "acknowledged", 2),
            Sent("k3", "u", "transfer", "2.00", "USD", "v", "unknown"),
            Sent("k4", "u", "deposit", "1.00", "USD", None, "refused")]


def check_all(records, sent):
    check_ids(records)
    check_acknowledged(records, sent)
    check_order(sent)
    check_settlements(records)


def test_a_sound_database_passes():
    check_all(sound(), history())


def drop_last(records, sent):
    """Acknowledged, but not there."""
    sent[2].outcome, sent[2].id = "acknowledged", 3
    records.log.pop()
    records.settlements.pop()


def double_key(records, sent):
    records.log.append((4, "u", "deposit", 500, "USD", None, "k1", 0))


def other_content(records, sent):
    sent[0].amount = "5.01"


def other_id(records, sent):
    sent[0].id = 2


def refused_is_there(records, sent):
    records.log.append((4, "u", "deposit", 100, "USD", None, "k4", 0))


def gap(records, sent):
    records.log[2] = (4, *records.log[2][1:])


def out_of_order(records, sent):
    sent[0], sent[1] = sent[1], sent[0]


def not_settled(records, sent):
    records.settlements.pop()


def settled_twice(records, sent):
    records.settlements.append(records.settlements[0])


def settled_wrongly(records, sent):
    records.settlements[1] = (2, "settled", None, -400, 0, 2, None, None)


def wrong_balance(records, sent):
    records.accounts[("u", "USD")] = (301, 0, 2)


def missing_account(records, sent):
    del records.accounts[("v", "USD")]


def wrong_totals(records, sent):
    records.totals = [("USD", 501, 0)]


@pytest.mark.parametrize("spoil", [drop_last, double_key, other_content, other_id, refused_is_there, gap, out_of_order,
                                   not_settled, settled_twice, settled_wrongly, wrong_balance, missing_account,
                                   wrong_totals], ids=lambda spoil: spoil.__name__)
def test_a_spoiled_one_does_not(spoil):
    records, sent = copy.deepcopy(sound()), history()
    spoil(records, sent)
    with pytest.raises(AssertionError):
        check_all(records, sent)
