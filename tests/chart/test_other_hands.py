"""The chart in other hands: as a dependency of another chart, with null in its values, and beside other releases."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from chart.test_chart import EVERYTHING, TEMPLATES
from support import golden, relations
from support.commands import attempt, run
from support.objects import key, load, workloads
from support.own_checks import script
from support.parity import KUSTOMIZE_HASH
from support.sandbox import ROOT
from support.strict_yaml import read
from support.verdict import expect_none

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from support.objects import Manifest
    from support.render import Answers, Renderer
    from support.repository import Repository

TARGETS = relations.references.vertical_autoscaler_targets_one_workload
RULES = (*relations.names.RULES, *relations.selectors.RULES, TARGETS)
VERSIONS = ["1.34"]
ANYWHERE: Mapping[str, Answers] = {
    "everything": EVERYTHING,
    "own": {
        "own_manifests": [],
        "expose": "ingress",
        "object_metadata": [{"kind": "*", "metadata": {"labels": {"a": "b"}}}],
    },
}
"""Answers that together give each template and each part of the schema of the values."""

SHARED: Mapping[str, Any] = {name: answer for name, answer in EVERYTHING.items() if name != "services"}
"""Without Services by names of their own: these are the same in every release."""

SWITCHED: Mapping[str, Any] = {
    "workloads": {"main": {"autoscaling": None, "replicas": 3, "expose": None}, "job": None, "statefulset": None},
    "monitoring": None,
}
"""What whoever installs a chart leaves out, by null."""

KUBERNETES_OWN = re.compile(r"workloads/(\w+/(container|pod|spec|job)/.+/|(?!main)\w+/container/.)")
"""Values below Kubernetes' own types: the chart's schema does not know them, `make check` does."""
LEFT = re.compile("is a required property|asks port .+, which it has not|mounts .+, which is no volume")
"""What it says where null has left of Kubernetes' own fields too little, or one that needs another."""


def switches(values: Any) -> Any:
    """The same by `enabled: false`, which gets through where Helm drops null: in a parent chart's values.yaml."""
    if isinstance(values, dict):
        return {field: {"enabled": False} if item is None else switches(item) for field, item in values.items()}
    return values


def parent(folder: Path, values: Mapping[str, Any], *dependencies: Mapping[str, str]) -> Path:
    """A chart that has others as its dependencies, fetched by Helm."""
    (folder / "templates").mkdir(parents=True)
    chart = {"apiVersion": "v2", "name": "platform", "version": "1.0.0", "dependencies": list(dependencies)}
    (folder / "Chart.yaml").write_text(yaml.safe_dump(chart))
    (folder / "values.yaml").write_text(yaml.safe_dump(dict(values)))
    run("helm", "dependency", "build", folder)
    return folder


def on(repository: Repository, alias: str = "") -> dict[str, str]:
    """A dependency on the chart of a repository, with a condition."""
    name = alias or repository.name
    found = {"name": repository.name, "version": "0.1.0", "repository": f"file://{repository.chart}"}
    return {**found, "condition": f"{name}.enabled", **({"alias": alias} if alias else {})}


def rendered(chart: Path, release: str, *options: str, stdin: str | None = None) -> list[Manifest]:
    """What Helm makes of a chart."""
    command = ("helm", "template", release, chart, "--values=-" if stdin else "--debug=false", *options)
    return load(run(*command, stdin=stdin), f"release {release}")


def kinds(objects: Sequence[Manifest]) -> set[str]:
    """The kinds that are there, each with the name."""
    return {f"{manifest['kind']} {manifest['metadata']['name']}" for manifest in objects}


def test_two_aliases_of_a_chart_and_another_chart(render: Renderer, tmp_path: Path) -> None:
    """In one release, no name and no selector of one meets another's, whatever the release is called."""
    everything, guestbook = render(SHARED), render(golden.ANSWERS["guestbook"])
    dependencies = on(everything, "blue"), on(everything, "green"), on(everything), on(guestbook)
    values = {"global": {"region": "eu"}, "green": {"enabled": True}, "guestbook": {"enabled": True}}
    chart = parent(tmp_path / "platform", values, *dependencies)
    for release in ("platform", "blue-green"):
        objects = rendered(chart, release)
        assert relations.check(objects, RULES) == []
        assert list(script("compare").dangling(objects, {})) == []
    expected = len(everything.helm()) * 3 + len(guestbook.helm())
    assert len({str(key(manifest)) for manifest in objects}) == expected
    off = rendered(chart, "platform", "--set=blue.enabled=false,sample.enabled=false")
    assert {manifest["metadata"]["labels"]["app.kubernetes.io/part-of"] for manifest in off} == {"green", "guestbook"}
    done = attempt("helm", "template", "platform", parent(tmp_path / "other", {}, on(everything, "a-statefulset")))
    assert 'alias "a-statefulset" ends as a part of the chart is called' in done.stderr


