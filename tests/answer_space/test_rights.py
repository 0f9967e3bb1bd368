"""What `rbac_rules` gives the application: its account may do that on a real API server, and nothing else."""

from __future__ import annotations

import json
import uuid
from typing import TYPE_CHECKING, Any

import pytest
from support.apiserver import deliver, deployers, moved
from support.server import Server

if TYPE_CHECKING:
    from support.cluster import Cluster
    from support.render import Renderer

pytestmark = pytest.mark.slow

RULES = [
    {"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get", "list", "watch"]},
    {"apiGroups": [""], "resources": ["secrets"], "resourceNames": ["lock"], "verbs": ["get"]},
    {"apiGroups": ["coordination.k8s.io"], "resources": ["leases"], "verbs": ["create"]},
    {"apiGroups": ["apps"], "resources": ["deployments/scale"], "resourceNames": ["shop"], "verbs": ["get", "patch"]},
]
EVERYBODY = "system:"
"""What the names of built-in groups and roles begin with, whose rights every account has."""


def rights(cluster: Cluster, namespace: str) -> list[dict[str, Any]]:
    """The rules of the namespace's account `shop` beyond what everybody has: `kubectl auth can-i --list`."""
    account = f"system:serviceaccount:{namespace}:shop"
    review = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectRulesReview",
        "spec": {"namespace": namespace},
    }
    done = cluster.kubectl(
        "create",
        "--filename=-",
        "--output=json",
        "--validate=false",
        f"--as={account}",
        "--as-group=system:authenticated",
        input=json.dumps(review),
    )
    assert done.returncode == 0, done.stderr
    found: list[dict[str, Any]] = json.loads(done.stdout)["status"]["resourceRules"]
    return [rule for rule in found if not rule["resources"][0].startswith("selfsubject")]


def test_account_has_its_rules_and_no_other(render: Renderer, cluster_with_crds: Cluster) -> None:
    """A pod's token opens what the rules say; one that is not there is refused."""
    repository = render({"rbac_rules": RULES, "environments": ["dev"]})
    assert deliver(cluster_with_crds, repository) == []
    namespace = f"rights-{uuid.uuid4().hex[:8]}"
    administrator = Server(cluster_with_crds)
    for manifest in moved(repository.platform("dev"), namespace):
        assert administrator.apply(manifest) == []
    administrator.apply(
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "shop", "namespace": namespace}}
    )
    ours = [json.dumps({"resourceNames": [], **rule}, sort_keys=True) for rule in RULES]
    seen = [
        json.dumps({"resourceNames": [], **rule}, sort_keys=True) for rule in rights(cluster_with_crds, namespace)
    ]
    assert sorted(seen) == sorted(ours)
    token = cluster_with_crds.kubectl("create", "token", "shop", f"--namespace={namespace}").stdout.strip()
    for resource, allowed in (("configmaps", True), ("pods", False), ("secrets", False)):
        done = cluster_with_crds.kubectl("get", resource, f"--namespace={namespace}", f"--token={token}", "--user=")
        assert (done.returncode == 0) == allowed, done.stderr


def test_deployers_give_no_rights(render: Renderer, cluster_with_crds: Cluster) -> None:
    """What the account may do is said by the platform's objects, which the deployers cannot write."""
    repository = render({"rbac_rules": RULES, "environments": ["dev"]})
    assert [each for each in repository.kustomize("dev") if each["kind"] in ("Role", "RoleBinding")] == []
    namespace = f"rights-{uuid.uuid4().hex[:8]}"
    administrator = Server(cluster_with_crds)
    platform = moved(repository.platform("dev"), namespace)
    for manifest in platform:
        assert administrator.apply(manifest) == []
    (role,) = (each for each in platform if (each["kind"], each["metadata"]["name"]) == ("Role", "shop"))
    (refusal,) = Server(cluster_with_crds, deployers(repository.platform("dev"))).apply(role)
    assert "cannot patch resource" in refusal


def test_token_is_where_clients_look_for_it(render: Renderer) -> None:
    """It goes to the application's container alone, is short-lived, and the server can be reached."""
    repository = render({"rbac_rules": RULES, "environments": ["dev"], "sidecars": ["log-shipper"]})
    (workload,) = (each for each in repository.kustomize("dev") if each["kind"] == "Deployment")
    pod = workload["spec"]["template"]["spec"]
    assert pod["automountServiceAccountToken"] is False
    (volume,) = (each for each in pod["volumes"] if each["name"] == "api-access")
    assert volume["projected"]["sources"][0]["serviceAccountToken"]["expirationSeconds"] == 3600
    path = "/var/run/secrets/kubernetes.io/serviceaccount"
    mounted = {
        container["name"]: [mount["mountPath"] for mount in container.get("volumeMounts", [])]
        for container in [*pod["containers"], *pod.get("initContainers", [])]
    }
    assert [name for name, paths in mounted.items() if path in paths] == ["shop"]
    (policy,) = (each for each in repository.kustomize("dev") if each["kind"] == "NetworkPolicy")
    assert 6443 in [port["port"] for rule in policy["spec"]["egress"] for port in rule["ports"]]
