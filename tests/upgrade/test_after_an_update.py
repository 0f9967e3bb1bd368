"""A repository of an older release is a repository of today's afterwards: answers can be changed as in any other."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

import pytest
from support import releases, render
from support.commands import run

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from support.releases import Release, Released

pytestmark = pytest.mark.slow


def unresolved(package: Path) -> Iterator[str]:
    """What modules of a package import from each other and do not find."""
    trees = {path.stem: ast.parse(path.read_text()) for path in sorted(package.glob("*.py"))}
    names = {name: {each for node in tree.body for each in _defined(node)} for name, tree in trees.items()}
    for name, tree in trees.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == package.name:
                module = node.module.partition(".")[2]
                known = names.get(module, set()) if module else set(trees)
                yield from (f"{name}: {node.module}.{each.name}" for each in node.names if each.name not in known)


def _defined(node: ast.stmt) -> set[str]:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return {node.name}
    if isinstance(node, ast.ImportFrom | ast.Import):
        return {alias.asname or alias.name for alias in node.names}
    return {each.id for each in ast.walk(node) if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Store)}


@pytest.mark.parametrize("release", releases.released(), ids=str)
def test_code_that_comes_later_finds_what_it_imports(release: Release, released: Released, tmp_path: Path) -> None:
    """A worker that gets a CronJob after its update: the new program and the modules it shares fit together."""
    repository = releases.start({"app_name": "shop", "preset": "worker"}, tmp_path / "shop", release.version)
    releases.update(repository)
    assert releases.unmerged(repository) == set()
    render.commit(repository, "An update")
    releases.update(repository, answers={"workloads": [{"name": "clean-up", "kind": "cronjob"}]})
    assert (repository / "src/app/task.py").exists()
    assert list(unresolved(repository / "src/app")) == []
    assert released.template.exists()


def test_the_loss_that_stays_is_seen(released: Released, tmp_path: Path) -> None:
    """An edited overlay goes with its environment. Git shows it and brings it back: docs/explanation/updates.md."""
    repository = releases.start({"app_name": "shop"}, tmp_path / "shop", releases.NEXT)
    name = "deploy/overlays/staging/kustomization.yaml"
    overlay = repository / name
    overlay.write_text(overlay.read_text() + "# Ours.\n")
    render.commit(repository, "Our own overlay")
    releases.update(repository, answers={"environments": ["dev", "prod"]})
    assert not overlay.exists()
    assert name in run("git", "diff", "--diff-filter=D", "--name-only", cwd=repository).splitlines()
    run("git", "checkout", "HEAD", "--", name, cwd=repository)
    assert overlay.read_text().endswith("# Ours.\n")
    assert released.template.exists()
