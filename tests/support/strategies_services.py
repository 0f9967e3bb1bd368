"""Random answers about Services, in Kubernetes' schema: values that fit, and a few that do not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

from support.strategies_pod import SHAPES, VALUES, WRONG, pick, spoiled, structure

if TYPE_CHECKING:
    from random import Random

VALUES.update(
    {
        "ServiceSpec.type": (["ClusterIP", "LoadBalancer", "NodePort", "ExternalName"], ["Headless", ""]),
        "ServiceSpec.clusterIP": (["None"], ["10.0.0.10", "none", ""]),
        "ServiceSpec.externalName": (["db.example.com", "db.example.com."], ["A b", "", "a..b"]),
        "ServiceSpec.ipFamilies": (["IPv4"], ["IPv5", ""]),
        "ServiceSpec.ipFamilyPolicy": (["SingleStack", "PreferDualStack"], ["Dual", ""]),
        "ServiceSpec.sessionAffinity": (["None", "ClientIP"], ["Cookie", ""]),
        "ServiceSpec.internalTrafficPolicy": (["Cluster", "Local"], ["Node", ""]),
        "ServiceSpec.externalTrafficPolicy": (["Cluster", "Local"], ["Node", ""]),
        "ServiceSpec.trafficDistribution": (["PreferSameZone", "PreferSameNode"], ["PreferClose", "Near"]),
        "ServiceSpec.loadBalancerClass": (["example.com/internal"], ["a b", ""]),
        "ServiceSpec.loadBalancerSourceRanges": (["10.0.0.0/8", "192.0.2.1/32"], ["10.0.0.1/8", "10.0.0.0", ""]),
        "ServiceSpec.externalIPs": (["192.0.2.7"], []),
        "ServiceSpec.loadBalancerIP": (["192.0.2.7"], []),
        "ServiceSpec.clusterIPs": (["None"], []),
        "ServiceSpec.healthCheckNodePort": ([30001], []),
        "ClientIPConfig.timeoutSeconds": ([1, 10800], [0, 86401]),
        "ServicePort.name": (["http", "grpc", "a1", "1"], ["Http", "a_b", "", "x" * 64]),
        "ServicePort.port": ([80, 443, 8080, 53], [0, 65536, -1]),
        "ServicePort.targetPort": ([8080, 5432, "http", "metrics"], ["nothing", 0, 70000]),
        "ServicePort.protocol": (["TCP", "UDP", "SCTP"], ["HTTP", ""]),
        "ServicePort.nodePort": ([30080, 30081], [65536, -1]),
        "ServicePort.appProtocol": (["http", "kubernetes.io/h2c"], ["a b", ""]),
    }
)

OF_A_TYPE = {
    "allocateLoadBalancerNodePorts": ("LoadBalancer",),
    "externalName": ("ExternalName",),
    "externalTrafficPolicy": ("LoadBalancer", "NodePort"),
    "loadBalancerClass": ("LoadBalancer",),
    "loadBalancerSourceRanges": ("LoadBalancer",),
}
"""Fields that go with one type or two."""

HARDLY_EVER = ("clusterIPs", "externalIPs", "healthCheckNodePort", "loadBalancerIP", "selector")
"""Fields that no answer takes."""


def service(random: Random, name: str) -> dict[str, Any]:
    """A Service with some of the fields that go with its type, hardly ever one that does not."""
    spec = structure(random, "ServiceSpec")
    spec.setdefault("ports", [structure(random, "ServicePort")])
    if random.random() < 0.7:
        spec["type"] = pick(random, VALUES["ServiceSpec.type"])
    kind = spec.get("type", "ClusterIP")
    if kind == "ExternalName":
        spec.setdefault("externalName", pick(random, VALUES["ServiceSpec.externalName"]))
    for field in list(spec) if random.random() > WRONG else []:
        alias = kind == "ExternalName" and field not in ("type", "externalName", "ports")
        if alias or kind not in OF_A_TYPE.get(field, (kind,)) or field in HARDLY_EVER:
            del spec[field]
    if kind != "ClusterIP" and random.random() > WRONG:
        spec.pop("clusterIP", None)
    if "sessionAffinityConfig" in spec and random.random() > WRONG:
        spec["sessionAffinity"] = "ClientIP"
        spec.pop("clusterIP", None)
    for number, port in enumerate(spec["ports"] if random.random() > WRONG else []):
        port.update({"name": f"p{number}", "port": 80 + number})
        if kind not in ("LoadBalancer", "NodePort"):
            port.pop("nodePort", None)
        if isinstance(port.get("targetPort"), str):
            port.pop("protocol", None)
    return {"metadata": {"name": name} if name else {"annotations": {"a": "b"}}, "spec": spec}


def answers_about_services(random: Random) -> dict[str, Any]:
    """A workload's kind, and its Services."""
    kind, preset = random.choice(SHAPES)
    built: dict[str, Any] = {"workload_kind": kind, "preset": preset}
    if random.random() < 0.4:
        built |= {"language": "none", "image": "registry.example.com/team/app:1.2.3"}
    names = random.sample(["", "shop", "shop-headless", "leader", "a1"], random.choice([1, 1, 2, 3]))
    answer = [service(random, name) for name in names]
    return {**built, "services": spoiled(random, answer) if random.random() < 0.06 else answer}


services: st.SearchStrategy[dict[str, Any]] = st.randoms(use_true_random=True).map(answers_about_services)
"""Sets of answers about Services."""
