"""Rules about claims that workloads share: each lets all of its pods in, and is somebody's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from support.objects import Manifest, Workload, at
from support.relations.quantities import peak_pods
from support.relations.scene import Scene, violation

if TYPE_CHECKING:
    from collections.abc import Iterator

NODE = "kubernetes.io/hostname"
MODES = "spec.accessModes"


def shared_claims_let_their_pods_in(scene: Scene) -> Iterator[str]:
    """The access modes fit the pods that have the claim: how many, on one node or on several, reading or writing."""
    for claim in scene.of_kind("PersistentVolumeClaim"):
        users = list(_users(scene, claim["metadata"]["name"]))
        modes = {*at(claim, "spec", "accessModes", default=[])}
        writes = any(writes for _, _, writes in users)
        spread = [workload for workload, _, _ in users if NODE not in workload.spec.get("nodeSelector", {})]
        pods = sum(_pods(scene, workload) for workload, _, _ in users)
        apart = sum(_pods(scene, workload) for workload in spread)
        if modes == {"ReadOnlyMany"} and writes:
            yield violation(claim, MODES, "let nobody write, but a container does")
        elif modes & {"ReadWriteMany"} or (modes & {"ReadOnlyMany"} and not writes):
            continue
        elif "ReadWriteOncePod" in modes and pods > 1:
            yield violation(claim, MODES, f"let one pod in, of {pods}")
        elif apart > 1:
            yield violation(claim, MODES, f"let one node in, of those of {apart} pods")


def shared_claims_are_had_as_they_are(scene: Scene) -> Iterator[str]:
    """A raw device is no folder, and the other way round."""
    for claim in scene.of_kind("PersistentVolumeClaim"):
        field = "volumeDevices" if at(claim, "spec", "volumeMode") == "Block" else "volumeMounts"
        for workload, fields, _ in _users(scene, claim["metadata"]["name"]):
            if fields != {field}:
                yield violation(
                    workload.manifest,
                    "containers",
                    f"have PersistentVolumeClaim/{claim['metadata']['name']} not by {field}",
                )


def _pods(scene: Scene, workload: Workload) -> int:
    """The most pods that run for good beside each other: a run that is replaced lets the next one in when it ends."""
    replaced = at(workload.manifest, "spec", "concurrencyPolicy") == "Replace"
    return peak_pods(scene.objects, workload) // (2 if replaced else 1)


def _users(scene: Scene, name: str) -> Iterator[tuple[Workload, set[str], bool]]:
    """The workloads that have a claim, by which fields of their containers, and whether one writes."""
    for workload in scene.lasting:
        for volume in workload.spec.get("volumes", []):
            source: Manifest = volume.get("persistentVolumeClaim", {})
            if source.get("claimName") != name:
                continue
            mounts = [
                (field, mount)
                for container in workload.containers()
                for field in ("volumeMounts", "volumeDevices")
                for mount in container.get(field, [])
                if mount["name"] == volume["name"]
            ]
            writes = not source.get("readOnly") and not all(mount.get("readOnly") for _, mount in mounts)
            yield workload, {field for field, _ in mounts}, writes


RULES = (shared_claims_let_their_pods_in, shared_claims_are_had_as_they_are)
