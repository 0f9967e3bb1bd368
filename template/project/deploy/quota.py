"""Whether the quota of an environment admits its peak, and its limit range each container."""

import re
from collections import defaultdict
from collections.abc import Iterator
from fractions import Fraction
from math import ceil
from typing import Any

from renderings import BrokenError, Manifest

QUANTITY = re.compile(
    r"([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)([numkMGTPE]|[KMGTPE]i)?", re.ASCII
)
POWERS = {"": 0, "k": 1, "M": 2, "G": 3, "T": 4, "P": 5, "E": 6}
Amounts = dict[str, Fraction]


def quantity(written: Any) -> Fraction:
    """A quantity as a number: `100m`, `1.5Gi`, `2`, `1e3`."""
    found = QUANTITY.fullmatch(str(written))
    if found is None:
        raise BrokenError(f"{written} is no quantity: write it like 128Mi or 1.5")
    number, suffix = Fraction(found[1]), found[2] or ""
    if suffix in ("n", "u", "m"):
        return number / Fraction(1000) ** (3 - "num".index(suffix))
    thousand = Fraction(1024 if suffix.endswith("i") else 1000)
    return number * thousand ** POWERS[suffix[:1].replace("K", "k")]


def exceeded(objects: list[Manifest], platform: list[Manifest], nodes: int) -> Iterator[str]:
    ranges = [item["spec"]["limits"] for item in platform if item["kind"] == "LimitRange"]
    ranges = [each for limits in ranges for each in limits if each["type"] == "Container"]
    standard: dict[str, Any] = {"requests": {}, "limits": {}}
    for each in ranges:
        standard["requests"] |= each.get("default", {}) | each.get("defaultRequest", {})
        standard["limits"] |= each.get("default", {})
    peaks: dict[str, Amounts] = {}
    for item in objects:
        name = f"{item['kind']}/{item['metadata']['name']}"
        peaks[name] = peak(item, objects, standard, nodes)
        yield from refused(name, pod_of(item), ranges)
    for spec in [item["spec"] for item in platform if item["kind"] == "ResourceQuota"]:
        some = {"scopes", "scopeSelector"} & spec.keys()  # A quota of some pods does not count.
        for resource, hard in ({} if some else spec.get("hard", {})).items():
            needed = {name: each[resource] for name, each in peaks.items() if each[resource]}
            if sum(needed.values()) > quantity(hard):
                unit = re.sub("[0-9.]+", "", str(hard), count=1)
                one = quantity(f"1{unit}")
                parts = [f"{name} {float(each / one):g}{unit}" for name, each in needed.items()]
                yield f"quota of {resource}: {' and '.join(parts)} at the peak are more than {hard}"


def pod_of(item: Manifest) -> Manifest:
    spec = item.get("spec", {}).get("jobTemplate", item).get("spec", {})
    return dict(spec.get("template", {}).get("spec", {}))


def peak(item: Manifest, objects: list[Manifest], standard: Manifest, nodes: int) -> Amounts:
    """What an object takes of a quota at one time, all of its pods together."""
    total: Amounts = defaultdict(Fraction)
    kind, spec, group = item["kind"], item.get("spec", {}), item["apiVersion"].rpartition("/")[0]
    plural = kind.lower().replace("policy", "policie").replace("ress", "resse") + "s"
    total[f"count/{plural}.{group}".rstrip(".")] += 1
    total[plural] += kind in ("ConfigMap", "Secret", "Service")
    claims = [spec] if kind == "PersistentVolumeClaim" else []
    if pod := pod_of(item):
        count = pods(item, objects, nodes)
        total["pods"] += count
        for name, amount in effective(pod, standard).items():
            total[name] += amount * count
        claims += [each["spec"] for each in spec.get("volumeClaimTemplates") or []] * count
        volumes = [each["ephemeral"] for each in pod.get("volumes") or [] if each.get("ephemeral")]
        claims += [each["volumeClaimTemplate"]["spec"] for each in volumes] * count
    for claim in claims:
        for place in ("", f"{claim.get('storageClassName')}.storageclass.storage.k8s.io/"):
            total[f"{place}persistentvolumeclaims"] += 1
            total[f"{place}requests.storage"] += quantity(claim["resources"]["requests"]["storage"])
    if kind == "Service" and (shape := spec.get("type")) in ("LoadBalancer", "NodePort"):
        total["services.loadbalancers"] += shape == "LoadBalancer"
        ports = len(spec["ports"]) * spec.get("allocateLoadBalancerNodePorts", True)
        total["services.nodeports"] += ports
    return total


def pods(item: Manifest, objects: list[Manifest], nodes: int) -> int:
    """The most at one time: an autoscaler's maximum, an update's surge, runs that overlap."""
    kind, spec = item["kind"], item["spec"]
    if kind in ("Job", "CronJob"):
        job = spec.get("jobTemplate", item)["spec"]
        twice = kind == "CronJob" and spec.get("concurrencyPolicy", "Allow") != "Forbid"
        return int(job.get("parallelism", 1)) * (2 if twice else 1)
    count = int(nodes if kind == "DaemonSet" else spec.get("replicas", 1))
    for other in objects:
        target = other.get("spec", {}).get("scaleTargetRef") or {}
        if (target.get("kind"), target.get("name")) == (kind, item["metadata"]["name"]):
            count = other["spec"]["maxReplicas"]
    strategy = spec.get("strategy") or spec.get("updateStrategy") or {}
    if kind == "StatefulSet" or strategy.get("type", "RollingUpdate") != "RollingUpdate":
        return count
    rolling = strategy.get("rollingUpdate") or {}
    surge = str(rolling.get("maxSurge", "25%" if kind == "Deployment" else 0))
    return count + (ceil(count * int(surge[:-1]) / 100) if surge.endswith("%") else int(surge))


def effective(pod: Manifest, standard: Manifest) -> Amounts:
    """A pod's own requests and limits: its largest step of the start, or all that runs together."""
    running: Amounts = defaultdict(Fraction)
    largest: Amounts = defaultdict(Fraction)
    for container in pod.get("initContainers") or []:
        stays = container.get("restartPolicy") == "Always"
        for name, amount in amounts(container, standard).items():
            largest[name] = max(largest[name], running[name] + amount)
            running[name] += amount if stays else 0
    for container in pod["containers"]:
        for name, amount in amounts(container, standard).items():
            running[name] += amount
    found = {name: max(amount, largest[name]) for name, amount in (largest | running).items()}
    return found | amounts(pod, {"requests": {}, "limits": {}})


def amounts(container: Manifest, standard: Manifest) -> Amounts:
    given = container.get("resources") or {}
    limits = standard["limits"] | (given.get("limits") or {})
    requests = standard["requests"] | (given.get("limits") or {}) | (given.get("requests") or {})
    parts = {"requests": requests, "limits": limits}
    return {
        f"{part}.{name}": quantity(each) for part in parts for name, each in parts[part].items()
    }


def refused(owner: str, pod: Manifest, ranges: list[Manifest]) -> Iterator[str]:
    for container in [*(pod.get("initContainers") or []), *(pod.get("containers") or [])]:
        given = container.get("resources") or {}
        for bound, part, sign in (("max", "limits", 1), ("min", "requests", -1)):
            for name, edge in [pair for each in ranges for pair in each.get(bound, {}).items()]:
                asked = (given.get(part) or {}).get(name, edge)
                if sign * quantity(asked) > sign * quantity(edge):
                    has = f"{container['name']} has {asked} of {name}"
                    yield f"{owner}: {has}, the {bound} of the namespace is {edge}"
