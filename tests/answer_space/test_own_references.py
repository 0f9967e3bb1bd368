"""What a pod names of its own repository is found in both renderings, whatever the name of the release.

Kustomize makes references follow a name with a hash, and the chart does so by a helper of its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from support import own_checks, parity, relations
from support.objects import walk
from support.strict_yaml import read

if TYPE_CHECKING:
    from pathlib import Path

    from support.render import Renderer
    from support.repository import Repository

CERTIFICATE = {"name": "shop-certificate"}
KEY = {"configMapKeyRef": {**CERTIFICATE, "key": "ca.der"}}
ANSWERS: dict[str, Any] = {
    "config_files": [
        {"name": "certificate", "mountPath": "/etc/ca", "binaryData": {"ca.der": "MIIB"}, "immutable": True},
        {"name": "settings", "mountPath": "/etc/settings", "data": {"a.ini": "a=1"}},
    ],
    "env": [
        {"name": "LEVEL", "valueFrom": {"configMapKeyRef": {"name": "shop", "key": "LOG_LEVEL"}}},
        {"name": "INI", "valueFrom": {"configMapKeyRef": {"name": "shop-settings", "key": "a.ini"}}},
        {"name": "CA", "valueFrom": KEY},
    ],
    "env_from": [{"prefix": "CA_", "configMapRef": CERTIFICATE}],
    "volumes": [
        {"name": "again", "configMap": CERTIFICATE},
        {"name": "both", "projected": {"sources": [{"configMap": CERTIFICATE}, {"configMap": {"name": "shop"}}]}},
    ],
    "volume_mounts": [{"name": "again", "mountPath": "/etc/again"}, {"name": "both", "mountPath": "/etc/both"}],
    "affinity": "soft",
    "sidecars": [{"name": "beside", "image": "example.com/beside:1", "envFrom": [{"configMapRef": CERTIFICATE}]}],
    "init_containers": [{"name": "before", "env": [{"name": "BEFORE", "valueFrom": KEY}]}],
    "network_policy": {
        "egress": [{"to": [{"podSelector": {"matchLabels": {"app.kubernetes.io/instance": "shop"}}}]}],
    },
    "workloads": [
        {
            "name": "night",
            "kind": "cronjob",
            "schedule": "0 3 * * *",
            "env_from": [{"configMapRef": CERTIFICATE}],
            "sidecars": [
                {"name": "beside", "image": "example.com/beside:1", "env": [{"name": "A", "valueFrom": KEY}]}
            ],
        },
    ],
}
PLACES = 8
"""How often the answers name the ConfigMap whose name gets a hash."""


def named(repository: Repository, release: str = "") -> list[str]:
    """The names of the certificate's ConfigMap, as the chart's objects have it."""
    objects = repository.helm(release=release)
    return [
        value
        for manifest in objects
        for path, value in walk(manifest)
        if path.endswith(".name") and isinstance(value, str) and "certificate-" in value
    ]


def test_both_renderings_find_what_they_name(render: Renderer) -> None:
    """Nothing is left hanging, and nothing else differs."""
    repository = render(ANSWERS)
    assert relations.check_repository(repository) == []
    assert parity.check(repository) == []


def test_every_reference_has_the_hash(render: Renderer) -> None:
    """The ConfigMap itself, its mounts in both workloads, and each place in which an answer names it."""
    for release, prefix in {"": "shop-certificate-", "blue": "blue-shop-certificate-"}.items():
        found = named(render(ANSWERS), release)
        assert len(found) == 1 + 2 + PLACES
        assert len(set(found)) == 1
        assert found[0].startswith(prefix)


def test_every_field_that_names_a_secret_is_found(render: Renderer, tmp_path: Path) -> None:
    """What others make is listed, whichever field names it; what is not listed is missed."""
    volume = {
        "name": "store",
        "csi": {"driver": "csi.example.com", "readOnly": True, "nodePublishSecretRef": {"name": "store-login"}},
    }
    answers = {"environments": ["dev"], "volumes": [volume], "pod_spec": {"imagePullSecrets": [{"name": "pull"}]}}
    repository = render.loose(answers, tmp_path / "shop")
    outside = repository.deploy / "outside.yaml"
    assert read(outside)[0] == {"Secret": ["pull", "store-login"]}
    assert own_checks.check(repository) == []
    outside.write_text("Secret: [pull]\n")
    found = own_checks.check(repository)
    assert found
    assert all("needs Secret/store-login, which is not there" in line for line in found)


def test_selectors_follow_the_release(render: Renderer) -> None:
    """Pods keep away from their like, and are let through, by the label that they have in this release."""
    objects = render(ANSWERS).helm(release="blue")
    instances = {
        value for manifest in objects for path, value in walk(manifest) if path.endswith("app.kubernetes.io/instance")
    }
    assert instances == {"blue"}


def test_reference_that_stays_behind_is_found(render: Renderer, tmp_path: Path) -> None:
    """Without the helper the relations name each kind of place."""
    repository = render.loose(ANSWERS, tmp_path / "shop")
    template = repository.chart / "templates/_pod.tpl"
    lines = template.read_text().splitlines(keepends=True)
    template.write_text("".join(line for line in lines if '"names" $names' not in line))
    found = "\n".join(relations.check_repository(repository))
    for words in (
        "chart for prod: config_references_resolve: Deployment/shop in shop-prod: volumes[both].configMap names",
        "chart for prod: config_references_resolve: CronJob/shop-night in shop-prod: containers[night].envFrom[1]",
        "values.yaml as release blue: Deployment 1: spec.template.spec.containers[0].env[3].valueFrom",
        "as release blue: Deployment 1: spec.template.spec.affinity",
    ):
        assert words in found, found
