"""Every promise of policies/ on the output of kubectl."""
import re
import shutil

import pytest
from manifests import MANIFESTS, development, kind, labels, production, render
from policies import POLICIES

DEPLOYMENTS = {"production": production(), "dev": development()}


@pytest.mark.parametrize("which, promise", [(which, one) for which in DEPLOYMENTS for one in POLICIES
                                            if which == "production" or POLICIES[one].everywhere])
def test_promise(which, promise):
    POLICIES[promise](DEPLOYMENTS[which])


def test_a_label_for_the_operator_is_lines_to_uncomment(tmp_path):
    """The manifests of the production overlay."""
    copy = shutil.copytree(MANIFESTS, tmp_path / "k8s")
    overlay = copy / "overlays/production/kustomization.yaml"
    patch = re.search(r"# patches:\n(#   .*\n)+", overlay.read_text())
    overlay.write_text(overlay.read_text().replace(patch[0], re.sub(r"(?m)^# ", "", patch[0])))
    watched = kind(render(copy / "overlays/production"), "ServiceMonitor", "PodMonitor", "PrometheusRule")
    assert [labels(one)["release"] for one in watched] == ["kube-prometheus-stack"] * 3
