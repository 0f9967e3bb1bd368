"""What an application needs at its peak, worked out by hand: the quotas are judged by these numbers."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
from support.objects import Manifest, workloads
from support.questionnaire import golden_path
from support.relations.quantities import peak, peak_pods, pod_resources, quantity, surge

NODES: int = golden_path()["nodes"]


def workload(kind: str, pod: dict[str, Any] | None = None, **spec: Any) -> Manifest:
    """An object that makes pods."""
    template = {"template": {"spec": pod or {}}}
    if kind == "CronJob":
        spec, template = {"jobTemplate": {"spec": {**spec.pop("job", {}), **template}}, **spec}, {}
    return {"kind": kind, "metadata": {"name": "shop"}, "spec": {**spec, **template}}


def container(cpu: str, **fields: Any) -> dict[str, Any]:
    """A container that asks for CPU."""
    return {"resources": {"requests": {"cpu": cpu}}, **fields}


@pytest.mark.parametrize(
    ("written", "number"),
    [("100m", Fraction(1, 10)), (2, 2), ("1.5Gi", 3 * 2**29), ("500M", 500_000_000), ("64Ki", 65_536)],
)
def test_quantity(written: str | int, number: Fraction | int) -> None:
    """Suffixes of ten and of two, fractions, and bare numbers."""
    assert quantity(written) == number


@pytest.mark.parametrize(("written", "replicas", "more"), [("25%", 10, 3), ("25%", 1, 1), ("0%", 5, 0), (2, 10, 2)])
def test_surge(written: str | int, replicas: int, more: int) -> None:
    """A part of a pod is a pod."""
    assert surge(written, replicas) == more


@pytest.mark.parametrize(
    ("steps", "cpu"),
    [
        ([], "300m"),
        ([container("200m")], "300m"),
        ([container("2")], "2"),
        ([container("100m", restartPolicy="Always")], "400m"),
        ([container("100m", restartPolicy="Always"), container("500m")], "600m"),
        ([container("500m"), container("100m", restartPolicy="Always")], "500m"),
    ],
    ids=["none", "small step", "large step", "sidecar", "sidecar before a step", "sidecar after a step"],
)
def test_pod_needs_the_larger_of_start_and_run(steps: list[dict[str, Any]], cpu: str) -> None:
    """A step of the start runs beside the sidecars before it, the container beside all of them."""
    pod = {"initContainers": steps, "containers": [container("300m")]}
    assert pod_resources(workloads([workload("Deployment", pod)])[0]) == {"requests.cpu": quantity(cpu)}


SCALER: Manifest = {
    "kind": "HorizontalPodAutoscaler",
    "metadata": {"name": "shop"},
    "spec": {"scaleTargetRef": {"name": "shop"}, "maxReplicas": 10},
}


@pytest.mark.parametrize(
    ("objects", "pods"),
    [
        ([workload("Deployment", replicas=4)], 5),
        ([workload("Deployment", replicas=4, strategy={"type": "Recreate"})], 4),
        ([workload("Deployment", strategy={"rollingUpdate": {"maxSurge": 1}}), SCALER], 11),
        ([workload("StatefulSet", replicas=3)], 3),
        ([workload("DaemonSet")], NODES),
        ([workload("DaemonSet", updateStrategy={"rollingUpdate": {"maxSurge": "10%"}})], NODES + NODES // 10),
        ([workload("Job")], 1),
        ([workload("Job", parallelism=3)], 3),
        ([workload("CronJob", job={"parallelism": 3}, concurrencyPolicy="Forbid")], 3),
        ([workload("CronJob", job={"parallelism": 3})], 6),
        ([workload("CronJob", concurrencyPolicy="Replace")], 2),
    ],
)
def test_peak_of_each_kind(objects: list[Manifest], pods: int) -> None:
    """Replicas and what an update adds, one pod on each node, all pods of runs that overlap."""
    assert peak_pods(objects, workloads(objects)[0]) == pods


def test_claims_count_for_each_pod() -> None:
    """A claim template becomes a claim for each replica."""
    claims = [{"spec": {"resources": {"requests": {"storage": size}}}} for size in ("1Gi", "500Mi")]
    total = peak([workload("StatefulSet", replicas=3, volumeClaimTemplates=claims)])
    assert total["persistentvolumeclaims"] == 6
    assert total["requests.storage"] == 3 * quantity("1524Mi")
