"""Every promise can be broken: each mutation must be noticed by the promise that it belongs to.

test_manifests.py checks that the promises hold without mutations.
"""
import copy

import pytest
from manifests import production
from mutations import MUTATIONS
from policies import POLICIES

WHOLE = production()


def test_every_promise_has_a_mutation():
    assert {promise for promise, _ in MUTATIONS} == set(POLICIES)


@pytest.mark.parametrize("promise, mutate", [pytest.param(*one, id=f"{one[0]}-{index}")
                                             for index, one in enumerate(MUTATIONS)])
def test_mutation_is_noticed(promise, mutate):
    broken = copy.deepcopy(WHOLE)
    mutate(broken)
    assert broken != WHOLE, "it changes nothing"
    with pytest.raises(AssertionError):
        POLICIES[promise](broken)
