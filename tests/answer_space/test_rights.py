"""What `rbac_rules` gives an account: its pods may do that on a real API server, and nothing else."""

from __future__ import annotations

import json
import uuid
from typing import TYPE_CHECKING, Any

import pytest
from support import parity, relations
from support.apiserver import deliver, deployers, moved
from support.objects import of_kind, workloads
from support.server import Server

if TYPE_CHECKING:
    from collections.abc import Callable

    from support.cluster import Cluster
    from support.render import Renderer
    from support.repository import Repository

pytestmark = pytest.mark.slow

RULES = [
    {"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get", "list", "watch"]},
    {"apiGroups": [""], "resources": ["secrets"], "resourceNames": ["lock"], "verbs": ["get"]},
    {"apiGroups": ["coordination.k8s.io"], "resources": ["leases"], "verbs": ["create"]},
    {"apiGroups": ["apps"], "resources": ["deployments/scale"], "resourceNames": ["shop"], "verbs": ["get", "patch"]},
]
FAR_REACHING = [
    {"apiGroups": [""], "resources": ["pods/exec"], "verbs": ["create"]},
    {"apiGroups": [""], "resources": ["secrets"], "verbs": ["list", "watch"]},
    {"apiGroups": ["example.com"], "resources": ["*"], "verbs": ["*"]},
]
EVERYBODY = "system:"
"""What the names of built-in groups and roles begin with, whose rights every account has."""


def rights(cluster: Cluster, namespace: str, name: str) -> list[str]:
    """The rules of an account of the namespace beyond what everybody has: `kubectl auth can-i --list`."""
    account = f"system:serviceaccount:{namespace}:{name}"
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
    return written([rule for rule in found if not rule["resources"][0].startswith("selfsubject")])


def written(rules: list[dict[str, Any]]) -> list[str]:
    """Rules in an order of their own."""
    return sorted(json.dumps({"resourceNames": [], **rule}, sort_keys=True) for rule in rules)


@pytest.fixture
def granted(cluster_with_crds: Cluster) -> Callable[[Repository], str]:
    """Apply an environment's platform objects and accounts, in a namespace of their own."""

    def grant(repository: Repository) -> str:
        namespace = f"rights-{uuid.uuid4().hex[:8]}"
        accounts = of_kind(repository.kustomize("dev"), "ServiceAccount")
        server = Server(cluster_with_crds)
        for manifest in moved([*repository.platform("dev"), *accounts], namespace):
            assert server.apply(manifest) == []
        return namespace

    return grant


def test_accounts_have_their_rules_and_no_other(
    render: Renderer, cluster_with_crds: Cluster, granted: Callable[[Repository], str]
) -> None:
    """A pod's token opens what the rules say; one that is not there is refused."""
    own = {"name": "mail", "preset": "worker", "rbac_rules": RULES[1:3]}
    others = [
        {"name": "plain", "preset": "worker"},
        {"name": "cloud", "preset": "worker", "own_service_account": True},
        {"name": "seed", "kind": "job", "before_rollout": True, "rbac_rules": RULES[3:]},
        {
            "name": "vault",
            "preset": "worker",
            "far_reaching_rights": ["pods/exec", "secrets", "*"],
            "rbac_rules": FAR_REACHING,
        },
    ]
    repository = render({"rbac_rules": RULES, "environments": ["dev"], "workloads": [own, *others]})
    assert deliver(cluster_with_crds, repository) == []
    assert parity.check(repository) == []
    assert relations.check_repository(repository) == []
    namespace = granted(repository)
    wanted = {"shop": RULES, "shop-mail": RULES[1:3], "shop-cloud": [], "shop-seed": RULES[3:]}
    wanted["shop-vault"] = FAR_REACHING
    head, _, _ = (repository.path / "deploy/platform/dev/rights.yaml").read_text().partition("\napiVersion")
    assert "pods/exec, secrets, *" in head, "a reviewer is told"
    made = of_kind(repository.kustomize("dev"), "ServiceAccount")
    assert {each["metadata"]["name"] for each in made} == set(wanted)
    for account, rules in wanted.items():
        assert rights(cluster_with_crds, namespace, account) == written(rules), account
    for account, allowed in (("shop", {"configmaps"}), ("shop-mail", set())):
        token = cluster_with_crds.kubectl("create", "token", account, f"--namespace={namespace}").stdout.strip()
        for resource in ("configmaps", "pods", "secrets"):
            scope = (f"--namespace={namespace}", f"--token={token}", "--user=")
            done = cluster_with_crds.kubectl("get", resource, *scope)
            assert (done.returncode == 0) == (resource in allowed), done.stderr


