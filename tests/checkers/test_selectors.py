"""Each rule about selectors is broken at least once, and must say so in words that name object and field."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support.faults import STRANGER, Fault, expect_complaint
from support.relations import selectors

if TYPE_CHECKING:
    from support.faults import Objects
    from support.render import Renderer

POD = ("spec", "template", "spec")


def lead_to_the_test_pod(objects: Objects) -> None:
    """Let the Service select what `helm test` starts, and nothing else."""
    objects.put("Service", "spec", "selector", to=STRANGER)
    objects.put("Pod", "metadata", "labels", to=STRANGER)


FAULTS = {
    "workload selects nothing": Fault(
        "workload_selects_its_own_pods",
        lambda o: o.put("Deployment", "spec", "selector", "matchLabels", to=STRANGER),
        "Deployment/shop in default: spec.selector does not match its own pods",
    ),
    "workload selects another's pods": Fault(
        "workload_selects_its_own_pods",
        lambda o: o.put("Pod", "metadata", "labels", to=dict(o["Deployment"]["spec"]["selector"]["matchLabels"])),
        "Deployment/shop in default: spec.selector also matches the pods of Pod/",
    ),
    "Service selects the pod of helm test": Fault(
        "service_selects_one_workload",
        lambda o: o.put("Pod", "metadata", "labels", to=dict(o["Service"]["spec"]["selector"])),
        "Service/shop in default: spec.selector matches the pods of several workloads",
    ),
    "Service selects the wrong workload": Fault(
        "service_selects_one_workload",
        lead_to_the_test_pod,
        "Service/shop in default: spec.selector matches Pod/shop-test",
    ),
    "two budgets over one pod": Fault(
        "pdb_selects_one_workload",
        lambda o: o.repeat("PodDisruptionBudget", "second"),
        "Deployment/shop in default, which PodDisruptionBudget/shop in default guards already",
    ),
    "NetworkPolicy for every pod of the namespace": Fault(
        "network_policy_selects_one_workload",
        lambda o: o.put("NetworkPolicy", "spec", "podSelector", to={}),
        "NetworkPolicy/shop in default: spec.podSelector is empty",
    ),
    "workload that no NetworkPolicy governs": Fault(
        "network_policy_selects_one_workload",
        lambda o: o.remove("NetworkPolicy"),
        "Deployment/shop in default: pod labels are matched by no NetworkPolicy",
    ),
    "spreading over another's pods": Fault(
        "spreading_selects_own_pods",
        lambda o: o.put(
            "Deployment", *POD, "topologySpreadConstraints", 1, "labelSelector", to={"matchLabels": STRANGER}
        ),
        "topologySpreadConstraints[1].labelSelector does not match its own pods",
    ),
    "anti-affinity to another's pods": Fault(
        "spreading_selects_own_pods",
        lambda o: o.put(
            "Deployment",
            *POD,
            "affinity",
            to={
                "podAntiAffinity": {
                    "requiredDuringSchedulingIgnoredDuringExecution": [
                        {"labelSelector": {"matchLabels": STRANGER}, "topologyKey": "kubernetes.io/hostname"}
                    ]
                }
            },
        ),
        "podAntiAffinity.requiredDuringSchedulingIgnoredDuringExecution[0] does not match its own pods",
    ),
    "ServiceMonitor for no Service": Fault(
        "monitor_selects_one_target",
        lambda o: o.put("ServiceMonitor", "spec", "selector", to={"matchLabels": STRANGER}),
        "ServiceMonitor/shop in default: spec.selector matches no Service",
        {"monitoring": "prometheus-operator"},
    ),
    "PodMonitor for no pod": Fault(
        "monitor_selects_one_target",
        lambda o: o.put("PodMonitor", "spec", "selector", to={"matchLabels": STRANGER}),
        "PodMonitor/shop in default: spec.selector matches no pod",
        {"monitoring": "prometheus-operator", "preset": "worker"},
    ),
    "monitor that looks into other namespaces": Fault(
        "monitor_selects_one_target",
        lambda o: o.put("ServiceMonitor", "spec", "namespaceSelector", to={"any": True}),
        "ServiceMonitor/shop in default: spec.namespaceSelector reaches beyond",
        {"monitoring": "prometheus-operator"},
    ),
    "version in a claim template": Fault(
        "no_version_in_selectors",
        lambda o: o.put(
            "Deployment",
            "spec",
            "volumeClaimTemplates",
            to=[{"metadata": {"name": "data", "labels": {"helm.sh/chart": "shop-0.1.0"}}}],
        ),
        "spec.volumeClaimTemplates[0].metadata.labels holds helm.sh/chart",
    ),
    "version in a Service's selector": Fault(
        "no_version_in_selectors",
        lambda o: o.put("Service", "spec", "selector", "app.kubernetes.io/version", to="0.1.0"),
        "Service/shop in default: spec.selector holds app.kubernetes.io/version",
    ),
}


@pytest.mark.parametrize("name", FAULTS)
def test_fault_is_named(name: str, render: Renderer) -> None:
    """The rule is silent before the fault, and names it after."""
    expect_complaint(FAULTS[name], FAULTS[name].objects(render))


def test_every_rule_is_broken() -> None:
    """A rule that is added cannot go untried."""
    assert {fault.rule for fault in FAULTS.values()} == {rule.__name__ for rule in selectors.RULES}
