"""What `services` makes: Services that a real API server takes, and all that follows from where they lead."""

from __future__ import annotations

import json
import re
from functools import cache
from typing import TYPE_CHECKING, Any

import jinja2
import pytest
from hypothesis import given, settings
from support.apiserver import deliver
from support.objects import Manifest, load, of_kind
from support.questions_asked import Verdict, ask, environment
from support.render import RefusedError
from support.server import Server
from support.strategies_services import services
from support.summary import count
from support.verdict import expect_none, findings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from support.cluster import Cluster
    from support.render import Answers, Renderer
    from support.repository import Repository

OURS = {"app.kubernetes.io/part-of": "shop", "app.kubernetes.io/instance": "shop"}
"""Labels of the release's pods."""

REDIS: Answers = {
    "language": "none",
    "image": "docker.io/library/redis:8.0.3",
    "workload_kind": "statefulset",
    "ports": [{"name": "redis", "containerPort": 6379}, {"containerPort": 7946, "protocol": "UDP"}],
    "environments": ["dev"],
    "services": [
        {
            "metadata": {"annotations": {"example.com/internal": "true"}},
            "spec": {
                "type": "LoadBalancer",
                "externalTrafficPolicy": "Local",
                "loadBalancerClass": "example.com/internal",
                "loadBalancerSourceRanges": ["10.0.0.0/8", "2001:db8::/32"],
                "allocateLoadBalancerNodePorts": False,
                "ipFamilyPolicy": "PreferDualStack",
                "ports": [{"port": 6379, "appProtocol": "redis"}],
            },
        },
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": "shop-headless"},
            "spec": {"ports": [{"name": "gossip", "port": 7946, "protocol": "UDP"}]},
        },
        {
            "metadata": {"name": "redis-leader", "labels": {"example.com/role": "leader"}},
            "spec": {
                "ports": [{"port": 6380, "targetPort": "redis"}],
                "sessionAffinity": "ClientIP",
                "sessionAffinityConfig": {"clientIP": {"timeoutSeconds": 60}},
                "internalTrafficPolicy": "Local",
                "trafficDistribution": "PreferSameNode",
            },
        },
        {"metadata": {"name": "db"}, "spec": {"type": "ExternalName", "externalName": "db.example.com"}},
    ],
}
"""Each field that a Service may have, on each of the Services that a workload can have."""

RENDER: Answers = {
    "language": "none",
    "image": "registry.example.com/render:1",
    "workload_kind": "job",
    "preset": "parallel",
    "environments": ["dev"],
    "pod_spec": {"subdomain": "renderers"},
    "services": [
        {"metadata": {"name": "renderers"}, "spec": {"clusterIP": "None", "publishNotReadyAddresses": True}}
    ],
}
"""A Job whose pods find each other: https://kubernetes.io/docs/tasks/job/job-with-pod-to-pod-communication/."""

TO_THE_SIDECAR = {"name": "admin", "port": 80, "targetPort": "admin"}

SEVERAL: Answers = {
    "monitoring": "prometheus-operator",
    "environments": ["dev"],
    "sidecars": [
        {
            "name": "admin",
            "image": "registry.example.com/admin:1",
            "ports": [{"name": "admin", "containerPort": 9000}],
        }
    ],
    "services": [
        {"spec": {"type": "LoadBalancer"}},
        {
            "metadata": {"name": "shop-admin"},
            "spec": {"type": "NodePort", "ports": [TO_THE_SIDECAR, {"name": "m", "port": 9090}]},
        },
    ],
    "workloads": [
        {
            "name": "agent",
            "kind": "daemonset",
            "services": [{"spec": {"internalTrafficPolicy": "Local", "ports": [{"name": "metrics", "port": 9090}]}}],
        },
        {
            "name": "api",
            "services": [
                {"spec": {"clusterIP": "None", "ports": [{"name": "http", "port": 80, "targetPort": 8080}]}}
            ],
        },
        {
            "name": "cleaner",
            "kind": "cronjob",
            "services": [{"metadata": {"name": "cleaners"}, "spec": {"clusterIP": "None"}}],
        },
    ],
}
"""Services of further workloads, of a sidecar's port, and of kinds that have none without an answer."""


