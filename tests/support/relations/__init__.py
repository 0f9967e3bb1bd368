"""Relations between the objects of a rendering: whether each thing that names another means something real.

A schema says that a selector is a map of strings; only a relation says that it selects the pods it is for.
Each rule is a function with one purpose, and each violation a line that names the object and the field.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from support.objects import of_kind
from support.relations import alerts, claims, kinds, names, pods, ports, references, selectors
from support.relations.releases import names_follow_the_release
from support.relations.scene import Scene

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from support.objects import Manifest
    from support.relations.scene import Rule
    from support.repository import Repository

RULES: tuple[Rule, ...] = (
    *names.RULES,
    *selectors.RULES,
    *ports.RULES,
    *references.RULES,
    *pods.RULES,
    *claims.RULES,
    *kinds.RULES,
    *alerts.RULES,
)


def check(
    objects: Sequence[Manifest],
    rules: Sequence[Rule] = RULES,
    outside: Mapping[str, Sequence[str]] | None = None,
    policies: Sequence[Manifest] = (),
    unguarded: Sequence[str] = (),
) -> list[str]:
    """Every violation in one rendering, each with the rule that found it.

    `outside` is what others make, by kind; `policies` are those that admit the rendering's pods; `unguarded` are the
    workloads that have no budget because an answer says so.
    """
    scene = Scene(objects, outside or {}, policies, unguarded)
    return [f"{rule.__name__}: {line}" for rule in rules for line in rule(scene)]


def check_repository(repository: Repository) -> list[str]:
    """Every violation in the base, the chart's own values, and each environment in both renderings."""
    renderings = {"base": repository.kustomize(), "chart": repository.helm()}
    for environment in repository.environments():
        renderings[f"overlay {environment}"] = repository.kustomize(environment)
        renderings[f"chart for {environment}"] = repository.helm(environment)
        accounts = of_kind(repository.kustomize(environment), "ServiceAccount")  # to whom the platform gives rights
        namespaces = repository.namespace_of_others(environment)
        renderings[f"platform {environment}"] = [*namespaces, *repository.platform(environment), *accounts]
    outside = repository.outside()
    policies = list(of_kind(repository.platform(repository.environments()[-1]), "ValidatingAdmissionPolicy"))
    unguarded = repository.unguarded()
    found = [
        f"{name}: {line}"
        for name, objects in renderings.items()
        for line in check(objects, outside=outside, policies=policies, unguarded=unguarded)
    ]
    return [*found, *(f"names_follow_the_release: {line}" for line in names_follow_the_release(repository))]
