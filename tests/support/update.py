"""Updates generated repositories the way their owners do: by the `copier` program, over a committed tree."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from support import render, sandbox
from support.commands import attempt, run
from support.repository import Repository

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path


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
        """A fresh copy by the program, of any version that was released here, committed to Git."""
        destination = self.folder / name / "shop"
        self._copier("copy", "--defaults", f"--vcs-ref={version}", *_data(answers), sandbox.TEMPLATE_URL, destination)
        return self._committed(destination)

    def update(self, repository: Repository, answers: Mapping[str, Any], version: str = ":current:") -> None:
        """Update in place and commit. Conflicts, which Copier leaves with exit code 0, fail the test."""
        self.take(repository, answers, version)
        conflicts = run("git", "ls-files", "--unmerged", cwd=repository.path)
        assert not conflicts, f"the update left conflicts:\n{conflicts}"
        render.commit(repository.path, "An update")

    def take(
        self, repository: Repository, answers: Mapping[str, Any] | None = None, version: str = ":current:"
    ) -> None:
        """Update in place, and leave the rest, conflicts too, to the caller."""
        self._copier("update", "--defaults", f"--vcs-ref={version}", *_data(answers or {}), repository.path)

    def commit(self, repository: Repository, message: str) -> None:
        """Commit what somebody has edited."""
        render.commit(repository.path, message)

    def _committed(self, folder: Path) -> Repository:
        run("git", "init", "--quiet", cwd=folder)
        render.commit(folder, "A copy")
        return Repository(folder)

    def _copier(self, *arguments: str | Path) -> None:
        done = attempt("copier", *arguments, env=self.environment)
        assert done.returncode == 0, f"copier {arguments} ended with {done.returncode}\n{done.stderr}"


def _data(answers: Mapping[str, Any]) -> list[str]:
    values = {name: value if isinstance(value, str) else json.dumps(value) for name, value in answers.items()}
    return [f"--data={name}={value}" for name, value in values.items()]
