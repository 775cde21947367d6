"""The promises of the manifests: one small function each, over all objects of a deployment."""

POLICIES = {}


def policy(function):
    """Registers an assertion that holds for every deployment."""
    POLICIES[function.__name__] = function
    function.everywhere = True
    return function


def production_policy(function):
    """Registers an assertion that the laptop overlay need not satisfy."""
    policy(function).everywhere = False
    return function


from policies import data, lifecycle, monitoring, network, pods, scaling, settings, wiring  # noqa: E402,F401
