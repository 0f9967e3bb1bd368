"""Claims that workloads of one repository share: in both renderings, under any release, counted and watched."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from support import parity, relations
from support.objects import of_kind, workloads
from support.own_checks import check
from support.relations import environments

if TYPE_CHECKING:
    from support.render import Renderer

ONE = {"autoscaling": {}, "replicas": 1}
"""A web service of one pod."""


def claim(name: str, *modes: str, **metadata: Any) -> dict[str, Any]:
    """A PersistentVolumeClaim of 1Gi."""
    spec = {"accessModes": list(modes), "resources": {"requests": {"storage": "1Gi"}}}
    return {"metadata": {"name": name, **metadata}, "spec": spec}


def mounted(*names: str, **mount: Any) -> dict[str, Any]:
    """The answers by which a workload has claims, each at its own path."""
    return {
        "volumes": [{"name": name, "persistentVolumeClaim": {"claimName": name}} for name in names],
        "volume_mounts": [{"name": name, "mountPath": f"/{name}", **mount} for name in names],
    }


SHARED: dict[str, dict[str, Any]] = {
    "by several": {
        "shared_claims": [
            claim("uploads", "ReadWriteMany", labels={"example.com/backup": "daily"}),
            claim("cache", "ReadWriteMany", annotations={"helm.sh/resource-policy": "delete"}),
        ],
        **mounted("uploads", "cache"),
        "monitoring": "prometheus-operator",
        "workloads": [
            {"name": "thumbnails", "preset": "worker", **mounted("uploads", subPath="images")},
            {"name": "agents", "kind": "daemonset", **mounted("cache", readOnly=True)},
        ],
    },
    "by one pod": {"shared_claims": [claim("data", "ReadWriteOncePod")], **mounted("data"), **ONE},
    "in pod_spec": {
        "workload_kind": "statefulset",
        "replicas": 1,
        "shared_claims": [claim("data-2", "ReadWriteOnce")],
        "pod_spec": {"volumes": [{"name": "more", "persistentVolumeClaim": {"claimName": "data-2"}}]},
        "volume_mounts": [{"name": "more", "mountPath": "/more"}],
        "config_files": [{"name": "data-2", "mountPath": "/etc/data", "data": {"a": "b"}, "immutable": True}],
        "monitoring": "prometheus-operator",
    },
    "by a CronJob": {
        "workload_kind": "cronjob",
        "shared_claims": [claim("state", "ReadWriteOnce")],
        **mounted("state"),
    },
    "as a device": {
        **ONE,
        "shared_claims": [
            {
                "metadata": {"name": "raw"},
                "spec": {
                    "accessModes": ["ReadWriteOnce"],
                    "volumeMode": "Block",
                    "resources": {"requests": {"storage": "1Gi"}},
                },
            }
        ],
        "volumes": mounted("raw")["volumes"],
        "pod_spec": {"containers": [{"name": "shop", "volumeDevices": [{"name": "raw", "devicePath": "/dev/xvda"}]}]},
    },
    "with manifests of one's own": {
        "own_manifests": [],
        "shared_claims": [claim("inbox", "ReadWriteOnce"), claim("outbox", "ReadOnlyMany")],
        **mounted("outbox", readOnly=True),
    },
}


@pytest.mark.parametrize("name", SHARED)
def test_claims_hold_together(name: str, render: Renderer) -> None:
    """Both renderings have them, each pod finds its own under any release's name, and the quota admits them."""
    repository = render({"environments": ["dev", "prod"], **SHARED[name]})
    assert parity.check(repository) == []
    assert relations.check_repository(repository) == []
    assert environments.check(repository) == []
    assert check(repository) == []
    claims = {each["metadata"]["name"]: each for each in of_kind(repository.helm("prod"), "PersistentVolumeClaim")}
    assert claims.keys() == {f"shop-{each['metadata']['name']}" for each in SHARED[name]["shared_claims"]}
    assert "PersistentVolumeClaim" not in repository.outside()


def test_clone_follows_its_source(render: Renderer) -> None:
    """A claim that is filled from another of the list finds it, whatever the release is called."""
    source = {"kind": "PersistentVolumeClaim", "name": "old"}
    clone = claim("new", "ReadWriteMany")
    clone["spec"]["dataSource"] = source
    repository = render({"shared_claims": [clone, claim("old", "ReadWriteMany")], **mounted("new", "old")})
    assert parity.check(repository) == []
    for objects, name in ((repository.kustomize(), "shop"), (repository.helm(release="blue"), "blue-shop")):
        claims = {each["metadata"]["name"]: each["spec"] for each in of_kind(objects, "PersistentVolumeClaim")}
        assert claims[f"{name}-new"]["dataSource"] == {**source, "name": f"{name}-old"}


def test_helm_keeps_claims_unless_told(render: Renderer) -> None:
    """By its own annotation; what else was answered about a claim is there as well."""
    repository = render({"environments": ["dev", "prod"], **SHARED["by several"]})
    found = {each["metadata"]["name"]: each for each in of_kind(repository.helm("prod"), "PersistentVolumeClaim")}
    assert found["shop-uploads"]["metadata"]["labels"]["example.com/backup"] == "daily"
    policies = {name: each["metadata"]["annotations"]["helm.sh/resource-policy"] for name, each in found.items()}
    assert policies == {"shop-uploads": "keep", "shop-cache": "delete"}


@pytest.mark.parametrize(
    ("mode", "strategy"), [("ReadWriteOnce", "Recreate"), ("ReadWriteOncePod", "Recreate"), ("ReadWriteMany", None)]
)
def test_no_pod_waits_for_its_predecessor(mode: str, strategy: str | None, render: Renderer) -> None:
    """Where only one node or pod gets the volume in, the old pod ends first."""
    repository = render({"shared_claims": [claim("data", mode)], **mounted("data"), **ONE})
    for objects in (repository.kustomize(), repository.helm()):
        (deployment,) = (each for each in workloads(objects) if each.key.kind == "Deployment")
        assert deployment.manifest["spec"]["strategy"].get("type") == strategy


def test_alerts_are_about_claims_of_the_release(render: Renderer) -> None:
    """A claim has the release's name in front in the alert about its room, too."""
    repository = render({"environments": ["dev", "prod"], **SHARED["by several"]})
    (rules,) = of_kind(repository.helm("prod", release="blue"), "PrometheusRule")
    full = [each["expr"] for each in rules["spec"]["groups"][0]["rules"] if each["alert"].endswith("VolumeFull")]
    assert [re.findall('=~"(.+?)"', each) for each in full] == [
        ["blue-shop-uploads|blue-shop-cache"],
        ["blue-shop-uploads"],
        ["blue-shop-cache"],
    ]
