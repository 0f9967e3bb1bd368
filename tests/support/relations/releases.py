"""A rule about the chart under another release's name: what was found by the application's name is still found."""

from __future__ import annotations

from typing import TYPE_CHECKING

from support.objects import at, matches, walk, workloads

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from support.objects import Manifest
    from support.repository import Repository

REFERENCES = {
    "configMap": ("ConfigMap", "name"),
    "configMapRef": ("ConfigMap", "name"),
    "configMapKeyRef": ("ConfigMap", "name"),
    "secret": ("Secret", "secretName"),
    "secretRef": ("Secret", "name"),
    "secretKeyRef": ("Secret", "name"),
    "persistentVolumeClaim": ("PersistentVolumeClaim", "claimName"),
    "backendRefs": ("Service", "name"),
    "service": ("Service", "name"),
    "scaleTargetRef": ("", "name"),
    "targetRef": ("", "name"),
}
"""Fields that name an object of the namespace: its kind, and the field below that holds the name."""

PLAIN = {"serviceAccountName": "ServiceAccount", "serviceName": "Service"}
"""Fields whose value is such a name."""


def names_follow_the_release(repository: Repository) -> Iterator[str]:
    """Each reference leads somewhere, and each selector picks a pod, under a release's name of its own as well."""
    for environment in (None, *repository.environments()[-1:]):
        usual, other = (_dangling(repository.helm(environment, release=name)) for name in ("", "blue"))
        for line in sorted(other - usual):
            yield f"{environment or 'values.yaml'} as release blue: {line}"


def _dangling(objects: Sequence[Manifest]) -> set[str]:
    """References and selectors that find nothing here, each with the place of its object among those of its kind."""
    present = {(manifest["kind"], manifest["metadata"]["name"]) for manifest in objects}
    found, seen = set(), dict[str, int]()
    for manifest in objects:
        seen[manifest["kind"]] = seen.get(manifest["kind"], 0) + 1
        owner = f"{manifest['kind']} {seen[manifest['kind']]}"
        for path, value in walk(manifest):
            field = path.rpartition(".")[2].partition("[")[0]
            reference = _reference(field, value)
            if reference and reference not in present:
                found.add(f"{owner}: {path} names {reference[0]}, which is not here")
            if field.endswith("elector") and isinstance(value, dict) and _picks_nothing(value, objects):
                found.add(f"{owner}: {path} picks no pod")
    return found


def _reference(field: str, value: object) -> tuple[str, str] | None:
    if field in PLAIN and isinstance(value, str):
        return PLAIN[field], value
    if field in REFERENCES and isinstance(value, dict):
        kind, name = REFERENCES[field]
        return (kind or value["kind"], value[name]) if name in value else None
    return None


def _picks_nothing(selector: Manifest, objects: Sequence[Manifest]) -> bool:
    """A selector of labels; that of a Service has no `matchLabels` around it."""
    wanted = selector if {"matchLabels", "matchExpressions"} & selector.keys() else {"matchLabels": selector}
    strings = all(isinstance(value, str) for value in at(wanted, "matchLabels", default={}).values())
    return strings and not any(matches(wanted, workload.labels) for workload in workloads(objects))
