"""Holds the two renderings equal, object by object and field by field.

What differs by the nature of the tools is taken away first. The list is short, and nothing in it decides how
the application behaves; that a changed configuration still rolls the pods is a relation of its own.
"""

from __future__ import annotations

import copy
import re
from typing import TYPE_CHECKING, Any

from support.objects import CLUSTER_SCOPED, Key, Manifest, at, is_test_hook, key, of_kind, workloads

if TYPE_CHECKING:
    from collections.abc import Sequence

    from support.repository import Repository

KUSTOMIZE_HASH = re.compile(r"(?P<name>.+)-[2456789bcdfghkmt]{10}")
"""A generated ConfigMap's name with Kustomize's suffix; the alphabet is that of its hasher."""


def without_test_hooks(objects: Sequence[Manifest]) -> list[Manifest]:
    """`helm test` pods exist only while the test runs; Kustomize has no such thing."""
    return [manifest for manifest in objects if not is_test_hook(manifest)]


def without_helm_labels(objects: Sequence[Manifest]) -> list[Manifest]:
    """Helm's own two labels, on objects only: in a pod template they would roll the pods, so there they differ."""
    for manifest in objects:
        labels = at(manifest, "metadata", "labels", default={})
        labels.pop("helm.sh/chart", None)
        if labels.get("app.kubernetes.io/managed-by") == "Helm":
            del labels["app.kubernetes.io/managed-by"]
    return list(objects)


def without_hooks(objects: Sequence[Manifest]) -> list[Manifest]:
    """Helm runs a Job anew with each release by annotations; for Kustomize, `make` deletes the old one."""
    for manifest in objects:
        annotations = at(manifest, "metadata", "annotations", default={})
        for name in [name for name in annotations if name.startswith("helm.sh/hook")]:
            del annotations[name]
        if annotations == {}:
            manifest["metadata"].pop("annotations", None)
    return list(objects)


def without_copies(objects: Sequence[Manifest]) -> list[Manifest]:
    """A Job that Helm runs before everything else has copies of what it needs, equal but for their names."""
    names = [manifest["metadata"]["name"] for manifest in of_kind(objects, "ServiceAccount")]
    plain = [name.removesuffix("-before") for name in names if name.endswith("-before")]
    found: list[Manifest] = []
    for manifest in objects:
        renamed = _called(manifest, plain)
        if renamed == manifest or renamed not in objects:
            found.append(renamed)
    return found


def _called(value: Any, names: Sequence[str]) -> Any:
    if isinstance(value, dict):
        return {field: _called(item, names) for field, item in value.items()}
    if isinstance(value, list):
        return [_called(item, names) for item in value]
    for name in names if isinstance(value, str) else ():
        if value == f"{name}-before" or value.startswith(f"{name}-before-"):
            return name + value.removeprefix(f"{name}-before")
    return value


def without_checksums(objects: Sequence[Manifest]) -> list[Manifest]:
    """The chart's `checksum/config` stands for what the hash in a ConfigMap's name does under Kustomize."""
    for workload in workloads(objects):
        metadata = workload.template.get("metadata", {})
        annotations = metadata.get("annotations", {})
        if annotations.pop("checksum/config", None) and not annotations:
            del metadata["annotations"]
    return list(objects)


def without_hash_suffixes(objects: Sequence[Manifest]) -> list[Manifest]:
    """A generated ConfigMap bears its plain name, and so does every reference to exactly that name."""
    return _plainly_named(objects, list(of_kind(objects, "ConfigMap", "Secret")))


def _plainly_named(objects: Sequence[Manifest], generated: Sequence[Manifest]) -> list[Manifest]:
    names = (manifest["metadata"]["name"] for manifest in generated)
    plain = {name: found["name"] for name in names if (found := KUSTOMIZE_HASH.fullmatch(name))}
    return [_renamed(manifest, plain) for manifest in objects]


def without_kept_names(objects: Sequence[Manifest]) -> list[Manifest]:
    """An immutable ConfigMap has a hash in the chart too, and an annotation that keeps it for the old pods."""
    immutable = [manifest for manifest in of_kind(objects, "ConfigMap") if manifest.get("immutable")]
    for manifest in immutable:
        annotations = at(manifest, "metadata", "annotations", default={})
        if annotations.pop("helm.sh/resource-policy", None) and not annotations:
            del manifest["metadata"]["annotations"]
    return _plainly_named(objects, immutable)


