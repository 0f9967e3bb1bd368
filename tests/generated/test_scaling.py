"""How many pods there are: an autoscaler, a budget, and the hand-over of a running application to an autoscaler."""

from __future__ import annotations

import json
import shutil
import uuid
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from support import own_checks, parity, relations
from support.answers import BEHAVIOR, METRICS
from support.commands import attempt, run
from support.objects import load

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from support.cluster import Cluster
    from support.objects import Manifest
    from support.render import Renderer
    from support.repository import Repository

IMAGE = "docker.io/library/redis:8.0.3"
BOUNDS = {"minReplicas": 2, "maxReplicas": 10}
SIZES = {"shop": 5, "shop-cache": 4}
TARGETS = {"shop": "deployment/shop", "shop-cache": "statefulset/shop-cache"}


def deployed(render: Renderer, namespace: str, *, scaled: bool) -> Repository:
    """An application with a Deployment and a StatefulSet, whose pods are counted or scaled."""
    first, second = ({"autoscaling": BOUNDS} if scaled else {"replicas": each} for each in SIZES.values())
    cache = {"name": "cache", "kind": "statefulset", "image": IMAGE, **second}
    return render(
        {
            **({} if scaled else {"autoscaling": False}),
            **first,
            "preset": "worker",
            "monitoring": "none",
            "environments": [{"name": "dev", "namespace": namespace}],
            "workloads": [cache],
        }
    )


def spec(objects: Sequence[Manifest], kind: str, name: str) -> dict[str, Any]:
    """The spec of one object, without what says whose it is."""
    (found,) = (each["spec"] for each in objects if (each["kind"], each["metadata"]["name"]) == (kind, name))
    return {field: value for field, value in found.items() if field not in ("scaleTargetRef", "selector")}


def test_answers_arrive(render: Renderer) -> None:
    """Metrics of every type, a behavior and a budget are in both renderings, and an environment has its own."""
    measured = {"name": "memory", "container": "cache", "target": {"type": "AverageValue", "averageValue": "1Gi"}}
    container = {"type": "ContainerResource", "containerResource": measured}
    rules: dict[str, Any] = {"scaleDown": {"stabilizationWindowSeconds": 0}, "scaleUp": {"selectPolicy": "Disabled"}}
    repository = render(
        {
            "autoscaling": {**BOUNDS, "metrics": METRICS, "behavior": BEHAVIOR},
            "disruption_budget": {"minAvailable": "25%"},
            "environments": [
                {"name": "dev", "autoscaling": {**BOUNDS, "metrics": METRICS[:1], "behavior": rules}},
                "prod",
            ],
            "workloads": [
                {"name": "mail", "preset": "worker", "disruption_budget": False},
                {
                    "name": "cache",
                    "kind": "statefulset",
                    "image": IMAGE,
                    "autoscaling": {**BOUNDS, "metrics": [container]},
                    "disruption_budget": {"unhealthyPodEvictionPolicy": "AlwaysAllow"},
                },
            ],
        }
    )
    assert parity.check(repository) == []
    assert relations.check_repository(repository) == []
    assert own_checks.check(repository) == []
    found = repository.kustomize("prod")
    assert spec(found, "HorizontalPodAutoscaler", "shop") == {**BOUNDS, "metrics": METRICS, "behavior": BEHAVIOR}
    assert spec(found, "HorizontalPodAutoscaler", "shop-cache") == {**BOUNDS, "metrics": [container]}
    budgets = {each["metadata"]["name"] for each in found if each["kind"] == "PodDisruptionBudget"}
    assert budgets == {"shop", "shop-cache"}
    assert spec(found, "PodDisruptionBudget", "shop")["minAvailable"] == "25%"
    always = {"maxUnavailable": 1, "unhealthyPodEvictionPolicy": "AlwaysAllow"}
    assert spec(found, "PodDisruptionBudget", "shop-cache") == always
    behavior = {"scaleDown": {**BEHAVIOR["scaleDown"], **rules["scaleDown"]}, "scaleUp": rules["scaleUp"]}
    own = spec(repository.kustomize("dev"), "HorizontalPodAutoscaler", "shop")
    assert own == {**BOUNDS, "metrics": METRICS[:1], "behavior": behavior}


