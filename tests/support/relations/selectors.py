"""Rules about selectors: each picks exactly the pods that are meant."""

from __future__ import annotations

from typing import TYPE_CHECKING

from support.objects import Manifest, at, key, labels, matches, walk
from support.relations.scene import Scene, exactly_one, violation

if TYPE_CHECKING:
    from collections.abc import Iterator

VERSION_LABELS = frozenset({"app.kubernetes.io/version", "helm.sh/chart", "pod-template-hash", "version", "chart"})
"""Labels that change from release to release."""


def workload_selects_its_own_pods(scene: Scene) -> Iterator[str]:
    """A workload's selector matches its own pod template, and the template of no other workload."""
    for workload in scene.workloads:
        selector = at(workload.manifest, "spec", "selector")
        if selector is None:
            continue
        if not matches(selector, workload.labels):
            yield violation(workload.manifest, "spec.selector", f"does not match its own pods {workload.labels}")
        for other in scene.picked(selector):
            if other != workload:
                yield violation(workload.manifest, "spec.selector", f"also matches the pods of {other.key}")


def service_selects_one_workload(scene: Scene) -> Iterator[str]:
    """A Service leads to the pods of one workload; a `helm test` pod must never become its endpoint."""
    for service in scene.of_kind("Service"):
        if at(service, "spec", "type") != "ExternalName":
            selector = at(service, "spec", "selector")
            yield from exactly_one(scene, service, "spec.selector", selector and {"matchLabels": selector})


def pdb_selects_one_workload(scene: Scene) -> Iterator[str]:
    """A PodDisruptionBudget guards one workload; two budgets over one pod make eviction fail outright."""
    guarded: dict[str, str] = {}
    for budget in scene.of_kind("PodDisruptionBudget"):
        selector = at(budget, "spec", "selector")
        yield from exactly_one(scene, budget, "spec.selector", selector)
        for workload in scene.picked(selector) if selector else []:
            name = str(workload.key)
            if name in guarded:
                yield violation(budget, "spec.selector", f"matches {name}, which {guarded[name]} guards already")
            guarded[name] = str(key(budget))


def network_policy_selects_one_workload(scene: Scene) -> Iterator[str]:
    """A NetworkPolicy governs one workload, and every lasting workload is governed by one."""
    governed: set[str] = set()
    for policy in scene.of_kind("NetworkPolicy"):
        selector = at(policy, "spec", "podSelector")
        yield from exactly_one(scene, policy, "spec.podSelector", selector)
        governed |= {str(workload.key) for workload in scene.picked(selector or {})}
    for workload in scene.lasting:
        if str(workload.key) not in governed:
            yield violation(workload.manifest, "pod labels", "are matched by no NetworkPolicy")


def spreading_selects_own_pods(scene: Scene) -> Iterator[str]:
    """Topology spread and (anti-)affinity count the workload's own pods, or they spread nothing."""
    for workload in scene.workloads:
        for index, constraint in enumerate(workload.spec.get("topologySpreadConstraints", [])):
            field = f"topologySpreadConstraints[{index}].labelSelector"
            selector = constraint.get("labelSelector")
            if not selector or not matches(selector, workload.labels):
                yield violation(workload.manifest, field, f"does not match its own pods {workload.labels}")
        for path, term in walk(workload.spec.get("affinity", {}).get("podAntiAffinity", {})):
            selector = at(term, "labelSelector") if isinstance(term, dict) else None
            if selector is not None and not matches(selector, workload.labels):
                yield violation(workload.manifest, f"podAntiAffinity.{path}", "does not match its own pods")


def monitor_selects_one_target(scene: Scene) -> Iterator[str]:
    """A ServiceMonitor picks one Service by its labels, a PodMonitor one workload's pods, in their own namespace.

    A headless Service beside it that lacks the port is not scraped.
    """
    for monitor in scene.of_kind("ServiceMonitor", "PodMonitor"):
        if at(monitor, "spec", "namespaceSelector") is not None:
            yield violation(monitor, "spec.namespaceSelector", "reaches beyond the application's namespace")
        selector = at(monitor, "spec", "selector")
        if monitor["kind"] == "PodMonitor":
            yield from exactly_one(scene, monitor, "spec.selector", selector)
            continue
        wanted = {endpoint.get("port") for endpoint in at(monitor, "spec", "endpoints", default=[])}
        services = [
            service
            for service in scene.of_kind("Service")
            if matches(selector or {}, labels(service))
            and (at(service, "spec", "clusterIP") != "None" or wanted & _port_names(service))
        ]
        if not selector or len(services) != 1:
            names = [str(key(service)) for service in services]
            yield violation(monitor, "spec.selector", f"matches {names or 'no Service'} instead of one Service")


def _port_names(service: Manifest) -> set[str | None]:
    return {port.get("name") for port in at(service, "spec", "ports", default=[])}


def no_version_in_selectors(scene: Scene) -> Iterator[str]:
    """No selector and no claim template holds a label that changes with a release: both are immutable."""
    for manifest in scene.objects:
        for path, value in walk(manifest):
            last = path.rpartition(".")[2]
            if not isinstance(value, dict) or not _is_immutable(path, last):
                continue
            for name in _label_names(value):
                if name in VERSION_LABELS:
                    yield violation(manifest, path, f"holds {name}, which changes with every release")


def _is_immutable(path: str, last: str) -> bool:
    in_claim = "volumeClaimTemplates[" in path and last == "labels"
    of_labels = last.lower().endswith("selector") and last != "scopeSelector"
    return in_claim or of_labels or last == "matchLabels"


def _label_names(selector: Manifest) -> list[str]:
    expressions = selector.get("matchExpressions", [])
    plain = [name for name, value in selector.items() if isinstance(value, str)]
    return [*plain, *(expression["key"] for expression in expressions)]


RULES = (
    workload_selects_its_own_pods,
    service_selects_one_workload,
    pdb_selects_one_workload,
    network_policy_selects_one_workload,
    spreading_selects_own_pods,
    monitor_selects_one_target,
    no_version_in_selectors,
)
