"""Check golden-path.yml, and write the JSON schema by which editors help with it.

    python tools/golden_path.py            every finding, a line each; the exit code is 1 if there is one
    python tools/golden_path.py --schema   write golden-path.schema.json anew

Both follow template/schemas/golden-path.json, as every copy and update does. It maps the name of a type to what it
takes: a `pattern` of a string, `choices`, a number from `least` to `most`, a list of `items`, a map from `keys` to
`values`, or `fields`, of which some are `optional`; and beside a map something else, by `or`. A value that does not
have the form is refused, or left to the `judge`, which knows the rules of answers; `kubernetes` then names what an
editor is told. `unreadable` says which lines keep YAML from being read.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

import yaml
from jinja2 import FileSystemLoader, StrictUndefined, select_autoescape
from jinja2.sandbox import SandboxedEnvironment

ROOT = Path(__file__).resolve().parents[1]
SCHEMA = ROOT / "golden-path.schema.json"
PREFIX = "kubernetes."
"""What the names of Kubernetes' own types begin with in the schema."""

_SIGN = re.compile(r"#[{%|]")
SIGNS = "has a sign of the template's own language: put a space after the #"

SCALARS: dict[str, dict[str, Any]] = {
    "string": {"type": "string"},
    "integer": {"type": "integer"},
    "boolean": {"type": "boolean"},
    "Quantity": {"type": ["string", "number"]},
    "IntOrString": {"type": ["integer", "string"]},
}


def findings(text: str) -> list[str]:
    """What is wrong with the text of a golden-path.yml, a line for each."""
    copier = (ROOT / "copier.yml").read_text(encoding="utf-8").partition("\n---\n")[0]
    options: dict[str, Any] = {**yaml.safe_load(copier)["_envops"], "undefined": StrictUndefined}
    environment = SandboxedEnvironment(
        loader=FileSystemLoader(ROOT),
        extensions=["jinja2_ansible_filters.AnsibleCoreFiltersExtension"],
        autoescape=select_autoescape(default_for_string=False, default=False),
        **options,
    )
    # A copy includes the file, so that comments are read too; by then nothing tells where these signs were.
    lines = enumerate(text.split("\n"), 1)
    signs = [f"line {number}: {line.strip()!r} {SIGNS}" for number, line in lines if _SIGN.search(line)]
    if signs:
        return signs
    template = environment.get_template("template/macros/check_golden_path.jinja")
    try:
        found = template.make_module().findings(text)  # type: ignore[attr-defined]
    except yaml.YAMLError as error:
        return [f"YAML: {' '.join(str(error).split())}"]
    return [line for line in str(found).split("\n") if line]


def schema() -> dict[str, Any]:
    """The table as a JSON schema, with those of Kubernetes' types that it names."""
    folder = ROOT / "template" / "schemas"
    table = json.loads((folder / "golden-path.json").read_text(encoding="utf-8"))
    kubernetes = json.loads((folder / "kubernetes.json").read_text(encoding="utf-8"))
    definitions: dict[str, Any] = {}
    pending = ["GoldenPath"]
    while pending:
        name = pending.pop()
        if name in definitions:
            continue
        of_kubernetes = name.removeprefix(PREFIX)
        if of_kubernetes == name:
            definitions[name] = _own(table[name], pending)
        else:
            definitions[name] = _kubernetes_type(kubernetes, of_kubernetes, pending)
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "$ref": "#/definitions/GoldenPath",
        "definitions": dict(sorted(definitions.items())),
    }


def _own(rule: dict[str, Any], pending: list[str]) -> dict[str, Any]:
    """A type of the table."""
    if "kubernetes" in rule:
        return _field(rule["kubernetes"], pending)
    if not {"pattern", "choices", "least"}.isdisjoint(rule):
        return _scalar(rule)
    if "items" in rule:
        return {"type": "array", "minItems": 1, "items": _reference(rule["items"], pending)}
    if "keys" in rule:
        values, names = _reference(rule["values"], pending), _reference(rule["keys"], pending)
        return {"type": "object", "propertyNames": names, "additionalProperties": values}
    fields = {name: _reference(kind, pending) for name, kind in rule["fields"].items()}
    required = [name for name in fields if name not in rule.get("optional", [])]
    found = {"type": "object", "required": required, "additionalProperties": False, "properties": fields}
    return {"anyOf": [found, _reference(rule["or"], pending)]} if "or" in rule else found


def _scalar(rule: dict[str, Any]) -> dict[str, Any]:
    """A word, a number or one of several."""
    if "pattern" in rule:
        return {"type": "string", "pattern": f"^(?:{rule['pattern']})$"}
    return (
        {"enum": rule["choices"]}
        if "choices" in rule
        else {
            "type": "integer",
            "minimum": rule["least"],
            "maximum": rule["most"],
        }
    )


def _kubernetes_type(types: dict[str, Any], name: str, pending: list[str]) -> dict[str, Any]:
    """A type of template/schemas/kubernetes.json. In the catalogue the entry's key is the name of a Container."""
    fields = {field: _field(kind, pending) for field, kind in types[name]["fields"].items()}
    required = [] if name == "Container" else types[name]["required"]
    return {"type": "object", "required": required, "additionalProperties": False, "properties": fields}


def _field(kind: str, pending: list[str]) -> dict[str, Any]:
    """A field's type in the short notation of tools/cut_schema.py."""
    if kind.startswith("["):
        return {"type": "array", "items": _field(kind[1:-1], pending)}
    if kind.startswith("{"):
        return {"type": "object", "additionalProperties": _field(kind[1:-1], pending)}
    return SCALARS[kind] if kind in SCALARS else _reference(f"{PREFIX}{kind}", pending)


def _reference(name: str, pending: list[str]) -> dict[str, Any]:
    pending.append(name)
    return {"$ref": f"#/definitions/{name}"}


def main() -> None:
    """Check the file, or write its schema."""
    if sys.argv[1:] == ["--schema"]:
        SCHEMA.write_text(json.dumps(schema(), indent=1) + "\n", encoding="utf-8")
        return
    found = findings((ROOT / "golden-path.yml").read_text(encoding="utf-8"))
    for line in found:
        sys.stderr.write(f"golden-path.yml: {line}\n")
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
