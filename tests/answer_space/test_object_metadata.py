"""Labels and annotations of objects: they reach what they are about, in both renderings, and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from support import parity, relations
from support.own_checks import check
from support.relations import environments

if TYPE_CHECKING:
    from pathlib import Path

    from support.render import Renderer

ROLE = "eks.amazonaws.com/role-arn"
QUEUE = {"kueue.x-k8s.io/queue-name": "batch"}
ALL: list[dict[str, Any]] = [
    {"metadata": {"annotations": {"example.com/owner": "mail"}, "labels": {"tier": "any"}}},
    {"kind": "Deployment", "metadata": {"name": "shop", "labels": {"tier": "front"}}},
    {"kind": "Deployment", "metadata": {"labels": {"tier": "back", "release": "old"}}},
    {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"labels": QUEUE}},
    {"kind": "Job", "metadata": {"name": "shop-clean-up", "annotations": {"a": "08"}}},
    {"kind": "ConfigMap", "metadata": {"name": "shop-settings", "annotations": {"a": "y"}}},
    {"kind": "Namespace", "metadata": {"labels": {"istio-injection": "enabled"}}},
]
PROD: list[dict[str, Any]] = [
    {"kind": "ServiceAccount", "metadata": {"annotations": {ROLE: "arn:aws:iam::1:role/shop"}}},
    {"kind": "Namespace", "metadata": {"annotations": {"example.com/cost": "1e3"}}},
    {"metadata": {"labels": {"tier": "last"}}},
]
BATCH: list[dict[str, Any]] = [
    {"name": "clean-up", "kind": "cronjob"},
    {"name": "load", "kind": "job"},
    {"name": "seed", "kind": "job", "before_rollout": True},
]
SETTINGS = [{"name": "settings", "mountPath": "/etc/shop", "data": {"a": "b"}, "immutable": True}]

ANSWERS: dict[str, dict[str, Any]] = {
    "of everything": {
        "object_metadata": ALL,
        "environments": ["dev", {"name": "prod", "object_metadata": PROD}],
        "config_files": SETTINGS,
        "workloads": BATCH,
        "monitoring": "prometheus-operator",
        "expose": "ingress",
    },
    "of one environment": {"environments": ["dev", {"name": "prod", "object_metadata": PROD[:1]}]},
    "of namespaces": {"object_metadata": ALL[-1:], "environments": ["dev", "prod"]},
    "beside manifests of one's own": {
        "own_manifests": ["configmaps"],
        "object_metadata": ALL[:2],
        "workload_kind": "deployment",
        "environments": ["dev", {"name": "prod", "object_metadata": PROD}],
    },
}


@pytest.mark.parametrize("name", ANSWERS)
def test_renderings_are_equal(name: str, render: Renderer) -> None:
    """Whatever is answered, both renderings have it, and the objects still hold together."""
    repository = render(ANSWERS[name])
    assert parity.check(repository) == []
    assert relations.check_repository(repository) == []
    assert environments.check(repository) == []
    assert check(repository) == []


def test_each_object_has_its_own(render: Renderer) -> None:
    """The most special entry wins; Jobs of a CronJob have the Jobs' labels; pods and their selectors have none."""
    repository = render(ANSWERS["of everything"])
    for objects in (repository.kustomize("dev"), repository.helm("dev"), repository.helm("dev", release="blue")):
        by_name = {(each["kind"], each["metadata"]["name"].replace("blue-shop", "shop")): each for each in objects}
        tiers = {key: each["metadata"]["labels"].get("tier") for key, each in by_name.items() if key[0] != "Pod"}
        assert tiers[("Deployment", "shop")] == "front"
        assert {tier for key, tier in tiers.items() if key != ("Deployment", "shop")} == {"any"}
        job = by_name["Job", "shop-load"]
        assert job["metadata"]["labels"].items() >= QUEUE.items()
        assert job["metadata"]["annotations"]["example.com/owner"] == "mail"
        template = by_name["CronJob", "shop-clean-up"]["spec"]["jobTemplate"]
        assert template["metadata"] == {"labels": QUEUE, "annotations": {"a": "08"}}
        assert "tier" not in template["spec"]["template"]["metadata"]["labels"]
        (settings,) = (each for key, each in by_name.items() if key[1].startswith("shop-settings"))
        assert settings["metadata"]["annotations"]["a"] == "y"


def test_environment_adds_its_own(render: Renderer) -> None:
    """An account's role is one environment's; what is said of all loses against what is said of a kind."""
    repository = render(ANSWERS["of everything"])
    for objects in (repository.kustomize("prod"), repository.helm("prod")):
        by_kind = {each["kind"]: each["metadata"] for each in objects if each["metadata"]["name"] == "shop"}
        assert by_kind["ServiceAccount"]["annotations"][ROLE] == "arn:aws:iam::1:role/shop"
        assert by_kind["ServiceAccount"]["labels"]["tier"] == "last"
        assert by_kind["Deployment"]["labels"]["tier"] == "front"
    for environment, cost in (("dev", {}), ("prod", {"example.com/cost": "1e3"})):
        (namespace,) = (each for each in repository.platform(environment) if each["kind"] == "Namespace")
        assert namespace["metadata"]["labels"]["istio-injection"] == "enabled"
        assert namespace["metadata"].get("annotations", {}) == cost
        assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"


def test_values_and_overlay_agree(render: Renderer, tmp_path: Path) -> None:
    """What one adds by values, and by a patch in the overlay, compares equal."""
    repository = render.loose(ANSWERS["of one environment"], tmp_path / "shop")
    with (repository.chart / "values-dev.yaml").open("a") as values:
        values.write("objectMetadata: {Service/shop: {annotations: {example.com/lb: internal}}}\n")
    with (repository.deploy / "overlays/dev/kustomization.yaml").open("a") as overlay:
        overlay.write(
            "patches:\n  - patch: '{apiVersion: v1, kind: Service, metadata: {name: shop, annotations:"
            " {example.com/lb: internal}}}'\n"
        )
    assert check(repository) == []
