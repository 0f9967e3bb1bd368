"""Further workloads that differ from the application in what the pairs of the covering array do not tell apart."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from support.apiserver import deliver
from support.objects import workloads
from support.verdict import expect_none, findings

if TYPE_CHECKING:
    from support.cluster import Cluster
    from support.render import Answers, Renderer

PROBE = {"httpGet": {"path": "/healthz", "port": "metrics"}, "periodSeconds": 20}

ENTRIES: dict[str, dict[str, Any]] = {
    "without ports": {
        "name": "more",
        "kind": "statefulset",
        "image": "docker.io/library/redis:8.0.3",
        "probes": {"readinessProbe": {"exec": {"command": ["redis-cli", "ping"]}}},
    },
    "probes of the code": {"name": "more", "preset": "worker", "args": ["-v"], "probes": {"livenessProbe": PROBE}},
}


@pytest.mark.slow
@pytest.mark.parametrize("name", ENTRIES)
def test_workload_beside_a_worker(name: str, render: Renderer, cluster_with_crds: Cluster) -> None:
    """The deployer may apply whatever comes with it, and the server takes it."""
    answers: Answers = {"preset": "worker", "environments": ["dev"], "workloads": [ENTRIES[name]]}
    repository = render(answers)
    expect_none(findings(repository) or deliver(cluster_with_crds, repository), answers)


@pytest.mark.parametrize("beside", [{}, {"name": "more", "preset": "worker"}], ids=["application", "further"])
def test_probes_of_the_code(beside: dict[str, Any], render: Renderer) -> None:
    """Command, arguments and probes can be answered for the generated code, the application's and others'."""
    given = {"args": ["-v"], "probes": {"livenessProbe": PROBE}}
    answers: Answers = (
        {"preset": "worker", "workloads": [{**beside, **given}]} if beside else {"preset": "worker", **given}
    )
    workload = workloads(render(answers).kustomize())[-1 if beside else 0]
    (container,) = workload.spec["containers"]
    assert (container["args"], container["livenessProbe"]) == (["-v"], PROBE)
    assert {"readinessProbe", "startupProbe"}.isdisjoint(container), "probes that are given replace all"
