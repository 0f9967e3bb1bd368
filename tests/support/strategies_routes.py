"""Random routes, made from the same schemas as the questionnaire checks them by."""

from __future__ import annotations

import json
from functools import cache
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

from support.sandbox import ROOT
from support.strategies_pod import spoiled

if TYPE_CHECKING:
    from random import Random

WRONG = 0.03
"""How often a value is one that does not fit."""

HOSTS = (["www.example.org", "a.shop.example.com", "*.example.org"], ["10.0.0.1", "A.b", "*", "a..b"])
PATHS = (["/", "/api", "/a/b~c", "/%20"], ["api", "//", "/a/../b", "/a b", "/%2f", "/a#b", ""])

VALUES: dict[str, tuple[list[Any], list[Any]]] = {
    "host": HOSTS,
    "hosts": HOSTS,
    "hostnames": HOSTS,
    "hostname": (["a.example.org", "shop.example.com"], ["*.example.org", "a b", ""]),
    "path": (PATHS[0], PATHS[1]),
    "path.value": PATHS,
    "value": (["a", "1"], [""]),
    "pathType": (["Prefix", "Exact", "ImplementationSpecific"], ["prefix", ""]),
    "secretName": (["shop-tls", "wild.card"], ["A_b", "-"]),
    "ingressClassName": (["internal"], ["A b"]),
    "backendRefs.name": (["shop", "shop-api"], ["shp", "A"]),
    "backendRef.name": (["shop", "shop-api"], ["shp"]),
    "service.name": (["shop", "shop-api"], ["shp"]),
    "port.name": (["http"], ["htp", ""]),
    "port.number": ([80], [0, 8080]),
    "parentRefs.name": (["public", "internal"], [""]),
    "sectionName": (["https", "http"], ["A b"]),
    "port": ([80], [0, 70000, 8080]),
    "weight": ([0, 1, 1000000], [-1, 1000001]),
    "request": (["10s", "1m30s", "0s"], ["10", "1.5s", ""]),
    "backendRequest": (["500ms", "10s"], ["2h", "s"]),
    "percent": ([0, 5, 100], [101, -1]),
    "numerator": ([0, 1, 50], [101, -1]),
    "denominator": ([100, 1000], [0]),
    "name": (["X-Version", "a", "b"], ["a b", ""]),
    "rules.name": (["first", "second"], ["A_b"]),
    "set.name": (["X-A", "X-B"], ["x a"]),
    "kind": (["Service"], ["a b"]),
    "group": ([""], ["A"]),
    "namespace": (["elsewhere"], ["A"]),
    "resource.kind": (["Bucket"], [""]),
    "resource.name": (["icons"], []),
    "resource.apiGroup": (["example.com"], []),
    "service": (["shop.Orders", "a_b"], ["a b", ""]),
    "method": (["Get", "_a"], ["a b", "1"]),
    "replaceFullPath": (["/", "/a"], []),
    "replacePrefixMatch": (["/", "/a"], []),
    "maxAge": ([1, 600], [0]),
    "allowOrigins": (["https://a.example.org", "https://*.example.org"], ["a", "*"]),
    "allowHeaders": (["X-A", "Accept"], ["a b", "*"]),
    "exposeHeaders": (["X-A"], ["a b"]),
    "remove": (["X-A", "X-B"], []),
    "statusCode": ([301, 302], [300]),
}
"""Values that fit a field, by its name or that of its parent and its own, and values that do not."""

OFTEN = {
    "port": 0.95,
    **dict.fromkeys(("rules", "path", "http", "host", "hosts", "secretName"), 0.8),
    **dict.fromkeys(("backendRefs", "matches", "hostnames", "filters", "backend"), 0.6),
    **dict.fromkeys(("parentRefs", "tls", "timeouts", "name"), 0.3),
    **dict.fromkeys(("namespace", "kind", "group"), 0.05),
}
"""How often a field is given that may be left out."""

