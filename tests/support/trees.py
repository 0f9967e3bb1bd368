"""Compares folders of files, and shows readably how they differ."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


def tree(folder: Path) -> dict[str, str]:
    """The text of every file below a folder by its path, except Git's own; executable files are marked."""
    found = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_file() and not name.startswith(".git/"):
            found[name + (" (executable)" if path.stat().st_mode & 0o100 else "")] = path.read_text()
    return found


def differences(expected: Mapping[str, str], actual: Mapping[str, str]) -> str:
    """A unified diff from the expected files to the actual ones, empty if there is none."""
    return "".join(
        line
        for name in sorted({*expected, *actual})
        for line in difflib.unified_diff(
            _lines(expected, name), _lines(actual, name), f"expected/{name}", f"actual/{name}", n=1
        )
    )


def _lines(files: Mapping[str, str], name: str) -> list[str]:
    text = files.get(name)
    if text is None:
        return []
    lines = text.splitlines(keepends=True) or ["(an empty file)\n"]
    return lines if lines[-1].endswith("\n") else [*lines[:-1], lines[-1] + "\n", "\\ No newline at the end\n"]