def test_references_follow_an_alias(render: Renderer, tmp_path: Path) -> None:
    """What the answers call by the application's name is called by the alias: ConfigMaps, labels of its own pods."""
    own = {"matchLabels": {"app.kubernetes.io/name": "shop-jobs", "app.kubernetes.io/instance": "shop"}}
    reference = {"configMapKeyRef": {"name": "shop", "key": "LOG_LEVEL"}}
    repository = render(
        {
            "env": [{"name": "LEVEL", "valueFrom": reference}],
            "network_policy": {"ingress": [{"from": [{"podSelector": own}]}]},
            "workloads": [{"name": "jobs", "preset": "worker"}],
        }
    )
    objects = rendered(parent(tmp_path / "platform", {}, on(repository, "blue")), "a")
    assert list(script("compare").dangling(objects, {})) == []
    policy = next(item for item in objects if f"{item['kind']} {item['metadata']['name']}" == "NetworkPolicy a-blue")
    peers = [peer for rule in policy["spec"]["ingress"] for peer in rule["from"] if "podSelector" in peer]
    assert peers[-1]["podSelector"]["matchLabels"] == {
        "app.kubernetes.io/name": "blue-jobs",
        "app.kubernetes.io/instance": "a",
    }
    containers = {item["name"] for workload in workloads(objects) for item in workload.spec["containers"]}
    assert containers == {"shop", "jobs", "test"}


def test_null_and_switches_leave_out_the_same(render: Renderer, tmp_path: Path) -> None:
    """A part is left out by null, or by `enabled: false` in a parent's values, with all that belongs to it."""
    repository = render(SHARED)
    by_null = rendered(repository.chart, "sample", stdin=yaml.safe_dump(dict(SWITCHED)))
    by_switch = rendered(repository.chart, "sample", stdin=yaml.safe_dump(switches(SWITCHED)))
    assert by_null == by_switch
    gone = kinds(repository.helm()) - kinds(by_null)
    wanted = {"HorizontalPodAutoscaler", "HTTPRoute", "Job", "StatefulSet"}
    assert {name.partition(" ")[0] for name in gone} >= wanted | {"ServiceMonitor", "PodMonitor", "PrometheusRule"}
    assert not [name for name in kinds(by_null) if re.search("sample-(statefulset|job|dashboard)", name)]
    assert "gateway-system" not in str(by_null)
    faults = script("check").faults
    assert [line for item in by_null for line in faults(item, by_null, VERSIONS)] == []
    sample = {"sample": {**switches(SWITCHED), "enabled": True}}
    chart = parent(tmp_path / "platform", sample, on(repository))
    below = kinds(rendered(chart, "a"))
    names = {
        re.sub(" (sample-)?", " a-sample-", name).replace("-sample-sample", "-sample") for name in kinds(by_null)
    }
    assert below == names


def test_the_application_itself_can_be_left_out(render: Renderer) -> None:
    """Who needs the worker alone gets it, with what the workloads share."""
    repository = render({"workloads": [{"name": "jobs", "preset": "worker"}]})
    objects = rendered(repository.chart, "shop", stdin=yaml.safe_dump({"workloads": {"main": None}}))
    assert kinds(objects) == {
        "ServiceAccount shop",
        "ConfigMap shop",
        *(f"{kind} shop-jobs" for kind in ("Deployment", "NetworkPolicy", "PodDisruptionBudget")),
    }


def paths(values: Mapping[str, Any], *above: str) -> Iterator[tuple[str, ...]]:
    """Each path of the values, down to where Kubernetes' own types begin."""
    for field, item in values.items():
        path = (*above, field)
        if not KUBERNETES_OWN.match("/".join(path)):
            yield path
            yield from paths(item, *path) if isinstance(item, dict) else ()


def nulled(*path: str) -> dict[str, Any]:
    """Values with null in one place."""
    return {path[0]: nulled(*path[1:]) if path[1:] else None}


