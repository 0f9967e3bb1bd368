"""Rules about names: each is legal for its kind, nothing bears the name of another, and what adds to it has room."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

from support.commands import attempt
from support.objects import Manifest, at, key, load, walk
from support.relations.scene import Scene, violation

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from support.repository import Repository

LABEL = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
SUBDOMAIN = re.compile(rf"{LABEL.pattern}(\.{LABEL.pattern})*")
SERVICE = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?")
"""RFC 1035, which the oldest supported version asks of a Service's name."""

LEGAL: Mapping[str, tuple[re.Pattern[str], int]] = {
    "Service": (SERVICE, 63),
    "Namespace": (LABEL, 63),
    "CronJob": (LABEL, 52),
    "StatefulSet": (LABEL, 52),
    "Job": (LABEL, 63),
    "Pod": (LABEL, 63),
}
"""Form and length by kind. Pods are hosts, and bear the names of what makes them as labels: a Job's, and a
StatefulSet's with a dash and a hash of 10. A CronJob adds a dash and the minute."""

LABEL_KEY = re.compile(rf"({SUBDOMAIN.pattern}/)?[A-Za-z0-9]([-A-Za-z0-9_.]{{0,61}}[A-Za-z0-9])?")
LABEL_VALUE = re.compile(r"([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?")

TAKEN = {"ServiceAccount": re.compile("default"), "Service": re.compile("kubernetes")}
"""Objects of Kubernetes' own."""

SYSTEM = re.compile(r"default|(kube|openshift)-.*")
"""Namespaces of the cluster's own, in which a quota would stop it."""

REFUSAL = re.compile(r'Error: execution error at \(\S+\): (release name "[^"\n]+" [^\n]+: use [^\n]+)')
"""How the chart refuses a release's name."""


def names_are_unique(scene: Scene) -> Iterator[str]:
    """No two objects of a kind bear one name, or the second would silently take the first one's place."""
    for manifest, count in _counted([(key(manifest), manifest) for manifest in scene.objects]):
        if count > 1:
            yield violation(manifest, "metadata.name", f"is borne by {count} objects of this kind")


def _counted(pairs: list[tuple[object, Manifest]]) -> Iterator[tuple[Manifest, int]]:
    counts = Counter(identity for identity, _ in pairs)
    first = dict(reversed(pairs))
    return ((first[identity], count) for identity, count in counts.items())


def names_are_legal(scene: Scene) -> Iterator[str]:
    """A name has the form and the length of its kind, what controllers add to it included."""
    for manifest in scene.objects:
        name = manifest["metadata"]["name"]
        form, longest = LEGAL.get(manifest["kind"], (SUBDOMAIN, 253))
        if not form.fullmatch(name):
            yield violation(manifest, "metadata.name", f"does not match {form.pattern}")
        if len(name) > longest:
            yield violation(manifest, "metadata.name", f"has {len(name)} characters, {longest} are the most")


def parts_have_host_names(scene: Scene) -> Iterator[str]:
    """A pod of an indexed Job is a host called after the Job and its part; a CronJob's Job has 11 characters more."""
    for manifest in scene.of_kind("Job", "CronJob"):
        spec = at(manifest, "spec", "jobTemplate", "spec") or manifest["spec"]
        if spec.get("completionMode") == "Indexed":
            job = len(manifest["metadata"]["name"]) + (11 if manifest["kind"] == "CronJob" else 0)
            host = job + len(f"-{spec.get('completions', 1) - 1}")
            if host > LEGAL["Pod"][1]:
                yield violation(manifest, "metadata.name", f"gives its parts host names of {host} characters")


def names_are_free(scene: Scene) -> Iterator[str]:
    """No object is Kubernetes' own, nor in a namespace of the cluster's."""
    for manifest in scene.objects:
        name = manifest["metadata"]["name"]
        if manifest["kind"] in TAKEN and TAKEN[manifest["kind"]].fullmatch(name):
            yield violation(manifest, "metadata.name", "is Kubernetes' own")
        if manifest["kind"] == "Namespace" and SYSTEM.fullmatch(name):
            yield violation(manifest, "metadata.name", "is the cluster's own")


def labels_are_legal(scene: Scene) -> Iterator[str]:
    """Each label and each selector has keys and values of at most 63 characters, in the form that labels have."""
    for manifest in scene.objects:
        for path, value in walk(manifest):
            if path.rpartition(".")[2] not in ("labels", "matchLabels") or not isinstance(value, dict):
                continue
            for name, content in value.items():
                if not LABEL_KEY.fullmatch(name):
                    yield violation(manifest, path, f"has the key {name!r}")
                if not LABEL_VALUE.fullmatch(content):
                    yield violation(manifest, f"{path}.{name}", f"has the value {content!r}")


def claims_are_unique(scene: Scene) -> Iterator[str]:
    """No two StatefulSets share a claim, which is called after the template, the StatefulSet and the pod's number."""
    claims = [
        (f"{claim['metadata']['name']}-{manifest['metadata']['name']}", manifest)
        for manifest in scene.of_kind("StatefulSet")
        for claim in at(manifest, "spec", "volumeClaimTemplates", default=[])
    ]
    for manifest, count in _counted(list(claims)):
        if count > 1:
            yield violation(manifest, "volumeClaimTemplates", f"makes a claim that {count} StatefulSets would share")


def claims_hide_no_volume(scene: Scene) -> Iterator[str]:
    """A claim takes the place of a volume of the same name, and what that volume holds never arrives."""
    for workload in scene.workloads:
        volumes = {volume["name"] for volume in workload.spec.get("volumes", [])}
        for claim in at(workload.manifest, "spec", "volumeClaimTemplates", default=[]):
            if claim["metadata"]["name"] in volumes:
                yield violation(
                    workload.manifest, "volumeClaimTemplates", f"hides volume {claim['metadata']['name']!r}"
                )


RULES = (
    names_are_unique,
    names_are_legal,
    parts_have_host_names,
    names_are_free,
    labels_are_legal,
    claims_are_unique,
    claims_hide_no_volume,
)


def install(repository: Repository, release: str) -> tuple[list[Manifest], str]:
    """What the chart makes for a release, or the line in which it refuses its name."""
    done = attempt("helm", "template", release, repository.chart)
    refusal = REFUSAL.search(done.stderr)
    assert done.returncode == 0 or refusal, f"release {release}: {done.stderr}"
    return ([], refusal[1]) if refusal else (load(done.stdout, f"release {release}"), "")


def check(repository: Repository) -> list[str]:
    """One line for each name that does not hold under a release of the longest name, or one with a dot."""
    scenes = {name: Scene(install(repository, name)[0]) for name in ("r" * 53, f"{repository.name}.blue")}
    return [
        f"release {release}: {rule.__name__}: {line}"
        for release, scene in scenes.items()
        for rule in RULES
        for line in rule(scene)
    ]
