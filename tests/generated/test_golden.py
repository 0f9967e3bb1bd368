"""The default repositories are what they were, they are small, and they hold nothing that was not asked for."""

from __future__ import annotations

import json
import re
import tomllib
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest
from support import golden, linters
from support.objects import walk
from support.strict_yaml import read
from support.trees import differences, tree
from support.verdict import expect_none

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pytest_copie.plugin import Copie
    from support.render import Answers, Renderer
    from support.repository import Repository

SCRIPT_METADATA = re.compile(r"^# /// script\n(?:#.*\n)*?# ///\n", re.MULTILINE)
"""A script's own dependencies, which PEP 723 puts behind `#`."""

NAMES = list(golden.ANSWERS)

FILES = 83
LINES = 3700
VALUES_LINES = 80
"""What can be read in an afternoon, and values that fit on two screens."""

MEANINGFUL_EMPTINESS = (
    re.compile(r"\.copier-answers\.yml: (sidecars|init_containers|config)"),  # asked, and answered with nothing
    re.compile(r"deploy/base/\S+\.yaml: .*\.emptyDir"),  # the volume itself
    re.compile(r"\.github/workflows/ci\.yml: permissions"),  # no job has a right unless it says so
    re.compile(r"\.github/workflows/ci\.yml: on\.pull_request"),  # every pull request
    re.compile(r"deploy/platform/\S+: (.*\.resourceR|r)ules\[\d+\]\.apiGroups\[\d+\]"),  # the core group has no name
)

COMMENTED_OUT = re.compile(r"\s*#\s*(?:- )?[A-Za-z][\w.-]*:(?: \S+)?|\s*#\s*- \S+|\s*#\s*[a-z][\w-]* = \S+")
"""A comment that would be configuration without its `#`: a key with one value or none, an entry, an assignment."""


@pytest.mark.parametrize("name", NAMES)
def test_repository_is_as_golden(name: str, render: Renderer) -> None:
    """The rendered repository equals the one that is kept; `make golden` accepts a change that is meant."""
    found = differences(golden.kept(name), tree(render(golden.ANSWERS[name]).path))
    assert not found, f"the template's output has changed; `make golden` accepts it:\n{found}"


@pytest.mark.parametrize("name", NAMES)
def test_another_harness_copies_the_same(name: str, copie: Copie, template: Path) -> None:
    """pytest-copie, which knows nothing of these fixtures, gets the same files from the same answers."""
    result = copie.copy(extra_answers=golden.ANSWERS[name], template_dir=template)
    assert (result.exception, result.exit_code) == (None, 0)
    assert result.project_dir is not None
    copied = tree(result.project_dir)
    for recorded in (kept := golden.kept(name), copied):
        del recorded[".copier-answers.yml"]  # the one file that says where the template lies
    assert differences(kept, copied) == ""


def test_web_application_is_small() -> None:
    """The default web application stays within its budget; uv.lock is made by `make setup` and does not count."""
    files = golden.kept("web")
    lines = sum(len(text.splitlines()) for text in files.values())
    assert (len(files) <= FILES, lines <= LINES) == (True, True), f"{len(files)} files, {lines} lines"


def test_values_of_the_chart_are_short() -> None:
    """The default web application's values.yaml fits on two screens."""
    assert len(golden.kept("web")["deploy/chart/values.yaml"].splitlines()) <= VALUES_LINES


@pytest.mark.parametrize("name", NAMES)
def test_no_key_is_empty(name: str, render: Renderer) -> None:
    """No file has a key that says nothing."""
    found = [
        f"{line} is {value!r}"
        for line, value in _values(render(golden.ANSWERS[name]))
        if value in ({}, [], None, "") and not any(rule.fullmatch(line) for rule in MEANINGFUL_EMPTINESS)
    ]
    expect_none(found, name)


def _values(repository: Repository) -> Iterator[tuple[str, Any]]:
    for path in linters.files(repository):
        documents: list[Any] = []
        if path.suffix in {".yaml", ".yml"} and "templates" not in path.parts:
            documents = read(path)
        elif path.suffix == ".json":
            documents = [json.loads(path.read_text())]
        elif path.suffix == ".toml":
            documents = [tomllib.loads(path.read_text())]
        for field, value in (pair for document in documents for pair in walk(document)):
            yield f"{path.relative_to(repository.path)}: {field}", value


@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_commented_out(name: str, render: Renderer) -> None:
    """No file carries configuration that waits behind a `#`."""
    repository = render(golden.ANSWERS[name])
    found = [
        f"{path.relative_to(repository.path)}:{number}: {line.strip()}"
        for path in linters.files(repository)
        if path.suffix != ".md"
        for number, line in enumerate(SCRIPT_METADATA.sub("", path.read_text()).splitlines(), 1)
        if COMMENTED_OUT.fullmatch(line)
    ]
    expect_none(found, name)


def test_emptiness_and_comments_are_seen() -> None:
    """The two patterns above know what they look for."""
    for line in ("# replicas: 3", "  # - name: x", "#resources:", "  # - ALL", "# timeout = 3"):
        assert COMMENTED_OUT.fullmatch(line), line
    for line in ("# Yours: written once, then left alone.", "# The template's.", "replicas: 3 # as: said"):
        assert not COMMENTED_OUT.fullmatch(line), line


@pytest.mark.parametrize("answers", [*golden.ANSWERS.values(), {"security_profile": "platform"}], ids=str)
def test_every_exception_has_its_reason(answers: Answers, render: Renderer) -> None:
    """Each check of kube-score that is left out has a comment above it that says why."""
    lines = (render(answers).path / "Makefile").read_text().splitlines()
    for above, line in pairwise(lines):
        if line.startswith("KUBE_SCORE +="):
            assert above.startswith("# "), f"{line} has no reason above it"
