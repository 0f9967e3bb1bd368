"""Gives a repository's objects to a real API server, every environment and both renderings at once.

Each environment and rendering gets a namespace of its own, made by the repository's own platform objects. The
application is applied by the group that these objects let deploy, never by the administrator: what the deployer's
Role lacks, fails here. A warning of the server counts as a failure.
"""

from __future__ import annotations

import copy
import json
import time
import uuid
from collections import defaultdict
from typing import TYPE_CHECKING, Any

from support.objects import CLUSTER_SCOPED, Manifest, Workload, at, is_test_hook, of_kind, workloads

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Sequence

    from support.cluster import Cluster
    from support.repository import Repository

POLICIES = ("ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding")

QUOTA_SECONDS = 20
"""How long the controller may take until a fresh quota has a status; until then the server admits no pod."""


def deliver(cluster: Cluster, repository: Repository) -> list[str]:
    """Apply everything and create every pod. What the server said against it.

    The namespaces stay until the cluster goes: to empty one is as much work for the servers as all that was done
    in it.
    """
    run = uuid.uuid4().hex[:8]
    platform: list[Manifest] = []
    applications: dict[str, list[Manifest]] = defaultdict(list)
    pods: list[Manifest] = []
    tests: list[Manifest] = []
    for environment in repository.environments():
        for rendering, objects in (
            ("helm", repository.helm(environment)),
            ("kustomize", repository.kustomize(environment)),
        ):
            namespace = f"t{run}-{environment}-{rendering}"
            platform += moved(repository.platform(environment), namespace)
            applications[deployers(repository.platform(environment))] += moved(_lasting(objects), namespace)
            pods += moved(pods_of(_lasting(objects)), namespace)
            tests += moved(pods_of([manifest for manifest in objects if is_test_hook(manifest)]), namespace)
    try:
        found = complaints(_apply(cluster, platform))
        for group, objects in applications.items():
            found = found or complaints(_apply(cluster, objects, "--as=tester", f"--as-group={group}"))
        found = found or complaints(_create_pods(cluster, pods))
        return found or (complaints(_create_tests(cluster, pods, tests)) if tests else [])
    finally:
        for manifest in of_kind(platform, *POLICIES):  # which every request in the cluster would pass
            cluster.kubectl(
                "delete", "--wait=false", "--ignore-not-found", manifest["kind"], manifest["metadata"]["name"]
            )


def deployers(platform: Sequence[Manifest]) -> str:
    """The group that an environment's platform objects let deploy."""
    bindings = of_kind(platform, "RoleBinding")
    groups = {subject["name"] for each in bindings for subject in each["subjects"] if subject["kind"] == "Group"}
    assert len(groups) == 1, f"the platform objects let {sorted(groups)} deploy: one group is expected"
    return str(groups.pop())


def moved(objects: Sequence[Manifest], namespace: str) -> list[Manifest]:
    """The objects in another namespace, so that many tests can apply the same repository at the same time."""
    result = copy.deepcopy(list(objects))
    old = next((manifest["metadata"]["name"] for manifest in of_kind(result, "Namespace")), namespace)
    for manifest in result:
        if manifest["kind"] == "Namespace":
            manifest["metadata"]["name"] = namespace
        elif manifest["kind"] in POLICIES:
            # A policy belongs to no namespace; its name and its selector say which one it is for.
            manifest.update(json.loads(json.dumps(manifest).replace(old, namespace)))
        elif manifest["kind"] not in CLUSTER_SCOPED:
            manifest["metadata"]["namespace"] = namespace
    return result


def pods_of(objects: Sequence[Manifest]) -> list[Manifest]:
    """A Pod for each pod template: the server only warns about a template, and quota does not count it."""
    return [
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {
                **workload.template.get("metadata", {}),
                "name": f"{workload.key.name}-try"[-63:].lstrip("-"),
            },
            "spec": {**workload.spec, "volumes": [*workload.spec.get("volumes", []), *_claimed(workload)]},
        }
        for workload in workloads(objects)
    ]


def _claimed(workload: Workload) -> list[Manifest]:
    """The volumes that a StatefulSet's controller adds to its first pod, one for each claim template."""
    return [
        {"name": name, "persistentVolumeClaim": {"claimName": f"{name}-{workload.key.name}-0"}}
        for claim in at(workload.manifest, "spec", "volumeClaimTemplates", default=[])
        if (name := claim["metadata"]["name"])
    ]


def complaints(done: subprocess.CompletedProcess[str]) -> list[str]:
    """What kubectl wrote besides its results; nothing when all went well."""
    lines = [line for line in done.stderr.splitlines() if line.strip()]
    return lines or ([f"kubectl ended with {done.returncode}"] if done.returncode else [])


def _lasting(objects: Sequence[Manifest]) -> list[Manifest]:
    return [manifest for manifest in objects if not is_test_hook(manifest)]


def _apply(cluster: Cluster, objects: Sequence[Manifest], *flags: str) -> subprocess.CompletedProcess[str]:
    listed: dict[str, Any] = {"apiVersion": "v1", "kind": "List", "items": list(objects)}
    # Who impersonates loses its own groups; discovery is for everybody who is authenticated.
    more = [*flags, "--as-group=system:authenticated"] if flags else []
    return cluster.kubectl("apply", "--server-side", "--filename=-", *more, input=json.dumps(listed))


def _create_pods(
    cluster: Cluster, pods: Sequence[Manifest], wait_for: tuple[str, ...] = ("status unknown for quota",)
) -> subprocess.CompletedProcess[str]:
    deadline = time.monotonic() + QUOTA_SECONDS
    while True:
        done = _apply(cluster, pods)
        if not any(words in done.stderr for words in wait_for) or time.monotonic() > deadline:
            return done
        time.sleep(0.2)


def _create_tests(
    cluster: Cluster, pods: Sequence[Manifest], tests: Sequence[Manifest]
) -> subprocess.CompletedProcess[str]:
    """Helm's tests run when the rollout is over: the quota need not hold them on top of its peak."""
    listed = json.dumps({"apiVersion": "v1", "kind": "List", "items": list(pods)})
    cluster.kubectl("delete", "--grace-period=0", "--force", "--wait=false", "--filename=-", input=listed)
    return _create_pods(cluster, tests, ("status unknown for quota", "exceeded quota"))
