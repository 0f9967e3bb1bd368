"""Breaks rendered objects on purpose, to see that a rule complains by its name and in the right words."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from support import relations
from support.objects import Manifest, at

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from support.render import Renderer

STRANGER = {"app.kubernetes.io/name": "stranger"}
"""Labels that no pod bears."""


class Objects:
    """Rendered objects, easy to break: `objects["Service"]` is the first of a kind."""

    def __init__(self, manifests: Sequence[Manifest]) -> None:
        """Take copies, for the objects are shared."""
        self.all = copy.deepcopy(list(manifests))

    def __getitem__(self, kind: str) -> Manifest:
        """The first object of a kind."""
        return next(manifest for manifest in self.all if manifest["kind"] == kind)

    @property
    def pod(self) -> Manifest:
        """The spec of the application's pods."""
        spec: Manifest = at(self["Deployment"], "spec", "template", "spec")
        return spec

    @property
    def container(self) -> Manifest:
        """The application's container."""
        container: Manifest = self.pod["containers"][0]
        return container

    def put(self, kind: str, *path: str | int, to: Any) -> None:
        """Set the field under a path of the first object of a kind."""
        *above, last = path
        at(self[kind], *above)[last] = to

    def remove(self, kind: str) -> None:
        """Take the first object of a kind away."""
        self.all.remove(self[kind])

    def repeat(self, kind: str, name: str) -> None:
        """Add another object like the first of a kind, under another name."""
        another = copy.deepcopy(self[kind])
        another["metadata"]["name"] = name
        self.all.append(another)


@dataclass(frozen=True)
class Fault:
    """An edit of the rendered objects, and the words in which the rule must complain."""

    rule: str
    edit: Callable[[Objects], Any]
    words: str
    answers: Mapping[str, Any] = field(default_factory=dict)
    platform: bool = False

    def objects(self, render: Renderer) -> Objects:
        """The objects to be broken: what the chart makes, or the platform objects of production."""
        repository = render(self.answers)
        return Objects(repository.platform("prod") if self.platform else repository.helm())


def expect_complaint(fault: Fault, objects: Objects) -> None:
    """The rules are silent before the edit, and after it the one that is meant says what is wrong."""
    assert relations.check(objects.all) == []
    fault.edit(objects)
    found = [line for line in relations.check(objects.all) if line.startswith(f"{fault.rule}: ")]
    assert any(fault.words in line for line in found), "\n".join([f"none has {fault.words!r}:", *found])
