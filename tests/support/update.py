"""Updates generated repositories the way their owners do, over a committed tree, mostly in the test's own process."""

from __future__ import annotations

import os
import shutil
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from unittest import mock

import plumbum
from copier import VcsRef, run_update

from support import render, sandbox
from support.commands import attempt, run
from support.repository import Repository

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path


CURRENT = VcsRef.CURRENT.value
"""The version that a repository has."""


@dataclass
class Updater:
    """Copies and updates from a private clone of the template, in a sandbox and a cache of its own."""

    template: Path
    folder: Path

    def __post_init__(self) -> None:
        """Clone the template, so that releases made here are seen by this test alone."""
        clone = self.folder / "template"
        run("git", "clone", "--quiet", self.template, clone)
        self.environment = sandbox.enter(self.folder / "sandbox", clone, None)
        self.environment.pop("PATH")
        self.template = clone

    def release(self, version: str, edit: Callable[[Path], None]) -> None:
        """Publish a version of the template with an edit."""
        edit(self.template)
        render.commit(self.template, version, tag=version)

    def start(self, rendered: Repository) -> Repository:
        """A rendered repository as its owner's: copied, and committed to Git."""
        destination = self.folder / rendered.name
        shutil.copytree(rendered.path, destination, symlinks=True)
        return self._committed(destination)

    def copy(self, answers: Mapping[str, Any], name: str, version: str = render.DESK_VERSION) -> Repository:
        """A fresh copy of any version that was released here, committed to Git."""
        destination = self.folder / name / "shop"
        with self._inside():
            render.copy(answers, destination, version=version)
        return self._committed(destination)

    def update(self, repository: Repository, answers: Mapping[str, Any], version: str = CURRENT) -> None:
        """Update in place and commit. Conflicts, which Copier leaves with exit code 0, fail the test."""
        self.take(repository, answers, version)
        conflicts = run("git", "ls-files", "--unmerged", cwd=repository.path)
        assert not conflicts, f"the update left conflicts:\n{conflicts}"
        render.commit(repository.path, "An update")

    def attempt(self, repository: Repository, version: str) -> subprocess.CompletedProcess[str]:
        """Try to update by the `copier` program, whatever comes of it."""
        return attempt(
            "copier", "update", "--defaults", f"--vcs-ref={version}", repository.path, env=self.environment
        )

    def take(self, repository: Repository, answers: Mapping[str, Any] | None = None, version: str = CURRENT) -> None:
        """Update in place, and leave the rest, conflicts too, to the caller."""
        with self._inside():
            run_update(
                repository.path,
                data=dict(answers or {}),
                vcs_ref=VcsRef.CURRENT if version == CURRENT else version,
                defaults=True,
                overwrite=True,
                quiet=True,
                unsafe=False,
            )

    def commit(self, repository: Repository, message: str) -> None:
        """Commit what somebody has edited."""
        render.commit(repository.path, message)

    def _committed(self, folder: Path) -> Repository:
        run("git", "init", "--quiet", cwd=folder)
        render.commit(folder, "A copy")
        return Repository(folder)

    @contextmanager
    def _inside(self) -> Iterator[None]:
        """In the sandbox, which plumbum, by which copier calls Git, has its own copy of."""
        with mock.patch.dict(os.environ, self.environment), plumbum.local.env(**self.environment):
            yield
