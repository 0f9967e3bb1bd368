"""Bounds of containers, pods and claims that are answered: what they would refuse is refused before it is written."""

from __future__ import annotations

import re
import sys
import uuid
from typing import TYPE_CHECKING, Any

import pytest
from support.apiserver import deliver, moved
from support.commands import attempt
from support.objects import of_kind
from support.relations import environments
from support.render import RefusedError
from support.server import Server

if TYPE_CHECKING:
    from support.cluster import Cluster
    from support.render import Renderer

LIVE: dict[str, Any] = {"environments": ["live"]}
SET: dict[str, Any] = {"workload_kind": "statefulset", "storage_size": "1Gi"}
EDGES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "max": ({}, {"type": "Container", "max": {"memory": "1Mi"}}),
    "min": ({}, {"type": "Container", "min": {"memory": "900Gi"}}),
    "ratio": ({}, {"type": "Container", "maxLimitRequestRatio": {"memory": 1}}),
    "ratio of a sidecar": ({"sidecars": ["log-shipper"]}, {"type": "Pod", "maxLimitRequestRatio": {"memory": 1}}),
    "max of a pod": ({"sidecars": ["log-shipper"]}, {"type": "Pod", "max": {"memory": "1Mi"}}),
    "max of a claim": (SET, {"type": "PersistentVolumeClaim", "max": {"storage": "1Mi"}}),
    "max of processors": ({}, {"type": "Container", "max": {"cpu": "1m"}}),
}
"""Answers, and an item that refuses what comes of them."""


def limits(*items: dict[str, Any]) -> dict[str, Any]:
    """The answer."""
    return {"limit_range": {"limits": list(items)}}


def corrected(answers: dict[str, Any], item: dict[str, Any], render: Renderer) -> dict[str, Any]:
    """The item with the amount that its refusal names."""
    with pytest.raises(RefusedError) as refused:
        render({**LIVE, **answers, **limits(item)})
    found = re.search(r"use at (?:least|most) (\S+) \(limit_range\.limits\[0\]\.(\w+)\.(\w+): ", str(refused.value))
    assert found, str(refused.value)
    return {**item, found[2]: {found[3]: found[1]}}


@pytest.mark.slow
@pytest.mark.parametrize("name", EDGES)
def test_amount_that_is_named_is_the_edge(name: str, render: Renderer, cluster_with_crds: Cluster) -> None:
    """With it a real server takes everything; the one that was refused, it refuses as well."""
    answers, item = EDGES[name]
    repository = render({**LIVE, **answers, **limits(corrected(answers, item, render))})
    assert deliver(cluster_with_crds, repository) == []
    assert environments.check(repository) == []
    plain = render({**LIVE, **answers})
    namespace = f"limits-{uuid.uuid4().hex[:8]}"
    server = Server(cluster_with_crds)
    for manifest in moved([*of_kind(plain.platform("live"), "Namespace")], namespace):
        assert server.apply(manifest) == []
    metadata = {"name": "limits", "namespace": namespace}
    bounds = {"apiVersion": "v1", "kind": "LimitRange", "metadata": metadata, "spec": {"limits": [item]}}
    assert server.apply(bounds) == []
    (workload,) = of_kind(moved(plain.kustomize("live"), namespace), "Deployment", "StatefulSet")
    for account in of_kind(moved(plain.kustomize("live"), namespace), "ServiceAccount"):
        assert server.apply(account) == []
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": workload["spec"]["template"]["spec"]}
    claims = [
        {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": metadata, "spec": each["spec"]}
        for each in workload["spec"].get("volumeClaimTemplates", [])
    ]
    (refusal,) = server.apply(claims[0] if claims else pod)
    assert "is forbidden" in refusal or "must be less than or equal to cpu limit" in refusal  # which it was given


def test_defaults_follow_the_bounds(render: Renderer) -> None:
    """What nobody answers stays the application's own, within the bounds; what is answered stays."""
    given = {"type": "Container", "min": {"cpu": "10m"}, "max": {"cpu": 2}, "defaultRequest": {"memory": "16Mi"}}
    pod = {"type": "Pod", "max": {"memory": "2Gi"}}
    repository = render({**LIVE, **limits(pod, given)})
    (found,) = of_kind(repository.platform("live"), "LimitRange")
    assert found["spec"]["limits"] == [
        {
            **given,
            "defaultRequest": {"cpu": "100m", "memory": "16Mi", "ephemeral-storage": "64Mi"},
            "default": {"cpu": "2", "memory": "256Mi", "ephemeral-storage": "256Mi"},
        },
        pod,
    ]
    (test,) = (each for each in repository.helm("live") if each["kind"] == "Pod")
    assert test["spec"]["containers"][0]["resources"]["limits"] == found["spec"]["limits"][0]["default"]


def test_limits_of_others_are_read(render: Renderer) -> None:
    """In the namespace of somebody else nothing of it is applied, and `make check` knows it."""
    others = {"environments": [{"name": "live", "create_namespace": False}]}
    repository = render({**others, **limits({"type": "Container", "max": {"memory": "256Mi"}})})
    assert list(of_kind(repository.platform("live"), "LimitRange")) == []
    path = repository.deploy / "platform/live/limitrange.yaml"
    less = path.read_text().replace("256Mi", "200Mi")
    for text, words in ((path.read_text(), ""), (less, "the max of the namespace")):
        path.write_text(text)
        done = attempt(sys.executable, "deploy/check.py", "live", cwd=repository.path)
        assert words in done.stdout + done.stderr
        assert (done.returncode == 0) == (not words), done.stdout
