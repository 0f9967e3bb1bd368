"""Each rule about names is broken at least once, and must say so in words that name object and field."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support.faults import Fault, expect_complaint
from support.relations import names

if TYPE_CHECKING:
    from support.render import Renderer

KEY = "app.kubernetes.io/part-of"
DATASTORE = {"workload_kind": "statefulset"}
PARALLEL = {"workload_kind": "job", "preset": "parallel"}

FAULTS = {
    "object that is there twice": Fault(
        "names_are_unique",
        lambda o: o.repeat("ServiceAccount", "shop"),
        "ServiceAccount/shop in default: metadata.name is borne by 2 objects of this kind",
    ),
    "Service with a dot": Fault(
        "names_are_legal",
        lambda o: o.put("Service", "metadata", "name", to="shop.blue"),
        "Service/shop.blue in default: metadata.name does not match",
    ),
    "StatefulSet without room for its revisions": Fault(
        "names_are_legal",
        lambda o: o.put("StatefulSet", "metadata", "name", to="s" * 53),
        "metadata.name has 53 characters, 52 are the most",
        answers=DATASTORE,
    ),
    "Job whose parts have no names": Fault(
        "parts_have_host_names",
        lambda o: o.put("Job", "metadata", "name", to="s" * 62),
        "metadata.name gives its parts host names of 64 characters",
        answers=PARALLEL,
    ),
    "namespace of the cluster's": Fault(
        "names_are_free",
        lambda o: o.put("Namespace", "metadata", "name", to="kube-system"),
        "Namespace/kube-system: metadata.name is the cluster's own",
        platform=True,
    ),
    "ServiceAccount of every namespace": Fault(
        "names_are_free",
        lambda o: o.put("ServiceAccount", "metadata", "name", to="default"),
        "ServiceAccount/default in default: metadata.name is Kubernetes' own",
    ),
    "label that is too long": Fault(
        "labels_are_legal",
        lambda o: o.put("Service", "metadata", "labels", KEY, to="s" * 64),
        f"Service/shop in default: metadata.labels.{KEY} has the value",
    ),
    "label with an illegal key": Fault(
        "labels_are_legal",
        lambda o: o.put("Service", "metadata", "labels", "a b", to="s"),
        "Service/shop in default: metadata.labels has the key 'a b'",
    ),
    "claim that hides a volume": Fault(
        "claims_hide_no_volume",
        lambda o: o["StatefulSet"]["spec"]["template"]["spec"]["volumes"].append({"name": "data", "emptyDir": {}}),
        "StatefulSet/shop in default: volumeClaimTemplates hides volume 'data'",
        answers=DATASTORE,
    ),
    "claim of two StatefulSets": Fault(
        "claims_are_unique",
        lambda o: o.repeat("StatefulSet", "shop"),
        "StatefulSet/shop in default: volumeClaimTemplates makes a claim that 2 StatefulSets would share",
        answers=DATASTORE,
    ),
}


@pytest.mark.parametrize("name", FAULTS)
def test_fault_is_named(name: str, render: Renderer) -> None:
    """The rule is silent before the fault, and names it after."""
    expect_complaint(FAULTS[name], FAULTS[name].objects(render))


def test_every_rule_is_broken() -> None:
    """A rule that is added cannot go untried."""
    assert {fault.rule for fault in FAULTS.values()} == {rule.__name__ for rule in names.RULES}
