"""Looks up in a generated repository where answers have arrived, and whether they are what was said."""

from __future__ import annotations

import html
import re
import tomllib
from typing import TYPE_CHECKING, Any

from support.objects import Manifest, of_kind, workloads
from support.strict_yaml import difference, read

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from support.repository import Repository


def changed(repository: Repository, answers: Mapping[str, Any]) -> list[str]:
    """One line for each place where an answer is not what was given."""
    return [
        f"{where}: {found}"
        for where, given, arrived in _places(repository, answers)
        if (found := difference(given, arrived))
    ]


def _places(repository: Repository, answers: Mapping[str, Any]) -> Iterator[tuple[str, Any, Any]]:
    recorded = read(repository.path / ".copier-answers.yml")[0]
    for name in answers.keys() & recorded.keys():
        yield f".copier-answers.yml {name}", answers[name], recorded[name]
    if "description" in answers:
        yield from _descriptions(repository, answers["description"])
    if "config" in answers:
        yield from _configurations(repository, answers["config"])
    if answers.get("language") == "none":
        yield from _containers(repository, answers)
    if "image_repository" in answers and answers.get("language") != "none":
        yield from _images(repository, answers["image_repository"])


def _descriptions(repository: Repository, given: str) -> Iterator[tuple[str, Any, Any]]:
    chart = read(repository.chart / "Chart.yaml")[0]
    yield "Chart.yaml description", given, chart["description"]
    project = repository.path / "pyproject.toml"
    if project.exists():
        yield "pyproject.toml description", given, tomllib.loads(project.read_text())["project"]["description"]
    shown = (repository.path / "README.md").read_text().split("\n")[2]
    yield "README.md", given, html.unescape(re.sub(r"\\(.)", r"\1", shown))


def _configurations(repository: Repository, given: Mapping[str, str]) -> Iterator[tuple[str, Any, Any]]:
    yield "values.yaml config", given, read(repository.chart / "values.yaml")[0].get("config", {})
    for rendering, objects in _renderings(repository):
        found: dict[str, str] = next((each.get("data", {}) for each in of_kind(objects, "ConfigMap")), {})
        # The data of a ConfigMap has no order: Helm and Kustomize sort it.
        yield f"ConfigMap of {rendering}", dict(sorted(given.items())), dict(sorted(found.items()))


def _containers(repository: Repository, answers: Mapping[str, Any]) -> Iterator[tuple[str, Any, Any]]:
    for rendering, objects in _renderings(repository):
        container = next(w for w in workloads(objects) if not w.is_test).containers()[0]
        for field in ("command", "args"):
            if field in answers:
                yield f"{field} of {rendering}", answers[field], container[field]
        for name, probe in answers.get("probes", {}).items():
            yield f"{name} of {rendering}", _sorted(probe), _sorted(container[name])


def _images(repository: Repository, given: str) -> Iterator[tuple[str, Any, Any]]:
    makefile = (repository.path / "Makefile").read_text()
    yield "Makefile IMAGE", given, re.findall(r"^IMAGE := (.*)$", makefile, re.MULTILINE)[0]
    workflow = repository.path / ".github/workflows/ci.yml"
    if workflow.exists():
        steps = read(workflow)[0]["jobs"]["publish"]["steps"]
        registries = [step["env"]["REGISTRY"] for step in steps if "REGISTRY" in step.get("env", {})]
        yield "registry of the CI", [given.split("/", maxsplit=1)[0]], registries


def _renderings(repository: Repository) -> Iterator[tuple[str, list[Manifest]]]:
    yield "the base", repository.kustomize()
    yield "the chart", repository.helm()
    for environment in repository.environments():
        yield f"overlay {environment}", repository.kustomize(environment)
        yield f"the chart for {environment}", repository.helm(environment)


def _sorted(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _sorted(value[name]) for name in sorted(value)}
    return [_sorted(item) for item in value] if isinstance(value, list) else value
