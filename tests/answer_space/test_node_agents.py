"""Agents of the node get what `pod_security` lets them ask for, and their namespace's policy admits nothing else."""

from __future__ import annotations

import copy
import time
import uuid
from typing import TYPE_CHECKING, Any

import pytest
from support import relations
from support.apiserver import POLICIES, deliver, moved, pods_of
from support.objects import labels, of_kind
from support.questions_asked import ask
from support.server import Server
from support.verdict import findings

if TYPE_CHECKING:
    from collections.abc import Callable

    from support.cluster import Cluster
    from support.objects import Manifest
    from support.render import Renderer

pytestmark = pytest.mark.slow

ROOT = {"runAsUser": 0, "runAsNonRoot": False}
READ = {"readOnlyRootFilesystem": True}
HELD = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}, **READ}
LISTENING = {**HELD, "capabilities": {"drop": ["ALL"], "add": ["NET_BIND_SERVICE"]}}
KUBELET = "/var/lib/kubelet"
DRIVER = "registry.example.com/csi/driver:1.2.3"

CSI: dict[str, Any] = {
    "language": "none",
    "image": DRIVER,
    "workload_kind": "daemonset",
    "pod_security": "privileged",
    "volumes": [
        {"name": "kubelet", "hostPath": {"path": KUBELET, "type": "Directory"}},
        {"name": "registration", "hostPath": {"path": f"{KUBELET}/plugins_registry/"}},
        {"name": "modules", "hostPath": {"path": "/lib/modules"}},
    ],
    "volume_mounts": [
        {"name": "kubelet", "mountPath": KUBELET, "mountPropagation": "Bidirectional"},
        {"name": "modules", "mountPath": "/lib/modules", "readOnly": True},
    ],
    "sidecars": [
        {
            "name": "registrar",
            "image": "registry.example.com/csi/registrar:2.13.0",
            "securityContext": {**HELD, **ROOT},
            "volumeMounts": [{"name": "registration", "mountPath": "/registration"}],
        }
    ],
    "pod_spec": {"containers": [{"name": "shop", "securityContext": {"privileged": True, **READ, **ROOT}}]},
    "workloads": [
        {
            "name": "controller",
            "image": DRIVER,
            "preset": "worker",
            "pod_spec": {"containers": [{"name": "controller", "securityContext": LISTENING}]},
        }
    ],
    "environments": ["prod"],
}
"""A storage driver's node part, with a registrar beside it, and its controller, which is like any workload."""

MEASURING: dict[str, Any] = {
    "language": "none",
    "workload_kind": "daemonset",
    "pod_security": "privileged",
    "ports": [{"name": "metrics", "containerPort": 9100}],
    "volumes": [{"name": "root", "hostPath": {"path": "/"}}],
    "volume_mounts": [
        {"name": "root", "mountPath": "/host", "readOnly": True, "mountPropagation": "HostToContainer"}
    ],
    "pod_spec": {"hostNetwork": True, "hostPID": True},
}
"""An exporter of the node's metrics."""

SHIPPING: dict[str, Any] = {
    "language": "none",
    "workload_kind": "daemonset",
    "preset": "log-agent",
    "pod_security": "privileged",
    "volumes": [{"name": "positions", "hostPath": {"path": "/var/lib/shop", "type": "DirectoryOrCreate"}}],
    "volume_mounts": [{"name": "positions", "mountPath": "/var/lib/shop"}],
    "pod_spec": {"containers": [{"name": "shop", "securityContext": {**HELD, **ROOT}}]},
}
"""A log agent that remembers how far it has read."""

ROUTING: dict[str, Any] = {
    "language": "none",
    "workload_kind": "daemonset",
    "pod_security": "privileged",
    "pod_spec": {
        "hostNetwork": True,
        "dnsPolicy": "Default",
        "containers": [
            {
                "name": "shop",
                "securityContext": {**HELD, **ROOT, "capabilities": {"drop": ["ALL"], "add": ["NET_ADMIN"]}},
            }
        ],
    },
}
"""An agent of the cluster's network."""

