# /// script
# requires-python = ">=3.11"
# dependencies = ["pyyaml==6.0.3"]
# ///
"""Compare what Kustomize and Helm make of this application, in each environment.

Tells as well where two environments have one host name.

Every field of every object must be equal, but for what each tool adds of its own:
- the label app.kubernetes.io/managed-by, Helm's tests, and the annotations helm.sh/*
- what replaces the pods when the configuration changes: a hash at the end of a generated
  ConfigMap's name, in the chart of an immutable one's only; its annotation checksum/config
- copies, called NAME-before, of what a Job needs that Helm runs before there is anything else
- a namespace that is left out: the object goes to the one that is installed to
"""

import re
import subprocess
import sys
from collections.abc import Iterator
from difflib import unified_diff
from pathlib import Path
from typing import Any

import yaml

DEPLOY = Path(__file__).parent
CHART = DEPLOY / "chart"


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


def normal(annotations: dict[str, str] | None) -> dict[str, str]:
    kept = (annotations or {}).items()
    return {k: v for k, v in kept if not k.startswith("helm.sh/") and k != "checksum/config"}


def objects(text: str, namespace: str) -> dict[str, list[str]]:
    found = {}
    for item in filter(None, yaml.load_all(text, Loader)):
        metadata: dict[str, Any] = item["metadata"]
        metadata.setdefault("namespace", namespace)
        metadata.get("labels", {}).pop("app.kubernetes.io/managed-by", None)
        spec = item.get("spec", {}).get("jobTemplate", item).get("spec", {})
        for owner in (metadata, spec.get("template", {}).get("metadata", {})):
            owner["annotations"] = normal(owner.get("annotations"))
        name, lines = f"{item['kind']}/{metadata['name']}", yaml.dump(item).splitlines()
        found[name] = lines if found.get(name, lines) == lines else found[name] + lines
    return found


def plain(text: str, names: list[str]) -> str:
    """The rendering without the hashes in the names of its ConfigMaps."""
    for name in names:
        pattern = rf'^  name: "?({re.escape(name)}-[2456789bcdfghkmt]{{10}})"?$'
        for hashed in set(re.findall(pattern, text, re.M)):
            text = text.replace(hashed, name)
    return text


def shared_hosts(folder: Path, text: str) -> Iterator[str]:
    for host in re.findall(r"^  hostnames:\n  - (.+)$|^  - host: (.+)$", text, re.M):
        if (other := hosts.setdefault(host, folder.name)) != folder.name:
            yield f"  {''.join(host)} is the host of {other} too"


def compare(folder: Path) -> list[str]:
    files = [folder / "values.yaml", CHART / f"values-{folder.name}.yaml"]
    values = [f"--values={file}" for file in files if file.exists()]
    sources = [DEPLOY / "base", folder, DEPLOY / "overlays" / folder.name]
    parts = [yaml.safe_load((source / "kustomization.yaml").read_text()) for source in sources]
    release = yaml.safe_load((CHART / "Chart.yaml").read_text())["name"]
    namespace = parts[1]["namespace"]
    template = ["helm", "template", release, str(CHART), "--skip-tests", "--namespace", namespace]
    names = [each["name"] for part in parts for each in part.get("configMapGenerator", [])]
    text = re.sub(rf'(ame: "?{release})-before\b', r"\1", run(*template, *values))
    helm = objects(plain(text, names), namespace)
    text = run("kubectl", "kustomize", str(folder))
    kustomize = objects(plain(text, names), namespace)
    lines = list(shared_hosts(folder, text))
    for name in sorted(kustomize | helm):
        sides = kustomize.get(name, []), helm.get(name, [])
        lines += unified_diff(*sides, f"kustomize {name}", f"helm {name}", lineterm="")
    return lines


different = False
hosts: dict[tuple[str, str], str] = {}
for folder in sorted(DEPLOY.glob("environments/*")):
    found = compare(folder)
    different |= bool(found)
    print(f"{folder.name}: {'differs' if found else 'equal'}", *found, sep="\n")
sys.exit(different)
