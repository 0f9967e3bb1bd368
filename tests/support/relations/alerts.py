"""Rules about alerts: one that names nothing, or another environment, never wakes the right person."""

from __future__ import annotations

import re
from contextlib import suppress
from typing import TYPE_CHECKING

from support.objects import Manifest, at
from support.promql import selectors
from support.relations.scene import Scene, violation

if TYPE_CHECKING:
    from collections.abc import Iterator

NAMED = {
    "deployment": "Deployment",
    "statefulset": "StatefulSet",
    "daemonset": "DaemonSet",
    "job_name": "Job",
    "cronjob": "CronJob",
    "owner_name": "CronJob",
    "horizontalpodautoscaler": "HorizontalPodAutoscaler",
}
"""Labels of kube-state-metrics, and the kind of the object whose name they hold."""


def alerts_are_about_these_objects(scene: Scene) -> Iterator[str]:
    """An alert selects its own namespace alone, and objects and containers that are here."""
    containers = {container["name"] for workload in scene.lasting for container in workload.containers()}
    for manifest, field, alert in _alerts(scene):
        try:
            found = selectors(alert["expr"])
        except ValueError as error:
            yield violation(manifest, field, f"is no PromQL: {error}")
            continue
        matchers = [matcher for selector in found for matcher in selector.matchers.matchers]
        namespace = at(manifest, "metadata", "namespace", default="default")
        if (wanted := [each.value for each in matchers if each.name == "namespace"]) != [namespace]:
            yield violation(manifest, field, f"selects the namespaces {wanted}, not {namespace} once")
        for matcher in matchers:
            kind = NAMED.get(matcher.name)
            if kind and scene.named(kind, matcher.value) is None:
                yield violation(manifest, field, f"names {kind}/{matcher.value}, which is not here")
            if matcher.name == "container" and (strange := sorted({*matcher.value.split("|")} - containers)):
                yield violation(manifest, field, f"names containers {strange}, which are not here")


def every_workload_is_watched(scene: Scene) -> Iterator[str]:
    """Where there are alerts, there is one for each workload, each claim of a StatefulSet and each scraped target."""
    for rule in scene.of_kind("PrometheusRule"):
        matchers = []
        for _, _, alert in _alerts(scene):
            with suppress(ValueError):
                found = selectors(alert["expr"])
                matchers += [(each.name, matcher) for each in found for matcher in each.matchers.matchers]
        named = {(NAMED[matcher.name], matcher.value) for _, matcher in matchers if matcher.name in NAMED}
        for workload in scene.lasting:
            if (workload.key.kind, workload.key.name) not in named:
                yield violation(rule, "spec.groups", f"have no alert for {workload.key}")
        volumes = [matcher.value for _, matcher in matchers if matcher.name == "persistentvolumeclaim"]
        for claim in _claims(scene):
            if not any(re.fullmatch(volume, claim) for volume in volumes):
                yield violation(rule, "spec.groups", f"have no alert for PersistentVolumeClaim/{claim}")
        pods = [matcher.value for name, matcher in matchers if name == "up" and matcher.name == "pod"]
        for monitor in scene.of_kind("ServiceMonitor", "PodMonitor"):
            name = monitor["metadata"]["name"]
            if f"{name}-.+" not in pods:
                yield violation(rule, "spec.groups", f"have no alert for the targets of {monitor['kind']}/{name}")


def _claims(scene: Scene) -> Iterator[str]:
    for workload in scene.lasting:
        for claim in at(workload.manifest, "spec", "volumeClaimTemplates", default=[]):
            if claim["spec"].get("volumeMode") != "Block":
                yield f"{claim['metadata']['name']}-{workload.key.name}-0"


def _alerts(scene: Scene) -> Iterator[tuple[Manifest, str, Manifest]]:
    for manifest in scene.of_kind("PrometheusRule"):
        for group in manifest["spec"]["groups"]:
            for alert in group["rules"]:
                yield manifest, f"expr of {alert['alert']}", alert


RULES = (alerts_are_about_these_objects, every_workload_is_watched)