def test_rights_in_all_of_the_cluster(
    render: Renderer, cluster_with_crds: Cluster, granted: Callable[[Repository], str]
) -> None:
    """Of two environments each has its own; roles that there are count in the namespace alone."""
    everywhere = [
        {"apiGroups": [""], "resources": ["nodes"], "verbs": ["list"]},
        {"nonResourceURLs": ["/metrics", "/healthz/*"], "verbs": ["get"]},
    ]
    answers = {
        "environments": ["dev"],
        "cluster_rbac_rules": everywhere,
        "workloads": [{"name": "mail", "preset": "worker", "role_refs": [{"kind": "ClusterRole", "name": "view"}]}],
    }
    repository = render(answers)
    one, other = granted(repository), granted(repository)
    assert rights(cluster_with_crds, one, "shop") == written(everywhere[:1])
    for namespace in (one, other):
        for account, words, allowed in (
            ("shop", ("list", "nodes"), True),
            ("shop", ("get", "nodes"), False),
            ("shop", ("get", "/metrics"), True),
            ("shop", ("get", "/healthz/ping"), True),
            ("shop", ("get", "/logs"), False),
            ("shop", ("list", "configmaps", f"--namespace={namespace}"), False),
            ("shop-mail", ("list", "configmaps", f"--namespace={namespace}"), True),
            ("shop-mail", ("list", "configmaps", "--all-namespaces"), False),
            ("shop-mail", ("list", "secrets", f"--namespace={namespace}"), False),
            ("shop-mail", ("list", "nodes"), False),
        ):
            who = f"--as=system:serviceaccount:{namespace}:{account}"
            done = cluster_with_crds.kubectl("auth", "can-i", *words, who)
            assert (done.returncode == 0) == allowed, (namespace, account, words, done.stdout)


def test_each_workload_runs_as_its_account(render: Renderer) -> None:
    """In both renderings; a token and the way to the server are with the rules alone."""
    answers = {
        "environments": ["dev"],
        "service_account_name": "federated",
        "rbac_rules": RULES[:1],
        "workloads": [
            {"name": "mail", "preset": "worker", "rbac_rules": RULES},
            {"name": "plain", "preset": "worker"},
            {"name": "seed", "kind": "job", "before_rollout": True, "own_service_account": True},
        ],
    }
    repository = render(answers)
    for objects in (repository.kustomize("dev"), repository.helm("dev")):
        policies = {each["metadata"]["name"]: json.dumps(each) for each in of_kind(objects, "NetworkPolicy")}
        found = {
            workload.key.name: (
                workload.spec["serviceAccountName"],
                "api-access" in [volume["name"] for volume in workload.spec["volumes"]],
                "6443" in policies[workload.key.name],
            )
            for workload in workloads(objects)
            if not workload.is_test
        }
        assert found == {
            "shop": ("federated", True, True),
            "shop-mail": ("shop-mail", True, True),
            "shop-plain": ("shop", False, False),
            "shop-seed": ("shop-seed", False, False),
        }
    bound = {
        each["metadata"]["name"]: each["subjects"][0]["name"]
        for each in of_kind(repository.platform("dev"), "RoleBinding")
    }
    assert bound == {"shop": "federated", "shop-mail": "shop-mail", "shop-deployer": "platform-deployers"}
    assert repository.outside()["ServiceAccount"] == ["federated"]


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
