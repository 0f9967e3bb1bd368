"""Rules about the pods and about how objects are written."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from support.objects import Manifest, at, key, walk
from support.relations.scene import Scene, violation

if TYPE_CHECKING:
    from collections.abc import Iterator

MEANINGFUL_EMPTINESS = (
    re.compile(r".*\.emptyDir"),  # the volume itself, with nothing to say about it
    re.compile(r"data\..*"),  # what somebody configures may be empty
    re.compile(r".*\.(command|args)\[\d+\]"),  # so may an argument
    re.compile(r".*\.(from|to)\[\d+\]\.(podSelector|namespaceSelector)"),  # every pod, every namespace
    re.compile(r"(spec\.matchConstraints\.resourceR|r)ules\[\d+\]\.apiGroups\[\d+\]"),  # the core group has no name
)
"""The empty values that say something. Any other says nothing, or unsets a default by accident."""

UNIQUE_FIELDS = {
    "env": ("name",),
    "ports": ("name",),
    "volumes": ("name",),
    "volumeMounts": ("mountPath",),
    "volumeDevices": ("devicePath",),
    "imagePullSecrets": ("name",),
}
"""Lists that the API server merges by a key: server-side apply refuses duplicates."""


def no_replicas_beside_autoscaler(scene: Scene) -> Iterator[str]:
    """Where an autoscaler owns the replicas nobody else sets them, or each apply scales the application back."""
    for scaler in scene.of_kind("HorizontalPodAutoscaler"):
        target = at(scaler, "spec", "scaleTargetRef", default={})
        workload = scene.named(target.get("kind", ""), target.get("name", ""))
        if workload is not None and "replicas" in workload["spec"]:
            yield violation(workload, "spec.replicas", f"is set beside {key(scaler)}")


def containers_have_resources(scene: Scene) -> Iterator[str]:
    """Every container asks for CPU and memory and has a memory limit, so that quota and scheduler can count it."""
    for workload in scene.workloads:
        for container in workload.containers():
            for kind, resource in (("requests", "cpu"), ("requests", "memory"), ("limits", "memory")):
                if not at(container, "resources", kind, resource):
                    field = f"containers[{container['name']}].resources.{kind}.{resource}"
                    yield violation(workload.manifest, field, "is missing")


def no_empty_fields(scene: Scene) -> Iterator[str]:
    """No field is there only to be empty."""
    for manifest in scene.objects:
        for path, value in walk(manifest):
            if value in ({}, [], None, "") and not any(rule.fullmatch(path) for rule in MEANINGFUL_EMPTINESS):
                yield violation(manifest, path, f"is empty ({value!r})")


def no_duplicate_list_entries(scene: Scene) -> Iterator[str]:
    """No list that is merged by a key has two entries of one key."""
    for manifest in scene.objects:
        for path, value in walk(manifest):
            fields = UNIQUE_FIELDS.get(path.rpartition(".")[2])
            if not fields or not isinstance(value, list):
                continue
            keys = [tuple(at(item, field) for field in fields) for item in value]
            for each in sorted({k for k in keys if keys.count(k) > 1 and None not in k}, key=str):
                yield violation(manifest, path, f"has {each[0]!r} twice")


def tokens_are_not_mounted(scene: Scene) -> Iterator[str]:
    """Nothing here calls the Kubernetes API, so no pod carries a token for it."""
    for workload in scene.workloads:
        if workload.spec.get("automountServiceAccountToken") is not False:
            yield violation(workload.manifest, "automountServiceAccountToken", "is not false")


def objects_carry_recommended_labels(scene: Scene) -> Iterator[str]:
    """Every object says which application it is part of, and every lasting pod its name and instance too."""
    for manifest in scene.objects:
        yield from _missing(manifest, "metadata.labels", manifest, "part-of")
    for workload in scene.lasting:
        yield from _missing(workload.manifest, "pod labels", workload.template, "part-of", "name", "instance")


def _missing(manifest: Manifest, field: str, labelled: Manifest, *names: str) -> Iterator[str]:
    for name in names:
        if not at(labelled, "metadata", "labels", f"app.kubernetes.io/{name}"):
            yield violation(manifest, field, f"lacks app.kubernetes.io/{name}")


RULES = (
    no_replicas_beside_autoscaler,
    containers_have_resources,
    no_empty_fields,
    no_duplicate_list_entries,
    tokens_are_not_mounted,
    objects_carry_recommended_labels,
)
