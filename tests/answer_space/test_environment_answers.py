"""Answers that an environment has of its own: there they are as if they were everybody's, and nowhere else."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from support.answers import METRICS, REPRESENTATIVES, claim
from support.apiserver import deliver
from support.questionnaire import questions
from support.questions_asked import ask
from support.sandbox import ROOT
from support.strict_yaml import parse, read
from support.verdict import expect_none, findings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from support.cluster import Cluster
    from support.render import Renderer
    from support.repository import Repository

FACTS: dict[str, dict[str, Any]] = json.loads((ROOT / "template/schemas/answers.json").read_text())
DIFFERING = [name for name, fact in FACTS.items() if fact.get("environments")]

KINDS: dict[str, dict[str, Any]] = {
    "deployment": {"disruption_budget": {"maxUnavailable": "25%"}, "workload_spec": {"revisionHistoryLimit": 3}},
    "statefulset": {
        "disruption_budget": {"maxUnavailable": 2},
        "workload_spec": {"revisionHistoryLimit": 3},
        "storage": [{"name": "data", "mountPath": "/data", "spec": claim(storage="2.5Gi")}],
    },
    "daemonset": {"workload_spec": {"revisionHistoryLimit": 3}},
    "job": {"workload_spec": {"suspend": True}},
    "cronjob": {"workload_spec": {"suspend": True}},
}
"""Answers that the representatives do not have in a form for each kind."""

MEMORY = {"resourcePolicy": {"containerPolicies": [{"containerName": "*", "controlledResources": ["memory"]}]}}
"""A VerticalPodAutoscaler that does not fight another one."""

NOT_TOGETHER = {"statefulset": ["storage_size"], "job": ["probes"], "cronjob": ["probes"]}

USUAL = {
    "env": [{"name": "A", "value": "1"}],
    "node_selector": {"disk": "ssd"},
    "tolerations": [{"operator": "Exists"}],
}
"""What all other environments have, and this one has otherwise."""

SETS: dict[str, dict[str, Any]] = {
    **{
        kind: {
            name: {"vertical_autoscaling": MEMORY, **given}.get(
                name, (REPRESENTATIVES.get(name) or questions()[name].values)[1]
            )
            for name in DIFFERING
            if kind in FACTS[name].get("kinds", [kind]) and name not in NOT_TOGETHER.get(kind, [])
        }
        for kind, given in KINDS.items()
    },
    "size of a claim": {"storage_size": "2.5Gi", "replicas": 1},
    "nothing of what others have": {"env": [], "node_selector": {}, "tolerations": [], "pod_annotations": {}},
}
OF_OTHER_KINDS = {"size of a claim": "statefulset", "nothing of what others have": "deployment"}


def test_every_question_is_tried() -> None:
    """A question that is added to those that may differ cannot be forgotten here."""
    assert {name for given in SETS.values() for name in given} == {*DIFFERING, "replicas"}


@pytest.mark.slow
@pytest.mark.parametrize("name", SETS)
def test_as_if_it_were_everybodys(name: str, render: Renderer) -> None:
    """Both renderings of the environment equal those of a repository in which all have these answers."""
    kind = OF_OTHER_KINDS.get(name, name)
    grown = {"vertical_autoscaling": True} if "vertical_autoscaling" in SETS[name] else {}
    usual = {"workload_kind": kind, "monitoring": "none", **USUAL, **grown}
    own = render({**usual, "environments": [{"name": "dev", **SETS[name]}, "prod"]})
    everybodys = render({**usual, **SETS[name], "environments": ["dev", "prod"]})
    nobodys = render({**usual, "environments": ["dev", "prod"]})
    for rendering in ("kustomize", "helm"):
        assert getattr(own, rendering)("dev") == getattr(everybodys, rendering)("dev")
        assert getattr(own, rendering)("prod") == getattr(nobodys, rendering)("prod")
    quota = "deploy/platform/dev/namespace.yaml"
    assert read(own.path / quota) == read(everybodys.path / quota)
    assert list(misplaced(own)) == []
    expect_none(findings(own, ["parity", "environments", "own checks", "yamllint"]), SETS[name])


def misplaced(repository: Repository) -> Iterator[str]:
    """Operations that RFC 6902 does not allow: Kustomize replaces what is not there, other programs do not."""
    base = {(each["kind"], each["metadata"]["name"]): each for each in repository.kustomize()}
    (component,) = read(repository.deploy / "environments/dev/answers/kustomization.yaml")
    for entry in component["patches"]:
        for operation in parse(entry["patch"])[0]:
            *above, last = [part.replace("~1", "/") for part in operation["path"].split("/")[1:]]
            place: Any = base[entry["target"]["kind"], entry["target"]["name"]]
            for part in above:
                place = place[int(part)] if isinstance(place, list) else place[part]
            there = isinstance(place, list) or last in place
            if there != (operation["op"] != "add"):
                yield f"{operation['op']} of {operation['path']}"


def test_budget_is_of_the_environments_own_pods() -> None:
    """A budget that would be stuck with one pod is no matter where another one is answered."""
    own = {"name": "dev", "replicas": 1, "disruption_budget": {"maxUnavailable": 1}}
    usual = {"autoscaling": False, "replicas": 3, "disruption_budget": {"minAvailable": 2}}
    assert ask({"app_name": "shop", **usual, "environments": [own, "prod"]}).refused == {}


def test_autoscalers_fight_where_both_are() -> None:
    """One by memory, in an environment in which the requests are left alone, fights nobody."""
    scaling = {"minReplicas": 1, "maxReplicas": 2, "metrics": METRICS[:1]}
    grown = {"updatePolicy": {"updateMode": "Recreate"}, **MEMORY}
    own = {"name": "dev", "autoscaling": scaling, "vertical_autoscaling": True}
    assert ask({"app_name": "shop", "vertical_autoscaling": grown, "environments": [own, "prod"]}).refused == {}


@pytest.mark.slow
def test_further_workloads_differ_too(render: Renderer, cluster_with_crds: Cluster) -> None:
    """Each by its name: how many pods, how large, when, and whether at all."""
    size = {"requests": {"cpu": "10m", "memory": "32Mi"}, "limits": {"memory": "64Mi"}}
    ports = [{"name": "redis", "containerPort": 6379}]
    cache = {"kind": "statefulset", "image": "docker.io/library/redis:8.0.3", "ports": ports, "replicas": 3}
    answers = {
        "secrets": [{"name": "database", "env": {"PASSWORD": "password"}}],
        "workloads": [
            {"name": "cache", **cache},
            {"name": "mail", "preset": "worker", "autoscaling": {"minReplicas": 2, "maxReplicas": 8}},
            {"name": "report", "kind": "cronjob"},
        ],
        "environments": [
            {
                "name": "dev",
                "workloads": [
                    {"name": "cache", "replicas": 1, "resources": size},
                    {
                        "name": "mail",
                        "autoscaling": {"minReplicas": 1, "maxReplicas": 2},
                        "env": [{"name": "B", "value": "=1"}],
                    },
                    {"name": "report", "schedule": "0 5 * * mon", "workload_spec": {"suspend": True}},
                ],
            },
            "prod",
        ],
    }
    repository = render(answers)
    found = {f"{each['kind']}/{each['metadata']['name']}": each.get("spec", {}) for each in repository.helm("dev")}
    assert found["StatefulSet/shop-cache"]["replicas"] == 1
    (container,) = found["StatefulSet/shop-cache"]["template"]["spec"]["containers"]
    assert container["resources"]["limits"]["memory"] == size["limits"]["memory"]
    assert found["HorizontalPodAutoscaler/shop-mail"]["maxReplicas"] == 2
    variables = found["Deployment/shop-mail"]["template"]["spec"]["containers"][0]["env"]
    assert {"B", "PASSWORD"} <= {each["name"] for each in variables}
    assert (found["CronJob/shop-report"]["schedule"], found["CronJob/shop-report"]["suspend"]) == (
        "0 5 * * mon",
        True,
    )
    expect_none(findings(repository) or deliver(cluster_with_crds, repository), answers)
