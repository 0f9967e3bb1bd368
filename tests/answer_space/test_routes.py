"""What `routes` says: its objects in both renderings, who may call, each environment's hosts; and its validator."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import jinja2
import pytest
from hypothesis import given, settings
from support import parity, relations
from support.apiserver import deliver
from support.own_checks import check
from support.questions_asked import ask
from support.server import Server
from support.strategies_routes import routes
from support.summary import count

if TYPE_CHECKING:
    from support.cluster import Cluster
    from support.objects import Manifest
    from support.render import Renderer
    from support.repository import Repository

EXAMPLES = 600 if settings().max_examples > settings.get_profile("default").max_examples else 60

CACHE = {
    "name": "cache",
    "kind": "statefulset",
    "image": "docker.io/library/redis:8.0.3",
    "ports": [{"name": "redis", "containerPort": 6379}],
}

USUAL: dict[str, Any] = {
    "metadata": {"labels": {"tier": "front"}, "annotations": {"example.com/note": "08"}},
    "spec": {
        "hostnames": ["shop.example.com", "www.example.org", "*.shop.example.com"],
        "parentRefs": [{"name": "public", "namespace": "gateways", "sectionName": "https"}, {"name": "internal"}],
        "rules": [
            {
                "matches": [
                    {"path": {"value": "/api"}, "method": "GET"},
                    {"headers": [{"name": "X-V", "value": "2"}]},
                ],
                "timeouts": {"request": "10s", "backendRequest": "500ms"},
                "filters": [
                    {
                        "type": "URLRewrite",
                        "urlRewrite": {"path": {"type": "ReplaceFullPath", "replaceFullPath": "/"}},
                    },
                    {
                        "type": "RequestHeaderModifier",
                        "requestHeaderModifier": {"set": [{"name": "A", "value": "1"}]},
                    },
                ],
                "backendRefs": [
                    {"name": "shop-api", "port": 80, "weight": 90},
                    {"name": "shop", "port": 80, "weight": 10},
                ],
            },
            {
                "matches": [{"path": {"value": "/mirrored"}}],
                "filters": [
                    {
                        "type": "RequestMirror",
                        "requestMirror": {"backendRef": {"name": "shop-api", "port": 80}, "percent": 5},
                    }
                ],
            },
            {
                "matches": [{"path": {"value": "/old"}}],
                "filters": [{"type": "RequestRedirect", "requestRedirect": {"hostname": "shop.example.com"}}],
            },
            {
                "matches": [{"path": {"value": "/billing"}}],
                "backendRefs": [{"name": "billing", "namespace": "sales", "port": 80}],
            },
            {
                "matches": [{"path": {"value": "/stock"}}],
                "backendRefs": [
                    {"group": "multicluster.x-k8s.io", "kind": "ServiceImport", "name": "stock", "port": 80}
                ],
            },
        ],
    },
}

EVERY: dict[str, Any] = {
    "expose": "gateway",
    "workloads": [CACHE, {"name": "api", "preset": "web"}],
    "environments": [{"name": "dev", "hostnames": {"www.example.org": "www.dev.example.net"}}, "prod"],
    "routes": [
        USUAL,
        {
            "kind": "TLSRoute",
            "metadata": {"name": "raw"},
            "spec": {
                "hostnames": ["cache.example.org"],
                "rules": [{"backendRefs": [{"name": "shop-cache", "port": 6379}]}],
            },
        },
        {
            "apiVersion": "gateway.networking.k8s.io/v1",
            "kind": "GRPCRoute",
            "metadata": {"name": "shop-grpc"},
            "spec": {
                "hostnames": ["grpc.shop.example.com"],
                "rules": [
                    {
                        "matches": [{"method": {"service": "shop.Orders"}}],
                        "backendRefs": [{"name": "shop-api", "port": 80}],
                    }
                ],
            },
        },
        {
            "kind": "Ingress",
            "metadata": {"name": "shop-admin", "annotations": {"cert-manager.io/issuer": "own"}},
            "spec": {
                "ingressClassName": "internal",
                "tls": [{"hosts": ["admin.shop.example.com"], "secretName": "wildcard"}],
                "rules": [
                    {
                        "host": "admin.shop.example.com",
                        "http": {
                            "paths": [
                                {
                                    "path": "/api",
                                    "pathType": "Prefix",
                                    "backend": {"service": {"name": "shop-api", "port": {"name": "http"}}},
                                },
                                {"path": "/x", "pathType": "Exact"},
                            ]
                        },
                    }
                ],
            },
        },
        {"kind": "Ingress", "metadata": {"name": "plain"}, "spec": {"rules": [{"host": "plain.example.com"}]}},
        {
            "kind": "Ingress",
            "metadata": {"name": "elsewhere"},
            "spec": {"ingressClassName": "alb", "rules": [{"host": "elsewhere.example.com"}]},
        },
        {
            "kind": "Ingress",
            "metadata": {"name": "rest"},
            "spec": {"tls": [], "defaultBackend": {"service": {"name": "shop", "port": {"number": 80}}}},
        },
    ],
}
"""Every kind, to each workload, with what a route can say."""

BESIDE: dict[str, Any] = {"expose": "none", "environments": ["live"], "workloads": [{"name": "api", "preset": "web"}]}

OWN_POLICY = {
    r"is not a map with the fields of|is empty\)|is not a route": "a structure that says nothing",
    r"is no Service here|is no port of|has no Service|does not say that it speaks": "what leads nowhere",
    r"is not a host name": "hosts that no name server knows",
    r"is the name of another route|is a host of": "one name, or one host, for two things",
    r"has a character that a path has not|is not a path in full": "what an Ingress takes and no controller matches",
    r"is no field of (?:\w+Route|Ingress|Metadata);": "what is not of a route, and would be lost",
    r"(?:''|null) is not a": "nothing, where something was to be said",
    r"is not a string|has a control character": "values that would arrive as something else",
    r"lacks (?:kind|name)": "references to nothing",
}
"""What the server would take, and the questionnaire refuses all the same: a message, and why."""


@pytest.fixture(scope="module")
def server(cluster_with_crds: Cluster) -> Server:
    """A server with the namespace in which the routes are tried."""
    found = Server(cluster_with_crds)
    assert found.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "routes"}}) == []
    return found


def manifests(context: dict[str, Any]) -> list[Manifest]:
    """The routes as objects."""
    return [
        {
            "apiVersion": route["apiVersion"],
            "kind": route["kind"],
            "metadata": {"namespace": "routes", **{part: route[part] for part in ("name", "labels", "annotations")}},
            "spec": route["spec"],
        }
        for route in context["app"]["routes"]
    ]


def against(server: Server, context: dict[str, Any]) -> list[str]:
    """What the server has against the routes."""
    return [line for each in manifests(context) for line in server.create(each, dry_run=True)]


@pytest.mark.slow
@settings(max_examples=EXAMPLES)
@given(entry=routes)
def test_server_agrees(entry: Any, server: Server, request: pytest.FixtureRequest) -> None:
    """Whatever is accepted the server takes, and what is refused it refuses, unless the refusal is a policy."""
    answers = {**BESIDE, "routes": [entry]}
    verdict = ask(answers)
    refusal = verdict.refused.get("routes", "")
    count(request, f"random routes {'refused' if refusal else 'accepted'}")
    if not refusal:
        assert verdict.refused == {}
        assert against(server, verdict.context) == [], entry
        return
    if any(re.search(pattern, refusal) for pattern in OWN_POLICY):
        return
    try:
        found = against(server, ask(answers, trusted="routes").context)
    except (jinja2.TemplateError, KeyError, TypeError, AttributeError):
        return
    assert found, f"{refusal}: {entry}"


def named(objects: list[Manifest], kind: str, name: str) -> Manifest:
    """An object of one rendering."""
    (found,) = (each for each in objects if (each["kind"], each["metadata"]["name"]) == (kind, name))
    return found


@pytest.fixture
def every(render: Renderer) -> Repository:
    """The repository with every kind of route."""
    return render(EVERY)


@pytest.mark.slow
def test_every_kind_arrives(every: Repository, cluster_with_crds: Cluster) -> None:
    """Both renderings are equal, hold together and are accepted, from the deployers, by a real server."""
    assert parity.check(every) == []
    assert relations.check_repository(every) == []
    assert check(every) == []
    assert deliver(cluster_with_crds, every) == []


def test_given_fields_replace_and_others_stay(every: Repository) -> None:
    """The route that `expose` makes is changed; a rule without a backend, and a path, lead to the application."""
    base = every.kustomize()
    usual = named(base, "HTTPRoute", "shop")
    assert usual["metadata"]["labels"]["tier"] == "front"
    assert usual["metadata"]["labels"]["app.kubernetes.io/name"] == "shop"
    assert usual["spec"]["parentRefs"] == USUAL["spec"]["parentRefs"]
    assert [rule.get("backendRefs") for rule in usual["spec"]["rules"]] == [
        [{"name": "shop-api", "port": 80, "weight": 90}, {"name": "shop", "port": 80, "weight": 10}],
        [{"name": "shop", "port": 80}],
        None,
        [{"name": "billing", "namespace": "sales", "port": 80}],
        [{"group": "multicluster.x-k8s.io", "kind": "ServiceImport", "name": "stock", "port": 80}],
    ]
    assert every.outside()["ServiceImport"] == ["stock"]
    raw = named(base, "TLSRoute", "raw")["spec"]
    assert [parent["name"] for parent in raw["parentRefs"]] == ["public"]
    admin, plain, rest = (named(base, "Ingress", name)["spec"] for name in ("shop-admin", "plain", "rest"))
    assert admin["rules"][0]["http"]["paths"][1]["backend"] == {"service": {"name": "shop", "port": {"name": "http"}}}
    assert plain["tls"] == [{"hosts": ["plain.example.com"], "secretName": "plain-tls"}]
    assert plain["ingressClassName"] == "public"
    assert rest.keys() == {"defaultBackend", "ingressClassName"}
    elsewhere = named(base, "Ingress", "elsewhere")
    assert "annotations" not in elsewhere["metadata"], "the organisation's issuer is for its own class"
    assert elsewhere["spec"].keys() == {"ingressClassName", "rules"}
    own = named(base, "Ingress", "shop-admin")["metadata"]["annotations"]
    assert own == {"cert-manager.io/issuer": "own"}, "the organisation's issuer is not asked as well"


@pytest.mark.parametrize(
    ("environment", "usual", "others"),
    [
        (
            "dev",
            ["shop-dev.example.com", "www.dev.example.net", "*.shop-dev.example.com"],
            [
                "dev.cache.example.org",
                "grpc.shop-dev.example.com",
                "admin.shop-dev.example.com",
                "plain-dev.example.com",
            ],
        ),
        (
            "prod",
            ["shop.example.com", "www.example.org", "*.shop.example.com"],
            ["cache.example.org", "grpc.shop.example.com", "admin.shop.example.com", "plain.example.com"],
        ),
    ],
)
def test_hosts_of_an_environment(environment: str, usual: list[str], others: list[str], every: Repository) -> None:
    """Hosts follow the environment's own, or are made as it is, or are those that it names; redirects follow."""
    for objects in (every.kustomize(environment), every.helm(environment)):
        route = named(objects, "HTTPRoute", "shop")["spec"]
        admin, plain = (named(objects, "Ingress", name)["spec"] for name in ("shop-admin", "plain"))
        assert route["hostnames"] == usual
        assert route["rules"][2]["filters"][0]["requestRedirect"]["hostname"] == usual[0]
        assert [
            *named(objects, "TLSRoute", "raw")["spec"]["hostnames"],
            *named(objects, "GRPCRoute", "shop-grpc")["spec"]["hostnames"],
            admin["rules"][0]["host"],
            plain["rules"][0]["host"],
        ] == others
        assert (admin["tls"][0]["hosts"], plain["tls"][0]["hosts"]) == ([others[2]], [others[3]])
    readme = (every.path / "README.md").read_text()
    assert all(host.replace("*", r"\*") in readme for host in usual + others)


