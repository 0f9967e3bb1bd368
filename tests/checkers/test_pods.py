"""Each rule about pods is broken at least once, and must say so in words that name object and field."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support.faults import Fault, expect_complaint
from support.relations import pods

if TYPE_CHECKING:
    from support.render import Renderer

POD = ("spec", "template", "spec")

FAULTS = {
    "replicas beside an autoscaler": Fault(
        "no_replicas_beside_autoscaler",
        lambda o: o.put("Deployment", "spec", "replicas", to=3),
        "Deployment/shop in default: spec.replicas is set beside HorizontalPodAutoscaler/shop",
    ),
    "init container without a request": Fault(
        "containers_have_resources",
        lambda o: o.put("Deployment", *POD, "initContainers", to=[{"name": "wait", "image": "x:1", "resources": {}}]),
        "containers[wait].resources.requests.cpu is missing",
    ),
    "annotations without an annotation": Fault(
        "no_empty_fields",
        lambda o: o.put("Service", "metadata", "annotations", to={}),
        "Service/shop in default: metadata.annotations is empty ({})",
    ),
    "variable that is set twice": Fault(
        "no_duplicate_list_entries",
        lambda o: o.container["env"].append({"name": "POD_NAME", "value": "x"}),
        "spec.template.spec.containers[0].env has 'POD_NAME' twice",
    ),
    "token that nobody needs": Fault(
        "tokens_are_not_mounted",
        lambda o: o.pod.pop("automountServiceAccountToken"),
        "Deployment/shop in default: automountServiceAccountToken is not false",
    ),
    "object that belongs to nothing": Fault(
        "objects_carry_recommended_labels",
        lambda o: o["Service"]["metadata"]["labels"].pop("app.kubernetes.io/part-of"),
        "Service/shop in default: metadata.labels lacks app.kubernetes.io/part-of",
    ),
}


@pytest.mark.parametrize("name", FAULTS)
def test_fault_is_named(name: str, render: Renderer) -> None:
    """The rule is silent before the fault, and names it after."""
    expect_complaint(FAULTS[name], FAULTS[name].objects(render))


def test_every_rule_is_broken() -> None:
    """A rule that is added cannot go untried."""
    assert {fault.rule for fault in FAULTS.values()} == {rule.__name__ for rule in pods.RULES}
