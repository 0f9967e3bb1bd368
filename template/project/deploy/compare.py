# /// script
# requires-python = ">=3.11"
# dependencies = ["pyyaml==6.0.3"]
# ///
"""Compare what Kustomize and Helm make of this application: the base, then each environment.

Every field of every object must be equal, but for what each tool adds of its own:
- the label app.kubernetes.io/managed-by, Helm's tests, and the annotations helm.sh/*
- what replaces the pods when the configuration changes: Kustomize puts a hash at the end of a
  generated ConfigMap's name, the chart has the annotation checksum/config
- a namespace that is left out: the object goes to the one that is installed to
"""

import re
import subprocess
import sys
from difflib import unified_diff
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
        found[f"{item['kind']}/{metadata['name']}"] = yaml.dump(item).splitlines()
    return found


def compare(folder: Path) -> list[str]:
    values = [] if folder == BASE else [f"--values={CHART}/values-{folder.name}.yaml"]
    files = [source / "kustomization.yaml" for source in (BASE, folder)]
    base, overlay = (yaml.safe_load(file.read_text()) for file in files)
    namespace = overlay.get("namespace", "default")
    release = yaml.safe_load((CHART / "Chart.yaml").read_text())["name"]
    template = ["helm", "template", release, str(CHART), "--skip-tests", "--namespace", namespace]
    helm = objects(run(*template, *values), namespace)
    text = run("kubectl", "kustomize", str(folder))
    for generator in base.get("configMapGenerator", []) + overlay.get("configMapGenerator", []):
        name = re.escape(generator["name"])
        for hashed in set(re.findall(rf"^  name: ({name}-[2456789bcdfghkmt]{{10}})$", text, re.M)):
            text = text.replace(hashed, generator["name"])
    kustomize = objects(text, namespace)
    lines = []
    for name in sorted(kustomize | helm):
        sides = kustomize.get(name, []), helm.get(name, [])
        lines += unified_diff(*sides, f"kustomize {name}", f"helm {name}", lineterm="")
    return lines


different = False
for folder in [BASE, *sorted(DEPLOY.glob("overlays/*"))]:
    found = compare(folder)
    different |= bool(found)
    print(f"{folder.name}: {'differs' if found else 'equal'}", *found, sep="\n")
sys.exit(different)
