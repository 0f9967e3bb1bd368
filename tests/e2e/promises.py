"""What every topic uses: run a program, wait for the cluster, and report each promise that was kept."""

import json
import os
import shlex
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

PATIENCE = 180


class BrokenPromiseError(Exception):
    """What was expected did not come true; the message says what was seen instead."""


EXPECTED = (BrokenPromiseError, OSError, LookupError, ValueError, subprocess.SubprocessError)


def check(holds: object, otherwise: object) -> None:
    """Raise BrokenPromiseError unless something holds."""
    if not holds:
        raise BrokenPromiseError(otherwise)


def call(*command: str | Path, stdin: str = "", cwd: Path | None = None, env: Mapping[str, str] | None = None) -> str:
    """Run a program that must succeed, helm and make even without a warning; its standard output."""
    done = subprocess.run(
        command,
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
        cwd=cwd,
        env=os.environ | (env or {}),
        timeout=900,
    )
    clean = done.returncode == 0 and (command[0] not in ("helm", "make") or "warn" not in done.stderr.lower())
    check(clean, f"{shlex.join(map(str, command))} ended with {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def refused(action: Callable[[], object]) -> str:
    """Return what is said about something that must not succeed."""
    try:
        action()
    except BrokenPromiseError as error:
        return str(error)
    raise BrokenPromiseError("this was not refused")


def until(condition: Callable[[], object], what: str) -> None:
    """Wait for what takes the cluster a while."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        check(time.monotonic() < deadline, f"not so after {PATIENCE} s: {what}")
        time.sleep(0.5)


def parse(text: str | bytes) -> Any:
    """Return what is written in JSON."""
    try:
        return json.loads(text)
    except ValueError:
        raise BrokenPromiseError(f"this is no JSON: {text!r}") from None


class Subject(Protocol):
    """What a step is about."""

    @property
    def title(self) -> str:
        """What the line of each step begins with."""

    def diagnose(self) -> None:
        """Print what helps to find out why a step failed."""


class Report:
    """Counts the steps, and prints each with its time."""

    passed = failed = 0

    @contextmanager
    def step(self, what: str, subject: Subject | None = None) -> Iterator[list[str]]:
        """Do a step, which may add to the list what it measured. If it fails, print what helps to find out why."""
        started, measured = time.monotonic(), list[str]()
        if subject:
            what = f"{subject.title}: {what}"
        try:
            yield measured
        except EXPECTED:
            print_line(f"FAILED {time.monotonic() - started:5.1f} s  {what}")
            if subject:
                subject.diagnose()
            raise
        self.passed += 1
        print_line(f"ok {time.monotonic() - started:9.1f} s  {'; '.join([what, *measured])}")


def print_line(text: str) -> None:
    """Print at once, so that the output of programs stands where it belongs."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
