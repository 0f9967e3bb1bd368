"""Fixtures for tests that ask the questionnaire many times, in this process."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="session")
def bare_template(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The template without its Git repository, which copier reads in place instead of cloning it each time."""
    folder = tmp_path_factory.mktemp("bare") / "template"
    shutil.copytree(template, folder, ignore=shutil.ignore_patterns(".git", "tests", "tools"))
    return folder
