"""Prints how much longer a copy of this template takes than a copy of a template with one file.

The two are copied by turns, so that whatever else the machine does slows both alike, and the medians are compared.
Most of either time is copier's own start. The goal is a ratio of at most 1.8; no test asserts it, because a time
is a property of the machine.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from support import render, sandbox

GOAL = 1.8
ONE_FILE = {
    "copier.yml": "_subdirectory: project\nname:\n  type: str\n  default: x\n",
    "project/name.jinja": "{{ name }}\n",
}


def one_file_template(folder: Path) -> Path:
    """The smallest template that asks and renders anything."""
    for name, text in ONE_FILE.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    subprocess.run(["git", "init", "--quiet"], cwd=folder, check=True)
    render.commit(folder, "One file", tag=render.DESK_VERSION)
    return folder


def seconds(template: Path, destination: Path) -> float:
    """How long `copier copy` takes, from the shell's point of view."""
    command = ["copier", "copy", "--quiet", "--defaults", f"--vcs-ref={render.DESK_VERSION}"]
    started = time.perf_counter()
    subprocess.run([*command, str(template), str(destination)], check=True, stdin=subprocess.DEVNULL)
    return time.perf_counter() - started


def main() -> None:
    """Copy by turns and compare."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=9, help="copies of each template (default: %(default)s)")
    rounds: int = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ.update(sandbox.enter(folder / "sandbox", folder / "ours", None))
        templates = {"one file": one_file_template(folder / "one"), "this template": render.stage(folder / "ours")}
        taken: dict[str, list[float]] = {label: [] for label in templates}
        for turn in range(rounds):
            for label, template in templates.items():
                taken[label].append(seconds(template, folder / f"copy-{turn}-{label.replace(' ', '-')}"))
        medians = {label: statistics.median(values) for label, values in taken.items()}
    for label, values in taken.items():
        spread = f"{min(values):.2f} to {max(values):.2f}"
        sys.stdout.write(f"{label:14} {medians[label]:.2f} s (median of {rounds}, {spread})\n")
    ratio = medians["this template"] / medians["one file"]
    sys.stdout.write(f"{'ratio':14} {ratio:.2f} (goal: at most {GOAL})\n")


if __name__ == "__main__":
    main()
