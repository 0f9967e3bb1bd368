"""A pytest plugin: the fixture `cluster`, one control plane for the whole test run.

It starts with the first test that asks for it, in whichever process that is, and is shared by all of pytest-xdist's
workers. The process that the user started ends it.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

import pytest
import toolbox

from support.cluster import Cluster, ensure, stop

SERVERS = ("etcd", "kube-apiserver", "kube-controller-manager", "kubectl")
DIRECTORY = pytest.StashKey[Path]()


def pytest_configure(config: pytest.Config) -> None:
    """Choose the cluster's directory; a worker is told it by the process that started the worker."""
    told = getattr(config, "workerinput", {}).get("cluster_directory")
    # Not pytest's own temporary directory: the path of etcd's socket may not exceed 108 bytes.
    config.stash[DIRECTORY] = Path(told or tempfile.mkdtemp(prefix="cluster-"))


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell a worker of pytest-xdist which directory the run shares."""
    node.workerinput["cluster_directory"] = str(node.config.stash[DIRECTORY])


def pytest_unconfigure(config: pytest.Config) -> None:
    """End the cluster, once, after the last worker."""
    directory = config.stash.get(DIRECTORY, None)
    if directory is not None and not hasattr(config, "workerinput"):
        stop(directory)
        shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture(scope="session")
def cluster(pytestconfig: pytest.Config) -> Cluster:
    """A cluster that all tests of the run share: each test works in a namespace of its own."""
    # A worker's parent is the process that the user started.
    owner = os.getppid() if hasattr(pytestconfig, "workerinput") else os.getpid()
    return ensure(pytestconfig.stash[DIRECTORY], toolbox.build(SERVERS), owner)


@pytest.fixture(scope="session")
def cluster_with_crds(cluster: Cluster) -> Cluster:
    """The same cluster, serving the custom resources of toolbox.toml: HTTPRoute, ServiceMonitor and so on."""
    cluster.install_crds(list(toolbox.assets().crds.values()))
    return cluster
