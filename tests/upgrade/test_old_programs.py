"""A user's program of an earlier version goes on with the shared modules of this one."""

from __future__ import annotations

import ast
import re
import sys
from typing import TYPE_CHECKING

import pytest
from support.commands import attempt, run
from support.sandbox import ROOT

if TYPE_CHECKING:
    from pathlib import Path

    from support.render import Renderer

RELEASES = {"v0.1.0": "da51aed", "v0.2.0": "a15f2de"}
ANSWERS = {
    "web": {"preset": "web"},
    "worker": {"preset": "worker"},
    "datastore": {"workload_kind": "statefulset"},
    "agent": {"workload_kind": "daemonset"},
    "logs": {"workload_kind": "daemonset", "preset": "log-agent"},
    "task": {"workload_kind": "job"},
}
"""The answers that bring a program."""


def old_files(commit: str) -> dict[str, str]:
    """The programs of a version with their tests, by path."""
    names = "|".join(ANSWERS)
    listed = run("git", "ls-tree", "-r", "--name-only", commit, "template/project/", cwd=ROOT).splitlines()
    wanted = re.compile(rf"template/project/(src/app/(?:{names})\.py|tests/test_(?:{names})\.py)")
    found = {match[1]: path for path in listed if (match := wanted.fullmatch(path))}
    return {path: run("git", "show", f"{commit}:{source}", cwd=ROOT) for path, source in found.items()}


def imported(text: str) -> set[str]:
    """The modules of the application, and of its tests, that a program imports."""
    modules = {node.module or "" for node in ast.walk(ast.parse(text)) if isinstance(node, ast.ImportFrom)}
    return {name for name in modules if name.startswith("app.") or name == "conftest"}


@pytest.mark.parametrize("version", RELEASES)
@pytest.mark.parametrize("program", ANSWERS)
def test_every_module_that_an_old_program_imports_is_there(version: str, program: str, render: Renderer) -> None:
    """Shared modules stay, under their names, where the program that imports them is."""
    repository = render(ANSWERS[program])
    for path, text in old_files(RELEASES[version]).items():
        if path in (f"src/app/{program}.py", f"tests/test_{program}.py"):
            for module in imported(text):
                file = f"src/{module.replace('.', '/')}.py" if module != "conftest" else "tests/conftest.py"
                assert (repository.path / file).exists(), f"{path} of {version} imports {module}"


@pytest.mark.slow
@pytest.mark.parametrize("version", RELEASES)
def test_old_programs_call_the_shared_modules_rightly(version: str, render: Renderer, tmp_path: Path) -> None:
    """Each name that they import is there, and takes the arguments that they give it."""
    for answers in ANSWERS.values():
        for path in render(answers).path.glob("*/**/*.py"):
            if path.parts[-2] in ("app", "tests"):
                target = tmp_path / ("src/app" if path.parts[-2] == "app" else "tests") / path.name
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(path.read_bytes())
    old = old_files(RELEASES[version])
    assert old
    for path, text in old.items():
        (tmp_path / path).write_text(text)
    options = ["--ignore-missing-imports", "--python-version=3.11", "--no-incremental", "--config-file="]
    done = attempt(sys.executable, "-m", "mypy", *options, *old, cwd=tmp_path, env={"MYPYPATH": "src:tests"})
    broken = [line for line in done.stdout.splitlines() if line.startswith(tuple(f"{path}:" for path in old))]
    assert broken == []
