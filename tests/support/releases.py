"""The released versions of the template, recreated beside the working tree, and updates from one to the other."""

from __future__ import annotations

import shutil
import tarfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import yaml
from copier import run_update

from support import render
from support.commands import attempt, run
from support.sandbox import ROOT
from support.strict_yaml import read

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

LIST = ROOT / "tests/upgrade/releases.yml"

NEXT = "v99.0.0"
"""The tag of the working tree: newer than any release, so that every migration is crossed."""

URL = "https://git.example.com/platform/released.git"
"""Where repositories that a release made believe their template lives."""


@dataclass(frozen=True)
class Release:
    """A version that people may have, and the commit that it is."""

    version: str
    commit: str
    lacks: tuple[str, ...] = ()

    def __str__(self) -> str:
        """What tests are called by."""
        return self.version


def released() -> tuple[Release, ...]:
    """Every release, oldest first."""
    entries = yaml.safe_load(LIST.read_text())
    return tuple(Release(entry["version"], entry["commit"], tuple(entry["lacks"])) for entry in entries)


class MissingReleaseError(AssertionError):
    """A release is not in this clone."""

    def __init__(self, release: Release) -> None:
        """Say which, and how it comes here."""
        super().__init__(
            f"tests/upgrade/releases.yml names {release.version} at {release.commit}, which this clone lacks: "
            "fetch its whole history with `git fetch --unshallow --tags` (`fetch-depth: 0` in CI)"
        )


def extract(release: Release, destination: Path, root: Path = ROOT) -> Path:
    """All that copier reads of a release, as files."""
    if attempt("git", "cat-file", "-e", f"{release.commit}^{{commit}}", cwd=root).returncode != 0:
        raise MissingReleaseError(release)
    listed = run("git", "ls-tree", "--name-only", release.commit, cwd=root).split()
    archive = destination.with_suffix(".tar")
    paths = [name for name in listed if name in render.COPIED_FROM]
    destination.mkdir(parents=True)
    run("git", "archive", f"--output={archive}", release.commit, *paths, cwd=root)
    with tarfile.open(archive) as packed:
        packed.extractall(destination, filter="data")
    return destination


@dataclass
class Released:
    """A clone of the template with every release as an annotated tag, and the working tree as NEXT."""

    folder: Path

    @property
    def template(self) -> Path:
        """The clone."""
        return self.folder / "template"

    def source(self, release: Release) -> Path:
        """The files of a release."""
        return self.folder / release.version

    def stage(self) -> None:
        """Make the clone: the history is what was released, each commit with a tag."""
        self.template.mkdir(parents=True)
        run("git", "init", "--quiet", cwd=self.template)
        for release in released():
            self._publish(extract(release, self.source(release)), release.version)
        self._publish(render.stage(self.folder / "desk", *render.COPIED_FROM), NEXT)

    def _publish(self, files: Path, version: str) -> None:
        for name in render.COPIED_FROM:
            if (self.template / name).is_dir():
                shutil.rmtree(self.template / name)
            if (files / name).is_dir():
                shutil.copytree(files / name, self.template / name)
            elif (files / name).exists():
                shutil.copy2(files / name, self.template / name)
        render.commit(self.template, version, tag=version)

    def variables(self) -> dict[str, str]:
        """What makes Git find the clone under its URL, beside the sandbox's own."""
        return {
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": f"url.{self.template}.insteadOf",
            "GIT_CONFIG_VALUE_0": URL,
        }


def recorded(repository: Path) -> dict[str, Any]:
    """The answers of a repository, copier's own entries aside."""
    loaded: dict[str, Any] = read(repository / ".copier-answers.yml")[0]
    return {name: value for name, value in loaded.items() if not name.startswith("_")}


def start(answers: Mapping[str, Any], destination: Path, version: str) -> Path:
    """A copy of a version as its owner's: committed to Git."""
    render.copy(answers, destination, version=version, url=URL)
    run("git", "init", "--quiet", cwd=destination)
    render.commit(destination, "A copy")
    return destination


def update(repository: Path, version: str = NEXT, answers: Mapping[str, Any] | None = None) -> None:
    """Update in this process, as `copier update --defaults --trust` does; conflicts are left for who looks."""
    data = dict(answers or {})
    run_update(repository, data=data, vcs_ref=version, defaults=True, overwrite=True, quiet=True, unsafe=True)


def unmerged(repository: Path) -> set[str]:
    """The files in which Git shows a conflict."""
    listed = run("git", "ls-files", "--unmerged", "-z", cwd=repository)
    return {entry.split("\t", 1)[1] for entry in listed.split("\0") if entry}
