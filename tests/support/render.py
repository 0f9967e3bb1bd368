"""Renders the template as it lies on the desk, uncommitted work included."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from copier import run_copy
from copier.errors import CopierError

from support.commands import run
from support.repository import Repository, Snapshot
from support.sandbox import GOLDEN_PATH, ROOT, TEMPLATE_URL

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

DESK_VERSION = "v0.0.0"
"""The tag of the staged template: any change made from it on is an update to a newer version."""

COPIED_FROM = ("copier.yml", "golden-path.yml", "hooks", "template")
"""All that copier reads of this project."""

Answers = dict[str, Any]


class RefusedError(Exception):
    """The template refused a set of answers, with the message that a user would see at the end."""


def stage(destination: Path, *paths: str) -> Path:
    """A Git repository with the working tree's files, committed and tagged, so that tests see what is on the desk.

    Its golden-path.yml is the tests' own.

    With `paths`, only these files and folders: each copy clones the whole repository, and that takes longer than to
    render it when there are hundreds of files.
    """
    listed = run("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", *paths, cwd=ROOT)
    destination.mkdir(parents=True)
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (destination / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, destination / name)
    shutil.copy2(GOLDEN_PATH, destination / "golden-path.yml")
    run("git", "init", "--quiet", cwd=destination)
    commit(destination, "The working tree", tag=DESK_VERSION)
    return destination


def commit(repository: Path, message: str, *, tag: str | None = None) -> None:
    """Commit everything in a Git repository, and put an annotated tag on it."""
    run("git", "add", "--all", cwd=repository)
    run("git", "commit", "--quiet", "--allow-empty", "--no-verify", "--message", message, cwd=repository)
    if tag:
        run("git", "tag", "--annotate", "--message", tag, tag, cwd=repository)


def copy(
    answers: Mapping[str, Any], destination: Path, *, version: str = DESK_VERSION, url: str = TEMPLATE_URL
) -> Path:
    """Copy the template in this process, as `copier copy --defaults` without `--trust` does.

    Raises RefusedError with what a user would see at the end. Anything else that goes wrong is a defect.
    """
    try:
        run_copy(
            url,
            destination,
            data=dict(answers),
            vcs_ref=version,
            defaults=True,
            quiet=True,
            unsafe=False,
        )
    except (ValueError, CopierError) as error:
        raise RefusedError(str(error).strip()) from error
    return destination


@dataclass
class Renderer:
    """Renders sets of answers, each only once. What it returns is shared: take a `loose` copy to change it."""

    folder: Path
    _done: dict[str, Snapshot | RefusedError] = field(default_factory=dict)

    def __call__(self, answers: Mapping[str, Any] | None = None) -> Snapshot:
        """The repository for a set of answers; whatever is not given is left to its default."""
        wanted = {"app_name": "shop", **(answers or {})}
        key = json.dumps(wanted, sort_keys=True)
        if key not in self._done:
            destination = self.folder / str(len(self._done)) / str(wanted["app_name"]).replace(os.sep, "_")
            try:
                self._done[key] = Snapshot(copy(wanted, destination))
            except RefusedError as refusal:
                self._done[key] = refusal
        found = self._done[key]
        if isinstance(found, RefusedError):
            raise found
        return found

    def loose(self, answers: Mapping[str, Any], destination: Path) -> Repository:
        """A copy that a test may change."""
        shutil.copytree(self(answers).path, destination, symlinks=True)
        return Repository(destination)
