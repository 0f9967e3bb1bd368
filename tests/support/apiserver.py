"""Gives a repository's objects to a real API server, every environment at once, and the last one in both renderings.

Renderings are equal, as support/parity.py finds for every environment; how the chart's labels are taken is seen in
one, and whether the pods of its tests are in each. Each environment and rendering gets a namespace of its own, made
by the repository's own platform objects. The application is applied by the group that these objects let deploy, never
by the administrator: what the deployer's Role lacks, fails here. A warning of the server counts as a failure.
"""

from __future__ import annotations

import copy
import json
import time
import uuid
from collections import defaultdict
from typing import TYPE_CHECKING

from support.objects import CLUSTER_SCOPED, Manifest, Workload, at, is_test_hook, of_kind, workloads
from support.server import Server

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
    *_, last = repository.environments()
    for environment in repository.environments():
        renderings = {"kustomize": repository.kustomize(environment)}
        if environment == last:
            renderings["helm"] = repository.helm(environment)
        for rendering, objects in renderings.items():
            namespace = f"t{run}-{environment}-{rendering}"
            owners = [*repository.namespace_of_others(environment), *repository.platform(environment)]
            platform += moved([*owners, *_accounts(repository)], namespace)
            applications[deployers(repository.platform(environment))] += moved(_lasting(objects), namespace)
            pods += moved(pods_of(_lasting(objects)), namespace)
            hooks = [manifest for manifest in repository.helm(environment) if is_test_hook(manifest)]
            tests += moved(pods_of(hooks), namespace)
    administrator = Server(cluster)
    try:
        found = _apply(administrator, platform)
        for group, objects in applications.items():
            found = found or _apply(Server(cluster, group), objects)
        found = found or _create_pods(administrator, pods)
        return found or (_create_tests(administrator, pods, tests) if tests else [])
    finally:
        for manifest in of_kind(platform, *POLICIES):  # which every request in the cluster would pass
            administrator.delete(manifest)


def _accounts(repository: Repository) -> list[Manifest]:
    """The ServiceAccounts that others make: the server admits no pod without its own."""
    names = repository.outside().get("ServiceAccount", [])
    return [{"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name}} for name in names]


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
        elif manifest["kind"] in (*POLICIES, "ClusterRole", "ClusterRoleBinding"):
            # These belong to no namespace; a name and a selector say which one they are for.
            manifest.update(json.loads(json.dumps(manifest).replace(old, namespace)))
        elif manifest["kind"] not in CLUSTER_SCOPED:
            manifest["metadata"]["namespace"] = namespace
        for subject in manifest.get("subjects", []):
            subject.update({"namespace": namespace} if subject.get("namespace") == old else {})
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


def _apply(server: Server, objects: Sequence[Manifest]) -> list[str]:
    return [line for manifest in objects for line in server.apply(manifest)]


def _create_pods(
    server: Server, pods: Sequence[Manifest], wait_for: tuple[str, ...] = ("status unknown for quota",)
) -> list[str]:
    deadline = time.monotonic() + QUOTA_SECONDS
    while True:
        found = _apply(server, pods)
        if time.monotonic() > deadline or not any(words in line for line in found for words in wait_for):
            return found
        time.sleep(0.2)


def _create_tests(server: Server, pods: Sequence[Manifest], tests: Sequence[Manifest]) -> list[str]:
    """Helm's tests run when the rollout is over: the quota need not hold them on top of its peak."""
    for pod in pods:
        server.delete(pod)
    return _create_pods(server, tests, ("status unknown for quota", "exceeded quota"))
