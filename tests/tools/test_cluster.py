"""The shared test cluster is a real control plane: it admits, defaults, counts and reconciles."""

from __future__ import annotations

import json
import os
import time
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
import toolbox

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from support.cluster import Cluster

SECONDS = 20

QUOTA = """\
apiVersion: v1
kind: ResourceQuota
metadata:
  name: pods
spec:
  hard:
    pods: "5"
"""

DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  replicas: 2
  selector:
    matchLabels:
      app: web
  template:
    metadata:
      labels:
        app: web
    spec:
      containers:
        - name: web
          image: registry.example.com/web:1
"""

SERVICE = """\
apiVersion: v1
kind: Service
metadata:
  name: web
spec:
  selector:
    app: web
  ports:
    - port: 80
"""

PRIVILEGED_POD = """\
apiVersion: v1
kind: Pod
metadata:
  name: privileged
spec:
  containers:
    - name: main
      image: registry.example.com/web:1
      securityContext:
        privileged: true
"""


@pytest.fixture
def namespace(cluster: Cluster) -> Iterator[str]:
    """A namespace of the test's own."""
    name = f"test-{uuid4().hex[:8]}"
    succeed(cluster, "create", "namespace", name)
    yield name
    succeed(cluster, "delete", "namespace", name, "--wait=false")


def succeed(cluster: Cluster, *arguments: str, given: str | None = None) -> str:
    """Run kubectl, which must succeed and warn of nothing; its output."""
    done = cluster.kubectl(*arguments, input=given)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def get(cluster: Cluster, *arguments: str) -> Any:
    """Parse what `kubectl get` prints."""
    return json.loads(succeed(cluster, "get", *arguments, "--output=json"))


def eventually(condition: Callable[[], bool]) -> bool:
    """Whether the condition holds before the time is up; controllers take their time."""
    deadline = time.monotonic() + SECONDS
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True


@pytest.mark.skipif("KUBEBUILDER_ASSETS" in os.environ, reason="the server is then whatever lies there")
def test_the_server_has_the_pinned_version(cluster: Cluster) -> None:
    """A server that was built without its version would say v0.0.0."""
    answer = json.loads(succeed(cluster, "version", "--output=json"))
    assert answer["serverVersion"]["gitVersion"] == toolbox.tools()["kube-apiserver"].version == "v1.36.3"


def test_a_namespace_gets_its_service_account(cluster: Cluster, namespace: str) -> None:
    """kube-controller-manager is at work."""
    assert eventually(lambda: bool(get(cluster, "serviceaccounts", f"--namespace={namespace}")["items"]))


def test_a_deployment_makes_pods_which_a_quota_counts(cluster: Cluster, namespace: str) -> None:
    """Without a node the pods stay pending; quota counts them all the same."""
    succeed(cluster, "apply", f"--namespace={namespace}", "--filename=-", given=QUOTA)
    succeed(cluster, "apply", f"--namespace={namespace}", "--filename=-", given=DEPLOYMENT)

    def phases() -> list[str]:
        return [pod["status"]["phase"] for pod in get(cluster, "pods", f"--namespace={namespace}")["items"]]

    def used() -> str:
        quota = get(cluster, "resourcequota", "pods", f"--namespace={namespace}")
        value: str = quota.get("status", {}).get("used", {}).get("pods", "")
        return value

    assert eventually(lambda: phases() == ["Pending", "Pending"])
    assert eventually(lambda: used() == "2")


def test_a_service_gets_a_cluster_ip(cluster: Cluster, namespace: str) -> None:
    """Addresses come from the range that is given to the server."""
    succeed(cluster, "apply", f"--namespace={namespace}", "--filename=-", given=SERVICE)
    address = get(cluster, "service", "web", f"--namespace={namespace}")["spec"]["clusterIP"]
    assert address.startswith("10.96.")


def test_pod_security_refuses_what_the_namespace_forbids(cluster: Cluster, namespace: str) -> None:
    """The admission plugins of a default installation are on."""
    succeed(cluster, "label", "namespace", namespace, "pod-security.kubernetes.io/enforce=restricted")
    done = cluster.kubectl("apply", f"--namespace={namespace}", "--filename=-", input=PRIVILEGED_POD)
    assert done.returncode != 0
    assert "violates PodSecurity" in done.stderr


def test_a_service_account_may_do_nothing_unless_a_role_allows_it(cluster: Cluster, namespace: str) -> None:
    """RBAC decides, also for identities that the administrator takes on."""
    account = f"--as=system:serviceaccount:{namespace}:default"
    done = cluster.kubectl("auth", "can-i", "list", "secrets", account, f"--namespace={namespace}")
    assert done.stdout.strip() == "no"


def test_custom_resources_are_served(cluster_with_crds: Cluster) -> None:
    """Every definition in toolbox.toml is installed and established."""
    served = succeed(cluster_with_crds, "api-resources", "--no-headers")
    kinds = {line.split()[-1] for line in served.splitlines()}
    assert set(toolbox.assets().crds) <= kinds