@pytest.mark.parametrize("name", ANYWHERE)
def test_null_in_any_place(name: str, render: Renderer) -> None:
    """Null in the place of each value gives valid objects, or one line that says what is missing."""
    repository = render(ANYWHERE[name])
    usual = repository.helm()
    tried = list(paths(read(repository.chart / "values.yaml")[0]))
    assert len(tried) > 25
    found = []
    for path in tried:
        stdin = yaml.safe_dump(nulled(*path))
        done = attempt("helm", "template", repository.name, repository.chart, "--values=-", stdin=stdin)
        if done.returncode:
            lines = [line for line in done.stderr.splitlines()[2:] if line]
            said = len(lines) == 1 and "missing property" in lines[0]
            found += [] if said else [f"{'.'.join(path)}: {done.stderr}"]
        else:
            objects = load(done.stdout, ".".join(path))
            changed = [item for item in objects if item not in usual]
            lines = [line for item in changed for line in script("check").faults(item, objects, VERSIONS)]
            found += [f"{'.'.join(path)}: {line}" for line in lines if not LEFT.search(line)]
    expect_none(found, name)


def test_null_that_is_left_over(render: Renderer) -> None:
    """Null in an environment's values stays harmless when an answer has taken away what it removed."""
    repository = render({"workload_kind": "deployment", "preset": "worker", "autoscaling": False, "config": {}})
    sections = ("autoscaling", "expose", "service", "initContainers", "spec", "pod", "podLabels", "podAnnotations")
    values = {"config": None, "labels": None, "workloads": {"main": dict.fromkeys(sections), "gone": None}}
    objects = rendered(repository.chart, "shop", stdin=yaml.safe_dump(values))
    assert kinds(objects) == kinds(repository.helm())
    assert [line for item in objects for line in script("check").faults(item, objects, VERSIONS)] == []


@pytest.mark.parametrize("name", golden.ANSWERS)
def test_releases_in_one_namespace(name: str, render: Renderer) -> None:
    """No object of one release has the name of another's, and no selector picks another's pods."""
    repository = render(golden.ANSWERS[name])
    releases = ("blue", "green", repository.name)
    objects = [manifest for release in releases for manifest in repository.helm(release=release)]
    expect_none(relations.check(objects, RULES), name)


def test_templates_share_no_names_with_another_chart(render: Renderer) -> None:
    """Helm has one list of named templates for all charts of a release: ours begin with the application's name."""
    for answers in ANYWHERE.values():
        repository = render(answers)
        texts = [path.read_text() for path in (repository.chart / "templates").rglob("*") if path.is_file()]
        names = re.findall(r'(?:define|include|template) "([^"]+)"', "".join(texts))
        assert [name for name in names if not name.startswith(f"{repository.name}.")] == []


def test_every_loop_leaves_out_what_is_off() -> None:
    """No template goes over the workloads of the values without what leaves out those that are switched off."""
    for path in TEMPLATES.rglob("*.*"):
        if path.is_file():
            found = re.findall(r":= \$?\.Values\.workloads", path.read_text())
            assert len(found) == (path.name == "_helpers.tpl.jinja"), path.name


@pytest.mark.parametrize("more", [{"own_manifests": []}, {}], ids=["own", "none"])
def test_references_follow_what_kustomize_renames(more: Answers, render: Renderer, tmp_path: Path) -> None:
    """A Kustomization on top of an environment changes names and namespace, and everything still finds each other."""
    answers = {**EVERYTHING, **more}
    repository = render.loose(answers, tmp_path / "repository")
    usual = repository.kustomize("prod")
    top = {"resources": ["../deploy/environments/prod"], "namespace": "other", "namePrefix": "a-", "nameSuffix": "-b"}
    (repository.path / "top").mkdir()
    if not more:
        page = (ROOT / "docs/how-to/chart.md").read_text()
        block = re.findall("```yaml\n(# names.yaml\n.*?)```", page, re.DOTALL)[0]
        (repository.path / "top/names.yaml").write_text(block)
        top["configurations"] = ["names.yaml"]
    (repository.path / "top/kustomization.yaml").write_text(yaml.safe_dump(top))
    objects = load(run("kubectl", "kustomize", repository.path / "top"), "top")
    expected = {("other", f"{item['kind']} a-{plain(item)}-b") for item in usual}
    assert {(item["metadata"]["namespace"], f"{item['kind']} {plain(item)}") for item in objects} == expected
    assert list(script("compare").dangling(objects, {"Secret": ["credentials"]})) == []
    route = next(item for item in objects if item["kind"] == "HTTPRoute")
    assert route["spec"]["rules"][0]["backendRefs"][0]["name"] == "a-sample-b"
    expect_none(relations.check(objects, RULES), answers)


def plain(manifest: Manifest) -> str:
    """The name of an object without the hash that Kustomize adds."""
    name: str = manifest["metadata"]["name"]
    found = KUSTOMIZE_HASH.fullmatch(name) if manifest["kind"] == "ConfigMap" else None
    return found["name"] if found else name
