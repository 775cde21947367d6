"""The checker of histories finds what it is there for: each case spoils one thing in a sound database."""
import copy
import types

import pytest
from support.fold import Row
from support.history import Sent, check_acknowledged, check_ids, check_order, check_settlements


def sound():
    """u gets 5.00, fails to pay 9.00, and sends 2.00 to v."""
    return types.SimpleNamespace(
        log=[Row(1, "u", "deposit", 500, "USD", None, "k1"), Row(2, "u", "withdrawal", 900, "USD", None, "k2"),
             Row(3, "u", "transfer", 200, "USD", "v", "k3")],
        settlements=[(1, "settled", None, 500, 0, 1, None, None),
                     (2, "failed", "insufficient_funds", 500, 0, 1, None, None),
                     (3, "settled", None, 300, 0, 2, 200, 1)],
        accounts={("u", "USD"): (300, 0, 2), ("v", "USD"): (200, 0, 1)},
        totals=[("USD", 500, 0, 0, 0, 0)])


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
    records.log.append(Row(4, "u", "deposit", 500, "USD", None, "k1"))


def other_content(records, sent):
    sent[0].amount = "5.01"


def other_id(records, sent):
    sent[0].id = 2


def refused_is_there(records, sent):
    records.log.append(Row(4, "u", "deposit", 100, "USD", None, "k4"))


def gap(records, sent):
    records.log[2] = records.log[2]._replace(id=4)


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
    records.totals = [("USD", 501, 0, 0, 0, 0)]


@pytest.mark.parametrize("spoil", [drop_last, double_key, other_content, other_id, refused_is_there, gap, out_of_order,
                                   not_settled, settled_twice, settled_wrongly, wrong_balance, missing_account,
                                   wrong_totals], ids=lambda spoil: spoil.__name__)
def test_a_spoiled_one_does_not(spoil):
    records, sent = copy.deepcopy(sound()), history()
    spoil(records, sent)
    with pytest.raises(AssertionError):
        check_all(records, sent)


def test_holds_and_what_follows_them_fold_too():
    """u has 5.00; 3.00 are held and 2.00 of them captured; the capture is reversed; a second hold is voided."""
    log = [Row(1, "u", "deposit", 500, "USD"),
           Row(2, "u", "withdrawal", 300, "USD", capture="manual", hold_expires_at=9, created_at=1),
           Row(3, "u", "withdrawal", 300, "USD", capture="manual", hold_expires_at=9, created_at=1),
           Row(4, "u", "capture", 200, "USD", parent_id=2, created_at=2),
           Row(5, "u", "capture", 200, "USD", parent_id=2, created_at=2),
           Row(6, "u", "reversal", 200, "USD", parent_id=4), Row(7, "u", "reversal", 1, "USD", parent_id=4),
           Row(8, "u", "withdrawal", 500, "USD", capture="manual", hold_expires_at=9, created_at=3),
           Row(9, "u", "void", 500, "USD", parent_id=8)]
    settlements = [(1, "settled", None, 500, 0, 1, None, None), (2, "settled", None, 500, 300, 2, None, None),
                   (3, "failed", "insufficient_funds", 500, 300, 2, None, None),
                   (4, "settled", None, 300, 0, 3, None, None),
                   (5, "failed", "invalid_parent_state", 300, 0, 3, None, None),
                   (6, "settled", None, 500, 0, 4, None, None),
                   (7, "failed", "reversal_exceeds_original", 500, 0, 4, None, None),
                   (8, "voided", None, 500, 500, 5, None, None), (9, "settled", None, 500, 0, 6, None, None)]
    records = types.SimpleNamespace(log=log, settlements=settlements, accounts={("u", "USD"): (500, 0, 6)},
                                    totals=[("USD", 500, 0, 200, 0, 200)])
    check_settlements(records)
