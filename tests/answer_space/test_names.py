"""Names that are made of answers and of a release's name: each is legal and unique, or refused with the reason."""

from __future__ import annotations

from itertools import permutations, product
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from support import parity, relations
from support.answers import ABSENT, REPRESENTATIVES
from support.questions_asked import ask, environment
from support.relations import names
from support.relations.scene import Scene

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from support.objects import Manifest
    from support.render import Answers, Renderer

LONG = "a" * 40
EVERY_KIND: list[dict[str, Any]] = [
    {"name": kind, "kind": kind} for kind in ("statefulset", "daemonset", "job", "cronjob", "deployment")
]
PARTS: dict[str, Any] = {"name": "parts", "kind": "cronjob", "completion_mode": "Indexed", "completions": 100000}
REPOSITORIES: dict[str, Answers] = {
    "plain": {"environments": ["dev"]},
    "every kind": {
        "environments": ["dev"],
        "monitoring": "prometheus-operator",
        "expose": "ingress",
        "config_files": [{"name": "settings", "mountPath": "/etc/settings", "data": {"a": "b"}, "immutable": True}],
        "secrets": [{"name": "credentials", "envFrom": True}],
        "secrets_backend": "external-secrets",
        "workloads": [*EVERY_KIND, PARTS],
    },
    "somebody's images": {
        "environments": ["dev"],
        "language": "none",
        "workload_kind": "statefulset",
        "workloads": [{"name": "settings", "image": "registry.example.com/a:1"}],
        "config_files": [{"name": "settings", "mountPath": "/etc/settings", "data": {"a": "b"}}],
    },
}

RELEASES: dict[str, str] = {
    "shop": "",
    "blue": "",
    "cronjob": "",
    "shop-cronjob": "",
    "default": "",
    "kube-system": "",
    "a": "",
    "shopping": "",
    "shop.blue": "gives no name for a Service",
    "2048": "gives no name for a Service",
    "9-shop": "gives no name for a Service",
    "r" * 53: "",
    "r" * 49 + "shop": "",
    "r" * 41 + "shop": "",
    "shop-" * 10 + "abc": "",
}
"""Odd names of releases, all of them legal to Helm, and what the chart says of those that it refuses."""


@pytest.mark.slow
@pytest.mark.parametrize("name", REPOSITORIES)
def test_odd_releases(name: str, render: Renderer) -> None:
    """A release of a name that Helm takes has names that Kubernetes takes, or is refused in a line that says why."""
    repository = render(REPOSITORIES[name])
    found = []
    for release, reason in RELEASES.items():
        objects, refused = names.install(repository, release)
        assert (reason in refused) if reason else not refused, (release, refused)
        found += [f"{release}: {line}" for line in relations.check(objects, names.RULES)]
    assert found == []
    assert names.check(repository) == []


def test_release_with_the_name_of_a_service_account(render: Renderer) -> None:
    """`default` contains the chart's name here, and the ServiceAccount of that name is every namespace's own."""
    _, refused = names.install(render({"app_name": "def"}), "default")
    assert refused.endswith('such as "def"')


@pytest.mark.parametrize("app_name", ["a", "shop", "s" * 31, LONG])
def test_longest_names(app_name: str, render: Renderer) -> None:
    """Names of every kind may be as long as is said, in both renderings alike; one more character is refused."""
    kinds = ["statefulset", "daemonset", "job", "cronjob", "deployment"]
    longest = min(20, 51 - len(app_name))
    parts = min(20, 45 - len(app_name))
    workloads: list[dict[str, Any]] = [
        *({"name": f"{index}".rjust(longest, "w"), "kind": kind} for index, kind in enumerate(kinds)),
        {**PARTS, "name": "p" * parts},
    ]
    answers = {"app_name": app_name, "environments": ["dev"], "workloads": workloads}
    repository = render(answers)
    assert parity.check(repository) == []
    assert relations.check_repository(repository) == []
    for workload in workloads:
        longer = [{**workload, "name": f"{workload['name']}x"}]
        assert "at most" in ask({**answers, "workloads": longer}).refused["workloads"]