def test_patch_and_values_are_equal(render: Renderer, tmp_path: Path) -> None:
    """What an overlay says of an autoscaler and a budget, values can say as well, without an answer."""
    repository = render.loose({"environments": ["dev"]}, tmp_path / "shop")
    overlay = repository.deploy / "overlays/dev/kustomization.yaml"
    patched = {
        "HorizontalPodAutoscaler": {"metrics": METRICS[1:3], "behavior": BEHAVIOR},
        "PodDisruptionBudget": {"minAvailable": 1, "maxUnavailable": None},
    }
    patches = [
        {"patch": yaml.safe_dump({"apiVersion": version, "kind": kind, "metadata": {"name": "shop"}, "spec": fields})}
        for (kind, fields), version in zip(patched.items(), ("autoscaling/v2", "policy/v1"), strict=True)
    ]
    overlay.write_text(yaml.safe_dump({**yaml.safe_load(overlay.read_text()), "patches": patches}))
    assert parity.check(repository) != []
    values = repository.chart / "values-dev.yaml"
    main = {"autoscaling": patched["HorizontalPodAutoscaler"], "disruptionBudget": {"minAvailable": 1}}
    values.write_text(yaml.safe_dump({**(yaml.safe_load(values.read_text()) or {}), "workloads": {"main": main}}))
    assert parity.check(repository) == []


def test_parent_chart_takes_the_autoscaler_away(render: Renderer, tmp_path: Path) -> None:
    """By null in the values that it is given, by `enabled` in its own, where Helm drops a null."""
    parent = tmp_path / "parent"
    shutil.copytree(render({"environments": ["dev"]}).chart, parent / "charts/shop")
    (parent / "Chart.yaml").write_text("apiVersion: v2\nname: parent\nversion: 1.0.0\n")
    given = tmp_path / "values.yaml"

    def made(own: Any, over: Any) -> dict[str, Any]:
        for path, main in ((parent / "values.yaml", own), (given, over)):
            path.write_text(yaml.safe_dump({"shop": {"workloads": {"main": main}}} if main else {}))
        objects = load(run("helm", "template", "shop", parent, "--values", given), "parent")
        assert "Deployment" in {each["kind"] for each in objects}
        return {each["kind"]: each["spec"] for each in objects if "spec" in each}

    for own, over, replicas in (
        ({}, {"autoscaling": None, "replicas": 5}, 5),
        ({"autoscaling": {"enabled": False}, "replicas": 3, "disruptionBudget": False}, {}, 3),
    ):
        found = made(own, over)
        assert "HorizontalPodAutoscaler" not in found
        assert found["Deployment"]["replicas"] == replicas
        assert ("PodDisruptionBudget" in found) == (not own)


def make(repository: Repository) -> None:
    """Apply as `make apply` does. The servers have no node, so that nobody waits for the pods."""
    done = attempt("make", "apply", "ENV=dev", "PYTHON_SCRIPT=true", "TIMEOUT=1s", cwd=repository.path)
    assert "statefulset.apps/shop-cache serverside-applied" in done.stdout, done.stderr


def helm(repository: Repository) -> None:
    """Upgrade as anybody does, without the Makefile."""
    values = [f"--values={file}" for file in repository.values("dev")]
    namespace = f"--namespace={repository.namespace('dev')}"
    run("helm", "upgrade", "--install", "shop", repository.chart, namespace, *values)


def sizes(cluster: Cluster, namespace: str) -> dict[str, int]:
    """The number of pods that each workload wants."""
    found = json.loads(
        cluster.kubectl("get", "deployments,statefulsets", f"--namespace={namespace}", "-o=json").stdout
    )
    return {each["metadata"]["name"]: each["spec"]["replicas"] for each in found["items"]}


@pytest.mark.parametrize("apply", [make, helm])
def test_hand_over_keeps_the_pods(
    apply: Callable[[Repository], None], render: Renderer, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who had a number keeps it when an autoscaler comes, until that says another one; and then keeps that."""
    monkeypatch.setenv("KUBECONFIG", str(cluster.kubeconfig))
    namespace = f"scaling-{uuid.uuid4().hex[:8]}"
    cluster.kubectl("create", "namespace", namespace)
    try:
        apply(deployed(render, namespace, scaled=False))
        assert sizes(cluster, namespace) == SIZES
        scaled = deployed(render, namespace, scaled=True)
        for _ in range(2):  # by the second time nothing says the number any more
            apply(scaled)
            assert sizes(cluster, namespace) == SIZES
        for target in TARGETS.values():  # as an autoscaler does, by the subresource `scale`
            cluster.kubectl("scale", target, "--replicas=7", f"--namespace={namespace}")
        for _ in range(2):
            apply(scaled)
            assert sizes(cluster, namespace) == dict.fromkeys(SIZES, 7)
    finally:
        cluster.kubectl("delete", "namespace", namespace, "--wait=false")
