"""The fixtures that most tests use: the sandbox, the staged template, and what is rendered from it."""

from __future__ import annotations

import fcntl
import os
from typing import TYPE_CHECKING

import plumbum
import pytest
import toolbox

from support import sandbox, shortcuts
from support.commands import attempt
from support.render import COPIED_FROM, Renderer, stage
from support.update import Updater

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Iterator
    from pathlib import Path


@pytest.fixture(scope="session")
def shared_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that all workers of this run share."""
    base = tmp_path_factory.getbasetemp()
    return base.parent if "PYTEST_XDIST_WORKER" in os.environ else base


@pytest.fixture(scope="session", autouse=True)
def _sandbox(tmp_path_factory: pytest.TempPathFactory, shared_folder: Path) -> Iterator[None]:
    """Every test of this worker runs in a sandbox of the worker's own."""
    shortcuts.take()
    variables = sandbox.enter(tmp_path_factory.mktemp("sandbox"), shared_folder / "template", toolbox.bin_dir())
    # plumbum, by which copier calls Git, has taken its own copy of the environment when it was imported.
    with pytest.MonkeyPatch.context() as patch, plumbum.local.env(**variables):
        for name, value in variables.items():
            patch.setenv(name, value)
        yield


@pytest.fixture(scope="session")
def template(_sandbox: None, shared_folder: Path) -> Path:
    """The working tree as a template with a version: staged once per run, by the worker that comes first."""
    folder = shared_folder / "template"
    with (shared_folder / "template.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            stage(folder.with_suffix(".unfinished"), *COPIED_FROM).rename(folder)
    return folder


@pytest.fixture(scope="session")
def render(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Renderer:  # noqa: ARG001
    """Render a set of answers in this process; `render({"preset": "worker"})` is a Repository."""
    return Renderer(tmp_path_factory.mktemp("rendered"))


@pytest.fixture
def copier_cli(template: Path, tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:  # noqa: ARG001
    """Run the `copier` program as a user does: `copier_cli("copy", "--defaults", SOURCE, DESTINATION)`."""

    def call(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
        return attempt("copier", *arguments, cwd=tmp_path, env={"COPIER_CACHE_DIR": str(tmp_path / "copier-cache")})

    return call


@pytest.fixture
def update(template: Path, tmp_path: Path) -> Updater:
    """Bring repositories up to date, from a template of the test's own that may move on."""
    return Updater(template, tmp_path)
