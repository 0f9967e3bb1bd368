"""Each rule about shared claims is broken at least once, and must say so in words that name object and field."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from support.relations import check, claims

if TYPE_CHECKING:
    from support.objects import Manifest

CLAIM = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "data"}}


def scene(modes: list[str], *, replicas: int = 1, kind: str = "Deployment", **fields: Any) -> list[Manifest]:
    """A claim, and pods that have it; `fields` are of the mount, but for `volumeMode` and `nodeSelector`."""
    mode = {name: fields.pop(name) for name in ("volumeMode",) if name in fields}
    pod = {name: fields.pop(name) for name in ("nodeSelector",) if name in fields}
    container = {"name": "shop", "volumeMounts": [{"name": "data", "mountPath": "/data", **fields}]}
    volume = {"name": "data", "persistentVolumeClaim": {"claimName": "data"}}
    spec = {
        "replicas": replicas,
        "strategy": {"type": "Recreate"},
        "template": {"spec": {"containers": [container], "volumes": [volume], **pod}},
    }
    return [
        {**CLAIM, "spec": {"accessModes": modes, **mode}},
        {"apiVersion": "apps/v1", "kind": kind, "metadata": {"name": "shop"}, "spec": spec},
    ]


GOOD: dict[str, list[Manifest]] = {
    "one pod": scene(["ReadWriteOncePod"]),
    "many": scene(["ReadWriteMany"], replicas=3),
    "readers": scene(["ReadWriteOnce", "ReadOnlyMany"], replicas=3, readOnly=True),
    "one node": scene(["ReadWriteOnce"], replicas=3, nodeSelector={"kubernetes.io/hostname": "a"}),
}

FAULTS: dict[str, tuple[list[Manifest], str]] = {
    "several pods": (scene(["ReadWriteOnce"], replicas=2), "let one node in, of those of 2 pods"),
    "a pod of each node": (scene(["ReadWriteOnce"], kind="DaemonSet"), "let one node in, of those of"),
    "two pods for one": (
        scene(["ReadWriteOncePod"], replicas=2, nodeSelector={"kubernetes.io/hostname": "a"}),
        "let one pod in, of 2",
    ),
    "written": (scene(["ReadOnlyMany"]), "let nobody write, but a container does"),
    "a device": (
        scene(["ReadWriteMany"], volumeMode="Block"),
        "Deployment/shop: containers have PersistentVolumeClaim/data not by volumeDevices",
    ),
}


@pytest.mark.parametrize("name", GOOD)
def test_sound_claims_pass(name: str) -> None:
    """What goes together is not complained about."""
    assert check(GOOD[name], claims.RULES) == []


@pytest.mark.parametrize("name", FAULTS)
def test_faults_are_found(name: str) -> None:
    """One line, which names what is wrong."""
    objects, words = FAULTS[name]
    (line,) = check(objects, claims.RULES)
    assert words in line
