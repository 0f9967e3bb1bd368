"""Renovate and the template's releases change the same repository, and do not meet.

What Renovate may touch is read from renovate.json: Renovate itself cannot run here.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import yaml
from support.commands import run
from support.questionnaire import golden_path
from support.sandbox import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from support.render import Renderer
    from support.repository import Repository
    from support.update import Updater

BASE_IMAGE = golden_path()["images"]["python"]
DIGEST = "sha256:" + "0123456789abcdef" * 4


def edited(name: str, *replacements: tuple[str, str]) -> Callable[[Path], None]:
    """An edit of one file below a folder."""

    def edit(folder: Path) -> None:
        text = (folder / name).read_text()
        for old, new in replacements:
            assert old in text, f"{name} lacks {old}"
            text = text.replace(old, new)
        (folder / name).write_text(text)

    return edit


def release(template: Path) -> None:
    """What a routine release changes: the base image, tools, and now and then the least version of a library."""
    edited("golden-path.yml", (BASE_IMAGE, "docker.io/library/python:3.13.99-slim@" + DIGEST))(template)
    edited("template/project/.tool-versions.jinja", ("helm 4.", "helm 5."))(template)
    edited("template/project/pyproject.toml.jinja", ("pydantic>=2.14.3", "pydantic>=2.15.0"))(template)


def renovate(repository: Repository) -> None:
    """What renovate.json lets Renovate do in the meantime: a newer library, in uv.lock alone."""
    rules = json.loads((repository.path / "renovate.json").read_text())["packageRules"]
    name = BASE_IMAGE.rpartition(":")[0]
    assert {"matchManagers": ["dockerfile"], "matchPackageNames": [name], "enabled": False} in _rules(rules)
    assert {"matchManagers": ["pep621"], "rangeStrategy": "update-lockfile"} in _rules(rules)
    edited("uv.lock", ("pydantic 2.14.3", "pydantic 2.16.0"))(repository.path)


def _rules(rules: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{key: value for key, value in rule.items() if key != "description"} for rule in rules]


def test_a_routine_release_meets_nothing(render: Renderer, update: Updater) -> None:
    """No conflict with Renovate's commits, nor with a library and a tool that the owner has added."""
    repository = update.start(render())
    (repository.path / "uv.lock").write_text("pydantic 2.14.3\n")
    project = edited(
        "pyproject.toml",
        ("dependencies = [\n", 'dependencies = [\n    "httpx>=1,<2",\n'),
        ('    "ruff>=', '    "pytest-cov>=7",\n    "ruff>='),
    )
    project(repository.path)
    update.commit(repository, "Our own library and tool")
    renovate(repository)
    update.commit(repository, "Renovate: a newer library")
    update.release("v0.1.0", release)
    update.update(repository, {}, version="v0.1.0")
    text = (repository.path / "pyproject.toml").read_text()
    assert all(line in text for line in ('"httpx>=1,<2"', '"pytest-cov>=7"', '"pydantic>=2.15.0,<3"'))
    assert (
        f"ARG PYTHON_IMAGE=docker.io/library/python:3.13.99-slim@{DIGEST}\n"
        in (repository.path / "Dockerfile").read_text()
    )
    assert (repository.path / "uv.lock").read_text() == "pydantic 2.16.0\n"


def test_a_base_image_that_was_pinned_here_is_a_conflict(render: Renderer, update: Updater) -> None:
    """Whoever pins the digest in the Dockerfile against renovate.json is told, by a conflict in that line alone."""
    repository = update.start(render())
    edited("Dockerfile", (BASE_IMAGE, f"{BASE_IMAGE}@{DIGEST}"))(repository.path)
    update.commit(repository, "Our own pin")
    update.release("v0.1.0", release)
    update.take(repository, version="v0.1.0")
    assert run("git", "diff", "--name-only", "--diff-filter=U", cwd=repository.path) == "Dockerfile\n"


def test_pyproject_leaves_versions_to_the_lock(render: Renderer) -> None:
    """No exact version: a release of the template that moved it would leave every uv.lock behind."""
    for answers in ({}, {"preset": "worker"}, {"workload_kind": "job"}):
        text = (render(answers).path / "pyproject.toml").read_text()
        assert re.findall(r"[a-z0-9-]+==", text) == []
        assert '"pydantic>=' in text


def named_images(value: Any) -> set[str]:
    """Every image that a structure names, by the key `image`."""
    below = value.values() if isinstance(value, dict) else value if isinstance(value, list) else []
    own = {value["image"]} if isinstance(value, dict) and "image" in value else set()
    return own.union(*map(named_images, below))


def test_every_image_is_updated_here() -> None:
    """The template's own Renovate finds each image of golden-path.yml and its catalogue, and pins digests there."""
    text = (ROOT / ".github/renovate.json5").read_text()
    settings = yaml.safe_load(re.sub(r"^\s*//.*$", "", text, flags=re.MULTILINE))
    (manager,) = settings["customManagers"]
    rules = _rules(settings["packageRules"])
    assert {"matchFileNames": ["golden-path.yml"], "pinDigests": True} in rules
    pattern = re.compile("|".join(manager["matchStrings"]).replace("(?<", "(?P<"))
    golden = (ROOT / "golden-path.yml").read_text()
    decided = yaml.safe_load(golden)
    wanted = {*decided["images"].values(), *named_images(decided["catalogue"])}
    assert {found[0] for found in pattern.finditer(golden)} == wanted
    pinned = pattern.search(f"  python: {BASE_IMAGE}@{DIGEST}\n")
    assert pinned
    assert pinned.groupdict() == {
        "depName": BASE_IMAGE.rpartition(":")[0],
        "currentValue": BASE_IMAGE.rpartition(":")[2],
        "currentDigest": DIGEST,
    }
