"""The number of pods that an environment has of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from support import parity, relations
from support.own_checks import check

if TYPE_CHECKING:
    from support.render import Renderer

ENVIRONMENTS = ["qa", {"name": "dev", "replicas": 1}, {"name": "prod", "replicas": 5}]
SEVERAL: dict[str, dict[str, Any]] = {
    "deployment": {"autoscaling": False},
    "worker": {"preset": "worker"},
    "statefulset": {"workload_kind": "statefulset"},
    "statefulset with variables": {"workload_kind": "statefulset", "env": [{"name": "A", "value": "1"}]},
    "image": {
        "workload_kind": "statefulset",
        "language": "none",
        "image": "docker.io/library/redis:8.0.3",
        "ports": [{"name": "redis", "containerPort": 6379}],
    },
    "beside another": {"autoscaling": False, "workloads": [{"name": "mail", "preset": "worker", "replicas": 3}]},
}


@pytest.mark.parametrize("name", SEVERAL)
def test_environment_has_its_number(name: str, render: Renderer) -> None:
    """Both renderings have it, the program is told it, and the quota admits all of them at the peak."""
    repository = render({"environments": ENVIRONMENTS, **SEVERAL[name]})
    assert parity.check(repository) == []
    assert relations.check_repository(repository) == []
    assert check(repository) == []
    for environment, number in (("dev", 1), ("prod", 5)):
        (workload,) = (
            each
            for each in repository.helm(environment)
            if each["kind"] in ("Deployment", "StatefulSet") and each["metadata"]["name"] == "shop"
        )
        assert workload["spec"]["replicas"] == number
        told = [
            each["value"]
            for container in workload["spec"]["template"]["spec"]["containers"]
            for each in container.get("env", [])
            if each["name"] == "REPLICAS"
        ]
        assert told in ([], [str(number)])
        assert bool(told) == (workload["kind"] == "StatefulSet" and name != "image")