def test_callers_of_each_workload(every: Repository) -> None:
    """The Gateway's proxies reach what its routes lead to, the Ingress controller's what Ingresses do."""
    found = {}
    for name in ("shop", "shop-api", "shop-cache"):
        policy = named(every.kustomize(), "NetworkPolicy", name)["spec"]
        found[name] = [
            (rule["from"][0]["namespaceSelector"]["matchLabels"]["kubernetes.io/metadata.name"], rule["ports"])
            for rule in policy["ingress"]
            if "namespaceSelector" in rule["from"][0]
        ]
    assert found == {
        "shop": [("gateway-system", [{"port": 8080}]), ("ingress-system", [{"port": 8080}])],
        "shop-api": [("gateway-system", [{"port": 8080}]), ("ingress-system", [{"port": 8080}])],
        "shop-cache": [("gateway-system", [{"port": 6379}])],
    }


def test_names_under_another_release(every: Repository) -> None:
    """Routes, backends and the certificates that are called after a route follow the release; others' names stay."""
    objects = every.helm("prod", release="blue")
    route = named(objects, "HTTPRoute", "blue-shop")["spec"]
    assert [backend["name"] for backend in route["rules"][0]["backendRefs"]] == ["blue-shop-api", "blue-shop"]
    assert route["rules"][1]["filters"][0]["requestMirror"]["backendRef"]["name"] == "blue-shop-api"
    assert route["rules"][3]["backendRefs"][0]["name"] == "billing"
    assert (
        named(objects, "TLSRoute", "blue-shop-raw")["spec"]["rules"][0]["backendRefs"][0]["name"] == "blue-shop-cache"
    )
    assert named(objects, "Ingress", "blue-shop-plain")["spec"]["tls"][0]["secretName"] == "blue-shop-plain-tls"
    assert named(objects, "Ingress", "blue-shop-admin")["spec"]["tls"][0]["secretName"] == "wildcard"
    assert named(objects, "Ingress", "blue-shop-rest")["spec"]["defaultBackend"]["service"]["name"] == "blue-shop"
