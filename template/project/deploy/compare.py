# /// script
# requires-python = ">=3.11"
# dependencies = ["pyyaml==6.0.3"]
# ///
"""Compare what Kustomize and Helm make of this application, in each environment or in some.

Tells as well where a host name is asked for by two environments, and what the objects name that is
not there, in either rendering, and under another name of the release.

Every field of every object must be equal, but for what each tool adds of its own:
- the label app.kubernetes.io/managed-by, Helm's tests, and the annotations helm.sh/*
- what replaces the pods when the configuration changes: a hash at the end of a generated
  ConfigMap's name, in the chart of an immutable one's only; its annotation checksum/config
- copies, called NAME-before, of what a Job needs that Helm runs before there is anything else
- a namespace that is left out: the object goes to the one that is installed to
"""

import re
import sys
from collections.abc import Iterator
from difflib import unified_diff
from typing import Any

import yaml
from renderings import (
    DEPLOY,
    Manifest,
    each_environment,
    helm,
    kustomize,
    load,
    namespace_of,
    read,
)

HASHED = re.compile("(.+)-[2456789bcdfghkmt]{10}")
OUTSIDE = DEPLOY / "outside.yaml"
# The kind that a field names.
KINDS = {
    "configMap": "ConfigMap",
    "configMapKeyRef": "ConfigMap",
    "configMapRef": "ConfigMap",
    "secret": "Secret",
    "secretKeyRef": "Secret",
    "secretRef": "Secret",
    "imagePullSecrets": "Secret",
    "nodePublishSecretRef": "Secret",
    "persistentVolumeClaim": "PersistentVolumeClaim",
    "serviceAccountName": "ServiceAccount",
    **dict.fromkeys(("backendRef", "backendRefs", "service", "serviceName"), "Service"),
    "scaleTargetRef": "Deployment",
}


def normal(annotations: dict[str, str] | None) -> dict[str, str]:
    kept = (annotations or {}).items()
    return {k: v for k, v in kept if not k.startswith("helm.sh/") and k != "checksum/config"}


def objects(rendering: list[Manifest], namespace: str) -> dict[str, Manifest]:
    found: dict[str, Manifest] = {}
    for item in plain(rendering):
        metadata: dict[str, Any] = item["metadata"]
        metadata.setdefault("namespace", namespace)
        metadata.get("labels", {}).pop("app.kubernetes.io/managed-by", None)
        spec = (item.get("spec") or {}).get("jobTemplate", item).get("spec") or {}
        for owner in (metadata, (spec.get("template") or {}).get("metadata") or {}):
            owner["annotations"] = normal(owner.get("annotations"))
        name = f"{item['kind']}/{metadata['name']}"
        found[name if found.get(name, item) == item else f"{name}, the copy"] = item
    return found


def plain(rendering: list[Manifest]) -> list[Manifest]:
    """The objects under the names that they have without hashes and copies."""
    names = [item["metadata"]["name"] for item in rendering if item["kind"] == "ConfigMap"]
    hashed = {name: found[1] for name in names if (found := HASHED.fullmatch(name))}
    release = str(read(DEPLOY / "chart" / "Chart.yaml")["name"])
    copied = re.compile(rf"^{release}-before(?=-|$)")

    def renamed(value: Any) -> Any:
        if isinstance(value, dict):
            return {field: renamed(item) for field, item in value.items()}
        if isinstance(value, list):
            return [renamed(item) for item in value]
        return copied.sub(release, hashed.get(value, value)) if isinstance(value, str) else value

    return [renamed(item) for item in rendering]


def references(value: Any, field: str = "") -> Iterator[tuple[str, str, list[str]]]:
    """Kind, name and keys of what an object cannot do without."""
    if isinstance(value, list):
        for item in value:
            yield from references(item, field)
    elif isinstance(value, dict):
        name = value.get("name") or value.get("secretName") or value.get("claimName")
        if field in KINDS and name and not (value.get("optional") or value.get("namespace")):
            keys = [each.get("key") for each in (value, *(value.get("items") or []))]
            yield value.get("kind", KINDS[field]), name, list(filter(None, keys))
        for key, item in value.items():
            yield from references(item, key) if key != "metadata" else ()
    elif field in ("serviceAccountName", "serviceName"):
        yield KINDS[field], str(value), []


def dangling(rendering: list[Manifest], outside: dict[str, list[str]]) -> Iterator[str]:
    """What no object of the rendering is, and no other is said to make."""
    present = {(item["kind"], item["metadata"]["name"]): item for item in rendering}
    for item in rendering:
        if item["kind"] == "ExternalSecret":
            target = item["spec"].get("target") or {}
            present["Secret", target.get("name", item["metadata"]["name"])] = {}
    for owner in rendering:
        needed = f"{owner['kind']}/{owner['metadata']['name']} needs"
        for kind, name, keys in references(owner.get("spec", {})):
            found = present.get((kind, name))
            if found is None and name not in outside.get(kind, []):
                remedy = "correct it, or list it in deploy/outside.yaml if others make it"
                yield f"{needed} {kind}/{name}, which is not there: {remedy}"
            elif found and kind == "ConfigMap":
                have = (found.get("data") or {}) | (found.get("binaryData") or {})
                for key in [key for key in keys if key not in have]:
                    yield f"{needed} {key} of {kind}/{name}, not of {', '.join(have)}: correct it"


def shared_hosts(environment: str, rendering: list[Manifest]) -> Iterator[str]:
    for spec in [item.get("spec") or {} for item in rendering]:
        rules = [each["host"] for each in spec.get("rules") or [] if "host" in each]
        for host in rules + (spec.get("hostnames") or []):
            if (other := hosts.setdefault(host, environment)) != environment:
                yield f"  {host} is the host of {other} too"


def compare(environment: str) -> Iterator[str]:
    rendering = load(kustomize("environments", environment), "kubectl kustomize")
    namespace = namespace_of(rendering)
    chart = load(helm(environment, namespace, "--skip-tests"), "helm template")
    yield from shared_hosts(environment, rendering)
    outside = read(OUTSIDE) if OUTSIDE.exists() else {}
    sides = {"kustomize": rendering, "helm": chart}
    found = {name: list(dangling(side, outside)) for name, side in sides.items()}
    if not any(found.values()):
        other = load(helm(environment, namespace, "--skip-tests", release="blue"), "helm template")
        found = {"helm as release blue": list(dangling(other, outside))}
    for line in dict.fromkeys(line for lines in found.values() for line in lines):
        yield f"  {', '.join(name for name, lines in found.items() if line in lines)}: {line}"
    left, right = objects(rendering, namespace), objects(chart, namespace)
    for name in sorted(left | right):
        if left.get(name) != right.get(name):
            a, b = (yaml.safe_dump(side.get(name)).splitlines() for side in (left, right))
            yield from unified_diff(a, b, f"kustomize {name}", f"helm {name}", lineterm="")


hosts: dict[str, str] = {}
if __name__ == "__main__":
    each_environment(sys.argv[1:], compare, "equal", "differs")