BESIDE = {"kind": "daemonset", "pod_security": "privileged", "pod_spec": {"hostPID": True}}
"""A further workload that asks for something."""

LEVELS: dict[str, tuple[dict[str, Any], str]] = {
    "nothing is asked for": ({"pod_security": "privileged"}, "restricted"),
    "root": ({"pod_security": "privileged", "pod_spec": {"securityContext": {**ROOT}}}, "baseline"),
    "capabilities of the runtime": (
        {
            "pod_security": "baseline",
            "pod_spec": {"containers": [{"name": "shop", "securityContext": {"readOnlyRootFilesystem": True}}]},
        },
        "baseline",
    ),
    "a port of the node": (
        {
            "language": "none",
            "preset": "worker",
            "pod_security": "privileged",
            "ports": [{"containerPort": 80, "hostPort": 80}],
        },
        "privileged",
    ),
    "a probe at the node's own address": (
        {
            "language": "none",
            "preset": "worker",
            "pod_security": "privileged",
            "probes": {"livenessProbe": {"httpGet": {"host": "127.0.0.1", "port": 10256}}},
        },
        "privileged",
    ),
    "logs": ({"workload_kind": "daemonset", "preset": "log-agent"}, "privileged"),
    "measuring": (MEASURING, "privileged"),
    "shipping": (SHIPPING, "privileged"),
    "routing": (ROUTING, "privileged"),
    "another workload": ({"workloads": [{"name": "node", **BESIDE}]}, "privileged"),
}
"""Answers, and the lowest level of the Pod Security Standard that admits their pods."""


@pytest.mark.parametrize("name", LEVELS)
def test_level_is_the_lowest_that_admits_the_pods(name: str) -> None:
    """Whatever level the answers may use, the namespace has the one that is needed."""
    answers, level = LEVELS[name]
    verdict = ask(answers)
    assert verdict.refused == {}
    assert verdict.context["app"]["podSecurity"] == level


def test_pod_in_the_nodes_network_finds_services() -> None:
    """Its resolver is the cluster's, unless the answer says otherwise."""
    assert ask(MEASURING).context["every_workload"][0]["pod"]["dnsPolicy"] == "ClusterFirstWithHostNet"
    assert ask(ROUTING).context["every_workload"][0]["pod"]["dnsPolicy"] == "Default"


def test_without_the_answer_all_is_refused() -> None:
    """Each answer that reaches into the node says in its remedy which answer would let it."""
    answers = {question: answer for question, answer in CSI.items() if question != "pod_security"}
    refused = ask(answers).refused
    assert refused.keys() == {"volumes", "volume_mounts", "sidecars", "pod_spec"}
    del refused["volume_mounts"]
    assert all("set pod_security to" in message for message in refused.values()), refused


def container(pod: Manifest, name: str) -> Manifest:
    """A container of a pod."""
    spec = pod["spec"]
    found: Manifest = next(c for c in [*spec["containers"], *spec.get("initContainers", [])] if c["name"] == name)
    return found


OFFENCES: dict[str, tuple[str, Callable[[Manifest], Any], str]] = {
    "another path": (
        "shop",
        lambda pod: pod["spec"]["volumes"].append({"name": "x", "hostPath": {"path": "/etc"}}),
        "a hostPath is none of those",
    ),
    "a path that is only read": (
        "shop",
        lambda pod: container(pod, "shop")["volumeMounts"][-1].pop("readOnly"),
        "mounted read-only",
    ),
    "a namespace": ("shop", lambda pod: pod["spec"].update(hostPID=True), "shares no other namespace"),
    "a port": (
        "shop",
        lambda pod: container(pod, "shop").update(ports=[{"containerPort": 80, "hostPort": 80}]),
        "opens no other port",
    ),
    "another privileged container": (
        "shop",
        lambda pod: container(pod, "registrar").update(securityContext={"privileged": True}),
        "is privileged only where",
    ),
    "a capability": (
        "shop",
        lambda pod: container(pod, "registrar")["securityContext"]["capabilities"].update(add=["SYS_ADMIN"]),
        "adds no other capability",
    ),
    "kept capabilities": (
        "shop",
        lambda pod: container(pod, "registrar")["securityContext"]["capabilities"].pop("drop"),
        "drops all capabilities",
    ),
    "no seccomp": (
        "shop",
        lambda pod: pod["spec"]["securityContext"].pop("seccompProfile"),
        "the seccomp profile",
    ),
    "a path for another workload": (
        "shop-controller",
        lambda pod: pod["spec"]["volumes"].append({"name": "x", "hostPath": {"path": KUBELET}}),
        "a hostPath is none of those",
    ),
    "root for another workload": (
        "shop-controller",
        lambda pod: container(pod, "controller").update(securityContext={**HELD, "runAsNonRoot": False}),
        "is not root but",
    ),
    "a path for a stranger": (
        "shop-controller",
        lambda pod: (
            pod["metadata"].update(labels={}),
            pod["spec"]["volumes"].append({"name": "x", "hostPath": {"path": "/"}}),
        ),
        "a hostPath is none of those",
    ),
}
"""The pod that is changed, how, and what the policy says to it."""


