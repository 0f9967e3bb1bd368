# /// script
# requires-python = ">=3.11"
# dependencies = ["pyyaml==6.0.3"]
# ///
"""Compare what Kustomize and Helm make of this application: the base, then each environment.

Tells as well where an overlay was left behind by a changed answer: namespace, image, host name.

Every field of every object must be equal, but for what each tool adds of its own:
- the label app.kubernetes.io/managed-by, and Helm's tests
- what replaces the pods when the configuration changes: Kustomize puts a hash at the end of a
  generated ConfigMap's name, the chart has the annotation checksum/config
- a namespace that is left out: the object goes to the one that is installed to
"""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

DEPLOY = Path(__file__).parent
BASE, CHART = DEPLOY / "base", DEPLOY / "chart"


class Loader(yaml.SafeLoader):
    """Reads 1e3 and 08 as numbers, as Kubernetes does."""


Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"[-+]?(\d+(\.\d*)?|\.\d+)([eE][-+]?\d+)?$"),
    list("-+.0123456789"),
)


def run(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True)  # noqa: S603 (own paths)
    if done.returncode:
        sys.exit(f"{' '.join(command)}\n{done.stderr.strip()}")
    return done.stdout


def rename(node: Any, names: dict[str, str]) -> None:
    """Take the hash out of the references to generated ConfigMaps."""
    for key, value in node.items() if isinstance(node, dict) else enumerate(node):
        if key in ("configMap", "configMapRef", "configMapKeyRef") and value.get("name") in names:
            value["name"] = names[value["name"]]
        elif isinstance(value, dict | list):
            rename(value, names)


def objects(text: str, generated: list[str], namespace: str) -> dict[str, dict[str, Any]]:
    found = [item for item in yaml.load_all(text, Loader) if item]
    hashed = re.compile(f"({'|'.join(map(re.escape, generated))})-[2456789bcdfghkmt]{{10}}")
    maps = [hashed.fullmatch(o["metadata"]["name"]) for o in found if o["kind"] == "ConfigMap"]
    names = {match[0]: match[1] for match in maps if match}
    for item in found:
        rename(item, names)
        metadata = item["metadata"]
        metadata["name"] = names.get(metadata["name"], metadata["name"])
        metadata.setdefault("namespace", namespace)
        template = item.get("spec", {}).get("template", {}).get("metadata", {})
        for part in (metadata, template):
            part.get("labels", {}).pop("app.kubernetes.io/managed-by", None)
        if template.get("annotations", {}).pop("checksum/config", None):
            template["annotations"] = template["annotations"] or None
    return {f"{item['kind']}/{item['metadata']['name']}": item for item in found}


def differences(path: str, left: Any, right: Any) -> Iterator[str]:
    if isinstance(left, dict) and isinstance(right, dict):
        for key in sorted(left.keys() | right.keys()):
            yield from differences(f"{path}.{key}", left.get(key), right.get(key))
    elif isinstance(left, list) and isinstance(right, list) and len(left) == len(right):
        for index, pair in enumerate(zip(left, right, strict=True)):
            yield from differences(f"{path}[{index}]", *pair)
    elif left != right or type(left) is not type(right):
        yield f"  {path}\n    kustomize: {left!r:.200}\n    helm:      {right!r:.200}"


def left_behind(folder: Path, overlay: dict[str, Any]) -> Iterator[str]:
    """What an update cannot change, because the overlay is yours."""
    platform = yaml.safe_load((DEPLOY / "platform" / folder.name / "namespace.yaml").read_text())
    if overlay.get("namespace") != (namespace := platform["metadata"]["name"]):
        yield f"  namespace: {overlay.get('namespace')}, the platform's is {namespace}"
    repository = yaml.safe_load((CHART / "values.yaml").read_text())["image"]["repository"]
    names = [image["name"] for image in overlay.get("images", [])]
    if repository not in names:
        yield f"  images: {', '.join(names)}, the base runs {repository}"


def compare(folder: Path) -> list[str]:
    values = [] if folder == BASE else [f"--values={CHART}/values-{folder.name}.yaml"]
    files = [source / "kustomization.yaml" for source in (BASE, folder)]
    base, overlay = (yaml.safe_load(file.read_text()) for file in files)
    generators = base.get("configMapGenerator", []) + overlay.get("configMapGenerator", [])
    namespace = overlay.get("namespace", "default")
    release = yaml.safe_load((CHART / "Chart.yaml").read_text())["name"]
    template = ["helm", "template", release, str(CHART), "--skip-tests", "--namespace", namespace]
    helm = objects(run(*template, *values), [], namespace)
    generated = [generator["name"] for generator in generators]
    kustomize = objects(run("kubectl", "kustomize", str(folder)), generated, namespace)
    found = [] if folder == BASE else list(left_behind(folder, overlay))
    for spec in [item.get("spec", {}) for item in kustomize.values() if folder != BASE]:
        rules = [rule["host"] for rule in spec.get("rules", []) if "host" in rule]
        for host in spec.get("hostnames", rules):
            if hosts.setdefault(host, folder.name) != folder.name:
                found.append(f"  {host} is the host of {hosts[host]} too")
    pairs = [(name, kustomize.get(name), helm.get(name)) for name in sorted(kustomize | helm)]
    return found + [line for pair in pairs for line in differences(*pair)]


different = False
hosts: dict[str, str] = {}
for folder in [BASE, *sorted(DEPLOY.glob("overlays/*"))]:
    found = compare(folder)
    different |= bool(found)
    print(f"{folder.name}: {'differs' if found else 'equal'}", *found, sep="\n")
sys.exit(different)
