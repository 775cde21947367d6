"""Every promise of policies/ over what kubectl renders."""
import pytest
from manifests import development, production
from policies import POLICIES

DEPLOYMENTS = {"production": production(), "dev": development()}


@pytest.mark.parametrize("which, promise", [(which, one) for which in DEPLOYMENTS for one in POLICIES
                                            if which == "production" or POLICIES[one].everywhere])
def test_promise(which, promise):
    POLICIES[promise](DEPLOYMENTS[which])
