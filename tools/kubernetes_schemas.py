"""JSON Schemas for kubeconform, made from Kubernetes' own OpenAPI document and from custom resource definitions.

The schemas are *strict*: a field that Kubernetes does not know is an error, and so is a null. A kube-apiserver
drops both silently, which is how a misspelt field reaches production.

Sources: `api/openapi-spec/swagger.json` of a Kubernetes release, and a CustomResourceDefinition's `openAPIV3Schema`
(https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

Schema = dict[str, Any]

OBJECT_META = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"
QUANTITY = "io.k8s.apimachinery.pkg.api.resource.Quantity"
REFERENCE = "#/definitions/"


def directory_name(version: str) -> str:
    """Return the directory in which `kubeconform -strict -kubernetes-version` looks for `version` ("v1.36.3")."""
    return f"{version}-standalone-strict"


def file_name(group: str, version: str, kind: str) -> str:
    """Return the file in which kubeconform looks for a kind, e.g. `deployment-apps-v1.json`.

    Of a group such as `networking.k8s.io` only the first label counts, and the core group has no name.
    """
    parts = [kind, group.split(".", maxsplit=1)[0], version]
    return "-".join(part.lower() for part in parts if part) + ".json"


def schemas_of_kubernetes(swagger: Mapping[str, Any]) -> Iterator[tuple[str, Schema]]:
    """Yield (file name, schema) for every kind in a Kubernetes release's swagger.json."""
    definitions = _strict_definitions(swagger)
    for name, definition in swagger["definitions"].items():
        kinds = definition.get("x-kubernetes-group-version-kind", [])
        # DeleteOptions, Status and WatchEvent are served under every group; nobody keeps them in a file.
        if len(kinds) != 1 or "properties" not in definition:
            continue
        group, version, kind = (kinds[0][key] for key in ("group", "version", "kind"))
        root = _with_type(definitions[name], group, version, kind)
        yield file_name(group, version, kind), _standalone(root, definitions)


def schemas_of_crd(crd: Mapping[str, Any], swagger: Mapping[str, Any]) -> Iterator[tuple[str, Schema]]:
    """Yield (file name, schema) for each served version of a CustomResourceDefinition.

    `swagger` lends the schema of `metadata`, which a definition does not spell out.
    """
    definitions = _strict_definitions(swagger)
    group, kind = crd["spec"]["group"], crd["spec"]["names"]["kind"]
    for served in crd["spec"]["versions"]:
        if not served["served"]:
            continue
        version = served["name"]
        root = _strict(served["schema"]["openAPIV3Schema"])
        root["properties"]["metadata"] = {"$ref": REFERENCE + OBJECT_META}
        typed = _with_type(root, group, version, kind)
        yield file_name(group, version, kind), _standalone(typed, definitions)


def _strict_definitions(swagger: Mapping[str, Any]) -> dict[str, Schema]:
    definitions = {name: _strict(definition) for name, definition in swagger["definitions"].items()}
    # The document says "string", but `cpu: 2` is read as well, and everybody writes it.
    definitions[QUANTITY] = {"type": ["string", "number"]}
    return definitions


def _strict(node: Mapping[str, Any]) -> Schema:
    """Return `node` as plain JSON Schema in which an object's unknown fields are errors.

    Below `allOf`, `anyOf`, `oneOf` and `not` a definition only restricts fields that it declares elsewhere: those
    parts are kept as they are, for closing them would refuse every field that they do not mention.
    """
    unwanted = {"description", "default", "example", "externalDocs", "nullable"}
    schema = {key: value for key, value in node.items() if key not in unwanted and not key.startswith("x-")}
    if "properties" in node:
        schema["properties"] = {name: _strict(child) for name, child in node["properties"].items()}
        if not node.get("x-kubernetes-preserve-unknown-fields"):
            schema.setdefault("additionalProperties", False)
    for key in ("items", "additionalProperties"):
        if isinstance(node.get(key), Mapping):
            schema[key] = _strict(node[key])
    if node.get("x-kubernetes-int-or-string") or node.get("format") == "int-or-string":
        schema.pop("format", None)
        schema["type"] = ["integer", "string"]
    if node.get("nullable") and isinstance(schema.get("type"), str):
        schema["type"] = [schema["type"], "null"]
    return schema


def _with_type(root: Schema, group: str, version: str, kind: str) -> Schema:
    """Return `root` with apiVersion and kind required, and fixed to the one value that each may have."""
    api_version = f"{group}/{version}" if group else version
    fixed = {"apiVersion": {"enum": [api_version]}, "kind": {"enum": [kind]}}
    required = sorted({*root.get("required", []), "apiVersion", "kind"})
    return {**root, "properties": {**root["properties"], **fixed}, "required": required}


def _standalone(root: Schema, definitions: Mapping[str, Schema]) -> Schema:
    """Return `root` with all definitions that it refers to, directly or not, and no others."""
    needed: dict[str, Schema] = {}
    waiting = list(_references(root))
    while waiting:
        name = waiting.pop()
        if name not in needed:
            needed[name] = definitions[name]
            waiting.extend(_references(definitions[name]))
    return {"$schema": "http://json-schema.org/draft-07/schema#", **root, "definitions": needed}


def _references(node: object) -> Iterator[str]:
    children: Iterable[object] = ()
    if isinstance(node, Mapping):
        reference = node.get("$ref")
        if isinstance(reference, str):
            yield reference.removeprefix(REFERENCE)
        children = node.values()
    elif isinstance(node, list):
        children = node
    for child in children:
        yield from _references(child)
