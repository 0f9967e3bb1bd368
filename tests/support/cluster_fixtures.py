"""A pytest plugin: the fixture `cluster`, one control plane for the whole test run.

It starts with the first test that asks for it, in whichever process that is, and is shared by all of pytest-xdist's
workers. The process that the user started owns it and ends it.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import toolbox

from support.cluster import Cluster, ensure, stop

PROGRAMS = ("etcd", "kube-apiserver", "kube-controller-manager", "kubectl")


CLASSES = """
apiVersion: node.k8s.io/v1
kind: RuntimeClass
metadata:
  name: sandboxed
handler: runsc
---
apiVersion: scheduling.k8s.io/v1
kind: PriorityClass
metadata:
  name: high
value: 1000
"""
"""Classes that a pod can name: the server admits no pod of an unknown one."""


@dataclass(frozen=True)
class Run:
    """What the processes of one test run agree on: the cluster's directory, and the process that owns it."""

    directory: Path
    owner: int


RUN = pytest.StashKey[Run]()


def pytest_configure(config: pytest.Config) -> None:
    """Choose the directory; a worker is told it by the process that started the worker."""
    told = getattr(config, "workerinput", {}).get("cluster")
    if told:
        config.stash[RUN] = Run(Path(told["directory"]), told["owner"])
    else:
        # Not pytest's own temporary directory: the path of etcd's socket may not exceed 108 bytes.
        config.stash[RUN] = Run(Path(tempfile.mkdtemp(prefix="cluster-")), os.getpid())


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell a worker of pytest-xdist what the run agrees on."""
    run = node.config.stash[RUN]
    node.workerinput["cluster"] = {"directory": str(run.directory), "owner": run.owner}


def pytest_unconfigure(config: pytest.Config) -> None:
    """End the cluster, once, after the last worker."""
    run = config.stash.get(RUN, None)
    if run is not None and run.owner == os.getpid():
        stop(run.directory)
        shutil.rmtree(run.directory, ignore_errors=True)


@pytest.fixture(scope="session")
def cluster(pytestconfig: pytest.Config) -> Cluster:
    """A cluster that all tests of the run share: each test works in a namespace of its own."""
    run = pytestconfig.stash[RUN]
    return ensure(run.directory, toolbox.build(PROGRAMS), run.owner)


@pytest.fixture(scope="session")
def cluster_with_crds(cluster: Cluster) -> Cluster:
    """The same cluster, serving the custom resources of toolbox.toml: HTTPRoute, ServiceMonitor and so on."""
    cluster.install_crds(list(toolbox.assets().crds.values()))
    done = cluster.kubectl("apply", "--server-side", "--filename=-", input=CLASSES)
    assert done.returncode == 0, done.stderr
    return cluster
