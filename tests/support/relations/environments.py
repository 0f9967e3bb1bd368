"""Rules about an environment as a whole: overlay, values file and platform objects belong together."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from support.objects import Manifest, Workload, at, of_kind, workloads
from support.relations.quantities import Resources, peak, quantity
from support.strict_yaml import read

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from support.repository import Repository

PLACEHOLDER = "APPLICATION"
"""The application's image in the base: no reference to an image has capitals in its name."""

DEPLOYER_VERBS = frozenset({"get", "create", "patch", "delete"})
"""What `kubectl apply --server-side`, `kubectl diff` and a roll-back need of each kind."""


def environments_are_complete(repository: Repository) -> Iterator[str]:
    """Every environment has a folder, an overlay, a values file and platform objects, and none is left without it."""
    deploy = repository.deploy
    present = {
        "folder": set(repository.environments()),
        "overlay": {path.name for path in (deploy / "overlays").iterdir()},
        "values file": {path.stem.removeprefix("values-") for path in repository.chart.glob("values-*.yaml")},
        "platform objects": {path.name for path in (deploy / "platform").iterdir()} - {"base"},
    }
    for name in sorted(set.union(*present.values())):
        for part, names in present.items():
            if name not in names:
                yield f"{name}: has no {part}"


def namespaces_are_the_environments_own(repository: Repository) -> Iterator[str]:
    """Objects and platform objects of an environment meet in one namespace, which no other environment uses."""
    owners: dict[str, str] = {}
    for environment in repository.environments():
        namespace = repository.namespace(environment)
        if namespace in owners:
            yield f"{environment}: namespace {namespace} is that of {owners[namespace]}"
        owners[namespace] = environment
        for manifest in [*repository.kustomize(environment), *repository.platform(environment)]:
            found = manifest["metadata"].get("namespace", namespace)
            if found != namespace:
                yield f"{environment}: {manifest['kind']} is in namespace {found}, not in {namespace}"


def overlays_change_images_that_exist(repository: Repository) -> Iterator[str]:
    """An overlay's `images` name images of the base: Kustomize ignores any other without a word."""
    base = {_without_tag(c["image"]) for w in workloads(repository.kustomize()) for c in w.containers()}
    for environment in repository.environments():
        kustomization = read(repository.deploy / "overlays" / environment / "kustomization.yaml")[0]
        for image in kustomization.get("images", []):
            if image["name"] not in base | {PLACEHOLDER}:
                yield f"{environment}: images names {image['name']}, which the base does not use: {sorted(base)}"


def environments_name_a_version(repository: Repository) -> Iterator[str]:
    """The image that the base leaves open has a repository and a version wherever it is deployed."""
    for environment in repository.environments():
        for container in (c for w in workloads(repository.kustomize(environment)) for c in w.containers()):
            image = container["image"]
            if PLACEHOLDER in image or not re.search(r"(:[^:/]+|@sha256:[0-9a-f]{64})$", image):
                yield f"{environment}: {container['name']} runs {image}, which is no exact version"


def _without_tag(image: str) -> str:
    return re.sub(r":[^:/]*$", "", image.partition("@")[0])


def deployers_may_apply_everything(repository: Repository) -> Iterator[str]:
    """The deployer's Role covers each kind that is rendered, and grants nothing about kinds that are not."""
    for environment in repository.environments():
        granted = _granted(repository.platform(environment))
        for manifest in [*repository.kustomize(environment), *repository.helm(environment)]:
            group, resource = manifest["apiVersion"].rpartition("/")[0], _plural(manifest["kind"])
            missing = DEPLOYER_VERBS - granted.get((group, resource), set())
            if missing:
                yield f"{environment}: the deployer's Role lacks {sorted(missing)} on {resource}.{group}".rstrip(".")


def _granted(platform: Sequence[Manifest]) -> dict[tuple[str, str], set[str]]:
    granted: dict[tuple[str, str], set[str]] = {}
    for role in of_kind(platform, "Role"):
        for rule in role["rules"]:
            for group in rule["apiGroups"]:
                for resource in rule["resources"]:
                    granted.setdefault((group, resource), set()).update(rule["verbs"])
    return granted


def _plural(kind: str) -> str:
    word = kind.lower()
    if word.endswith("s"):
        return f"{word}es"
    return f"{word[:-1]}ies" if word.endswith("y") else f"{word}s"


def quotas_admit_the_peak(repository: Repository) -> Iterator[str]:
    """The ResourceQuota holds every pod of a rolling update at full scale, and the LimitRange each container."""
    for environment in repository.environments():
        platform, objects = repository.platform(environment), repository.kustomize(environment)
        needed = peak(objects)
        quotas = (each for each in of_kind(platform, "ResourceQuota") if not _of_some_pods(each))
        for quota in quotas:
            for name, hard in quota["spec"]["hard"].items():
                if needed.get(name, 0) > quantity(hard):
                    yield f"{environment}: ResourceQuota {name}: {hard} is less than the peak, {needed[name]}"
        for limit in (each for lr in of_kind(platform, "LimitRange") for each in lr["spec"]["limits"]):
            for workload in workloads(objects):
                yield from _within(environment, limit, workload)


def _of_some_pods(quota: Manifest) -> bool:
    """Whether a quota counts less than all: what it admits depends on the pods' own fields."""
    return bool({"scopes", "scopeSelector"} & quota["spec"].keys())


def _within(environment: str, limit: Manifest, workload: Workload) -> Iterator[str]:
    for container in workload.containers() if limit["type"] == "Container" else []:
        resources: Resources = container.get("resources", {})
        for bound, kind, sign in (("max", "limits", 1), ("min", "requests", -1)):
            for name, amount in limit.get(bound, {}).items():
                asked = at(resources, kind, name)
                if asked is not None and sign * quantity(asked) > sign * quantity(amount):
                    yield f"{environment}: LimitRange {bound}.{name} {amount} refuses {container['name']}: {asked}"


RULES: tuple[Callable[[Repository], Iterator[str]], ...] = (
    environments_are_complete,
    namespaces_are_the_environments_own,
    overlays_change_images_that_exist,
    environments_name_a_version,
    deployers_may_apply_everything,
    quotas_admit_the_peak,
)


def check(repository: Repository) -> list[str]:
    """Every violation in the repository's environments, each with the rule that found it.

    The first rule is the ground that the others stand on: where it is broken, they are not asked.
    """
    found: list[str] = []
    for rule in RULES:
        found += [f"{rule.__name__}: {line}" for line in rule(repository)]
        if found and rule is environments_are_complete:
            break
    return found
