"""Pods that know each other by name reach each other: which ports are open among them, and to nobody else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from support import parity, relations
from support.objects import of_kind

if TYPE_CHECKING:
    from support.render import Renderer

RAFT = [
    {"name": "client", "containerPort": 2379},
    {"name": "peer", "containerPort": 2380},
    {"containerPort": 7946, "protocol": "UDP"},
    {"name": "metrics", "containerPort": 9090},
]
STORE: dict[str, Any] = {"kind": "statefulset", "image": "quay.io/coreos/etcd:v3.6.1", "ports": RAFT}
ALL = [{"port": 2379}, {"port": 2380}, {"port": 7946, "protocol": "UDP"}]

SETS: dict[str, tuple[dict[str, Any], str, list[Any], list[Any]]] = {
    "alone": (
        {"workload_kind": "statefulset", "language": "none", "image": STORE["image"], "ports": RAFT},
        "shop",
        [ALL[2:]],
        [ALL],
    ),
    "nothing but headless": (
        {"workload_kind": "statefulset", "language": "none", "image": STORE["image"], "ports": RAFT, "services": []},
        "shop",
        [ALL],
        [ALL],
    ),
    "beside others": ({"workloads": [{"name": "store", **STORE}]}, "shop-store", [ALL[2:]], []),
    "ports that nobody knows": ({"workload_kind": "job", "preset": "parallel"}, "shop", [None], [None]),
    "on a schedule": (
        {"workload_kind": "cronjob", "completion_mode": "Indexed", "completions": 2},
        "shop",
        [None],
        [None],
    ),
    "not by name": ({"workload_kind": "job"}, "shop", [], []),
}
"""Answers, the workload, and the ports of its rules among its own pods: to come in, and to go out."""


@pytest.mark.parametrize("name", SETS)
def test_ports_among_the_pods(name: str, render: Renderer) -> None:
    """Each rule is about the workload's own pods alone, under any name of a release, in both renderings."""
    answers, workload, ingress, egress = SETS[name]
    repository = render({**answers, "environments": ["dev"]})
    assert parity.check(repository) == []
    assert relations.check_repository(repository) == []
    for release in ("shop", "blue"):
        objects = repository.helm("dev", release=release)
        prefix = "" if release == "shop" else "blue-"
        (policy,) = (
            each for each in of_kind(objects, "NetworkPolicy") if each["metadata"]["name"] == prefix + workload
        )
        own = {"podSelector": {"matchLabels": policy["spec"]["podSelector"]["matchLabels"]}}
        for field, peers, expected in (("ingress", "from", ingress), ("egress", "to", egress)):
            rules = [rule for rule in policy["spec"].get(field, []) if rule[peers] == [own]]
            assert [rule.get("ports") for rule in rules] == expected