@pytest.mark.slow
@pytest.mark.parametrize("answers", [REDIS, SEVERAL], ids=["statefulset", "several"])
def test_services_are_sound(answers: Answers, render: Renderer, cluster_with_crds: Cluster) -> None:
    """Both renderings are equal, all relations hold, the deployers may write them, and the quota has room."""
    repository = render(answers)
    expect_none(findings(repository) or deliver(cluster_with_crds, repository), answers)


def found(repository: Repository, kind: str) -> dict[str, Manifest]:
    """The objects of a kind in the base, by their names."""
    return {each["metadata"]["name"]: each for each in of_kind(repository.kustomize(), kind)}


def ingress(repository: Repository, name: str = "shop") -> list[Manifest]:
    """Who may call the pods of a workload."""
    rules: list[Manifest] = found(repository, "NetworkPolicy")[name]["spec"].get("ingress", [])
    return rules


def from_release(rules: Sequence[Manifest]) -> list[list[Any] | None]:
    """The ports that pods of the release may call, of each of the rules."""
    peers = [{"podSelector": {"matchLabels": OURS}}]
    return [
        rule.get("ports") and [port["port"] for port in rule["ports"]] for rule in rules if rule.get("from") == peers
    ]


def test_each_field_arrives(render: Renderer) -> None:
    """A Service has what was answered, the selector, and what the template gives where nothing was."""
    services = found(render(REDIS), "Service")
    for answer in REDIS["services"]:
        name = answer["metadata"].get("name", "shop")
        spec = {field: value for field, value in services[name]["spec"].items() if field != "selector"}
        expected = dict(answer["spec"])
        if name == "shop":
            expected["ports"] = [{"name": "redis", **answer["spec"]["ports"][0]}]
        assert expected == {field: value for field, value in spec.items() if field in expected}
        assert set(spec) - set(expected) <= {"clusterIP", "publishNotReadyAddresses"}
        assert answer["metadata"].get("labels", {}).items() <= services[name]["metadata"]["labels"].items()
        assert services[name]["metadata"].get("annotations", {}) == answer["metadata"].get("annotations", {})
    assert "selector" not in services["db"]["spec"]
    assert services["shop-headless"]["spec"]["clusterIP"] == "None"


def test_ports_of_the_pods_names_say_their_protocol(render: Renderer) -> None:
    """A StatefulSet's headless Service has the protocol of a port where it is said, also the one that is usual."""
    ports = [
        {"name": "redis", "containerPort": 6379, "protocol": "TCP"},
        {"name": "gossip", "containerPort": 7946, "protocol": "UDP"},
        {"name": "bus", "containerPort": 16379},
    ]
    repository = render({**REDIS, "ports": ports, "services": []})
    for objects in (repository.kustomize("dev"), repository.helm("dev")):
        (headless,) = (each for each in of_kind(objects, "Service") if each["metadata"]["name"] == "shop-headless")
        said = [{field: port[field] for field in ("name", "protocol") if field in port} for port in ports]
        assert headless["spec"]["ports"] == [
            {**each, "port": port["containerPort"], "targetPort": port["name"]}
            for each, port in zip(said, ports, strict=True)
        ]


def test_network_is_open_where_services_lead(render: Renderer) -> None:
    """Pods of the release reach each Service's ports, a balancer's callers its own, from its ranges if seen."""
    rules = ingress(render(REDIS))
    assert from_release(rules) == [[6379], [7946]]
    ranges = [{"ipBlock": {"cidr": range_}} for range_ in ("10.0.0.0/8", "2001:db8::/32")]
    assert {"from": ranges, "ports": [{"port": 6379}]} in rules
    several = ingress(render(SEVERAL))
    assert from_release(several) == [[8080], [9000, 9090]]
    assert [rule["ports"] for rule in several if "from" not in rule] == [
        [{"port": 8080}],
        [{"port": 9000}, {"port": 9090}],
    ]


