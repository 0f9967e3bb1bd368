"""Runs programs, and says readably what went wrong when one fails."""

from __future__ import annotations

import os
import shlex
import subprocess
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path


class CommandError(AssertionError):
    """A program ended with a code other than 0; the message holds all it wrote."""

    def __init__(self, done: subprocess.CompletedProcess[str]) -> None:
        """Keep the finished process, for callers that look at its output."""
        self.done = done
        super().__init__(f"{shlex.join(done.args)} ended with {done.returncode}\n{done.stdout}{done.stderr}".rstrip())


def attempt(
    *command: str | Path,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    stdin: str | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run a program to its end, whatever its exit code. `env` adds to the test's own environment."""
    arguments: Sequence[str] = [str(part) for part in command]
    return subprocess.run(
        arguments,
        cwd=cwd,
        env=None if env is None else {**os.environ, **env},
        input=stdin,
        stdin=subprocess.DEVNULL if stdin is None else None,
        capture_output=True,
        text=True,
        check=False,
    )


def run(
    *command: str | Path,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    stdin: str | None = None,
) -> str:
    """Run a program that must succeed; its standard output."""
    done = attempt(*command, cwd=cwd, env=env, stdin=stdin)
    if done.returncode != 0:
        raise CommandError(done)
    return done.stdout
