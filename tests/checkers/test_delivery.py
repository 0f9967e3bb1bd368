"""What the API server refuses or warns about reaches the test: each kind of complaint is provoked once."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from support import golden
from support.apiserver import deliver

if TYPE_CHECKING:
    from pathlib import Path

    from support.cluster import Cluster
    from support.render import Renderer

FAULTS = {
    "pod that may become root": (
        "deploy/base/deployment.yaml",
        "runAsNonRoot: true",
        "runAsNonRoot: false",
        'would violate PodSecurity "restricted:v1.34": runAsNonRoot != true',
    ),
    "quota without room for a pod": (
        "deploy/platform/dev/namespace.yaml",
        r'pods: "\d+"',
        'pods: "0"',
        "exceeded quota: shop, requested: pods=1",
    ),
    "limit range below what is asked for": (
        "deploy/platform/base/limitrange.yaml",
        r"default:\n        memory: 256Mi",
        r"max: {memory: 200Mi}\n      default:\n        memory: 200Mi",
        "maximum memory usage per Container is 200Mi, but limit is 256Mi",
    ),
    "deployer without a right": (
        "deploy/platform/base/rbac.yaml",
        "poddisruptionbudgets",
        "podgroups",
        'User "tester" cannot patch resource "poddisruptionbudgets"',
    ),
    "field that does not exist": (
        "deploy/base/service.yaml",
        "spec:",
        r"spec:\n  selectors: {}",
        ".spec.selectors: field not declared in schema",
    ),
    "field that the server warns about": (
        "deploy/base/deployment.yaml",
        "serviceAccountName: shop",
        r"serviceAccountName: shop\n      nodeSelector: {beta.kubernetes.io/arch: amd64}",
        "Warning: spec.template.spec.nodeSelector[beta.kubernetes.io/arch]: deprecated",
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", golden.ANSWERS)
def test_default_repository_is_accepted(name: str, render: Renderer, cluster_with_crds: Cluster) -> None:
    """The default repositories give no cause for complaint."""
    assert deliver(cluster_with_crds, render(golden.ANSWERS[name])) == []


@pytest.mark.slow
@pytest.mark.parametrize("name", FAULTS)
def test_complaint_is_heard(name: str, render: Renderer, cluster_with_crds: Cluster, tmp_path: Path) -> None:
    """What the server says against a fault is what the test gets."""
    path, old, new, words = FAULTS[name]
    repository = render.loose({"environments": ["dev"], "autoscaling": False, "replicas": 2}, tmp_path / "shop")
    file = repository.path / path
    text, number = re.subn(old, new, file.read_text(), count=1)
    assert number == 1, f"{path} has no {old!r} to break"
    file.write_text(text)
    found = deliver(cluster_with_crds, repository)
    assert any(words in line for line in found), "\n".join(found)
