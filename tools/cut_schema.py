"""Cut the part of Kubernetes' OpenAPI that structured answers are checked against.

    python tools/cut_schema.py SWAGGER_JSON > template/schemas/kubernetes.json

SWAGGER_JSON is `api/openapi-spec/swagger.json` of the oldest supported `k8s.io/kubernetes` module, so that an
accepted field exists in every supported version.

The result maps the name of a type to its fields. A field's type is one of `string`, `integer`, `boolean`,
`Quantity`, `IntOrString`, another type's name, `[T]` for a list of T, or `{T}` for a map from string to T.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

ROOTS = (
    "io.k8s.api.apps.v1.DaemonSetSpec",
    "io.k8s.api.apps.v1.DeploymentSpec",
    "io.k8s.api.apps.v1.StatefulSetSpec",
    "io.k8s.api.batch.v1.CronJobSpec",
    "io.k8s.api.core.v1.ServiceSpec",
    "io.k8s.api.core.v1.LimitRangeItem",
    "io.k8s.api.networking.v1.NetworkPolicyEgressRule",
    "io.k8s.api.networking.v1.NetworkPolicyIngressRule",
    "io.k8s.api.rbac.v1.PolicyRule",
    "io.k8s.api.rbac.v1.RoleRef",
)
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
            "required": sorted(set(schema.get("required", [])) - set(DEFAULTED.get(name, []))),
            "fields": {field: field_type(of, pending) for field, of in sorted(schema.get("properties", {}).items())},
        }
    return dict(sorted(types.items()))


def main() -> None:
    """Print the cut of the swagger file that is named on the command line."""
    if len(sys.argv) != 2:
        sys.exit("usage: cut_schema.py SWAGGER_JSON: name the swagger.json of the oldest supported Kubernetes")
    definitions = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))["definitions"]
    print(json.dumps(cut(definitions, ROOTS), indent=1))


if __name__ == "__main__":
    main()