def test_policy_admits_what_was_chosen(render: Renderer, cluster_with_crds: Cluster) -> None:
    """The pods of both workloads pass; whatever is more than was chosen for one of them does not."""
    repository = render(CSI)
    namespace = f"agents-{uuid.uuid4().hex[:8]}"
    server = Server(cluster_with_crds)
    platform = moved(repository.platform("prod"), namespace)
    try:
        account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "shop", "namespace": namespace}}
        for manifest in [*platform, account]:
            if manifest["kind"] != "ResourceQuota":  # which must have been counted before it admits a pod
                assert server.apply(manifest) == []
        pods = {
            pod["metadata"]["labels"]["app.kubernetes.io/name"]: pod
            for pod in moved(pods_of(repository.kustomize("prod")), namespace)
        }
        for name, (whose, change, message) in OFFENCES.items():
            pod = copy.deepcopy(pods[whose])
            change(pod)
            deadline = time.monotonic() + 20  # a policy takes effect some moments after it was made
            while not (found := server.create(pod, dry_run=True)) and time.monotonic() < deadline:
                time.sleep(0.2)
            assert any(message in line for line in found), f"{name}: {found}"
        assert [server.create(pod, dry_run=True) for pod in pods.values()] == [[], []]
    finally:
        for manifest in of_kind(platform, *POLICIES):
            server.delete(manifest)


def test_repository_is_sound(render: Renderer, cluster_with_crds: Cluster) -> None:
    """Both renderings are the same, pass every check and linter, and are admitted."""
    repository = render(CSI)
    assert findings(repository) == []
    assert deliver(cluster_with_crds, repository) == []


def test_pods_of_others_are_left_alone(render: Renderer) -> None:
    """In a namespace that somebody else makes, the policies judge the repository's own pods."""
    repository = render({**CSI, "environments": [{"name": "prod", "create_namespace": False}]})
    assert relations.check_repository(repository) == []
    for policy in of_kind(repository.platform("prod"), "ValidatingAdmissionPolicy"):
        assert policy["spec"]["matchConstraints"]["objectSelector"]["matchLabels"]


def test_policy_that_admits_more_is_found(render: Renderer) -> None:
    """The relation between pods and policies is seen to fail, both ways."""
    repository = render(MEASURING)
    readme = (repository.path / "README.md").read_text()
    assert "- `/` of the node, read-only\n" in readme
    assert "NetworkPolicies do not hold" in readme
    (policy,) = of_kind(repository.platform("prod"), "ValidatingAdmissionPolicy")
    objects = repository.kustomize("prod")
    assert relations.check(objects, policies=[policy]) == []
    policy["spec"]["variables"][0]["expression"] = '["/", "/etc"]'
    policy["spec"]["variables"][2]["expression"] = '["hostPID"]'
    found = "\n".join(relations.check(objects, policies=[policy]))
    assert "admits ['/etc'], which no pod asks for" in found
    assert "asks for shared ['hostNetwork']: not admitted" in found
    (namespace,) = of_kind(repository.platform("prod"), "Namespace")
    assert labels(namespace)["pod-security.kubernetes.io/enforce"] == "privileged"
