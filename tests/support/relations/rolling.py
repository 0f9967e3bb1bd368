"""A changed configuration replaces the pods that read it, in both renderings, and no others."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import yaml

from support.objects import Manifest, of_kind, workloads
from support.repository import Repository
from support.strict_yaml import read

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


def check(repository: Repository) -> list[str]:
    """One line for each workload whose pods would keep an old configuration, or be replaced though they read none."""
    config_map = repository.deploy / "base" / "configmap.yaml"
    if not config_map.exists():
        return []
    manifest = read(config_map)[0]
    name = min(manifest.get("data", {"ADDED": ""}))
    manifest["data"] = {**manifest.get("data", {}), name: manifest.get("data", {}).get(name, "") + "changed"}
    helm = repository.helm(None, f"--set-json=config={json.dumps(manifest['data'])}")
    return [
        *_keeps(repository.kustomize(), _kustomize_with(repository, manifest), f"base: {name}"),
        *_keeps(repository.helm(), helm, f"chart: {name}"),
    ]


def _kustomize_with(repository: Repository, config_map: Manifest) -> list[Manifest]:
    with TemporaryDirectory() as folder:
        edited = Repository(Path(folder))
        shutil.copytree(repository.deploy, edited.deploy)
        (edited.deploy / "base" / "configmap.yaml").write_text(yaml.safe_dump(config_map))
        return edited.kustomize()


def _keeps(before: Sequence[Manifest], after: Sequence[Manifest], what: str) -> Iterator[str]:
    assert list(of_kind(before, "ConfigMap")) != list(of_kind(after, "ConfigMap")), f"{what}: the edit has no effect"
    templates = {workload.key: workload.template for workload in workloads(after)}
    for workload in workloads(before):
        reads = "configMap" in json.dumps(workload.spec)
        if reads and not workload.is_test and templates[workload.key] == workload.template:
            yield f"{what} changes, and the pod template of {workload.key} does not: its pods keep the old value"
        elif not reads and templates[workload.key] != workload.template:
            yield f"{what} changes, and {workload.key} replaces its pods, which do not read it"