def test_pods_that_find_each_other_may_talk(render: Renderer) -> None:
    """All of a release find pods of a Job that has a Service without an address; else an indexed one's each other."""
    repository = render(RENDER)
    assert from_release(ingress(repository)) == [None]
    egress = found(repository, "NetworkPolicy")["shop"]["spec"]["egress"]
    assert egress[1:] == [{"to": [{"podSelector": {"matchLabels": OURS}}]}]
    alone = {name: value for name, value in RENDER.items() if name != "services"}
    assert from_release(ingress(render(alone))) == []
    apart = render({**alone, "completion_mode": "NonIndexed"})
    assert "ingress" not in found(apart, "NetworkPolicy")["shop"]["spec"]


def test_quota_counts_them(render: Renderer) -> None:
    """Load balancers and ports of the nodes are admitted as they are, and no more."""
    for answers, balancers, ports in ((REDIS, "1", "0"), (SEVERAL, "1", "3"), (RENDER, "0", "0")):
        (quota,) = of_kind(render(answers).platform("dev"), "ResourceQuota")
        counted = {name: value for name, value in quota["spec"]["hard"].items() if name.startswith("services.")}
        assert counted == {"services.loadbalancers": balancers, "services.nodeports": ports}


def test_metrics_are_scraped_once_and_not_offered_outside(render: Renderer) -> None:
    """A monitor of the Service picks Services by labels: with a second one, or without the port, pods are scraped."""
    repository = render(SEVERAL)
    assert [port["name"] for port in found(repository, "Service")["shop"]["spec"]["ports"]] == ["http"]
    assert set(found(repository, "PodMonitor")) == {"shop", "shop-api"}
    assert set(found(repository, "ServiceMonitor")) == {"shop-agent"}


def test_no_service(render: Renderer) -> None:
    """An empty list takes the workload's own Service away, and what would call it: the route is refused."""
    repository = render({"services": [], "expose": "none", "monitoring": "prometheus-operator"})
    assert found(repository, "Service") == {}
    assert set(found(repository, "PodMonitor")) == {"shop"}
    assert not (repository.chart / "templates/tests").exists()
    with pytest.raises(RefusedError, match="set expose to none"):
        render({"services": []})


def test_values_change_them(render: Renderer) -> None:
    """An environment's values reach each field of each Service, in the chart as a patch would in the overlay."""
    values = {
        "service": {"annotations": {"a": "b"}, "type": "NodePort"},
        "headless": {"publishNotReadyAddresses": False},
        "services": {"redis-leader": {"trafficDistribution": "PreferSameZone"}, "db": None},
    }
    repository = render(REDIS)
    objects = repository.helm(None, f"--set-json=workloads.main={json.dumps(values)}")
    changed = {each["metadata"]["name"]: each for each in of_kind(objects, "Service")}
    assert changed["shop"]["metadata"]["annotations"] == {"example.com/internal": "true", "a": "b"}
    assert changed["shop"]["spec"]["type"] == "NodePort"
    assert changed["shop-headless"]["spec"]["publishNotReadyAddresses"] is False
    assert changed["redis-leader"]["spec"]["trafficDistribution"] == "PreferSameZone"
    assert "db" not in changed


OWN_POLICY = {
    r"is not a map with the fields of|is empty\)|lacks externalName": "a structure that says nothing",
    r"is the name of two Services": "two answers to one question",
    r"follows from|is deprecated|is a port of the nodes|CVE-2020-8554": "what is not for an answer",
    r"is an address of one cluster": "what would be another one in each environment",
    r"means nothing for an|does not go with type|would take the names|leads away": "what would be ignored",
    r"names no port of the pod|is a port for": "ports that no connection would reach",
    r"lacks ports": "a Service that leads nowhere",
    r"cannot carry|through the other Service": "what `helm test` or a monitor could not ask",
    r"is ignored where": "what the server warns of",
    r"(?:\(|: )(?:''|null) is": "an empty word, where one leaves the field out",
    r"is not a (?:map|list|string)|is neither|control character": "values that would arrive as something else",
    r"is for sessionAffinity": "what the server refuses only beside the other field",
}
"""What the server would take, and the questionnaire refuses all the same: a message, and why."""

