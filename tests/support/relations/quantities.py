"""Kubernetes' quantities, and what an application asks of its namespace at its peak."""

from __future__ import annotations

import re
from collections import defaultdict
from fractions import Fraction
from math import ceil
from typing import TYPE_CHECKING, Any

from support.objects import Manifest, Workload, at, of_kind, workloads
from support.questionnaire import golden_path

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
    """The most pods of a workload at one time.

    Replicas at full scale and the surge of a rolling update; one on each of the nodes that golden-path.yml allows
    for; the parallelism of a Job, twice where the runs of a CronJob may overlap or replace each other.
    """
    kind, spec = workload.key.kind, workload.manifest["spec"]
    if kind in ("Job", "CronJob"):
        job = at(spec, "jobTemplate", "spec", default=spec)
        overlapping = kind == "CronJob" and spec.get("concurrencyPolicy", "Allow") != "Forbid"
        return int(job.get("parallelism", 1)) * (2 if overlapping else 1)
    if kind == "DaemonSet":
        nodes: int = golden_path()["nodes"]
        return nodes + surge(at(spec, "updateStrategy", "rollingUpdate", "maxSurge", default=0), nodes)
    scalers = (
        scaler
        for scaler in of_kind(objects, "HorizontalPodAutoscaler")
        if at(scaler, "spec", "scaleTargetRef", "name") == workload.key.name
    )
    scaler = next(scalers, None)
    replicas: int = scaler["spec"]["maxReplicas"] if scaler else workload.manifest["spec"].get("replicas", 1)
    if kind == "StatefulSet" or at(spec, "strategy", "type") == "Recreate":
        return replicas
    return replicas + surge(at(spec, "strategy", "rollingUpdate", "maxSurge", default="25%"), replicas)


def surge(written: str | int, replicas: int) -> int:
    """The pods that a rolling update adds; Kubernetes rounds a percentage up."""
    if isinstance(written, str):
        return ceil(replicas * Fraction(written.removesuffix("%")) / 100)
    return written


def peak(objects: Sequence[Manifest]) -> dict[str, Fraction]:
    """What the namespace must hold at the peak, in the words of a ResourceQuota."""
    total: dict[str, Fraction] = defaultdict(Fraction)
    for workload in workloads(objects):
        if workload.is_test:
            continue
        pods = peak_pods(objects, workload)
        total["pods"] += pods
        for name, amount in pod_resources(workload).items():
            total[name] += amount * pods
        ephemeral = [volume["ephemeral"] for volume in workload.spec.get("volumes", []) if "ephemeral" in volume]
        own = [volume["volumeClaimTemplate"] for volume in ephemeral]
        for claim in [*at(workload.manifest, "spec", "volumeClaimTemplates", default=[]), *own]:
            total["persistentvolumeclaims"] += pods
            total["requests.storage"] += pods * quantity(claim["spec"]["resources"]["requests"]["storage"])
    for claim in of_kind(objects, "PersistentVolumeClaim"):
        total["persistentvolumeclaims"] += 1
        total["requests.storage"] += quantity(claim["spec"]["resources"]["requests"]["storage"])
    for name in ("cpu", "memory", "ephemeral-storage"):
        total[name] = total[f"requests.{name}"]
    for manifest in objects:
        total[f"count/{manifest['kind'].lower()}s"] += 1
    return dict(total)
