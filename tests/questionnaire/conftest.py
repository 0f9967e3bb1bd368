"""Fixtures for tests that ask the questionnaire many times, in this process."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest
from copier._main import Worker

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from jinja2.sandbox import SandboxedEnvironment


@pytest.fixture(scope="session")
def bare_template(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The template without its Git repository, which copier reads in place instead of cloning it each time."""
    folder = tmp_path_factory.mktemp("bare") / "template"
    shutil.copytree(template, folder, ignore=shutil.ignore_patterns(".git", "tests", "tools"))
    return folder


@pytest.fixture(scope="module", autouse=True)
def _compiled_once() -> Iterator[None]:
    """Let the copies of a module share one Jinja environment, so that macros are compiled once and not 150 times.

    Copier makes an environment for each copy, always in the same way; compiling is nine tenths of asking.
    """
    made: dict[Path, SandboxedEnvironment] = {}
    make = Worker.__dict__["jinja_env"].func

    def shared(worker: Worker) -> SandboxedEnvironment:
        place = worker.template.local_abspath
        if place not in made:
            made[place] = make(worker)
        return made[place]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Worker, "jinja_env", property(shared))
        yield
