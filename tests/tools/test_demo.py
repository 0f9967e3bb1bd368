"""`make demo` takes the tools that are there, where they are new enough, and builds the rest."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support import demo

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("name", "says", "enough"),
    [
        ("helm", "v4.3.1", True),
        ("helm", "v3.19.0", False),
        ("kubectl", '{"clientVersion": {"gitVersion": "v1.36.3"}}', True),
        ("kubectl", '{"clientVersion": {"gitVersion": "v1.20.2"}}', False),
        ("kube-score", "kube-score version: 1.20.0, commit: abc", True),
        ("kube-score", "kube-score version: dev", False),
    ],
)
def test_version_decides(
    name: str, says: str, enough: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A program is asked for its version, in the words that it uses."""
    program = tmp_path / name
    program.write_text(f"#!/bin/sh\necho '{says}'\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")
    assert demo.is_new_enough(name) is enough


def test_what_is_not_there_is_built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing on PATH is not new enough."""
    monkeypatch.setenv("PATH", str(tmp_path))
    assert not any(demo.is_new_enough(name) for name in demo.ENOUGH)