def objects(context: Mapping[str, Any]) -> Iterator[Manifest]:
    """What the base holds of the workloads, rendered in this process."""
    kinds = {workload["kind"].lower() for workload in context["every_workload"]}
    for name in sorted(kinds | {"service", "networkpolicy", "serviceaccount"}):
        text = environment().get_template(f"template/project/deploy/base/{name}.yaml.jinja").render(context)
        yield from filter(None, yaml.safe_load_all(text))


def expect_sound(answers: Answers) -> bool:
    """Whether answers are accepted; if they are, all names hold."""
    verdict = ask(answers)
    if not verdict.refused:
        scene = Scene(list(objects(verdict.context)))
        assert [line for rule in names.RULES for line in rule(scene)] == [], answers
    return not verdict.refused


WORDS = ("shop", "cache", "cache-headless", "headless", "settings", "dashboard")


@pytest.mark.slow
def test_pairs_of_names() -> None:
    """Whatever two workloads are called, and the application: no object of the one is one of the other's."""
    accepted = {
        (app_name, ones, first, others, second): expect_sound(
            {
                "app_name": app_name,
                "workload_kind": kind,
                "config_files": [{"name": "settings", "mountPath": "/etc/settings", "data": {"a": "b"}}],
                "workloads": [{"name": ones, "kind": first}, {"name": others, "kind": second}],
            }
        )
        for app_name, kind in (("shop", "deployment"), ("cache", "statefulset"))
        for ones, others in permutations(WORDS, 2)
        for first, second in (("statefulset", "deployment"), ("deployment", "cronjob"))
    }
    assert accepted["shop", "settings", "statefulset", "dashboard", "deployment"]
    assert not accepted["cache", "settings", "statefulset", "headless", "deployment"]


def test_claims_of_two_stateful_sets() -> None:
    """A claim is called after its template and its StatefulSet: other halves can make the same whole."""
    spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    for claim, key in product(("data", "data-shop", "data-shop-x", "tmp"), ("a", "shop-a", "x-shop")):
        storage = [{"name": claim, "mountPath": "/data", "spec": spec}]
        own = {"name": key, "kind": "statefulset", "storage": storage}
        for other in ("a", "shop-a", "b"):
            if other != key:
                workloads = [{"name": other, "kind": "statefulset"}, own]
                expect_sound({"app_name": "shop", "workload_kind": "statefulset", "workloads": workloads})
        expect_sound(
            {
                "app_name": "shop",
                "workload_kind": "statefulset",
                "storage": storage,
                "workloads": [{"name": key, "kind": "statefulset"}],
            }
        )


@pytest.mark.parametrize("name", ["data", "settings", "logs", "work", "app-logs", "secret-db", "tmp"])
def test_volume_of_one_name(name: str) -> None:
    """Files of the configuration arrive whatever their volume is called, or the name is refused."""
    spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    files = [{"name": name, "mountPath": "/etc/x", "data": {"a": "b"}}]
    for more in (
        {"workload_kind": "statefulset"},
        {"workload_kind": "statefulset", "storage": [{"name": "settings", "mountPath": "/data", "spec": spec}]},
        {"workload_kind": "daemonset", "preset": "log-agent"},
        {"init_containers": ["prepare-volume"]},
        {"sidecars": ["log-shipper"]},
        {"secrets": [{"name": "db", "mountPath": "/run/db"}]},
        {"workloads": [{"name": "db", "kind": "statefulset"}]},
    ):
        verdict = ask({"app_name": "shop", "config_files": files, **more})
        if not verdict.refused:
            assert expect_sound({"app_name": "shop", "config_files": files, **more})
            for workload in verdict.context["every_workload"]:
                found = [volume["name"] for volume in workload["pod"].get("volumes", [])]
                assert name not in found


def test_further_workloads_fit_behind_every_application() -> None:
    """The representatives of `workloads` are accepted behind the longest name of an application."""
    for value in REPRESENTATIVES["workloads"]:
        if value is not ABSENT:
            assert not ask({"app_name": LONG, "workloads": value}).refused