def without_kept_claims(objects: Sequence[Manifest]) -> list[Manifest]:
    """Helm leaves a shared claim in place by an annotation, as `kubectl apply` does by itself."""
    for manifest in of_kind(objects, "PersistentVolumeClaim"):
        annotations = at(manifest, "metadata", "annotations", default={})
        if annotations.get("helm.sh/resource-policy") == "keep":
            del annotations["helm.sh/resource-policy"]
        if annotations == {}:
            manifest["metadata"].pop("annotations", None)
    return list(objects)


def _renamed(value: Any, names: dict[str, str]) -> Any:
    if isinstance(value, dict):
        return {field: _renamed(item, names) for field, item in value.items()}
    if isinstance(value, list):
        return [_renamed(item, names) for item in value]
    return names.get(value, value) if isinstance(value, str) else value


def in_namespace(objects: Sequence[Manifest], namespace: str) -> list[Manifest]:
    """An object that names no namespace lands in the one that is applied or installed to."""
    for manifest in objects:
        if manifest["kind"] not in CLUSTER_SCOPED:
            manifest["metadata"].setdefault("namespace", namespace)
    return list(objects)


def normal_chart(objects: Sequence[Manifest], namespace: str) -> list[Manifest]:
    """A chart's objects without what only Helm adds."""
    own = without_hooks(without_checksums(without_helm_labels(without_test_hooks(copy.deepcopy(list(objects))))))
    return in_namespace(without_copies(without_kept_names(without_kept_claims(own))), namespace)


def normal_kustomize(objects: Sequence[Manifest], namespace: str) -> list[Manifest]:
    """Kustomize's objects without what only Kustomize adds."""
    return in_namespace(without_hash_suffixes(copy.deepcopy(list(objects))), namespace)


def compare(chart: Sequence[Manifest], kustomize: Sequence[Manifest]) -> list[str]:
    """One line for each field in which two normalised renderings differ."""
    found = [*_duplicates(chart, "chart"), *_duplicates(kustomize, "kustomize")]
    left = {key(manifest): manifest for manifest in chart}
    right = {key(manifest): manifest for manifest in kustomize}
    found += [f"{each}: only in the chart" for each in sorted(left.keys() - right.keys())]
    found += [f"{each}: only in kustomize" for each in sorted(right.keys() - left.keys())]
    for each in sorted(left.keys() & right.keys()):
        found += [f"{each}: {line}" for line in differences(left[each], right[each])]
    return found


def _duplicates(objects: Sequence[Manifest], rendering: str) -> list[str]:
    seen: set[Key] = set()
    found = []
    for each in map(key, objects):
        if each in seen:
            found.append(f"{each}: twice in the {rendering}")
        seen.add(each)
    return found


def differences(chart: Any, kustomize: Any, path: str = "") -> list[str]:
    """One line for each leaf in which two values differ, types included."""
    if isinstance(chart, dict) and isinstance(kustomize, dict):
        lines = []
        for name in [*chart, *(name for name in kustomize if name not in chart)]:
            below = f"{path}.{name}" if path else str(name)
            if name not in kustomize:
                lines.append(f"{below}: only in the chart ({chart[name]!r})")
            elif name not in chart:
                lines.append(f"{below}: only in kustomize ({kustomize[name]!r})")
            else:
                lines += differences(chart[name], kustomize[name], below)
        return lines
    if isinstance(chart, list) and isinstance(kustomize, list) and len(chart) == len(kustomize):
        pairs = enumerate(zip(chart, kustomize, strict=True))
        return [line for index, (a, b) in pairs for line in differences(a, b, f"{path}[{index}]")]
    if type(chart) is type(kustomize) and chart == kustomize:
        return []
    return [f"{path}: {chart!r} in the chart, {kustomize!r} in kustomize"]


def check(repository: Repository) -> list[str]:
    """Every difference between the renderings: the base with `values.yaml`, and every environment."""
    found = []
    for environment in (None, *repository.environments()):
        namespace = repository.namespace(environment) if environment else "default"
        chart = normal_chart(repository.helm(environment), namespace)
        kustomize = normal_kustomize(repository.kustomize(environment), namespace)
        found += [f"{environment or 'base'}: {line}" for line in compare(chart, kustomize)]
    return found
