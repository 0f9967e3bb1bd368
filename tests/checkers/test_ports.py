"""Each rule about ports is broken at least once, and must say so in words that name object and field."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support.faults import Fault, expect_complaint
from support.relations import ports

if TYPE_CHECKING:
    from support.render import Renderer

POD = ("spec", "template", "spec")
CONTAINER = (*POD, "containers", 0)

MIRROR = ("HTTPRoute", "spec", "rules", 0, "filters", 0, "requestMirror", "backendRef", "name")
MIRRORED = {"type": "RequestMirror", "requestMirror": {"backendRef": {"name": "shop", "port": 80}}}

FAULTS = {
    "targetPort that no container has": Fault(
        "service_ports_reach_containers",
        lambda o: o.put("Service", "spec", "ports", 0, "targetPort", to="web"),
        "Service/shop in default: spec.ports[0].targetPort 'web' is no port of Deployment/shop",
    ),
    "targetPort of another protocol": Fault(
        "service_ports_reach_containers",
        lambda o: o.put("Service", "spec", "ports", 0, "protocol", to="UDP"),
        "spec.ports[0].targetPort 'http' is no port of Deployment/shop",
    ),
    "probe of a port that is not declared": Fault(
        "probes_reach_containers",
        lambda o: o.put("Deployment", *CONTAINER, "livenessProbe", "httpGet", "port", to="admin"),
        "containers[shop].livenessProbe.httpGet port 'admin' is not declared",
    ),
    "probe of another host": Fault(
        "probes_reach_containers",
        lambda o: o.put("Deployment", *CONTAINER, "readinessProbe", "httpGet", "host", to="127.0.0.1"),
        "containers[shop].readinessProbe.httpGet asks another host: 127.0.0.1",
    ),
    "NetworkPolicy on the Service's port": Fault(
        "network_policy_ports_are_pod_ports",
        lambda o: o.put("NetworkPolicy", "spec", "ingress", 0, "ports", 0, "port", to=80),
        "spec.ingress[0].ports[0].port 80 is no port of Deployment/shop in default (it is a port of Service/shop",
    ),
    "NetworkPolicy that leaves egress open": Fault(
        "network_policy_denies_by_default",
        lambda o: o.put("NetworkPolicy", "spec", "policyTypes", to=["Ingress"]),
        "NetworkPolicy/shop in default: spec.policyTypes does not close both directions",
    ),
    "NetworkPolicy that opens everything": Fault(
        "network_policy_denies_by_default",
        lambda o: o["NetworkPolicy"]["spec"]["ingress"].append({}),
        "NetworkPolicy/shop in default: spec.ingress opens everything",
    ),
    "NetworkPolicy without DNS over TCP": Fault(
        "network_policy_denies_by_default",
        lambda o: o["NetworkPolicy"]["spec"]["egress"][0]["ports"].pop(),
        "NetworkPolicy/shop in default: spec.egress does not open DNS",
    ),
    "served port that the NetworkPolicy closes": Fault(
        "network_policy_admits_what_is_served",
        lambda o: o.put("NetworkPolicy", "spec", "ingress", to=[]),
        "Service/shop in default: port 'http' is not admitted by the NetworkPolicy of Deployment/shop",
    ),
    "scraped port that the NetworkPolicy closes": Fault(
        "network_policy_admits_what_is_served",
        lambda o: o.put("NetworkPolicy", "spec", "ingress", to=[]),
        "PodMonitor/shop in default: port 'metrics' is not admitted by the NetworkPolicy of Deployment/shop",
        {"monitoring": "prometheus-operator", "preset": "worker"},
    ),
    "peers that may not be called": Fault(
        "pods_with_names_reach_each_other",
        lambda o: o["NetworkPolicy"]["spec"]["egress"].pop(1),
        "NetworkPolicy/shop in default: spec.egress closes port 8080 among StatefulSet/shop in default",
        {"workload_kind": "statefulset"},
    ),
    "peers that are not admitted": Fault(
        "pods_with_names_reach_each_other",
        lambda o: o.put("NetworkPolicy", "spec", "ingress", to=[]),
        "NetworkPolicy/shop in default: spec.ingress closes port (any) among Job/shop in default",
        {"workload_kind": "job", "preset": "parallel"},
    ),
    "pod of helm test that the NetworkPolicy closes out": Fault(
        "test_pods_are_admitted",
        lambda o: o.put("Pod", "metadata", "labels", to={}),
        "metadata.labels are admitted by no NetworkPolicy",
    ),
    "HTTPRoute to no Service": Fault(
        "route_backends_resolve",
        lambda o: o.put("HTTPRoute", "spec", "rules", 0, "backendRefs", 0, "name", to="other"),
        "HTTPRoute/shop in default: backend leads to Service/other, which is not here",
    ),
    "HTTPRoute to the pod's port": Fault(
        "route_backends_resolve",
        lambda o: o.put("HTTPRoute", "spec", "rules", 0, "backendRefs", 0, "port", to=8080),
        "HTTPRoute/shop in default: backend 8080 is no port of Service/shop",
    ),
    "Ingress to a port that the Service has not": Fault(
        "route_backends_resolve",
        lambda o: o.put(
            "Ingress", "spec", "rules", 0, "http", "paths", 0, "backend", "service", "port", to={"name": "web"}
        ),
        "Ingress/shop in default: backend 'web' is no port of Service/shop",
        {"expose": "ingress"},
    ),
    "GRPCRoute to no Service": Fault(
        "route_backends_resolve",
        lambda o: o.put("GRPCRoute", "spec", "rules", 0, "backendRefs", 0, "name", to="other"),
        "GRPCRoute/shop in default: backend leads to Service/other, which is not here",
        {"expose": "none", "routes": [{"kind": "GRPCRoute"}]},
    ),
    "mirror to no Service": Fault(
        "route_backends_resolve",
        lambda o: o.put(*MIRROR, to="other"),
        "HTTPRoute/shop in default: backend leads to Service/other, which is not here",
        {"routes": [{"spec": {"rules": [{"filters": [MIRRORED]}]}}]},
    ),
    "route to pods that the NetworkPolicy closes": Fault(
        "routes_are_admitted",
        lambda o: o["NetworkPolicy"]["spec"]["ingress"].pop(1),
        "HTTPRoute/shop in default: backend 80 of Service/shop is closed to it by a NetworkPolicy",
    ),
    "ServiceMonitor of a port by its number": Fault(
        "monitor_endpoints_resolve",
        lambda o: o.put("ServiceMonitor", "spec", "endpoints", 0, "port", to="9090"),
        "ServiceMonitor/shop in default: spec.endpoints[0].port '9090' is no port of Service/shop",
        {"monitoring": "prometheus-operator"},
    ),
    "PodMonitor of a port that no container has": Fault(
        "monitor_endpoints_resolve",
        lambda o: o.put("PodMonitor", "spec", "podMetricsEndpoints", 0, "port", to="http"),
        "spec.podMetricsEndpoints[0].port 'http' is no port of Deployment/shop",
        {"monitoring": "prometheus-operator", "preset": "worker"},
    ),
}


@pytest.mark.parametrize("name", FAULTS)
def test_fault_is_named(name: str, render: Renderer) -> None:
    """The rule is silent before the fault, and names it after."""
    expect_complaint(FAULTS[name], FAULTS[name].objects(render))


def test_every_rule_is_broken() -> None:
    """A rule that is added cannot go untried."""
    assert {fault.rule for fault in FAULTS.values()} == {rule.__name__ for rule in ports.RULES}
