"""Judges a generated repository's files and manifests by the tools that its owners use."""

from __future__ import annotations

import ast
import json
import re
import tomllib
from functools import cache
from typing import TYPE_CHECKING, Any

import toolbox
from yamllint.config import YamlLintConfig
from yamllint.linter import run as yamllint_run

from support.commands import attempt
from support.strict_yaml import AmbiguousYAMLError, parse

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from support.repository import Repository

LEFT_OVERS = re.compile(r"#\{|\}#|#%|%#|#\||\|#")
"""The template's delimiters. None of them means anything in a generated file."""


def files(repository: Repository) -> Iterator[Path]:
    """Every file of the repository, except what Git and local tools keep for themselves."""
    hidden = {".git", ".venv", ".ruff_cache", ".pytest_cache", ".mypy_cache", "__pycache__"}
    for path in sorted(repository.path.rglob("*")):
        if path.is_file() and not hidden.intersection(path.relative_to(repository.path).parts):
            yield path


def left_overs(repository: Repository) -> list[str]:
    """Lines in which something of the template was not rendered."""
    return [
        f"{path.relative_to(repository.path)}:{number}: {line.strip()}"
        for path in files(repository)
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if LEFT_OVERS.search(line)
    ]


def ambiguous_yaml(repository: Repository) -> list[str]:
    """YAML files that are broken, or that two readers would understand differently. Helm's templates are no YAML."""
    found = []
    for path in files(repository):
        if path.suffix in {".yaml", ".yml"} and repository.chart / "templates" not in path.parents:
            line = _ambiguity(path.read_text(), quoted_on=path.parent.name == "workflows")
            found += [f"{path}: {line}"] if line else []
    return found


@cache
def _ambiguity(text: str, *, quoted_on: bool) -> str:
    """What is ambiguous in a file. Many files of many repositories are the same."""
    try:
        parse(text, quoted_on=quoted_on)
    except AmbiguousYAMLError as error:
        return str(error)
    return ""


PARSERS: dict[str, Callable[[str], Any]] = {".json": json.loads, ".py": ast.parse, ".toml": tomllib.loads}


def broken_files(repository: Repository) -> list[str]:
    """JSON, TOML and Python files that do not parse."""
    found = []
    for path in files(repository):
        try:
            PARSERS.get(path.suffix, str)(path.read_text())
        except (ValueError, SyntaxError) as error:
            found.append(f"{path.relative_to(repository.path)}: {error}")
    return found


def yamllint(repository: Repository) -> list[str]:
    """Findings of yamllint under the repository's own rules; in this process, for it starts longer than it works."""
    rules = (repository.path / ".yamllint").read_text()
    config = _yamllint_config(rules)
    return [
        f"{path.relative_to(repository.path)}:{line}"
        for path in files(repository)
        if config.is_yaml_file(str(path)) and not config.is_file_ignored(str(path.relative_to(repository.path)))
        for line in _yamllint_findings(rules, path.read_text())
    ]


@cache
def _yamllint_config(rules: str) -> YamlLintConfig:
    return YamlLintConfig(rules)


@cache
def _yamllint_findings(rules: str, text: str) -> list[str]:
    """What is wrong in a file. Many files of many repositories are the same."""
    return [f"{each.line}: {each.level}: {each.message}" for each in yamllint_run(text, _yamllint_config(rules))]


def helm_lint(repository: Repository) -> list[str]:
    """Findings of `helm lint --strict`, for the chart's own values and for each environment's."""
    found = []
    for files in [[], *map(repository.values, repository.environments())]:
        values = [f"--values={file}" for file in files]
        done = attempt("helm", "lint", "--strict", "--quiet", repository.chart, *values)
        if done.returncode:
            found.append(f"{' '.join(values)}: {done.stdout}{done.stderr}".strip())
    return found


def kubeconform(repository: Repository) -> list[str]:
    """Objects that the schemas of the oldest or the newest supported Kubernetes refuse."""
    assets = toolbox.assets()
    text = "\n---\n".join(_everything(repository))
    found = []
    for version in (assets.oldest, assets.newest):
        done = attempt("kubeconform", *assets.kubeconform_arguments(version), "-output=json", "-", stdin=text)
        if done.returncode:
            resources = json.loads(done.stdout or "{}").get("resources", [{"msg": done.stderr}])
            found += [f"{version}: {each.get('kind')}/{each.get('name')}: {each['msg']}" for each in resources]
    return found


def _everything(repository: Repository) -> Iterator[str]:
    for environment in repository.environments():
        yield repository.helm_text(environment)
        yield repository.kustomize_text(environment)
        yield repository.platform_text(environment)


def kube_score_flags(repository: Repository) -> list[str]:
    """The flags by which the repository's own `make lint` runs kube-score: its version and its exceptions."""
    makefile = (repository.path / "Makefile").read_text()
    lines = re.findall(r"^KUBE_SCORE [:+]= (.+)$", makefile, re.MULTILINE)
    return [flag for line in lines for flag in line.split()]


def kube_score(repository: Repository) -> list[str]:
    """Critical findings of kube-score, judged as the repository judges itself."""
    command = ["kube-score", "score", *kube_score_flags(repository), "--output-format=ci", "-"]
    found = []
    for environment in repository.environments():
        lines = attempt(*command, stdin=repository.kustomize_text(environment)).stdout.splitlines()
        found += [f"{environment}: {line}" for line in lines if line.startswith("[CRITICAL]")]
    return found
