"""Kubernetes' quantities, and what an application asks of its namespace at its peak."""

from __future__ import annotations

import re
from collections import defaultdict
from fractions import Fraction
from math import ceil
from typing import TYPE_CHECKING, Any

from support.objects import Manifest, Workload, at, of_kind, workloads

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Resources = dict[str, dict[str, Any]]

SUFFIXES = {
    "": Fraction(1),
    "m": Fraction(1, 1000),
    **{suffix: Fraction(1000) ** power for power, suffix in enumerate("kMGTPE", 1)},
    **{f"{suffix}i": Fraction(1024) ** power for power, suffix in enumerate("KMGTPE", 1)},
}


def quantity(written: Any) -> Fraction:
    """A quantity as a number: `100m`, `1.5Gi`, `2`."""
    found = re.fullmatch(r"([0-9.]+)([A-Za-z]*)", str(written))
    assert found, f"{written!r} is no quantity"
    return Fraction(found[1]) * SUFFIXES[found[2]]


def pod_resources(workload: Workload) -> dict[str, Fraction]:
    """What quota counts for a pod, as `requests.cpu`, `limits.memory` and so on.

    The sum of containers and sidecars, or the largest initial step with the sidecars started before it.
    (k8s.io/component-helpers, resource.PodRequests)
    """
    running: dict[str, Fraction] = defaultdict(Fraction)
    largest: dict[str, Fraction] = defaultdict(Fraction)
    for container in workload.spec.get("initContainers", []):
        for name, amount in _flat(container).items():
            if container.get("restartPolicy") == "Always":
                running[name] += amount
                largest[name] = max(largest[name], running[name])
            else:
                largest[name] = max(largest[name], running[name] + amount)
    for container in workload.spec.get("containers", []):
        for name, amount in _flat(container).items():
            running[name] += amount
    return {name: max(running[name], largest[name]) for name in {*running, *largest}}


def _flat(container: Mapping[str, Any]) -> dict[str, Fraction]:
    resources: Resources = container.get("resources", {})
    return {
        f"{kind}.{name}": quantity(amount)
        for kind in ("requests", "limits")
        for name, amount in resources.get(kind, {}).items()
    }


def peak_pods(objects: Sequence[Manifest], workload: Workload) -> int:
    """Pods of a Deployment in the middle of a rolling update at full scale: its replicas and the surge."""
    scalers = (
        scaler
        for scaler in of_kind(objects, "HorizontalPodAutoscaler")
        if at(scaler, "spec", "scaleTargetRef", "name") == workload.key.name
    )
    scaler = next(scalers, None)
    replicas: int = scaler["spec"]["maxReplicas"] if scaler else workload.manifest["spec"].get("replicas", 1)
    surge = at(workload.manifest, "spec", "strategy", "rollingUpdate", "maxSurge", default="25%")
    if isinstance(surge, str):
        return replicas + ceil(replicas * Fraction(surge.removesuffix("%")) / 100)
    return replicas + int(surge)


def peak(objects: Sequence[Manifest]) -> dict[str, Fraction]:
    """What the namespace must hold at the peak, in the words of a ResourceQuota."""
    total: dict[str, Fraction] = defaultdict(Fraction)
    for workload in workloads(objects):
        if workload.key.kind != "Deployment":
            continue
        pods = peak_pods(objects, workload)
        total["pods"] += pods
        for name, amount in pod_resources(workload).items():
            total[name] += amount * pods
    for name in ("cpu", "memory", "ephemeral-storage"):
        total[name] = total[f"requests.{name}"]
    for manifest in objects:
        total[f"count/{manifest['kind'].lower()}s"] += 1
    return dict(total)
