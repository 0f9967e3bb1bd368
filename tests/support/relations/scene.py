"""What a rule looks at: the objects of one rendering, and the pods that they would make."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from support.objects import Manifest, Workload, key, matches, of_kind, workloads


@dataclass(frozen=True)
class Scene:
    """The objects of one rendering, which share a namespace."""

    objects: Sequence[Manifest]
    outside: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """What others make in the namespace: names by kind."""
    policies: Sequence[Manifest] = ()
    """What the namespace admits, of the platform's objects."""
    unguarded: Sequence[str] = ()
    """The workloads that have no PodDisruptionBudget because an answer says so."""

    @cached_property
    def workloads(self) -> list[Workload]:
        """Everything that makes pods, the pods of `helm test` included: selectors must not pick those."""
        return workloads(self.objects)

    @cached_property
    def lasting(self) -> list[Workload]:
        """What makes pods as long as the release lives."""
        return [workload for workload in self.workloads if not workload.is_test]

    def of_kind(self, *kinds: str) -> Iterator[Manifest]:
        """The objects of these kinds."""
        return of_kind(self.objects, *kinds)

    def named(self, kind: str, name: str) -> Manifest | None:
        """The object of this kind and name, or None."""
        found = (manifest for manifest in self.of_kind(kind) if manifest["metadata"]["name"] == name)
        return next(found, None)

    def picked(self, selector: Manifest) -> list[Workload]:
        """The workloads whose pods a LabelSelector picks."""
        return [workload for workload in self.workloads if matches(selector, workload.labels)]


Rule = Callable[[Scene], Iterator[str]]
"""A rule yields one line for each violation, naming the object and the field."""


def violation(manifest: Manifest, field: str, message: str) -> str:
    """A violation as it is read."""
    return f"{key(manifest)}: {field} {message}"


def exactly_one(scene: Scene, manifest: Manifest, field: str, selector: Any) -> Iterator[str]:
    """Hold that a LabelSelector picks the pods of one workload, and of the one that bears the object's name.

    An empty selector picks every pod of the namespace, those of strangers too: that is never what an
    application's own object means.
    """
    if not selector:
        yield violation(manifest, field, "is empty: it does not name the pods that are meant")
        return
    picked = scene.picked(selector)
    meant = [workload for workload in scene.lasting if workload.key.name == manifest["metadata"]["name"]]
    if not picked:
        yield violation(manifest, field, f"matches no pod: {selector}")
    elif len(picked) > 1:
        several = ", ".join(sorted(str(workload.key) for workload in picked))
        yield violation(manifest, field, f"matches the pods of several workloads: {several}")
    elif meant and picked[0] not in meant:
        yield violation(manifest, field, f"matches {picked[0].key}, not {meant[0].key}")