FIELDS = {
    "RequestHeaderModifier": "requestHeaderModifier",
    "ResponseHeaderModifier": "responseHeaderModifier",
    "RequestMirror": "requestMirror",
    "RequestRedirect": "requestRedirect",
    "URLRewrite": "urlRewrite",
    "ExtensionRef": "extensionRef",
    "CORS": "cors",
    "ReplaceFullPath": "replaceFullPath",
    "ReplacePrefixMatch": "replacePrefixMatch",
}
"""The field that goes with a `type`."""


@cache
def schemas() -> dict[str, Any]:
    """The schemas of routes, as the questionnaire knows them."""
    found: dict[str, Any] = json.loads((ROOT / "template/schemas/routes.json").read_text())
    return found


def scalar(random: Random, kind: str, path: list[str], words: list[Any]) -> Any:
    """A value of a type that has no fields."""
    if kind == "boolean":
        return random.random() < 0.5
    right, wrong = VALUES.get(".".join(path[-2:])) or VALUES.get(path[-1], ([1] if kind == "integer" else ["x"], []))
    if words:
        right, wrong = words, ["Other"]
    return random.choice(wrong if wrong and random.random() < WRONG else right)


def instance(random: Random, kind: str, path: list[str], words: list[Any]) -> Any:
    """A value of a type of the schemas."""
    if kind.startswith("["):
        length = 1 if path[-1] == "rules" and "TLSRoute" in kind else random.choices([1, 2, 3], [6, 3, 1])[0]
        entries = [instance(random, kind[1:-1], path, words) for _ in range(length)]
        kept = [entry for number, entry in enumerate(entries) if entry not in entries[:number]]
        return entries if random.random() < WRONG else kept
    return structure(random, kind, path) if kind in schemas() else scalar(random, kind, path, words)


def structure(random: Random, kind: str, path: list[str]) -> dict[str, Any]:
    """A map with the fields of a type: what it requires, and some of what it allows."""
    schema = schemas()[kind]
    limits = schema.get("limits", {})
    built = {}
    for field, of in schema["fields"].items():
        if field in schema["required"] or random.random() < OFTEN.get(field, 0.2):
            built[field] = instance(random, of, [*path, field], limits.get(field, {}).get("words", []))
    if not built and schema["fields"]:
        field = random.choice(list(schema["fields"]))
        words = limits.get(field, {}).get("words", [])
        built[field] = instance(random, schema["fields"][field], [*path, field], words)
    if random.random() < WRONG:
        return built
    if built.get("type") in FIELDS:
        field = FIELDS[built["type"]]
        given = built.get(field) or instance(random, schema["fields"][field], [*path, field], [])
        return {"type": built["type"], field: given}
    for one, other in (("service", "resource"), ("name", "number"), ("percent", "fraction")):
        if {one, other} <= schema["fields"].keys() and kind != "HTTPRoute.spec.rules.matches":
            built.pop(other, None)
            if one not in built and one in ("service", "name"):
                built[one] = instance(random, schema["fields"][one], [*path, one], [])
    if "backendRefs" in built and "requestRedirect" in str(built.get("filters")):
        del built["backendRefs"]
    return built


def entry(random: Random) -> dict[str, Any]:
    """An entry of `routes`."""
    kind = random.choice(["HTTPRoute", "HTTPRoute", "GRPCRoute", "TLSRoute", "Ingress"])
    spec = structure(random, "IngressSpec" if kind == "Ingress" else f"{kind}.spec", [kind])
    built: dict[str, Any] = {"kind": kind, "metadata": {"name": random.choice(["shop", "shop-b", "c"])}, "spec": spec}
    if kind == "GRPCRoute":
        built["spec"]["hostnames"] = ["grpc.example.org"]
    answer: dict[str, Any] = spoiled(random, built) if random.random() < 0.2 else built
    return answer


routes: st.SearchStrategy[dict[str, Any]] = st.randoms(use_true_random=True).map(entry)
"""Entries of `routes`, for an application with the Services `shop` and `shop-api`."""