NAMESPACE = "service-answers"


@cache
def namespace(cluster: Cluster) -> Server:
    """A server with a namespace for the Services that it is asked about."""
    server = Server(cluster)
    assert server.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}) == []
    return server


def against(server: Server, verdict: Verdict) -> list[str]:
    """What the server has against the Services that the base has."""
    source = "template/project/deploy/base/service.yaml.jinja"
    text = environment().get_template(source).render(verdict.context)
    objects = [{**each, "metadata": {**each["metadata"], "namespace": NAMESPACE}} for each in load(text)]
    return [line for each in objects for line in server.create(each, dry_run=True)]


HTTP = {"containerPort": 8080}
IMAGE: Answers = {"language": "none", "image": "registry.example.com/app:1"}

RIGHT: dict[str, Answers] = {
    "names of pods need no ports": {"preset": "worker", "services": [{"spec": {"clusterIP": "None"}}]},
    "nor do those of a Job": {"workload_kind": "job", "services": [{"spec": {"clusterIP": "None"}}]},
    "a port without a name": {**IMAGE, "ports": [HTTP], "services": [{"spec": {"ports": [{"port": 8080}]}}]},
    "no port 80 of two": {
        **IMAGE,
        "ports": [{"name": "http", **HTTP}, {"name": "admin", "containerPort": 80}],
        "services": [{"spec": {"ports": [{"port": 8080, "targetPort": "http"}]}}],
    },
    "a port that no container lists": {"services": [{"spec": {"ports": [{"port": 80, "targetPort": 5000}]}}]},
    "UDP first, which nothing asks": {
        "workloads": [
            {
                "name": "dns",
                "preset": "worker",
                "image": "registry.example.com/dns:1",
                "ports": [{"name": "dns", "containerPort": 53, "protocol": "UDP"}],
                "services": [{"spec": {"ports": [{"port": 53, "protocol": "UDP", "targetPort": "dns"}]}}],
            }
        ]
    },
    "no pods wait": {"preset": "worker", "lifecycle": {}, "services": [{"spec": {"ports": [{"port": 9090}]}}]},
}
"""Answers that are right, though another question would refuse a part of them alone."""


@pytest.mark.parametrize("name", RIGHT)
def test_right_is_accepted(name: str, cluster: Cluster) -> None:
    """No question refuses it, and the server neither."""
    verdict = ask(RIGHT[name])
    assert verdict.refused == {}
    assert against(namespace(cluster), verdict) == []


@pytest.mark.slow
@settings(max_examples=60)
@given(answers=services)
def test_judged_as_by_the_server(answers: dict[str, Any], cluster: Cluster, request: pytest.FixtureRequest) -> None:
    """What is accepted, the server takes without a warning; what is refused, it refuses too, or a policy says why."""
    server = namespace(cluster)
    verdict = ask({"expose": "none", **answers} if answers["preset"] in ("web", "datastore") else answers)
    message = verdict.refused.get("services", "")
    count(request, f"random Services {'refused' if message else 'accepted'}")
    if not message:
        assert verdict.refused == {}
        assert against(server, verdict) == [], answers
        return
    assert re.fullmatch(r"\S.*? \(\S.*\)", message), message
    try:
        complaints = against(server, ask(answers, trusted="services"))
    except (jinja2.TemplateError, KeyError, TypeError, AttributeError, ValueError):
        return
    assert complaints or any(re.search(pattern, message) for pattern in OWN_POLICY), f"{message}\n{answers}"
