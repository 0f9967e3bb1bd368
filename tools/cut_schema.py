"""Cut the part of Kubernetes' OpenAPI that structured answers are checked against.

    python tools/cut_schema.py SWAGGER_JSON > template/schemas/kubernetes.json
    python tools/cut_schema.py SWAGGER_JSON CRD... > template/schemas/routes.json

SWAGGER_JSON is `api/openapi-spec/swagger.json` of the oldest supported `k8s.io/kubernetes` module, so that an
accepted field exists in every supported version. CRD is a definition of the Gateway API, of the version and channel
that tools/toolbox.toml names; with it comes the Ingress.

The result maps the name of a type to its fields. A field's type is one of `string`, `integer`, `boolean`,
`Quantity`, `IntOrString`, another type's name, `[T]` for a list of T, or `{T}` for a map from string to T. A type of
a CRD is called as `kubectl explain` calls it, and has `limits`: for a field, or the entries of its list, the words or
the pattern that a value has, the least and the most, the most entries, and the field in which two entries differ.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

ROOTS = (
    "io.k8s.api.apps.v1.DaemonSetSpec",
    "io.k8s.api.apps.v1.DeploymentSpec",
    "io.k8s.api.apps.v1.StatefulSetSpec",
    "io.k8s.api.autoscaling.v2.HorizontalPodAutoscalerSpec",
    "io.k8s.api.batch.v1.CronJobSpec",
    "io.k8s.api.core.v1.ServiceSpec",
    "io.k8s.api.core.v1.LimitRangeItem",
    "io.k8s.api.core.v1.ScopeSelector",
    "io.k8s.api.networking.v1.NetworkPolicyEgressRule",
    "io.k8s.api.networking.v1.NetworkPolicyIngressRule",
    "io.k8s.api.policy.v1.PodDisruptionBudgetSpec",
    "io.k8s.api.rbac.v1.PolicyRule",
    "io.k8s.api.rbac.v1.RoleRef",
)
ROUTES = ("io.k8s.api.networking.v1.IngressSpec",)
FILLED = {
    "HTTPIngressPath": ["backend"],
    "TLSRoute.spec": ["hostnames", "rules"],
    "TLSRoute.spec.rules": ["backendRefs"],
}
"""Fields that the schema requires, and that the template fills in."""

DEFAULTED = {"PodFailurePolicyOnPodConditionsPattern": ["status"], "RoleRef": ["apiGroup"]}
"""Fields that the schema requires, and that the server fills in before it looks."""

SCALARS = {
    "io.k8s.apimachinery.pkg.api.resource.Quantity": "Quantity",
    "io.k8s.apimachinery.pkg.util.intstr.IntOrString": "IntOrString",
}


def short_name(definition: str) -> str:
    """The type's own name: `io.k8s.api.core.v1.EnvVar` becomes `EnvVar`."""
    return definition.rsplit(".", 1)[-1]


def field_type(schema: Mapping[str, Any], found: list[str]) -> str:
    """The type of one field in the short notation; a type that is referred to is added to `found`."""
    if "$ref" in schema:
        definition = schema["$ref"].removeprefix("#/definitions/")
        if definition in SCALARS:
            return SCALARS[definition]
        found.append(definition)
        return short_name(definition)
    if schema["type"] == "array":
        return f"[{field_type(schema['items'], found)}]"
    if schema["type"] == "object":
        return f"{{{field_type(schema['additionalProperties'], found)}}}"
    return str(schema["type"])


def cut(definitions: Mapping[str, Any], roots: tuple[str, ...]) -> dict[str, Any]:
    """Every type that can be reached from `roots`, by short name.

    Raises:
        KeyError: a root is not in `definitions`.

    """
    types: dict[str, Any] = {}
    pending = list(roots)
    while pending:
        definition = pending.pop()
        name = short_name(definition)
        if name in types:
            continue
        schema = definitions[definition]
        types[name] = {
            "required": sorted(
                set(schema.get("required", [])) - {*DEFAULTED.get(name, []), *FILLED.get(name, [])},
            ),
            "fields": {field: field_type(of, pending) for field, of in sorted(schema.get("properties", {}).items())},
        }
    return dict(sorted(types.items()))


def limits(schema: Mapping[str, Any]) -> dict[str, Any]:
    """What a value must be beside its type. The length of a text is a part of its pattern."""
    found: dict[str, Any] = {}
    if "enum" in schema:
        found["words"] = schema["enum"]
    elif "pattern" in schema or schema.get("minLength") or "maxLength" in schema:
        length = f"(?=.{{{schema.get('minLength', 0)},{schema.get('maxLength', '')}}}\\Z)".replace("(?=.{0,}\\Z)", "")
        # Of the end of a text, which Python's `$` takes to be before a line break.
        pattern = re.sub(r"(?<!\\)\$(?=\||\)|\Z)", r"\\Z", schema.get("pattern", ""))
        found["pattern"] = f"(?s)\\A{length}" + (f"(?:{pattern})" if pattern else "")
    found |= {word: schema[key] for key, word in (("minimum", "least"), ("maximum", "most")) if key in schema}
    if "items" in schema:
        found |= limits(schema["items"]) if schema["items"].get("type") != "object" else {}
    if "maxItems" in schema:
        found["entries"] = schema["maxItems"]
    if schema.get("x-kubernetes-list-type") == "set":
        found["unique"] = ""
    elif "x-kubernetes-list-map-keys" in schema:
        (found["unique"],) = schema["x-kubernetes-list-map-keys"]
    return found


def cut_definition(name: str, schema: Mapping[str, Any], types: dict[str, Any]) -> str:
    """The type of a part of a custom resource, in the short notation; types of its own are added to `types`."""
    if schema["type"] == "array":
        return f"[{cut_definition(name, schema['items'], types)}]"
    if schema["type"] != "object":
        return str(schema["type"])
    if "properties" not in schema:
        return f"{{{cut_definition(name, schema['additionalProperties'], types)}}}"
    fields = dict(sorted(schema["properties"].items()))
    optional = {field for field, of in fields.items() if "default" in of} | set(FILLED.get(name, []))
    types[name] = {
        "required": sorted(set(schema.get("required", [])) - optional),
        "fields": {field: cut_definition(f"{name}.{field}", of, types) for field, of in fields.items()},
        "limits": {field: found for field, of in fields.items() if (found := limits(of))},
    }
    return name


def cut_routes(definitions: Mapping[str, Any], files: Sequence[Path]) -> dict[str, Any]:
    """The types of an Ingress and of these custom resources."""
    types = cut(definitions, ROUTES)
    for file in files:
        spec = yaml.safe_load(file.read_text(encoding="utf-8"))["spec"]
        (stored,) = [version for version in spec["versions"] if version["storage"]]
        schema = stored["schema"]["openAPIV3Schema"]["properties"]["spec"]
        cut_definition(f"{spec['names']['kind']}.spec", schema, types)
    return dict(sorted(types.items()))


def main() -> None:
    """Print the cut of the swagger file, or of the custom resources, that are named on the command line."""
    if len(sys.argv) < 2:
        sys.exit("usage: cut_schema.py SWAGGER_JSON [CRD...]: name that of the oldest supported Kubernetes")
    swagger, *files = map(Path, sys.argv[1:])
    definitions = json.loads(swagger.read_text(encoding="utf-8"))["definitions"]
    print(json.dumps(cut_routes(definitions, files) if files else cut(definitions, ROOTS), indent=1))


if __name__ == "__main__":
    main()
