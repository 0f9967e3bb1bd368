"""Each check of the list that every generated repository must pass is made to fail once."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from support.answers import fields_at_fault
from support.arrivals import changed
from support.verdict import CHECKS

if TYPE_CHECKING:
    from pathlib import Path

    from support.render import Renderer

END = r"\Z"

FAULTS = {
    "strict YAML": ("deploy/chart/values.yaml", END, "image: {}\n", "duplicate key 'image'"),
    "other formats": ("renovate.json", END, ",", "renovate.json: Extra data"),
    "left-overs of the template": ("README.md", END, "Made by #{ team }#.\n", "Made by #{ team }#."),
    "yamllint": ("deploy/base/service.yaml", END, " \n", "trailing spaces"),
    "helm lint": ("deploy/chart/values-prod.yaml", END, "unknown: 1\n", "'unknown' not allowed"),
    "parity": ("deploy/chart/values-prod.yaml", END, "labels:\n  a: b\n", "only in the chart ('b')"),
    "names of releases": (
        "deploy/chart/templates/_helpers.tpl",
        r"\(not \(regexMatch .*? \$base\)\)",
        "false",
        "release shop.blue: names_are_legal: Service/shop.blue",
    ),
    "own checks": ("deploy/base/pdb.yaml", END, "  unknown: 1\n", "unknown"),
    "schemas": ("deploy/base/pdb.yaml", END, "  unknown: 1\n", "additional properties 'unknown' not allowed"),
    "kube-score": (
        "deploy/base/deployment.yaml",
        "readOnlyRootFilesystem: true",
        "readOnlyRootFilesystem: false",
        "writ",
    ),
}
"""A file, what is replaced in it, and words of the finding. Relations are broken in the files beside this one."""


@pytest.mark.parametrize("name", FAULTS)
def test_fault_is_found(name: str, render: Renderer, tmp_path: Path) -> None:
    """The check is silent before the fault, and names it after."""
    path, old, new, words = FAULTS[name]
    repository = render.loose({}, tmp_path / "shop")
    check = CHECKS[name]
    assert check(repository) == []
    file = repository.path / path
    file.write_text(re.sub(old, new, file.read_text(), count=1))
    found = check(repository)
    assert any(words in line for line in found), "\n".join(found)


def test_every_check_is_made_to_fail() -> None:
    """A check that is added cannot go untried."""
    elsewhere = {"relations", "environments", "configuration changes"}
    assert set(FAULTS) | elsewhere == set(CHECKS)


def test_changed_answers_are_noticed(render: Renderer) -> None:
    """Had the template changed an answer on its way, each place where it arrived would be named."""
    given = {"description": "Sells *things* & more", "config": {"A": "1.30"}, "image_repository": "ghcr.io/a/b"}
    repository = render(given)
    assert changed(repository, given) == []
    other = {"description": "Sells things", "config": {"A": "1.3"}, "image_repository": "ghcr.example/a/b"}
    places = [line.split(":")[0] for line in changed(repository, other)]
    for place in (
        ".copier-answers.yml description",
        "Chart.yaml description",
        "pyproject.toml description",
        "README.md",
        "values.yaml config",
        "ConfigMap of the base",
        "ConfigMap of the chart for prod",
        "Makefile IMAGE",
        "registry of the CI",
    ):
        assert place in places


def test_changed_arguments_are_noticed(render: Renderer) -> None:
    """The same for what an existing image is started with."""
    given = {"language": "none", "command": ["a", "08"], "args": ["~"]}
    repository = render(given)
    assert changed(repository, given) == []
    places = {line.split(":")[0] for line in changed(repository, {**given, "command": ["a", 8], "args": [None]})}
    assert {"command of the base", "command of the chart for prod", "args of overlay prod"} <= places


@pytest.mark.parametrize(
    "message",
    [
        "Validation error for question 'ports': 'dict object' has no attribute 'name'",
        "Validation error for question 'ports': 'x' is wrong",
        'Question "command" is required',
        "Invalid choice for 'ci': 'x'",
        "'app_name' is undefined",
        "Validation error for question 'team': 'x' is wrong: use y",
        "Validation error for question 'team': use y ('x' is wrong)\nand more",
    ],
)
def test_refusal_that_does_not_help_is_not_clean(message: str) -> None:
    """A refusal without field, value or remedy, or a validator that fell over, is not accepted as one."""
    assert fields_at_fault(message) == []


def test_clean_refusal_names_its_fields() -> None:
    """The question at fault comes first, then the others that the message names."""
    message = "Validation error for question 'replicas': set autoscaling to false (3 would fight the autoscaler)"
    assert fields_at_fault(message) == ["replicas", "autoscaling"]
    assert fields_at_fault("Invalid choice for 'ci': 'x' is not in ['github', 'none']") == ["ci"]
