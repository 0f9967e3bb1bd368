"""Each rule about alerts is broken at least once, and must say so in words that name object and field."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support.faults import Fault, expect_complaint
from support.relations import alerts

if TYPE_CHECKING:
    from collections.abc import Callable

    from support.faults import Objects
    from support.render import Renderer

MONITORED = {"monitoring": "prometheus-operator", "workloads": [{"name": "db", "kind": "statefulset"}]}


def instead(old: str, new: str) -> Callable[[Objects], None]:
    """Write something else into every expression."""

    def edit(objects: Objects) -> None:
        for rule in objects["PrometheusRule"]["spec"]["groups"][0]["rules"]:
            rule["expr"] = rule["expr"].replace(old, new)

    return edit


def without(word: str) -> Callable[[Objects], None]:
    """Take away the alerts that speak of something."""

    def edit(objects: Objects) -> None:
        group = objects["PrometheusRule"]["spec"]["groups"][0]
        group["rules"] = [rule for rule in group["rules"] if word not in rule["expr"]]

    return edit


FAULTS = {
    "expression with a parenthesis too many": Fault(
        "alerts_are_about_these_objects",
        instead("== 0", "== 0)"),
        "PrometheusRule/shop in default: expr of ShopTargetDown is no PromQL: unexpected right parenthesis ')'",
        MONITORED,
    ),
    "another environment": Fault(
        "alerts_are_about_these_objects",
        instead('namespace="default"', 'namespace="shop-dev"'),
        "expr of ShopUnavailable selects the namespaces ['shop-dev'], not default once",
        MONITORED,
    ),
    "every environment": Fault(
        "alerts_are_about_these_objects",
        instead('namespace="default", ', ""),
        "expr of ShopUnavailable selects the namespaces [], not default once",
        MONITORED,
    ),
    "object that is not here": Fault(
        "alerts_are_about_these_objects",
        instead('deployment="shop"', 'deployment="other"'),
        "expr of ShopUnavailable names Deployment/other, which is not here",
        MONITORED,
    ),
    "container that is not here": Fault(
        "alerts_are_about_these_objects",
        instead('container="shop"', 'container="app"'),
        "expr of ShopTargetDown names containers ['app'], which are not here",
        MONITORED,
    ),
    "workload that nobody watches": Fault(
        "every_workload_is_watched",
        without('statefulset="shop-db"'),
        "PrometheusRule/shop in default: spec.groups have no alert for StatefulSet/shop-db",
        MONITORED,
    ),
    "volume that nobody watches": Fault(
        "every_workload_is_watched",
        without("kubelet_volume_stats"),
        "PrometheusRule/shop in default: spec.groups have no alert for PersistentVolumeClaim/data-shop-db-0",
        MONITORED,
    ),
    "target that nobody watches": Fault(
        "every_workload_is_watched",
        without("up{"),
        "PrometheusRule/shop in default: spec.groups have no alert for the targets of ServiceMonitor/shop-db",
        MONITORED,
    ),
}


@pytest.mark.parametrize("name", FAULTS)
def test_fault_is_named(name: str, render: Renderer) -> None:
    """The rule is silent before the fault, and names it after."""
    expect_complaint(FAULTS[name], FAULTS[name].objects(render))


def test_every_rule_is_broken() -> None:
    """A rule that is added cannot go untried."""
    assert {fault.rule for fault in FAULTS.values()} == {rule.__name__ for rule in alerts.RULES}
