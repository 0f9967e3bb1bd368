"""Each rule about references by name is broken at least once, and must say so in words that name object and field."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support.faults import Fault, expect_complaint
from support.relations import references

if TYPE_CHECKING:
    from support.render import Renderer

POD = ("spec", "template", "spec")
CONTAINER = (*POD, "containers", 0)
VERTICAL = {"vertical_autoscaling": True}

FAULTS = {
    "object in another namespace": Fault(
        "objects_share_a_namespace",
        lambda o: o.put("ServiceAccount", "metadata", "namespace", to="elsewhere"),
        "ServiceAccount/shop in elsewhere: metadata.namespace is 'elsewhere', others are in ['default']",
    ),
    "ConfigMap that is not here": Fault(
        "config_references_resolve",
        lambda o: o.put("Deployment", *CONTAINER, "envFrom", 0, "configMapRef", "name", to="shop-other"),
        "containers[shop].envFrom[0].configMapRef names ConfigMap/shop-other, which is not here",
    ),
    "ConfigMap that nothing names": Fault(
        "config_maps_are_read",
        lambda o: o.put("Deployment", *CONTAINER, "envFrom", 0, "configMapRef", "name", to="other"),
        "ConfigMap/shop in default: metadata.name is named by no container or volume",
    ),
    "key that the ConfigMap has not": Fault(
        "config_references_resolve",
        lambda o: o.container["env"].append(
            {"name": "LEVEL", "valueFrom": {"configMapKeyRef": {"name": "shop", "key": "LEVEL"}}}
        ),
        "containers[shop].env[LEVEL] asks for key 'LEVEL', which ConfigMap/shop has not",
    ),
    "volume of a ConfigMap that is not here": Fault(
        "config_references_resolve",
        lambda o: o.pod["volumes"].append(
            {"name": "config", "projected": {"sources": [{"configMap": {"name": "shop-x"}}]}}
        ),
        "volumes[config].configMap names ConfigMap/shop-x, which is not here",
    ),
    "ServiceAccount that is not here": Fault(
        "service_accounts_resolve",
        lambda o: o.put("Deployment", *POD, "serviceAccountName", to="default"),
        "Deployment/shop in default: serviceAccountName 'default' is no ServiceAccount of the rendering",
    ),
    "autoscaler of nothing": Fault(
        "autoscaler_targets_one_workload",
        lambda o: o.put("Deployment", "metadata", "name", to="renamed"),
        "HorizontalPodAutoscaler/shop in default: spec.scaleTargetRef",
    ),
    "two autoscalers of one workload": Fault(
        "autoscaler_targets_one_workload",
        lambda o: o.repeat("HorizontalPodAutoscaler", "second"),
        "spec.scaleTargetRef is moved by HorizontalPodAutoscaler/shop in default already",
    ),
    "autoscaler with its bounds exchanged": Fault(
        "autoscaler_targets_one_workload",
        lambda o: o.put("HorizontalPodAutoscaler", "spec", "minReplicas", to=99),
        "spec.minReplicas 99 is more than maxReplicas 10",
    ),
    "autoscaler that measures no container": Fault(
        "autoscaler_metrics_resolve",
        lambda o: o.put(
            "HorizontalPodAutoscaler",
            *("spec", "metrics", 0),
            to={
                "type": "ContainerResource",
                "containerResource": {"name": "cpu", "container": "proxy", "target": {"type": "Utilization"}},
            },
        ),
        "HorizontalPodAutoscaler/shop in default: spec.metrics[0] measures container 'proxy', which is not here",
    ),
    "autoscaler by a percentage of nothing": Fault(
        "autoscaler_metrics_resolve",
        lambda o: o.container["resources"]["requests"].pop("cpu"),
        "spec.metrics[0] is a percentage of what 'shop' does not request",
    ),
    "vertical autoscaler of nothing": Fault(
        "vertical_autoscaler_targets_one_workload",
        lambda o: o.put("VerticalPodAutoscaler", "spec", "targetRef", "apiVersion", to="batch/v1"),
        "VerticalPodAutoscaler/shop in default: spec.targetRef",
        VERTICAL,
    ),
    "two vertical autoscalers of one workload": Fault(
        "vertical_autoscaler_targets_one_workload",
        lambda o: o.repeat("VerticalPodAutoscaler", "second"),
        "spec.targetRef is recommended for by VerticalPodAutoscaler/shop in default already",
        VERTICAL,
    ),
    "vertical autoscaler without a mode": Fault(
        "vertical_autoscaler_targets_one_workload",
        lambda o: o["VerticalPodAutoscaler"]["spec"].pop("updatePolicy"),
        "spec.updatePolicy.updateMode is missing: pods would be recreated",
        VERTICAL,
    ),
    "policy of no container": Fault(
        "vertical_autoscaler_targets_one_workload",
        lambda o: o["VerticalPodAutoscaler"]["spec"].update(
            resourcePolicy={"containerPolicies": [{"containerName": "log-shipper"}]}
        ),
        "spec.resourcePolicy.containerPolicies[0].containerName 'log-shipper' is no container: ['*', 'shop']",
        VERTICAL,
    ),
    "autoscalers that fight": Fault(
        "autoscalers_do_not_fight",
        lambda o: o.put("VerticalPodAutoscaler", "spec", "updatePolicy", "updateMode", to="Recreate"),
        "spec.updatePolicy.updateMode changes cpu, which HorizontalPodAutoscaler/shop in default goes by",
        VERTICAL,
    ),
    "mount of no volume": Fault(
        "volume_mounts_resolve",
        lambda o: o.put("Deployment", *CONTAINER, "volumeMounts", 0, "name", to="data"),
        "containers[shop].volumeMounts names volume 'data', which is not here",
    ),
    "device of no claim": Fault(
        "volume_mounts_resolve",
        lambda o: o.container.update(volumeDevices=[{"name": "raw", "devicePath": "/dev/xvda"}]),
        "containers[shop].volumeDevices names volume 'raw', which is not here",
    ),
    "volume that nothing mounts": Fault(
        "volume_mounts_resolve",
        lambda o: o.container["volumeMounts"].clear(),
        "volumes[tmp] is mounted by no container",
    ),
    "binding to a Role that is not here": Fault(
        "role_bindings_resolve",
        lambda o: o.put("RoleBinding", "roleRef", "name", to="other"),
        "RoleBinding/shop-deployer in shop-prod: roleRef names Role/other, which is not here",
        platform=True,
    ),
    "binding of nobody": Fault(
        "role_bindings_resolve",
        lambda o: o.put("RoleBinding", "subjects", to=[]),
        "RoleBinding/shop-deployer in shop-prod: subjects names nobody",
        platform=True,
    ),
    "binding of a ServiceAccount that is not here": Fault(
        "role_bindings_resolve",
        lambda o: o.put("RoleBinding", "subjects", to=[{"kind": "ServiceAccount", "name": "x"}]),
        "subjects names ServiceAccount/x, which is not here",
        platform=True,
    ),
    "Role that nothing binds": Fault(
        "roles_are_bound",
        lambda o: o.remove("RoleBinding"),
        "Role/shop-deployer in shop-prod: metadata.name is bound by no RoleBinding",
        platform=True,
    ),
}


@pytest.mark.parametrize("name", FAULTS)
def test_fault_is_named(name: str, render: Renderer) -> None:
    """The rule is silent before the fault, and names it after."""
    expect_complaint(FAULTS[name], FAULTS[name].objects(render))


def test_every_rule_is_broken() -> None:
    """A rule that is added cannot go untried."""
    assert {fault.rule for fault in FAULTS.values()} == {rule.__name__ for rule in references.RULES}
