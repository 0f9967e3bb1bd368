"""Prints what copies and updates of this template cost, beside a copy of a template with one file.

What is counted is CPU, user and system, git and all other children included, with bytecode as everybody has it. The
cases are run by turns, so that whatever else the machine does slows all alike, and the medians are compared. With
`--instructions`, and where valgrind is there, it counts what Python executes instead, which is free of noise; the
goals are ratios of CPU, and not said then.

The template is a packed repository of what copier reads: a clone of more is git's time and the network's. No test
asserts a goal, because a time is a property of the machine.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from support import render, sandbox

if TYPE_CHECKING:
    from collections.abc import Mapping

ONE_FILE = {
    "copier.yml": "_subdirectory: project\nname:\n  type: str\n  default: x\n",
    "project/name.jinja": "{{ name }}\n",
}
NEWER_VERSION = "v0.0.1"
CHANGED = "template/project/.yamllint"
"""A file that the newer version says one more line in."""

FLOOR, COPY, UPDATE = "one file", "copy", "update"
FIRST: dict[str, dict[str, object]] = {
    "first further workload": {"workloads": [{"name": "mail", "preset": "worker"}]},
    "first sidecar": {"sidecars": ["log-shipper"]},
    "first pod answer": {"node_selector": {"disk": "fast"}},
}
WORKLOADS = (1, 2, 5, 20)
ENVIRONMENTS = (1, 3, 10, 30)


@dataclass
class Case:
    """One thing to run, and what it cost each time."""

    label: str
    command: list[str]
    start: Path | None = None
    """The repository that it begins with."""
    against: str = ""
    goal: float = 0
    rounds: int = 0
    """Turns that it takes part in; all of them if 0."""
    costs: list[float] = field(default_factory=list)


def one_file_template(folder: Path) -> Path:
    """The smallest template that asks and renders anything."""
    for name, text in ONE_FILE.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    subprocess.run(["git", "init", "--quiet"], cwd=folder, check=True)
    render.commit(folder, "One file", tag=render.DESK_VERSION)
    return folder


def this_template(folder: Path) -> Path:
    """The template in two versions, of which the newer one changes a line."""
    render.stage(folder, *render.COPIED_FROM)
    with (folder / CHANGED).open("a") as file:
        file.write("# Newer.\n")
    render.commit(folder, "A newer version", tag=NEWER_VERSION)
    subprocess.run(["git", "gc", "--quiet"], cwd=folder, check=True)
    return folder


def copying(template: Path, answers: Mapping[str, object]) -> list[str]:
    """The command that makes a repository; its folder comes last."""
    data = [f"--data={name}={json.dumps(answer)}" for name, answer in answers.items()]
    return ["copy", "--quiet", "--defaults", f"--vcs-ref={render.DESK_VERSION}", *data, str(template)]


def cases(folder: Path, template: Path) -> list[Case]:
    """All that is compared."""
    started = folder / "started"
    subprocess.run([sys.executable, "-m", "copier", *copying(template, {}), str(started)], check=True)
    subprocess.run(["git", "init", "--quiet"], cwd=started, check=True)
    render.commit(started, "Start")
    update = ["update", "--quiet", "--defaults", f"--vcs-ref={NEWER_VERSION}"]
    sizes = {
        f"{count} workload{'s' * (count > 1)}": {"workloads": [{"name": f"w{number}"} for number in range(1, count)]}
        for count in WORKLOADS
    } | {
        f"{count} environment{'s' * (count > 1)}": {"environments": [f"e{number}" for number in range(count)]}
        for count in ENVIRONMENTS
    }
    return [
        Case(FLOOR, copying(one_file_template(folder / "one"), {})),
        Case(COPY, copying(template, {}), against=FLOOR, goal=2.6),
        Case(UPDATE, update, start=started, against=COPY, goal=2.4),
        *(Case(label, copying(template, answers), against=COPY, goal=1.1) for label, answers in FIRST.items()),
        *(Case(label, copying(template, answers), against=COPY, rounds=1) for label, answers in sizes.items()),
    ]


def cpu(command: list[str]) -> float:
    """Seconds of a command and its children, user and system."""
    process = subprocess.Popen([sys.executable, "-m", "copier", *command], stdin=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    return usage.ru_utime + usage.ru_stime


def instructions(command: list[str]) -> float:
    """Millions of instructions that Python executes, without its children's."""
    valgrind = ["valgrind", "--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null"]
    done = subprocess.run(
        [*valgrind, sys.executable, "-m", "copier", *command], capture_output=True, text=True, check=True
    )
    found = re.search(r"I\s+refs:\s+([0-9,]+)", done.stderr)
    if not found:
        sys.exit(f"valgrind has counted nothing:\n{done.stderr}")
    return int(found[1].replace(",", "")) / 1e6


def require_bytecode() -> None:
    """Without bytecode each start compiles its imports again, which makes the floor as high as one's own part."""
    for name in ("argparse", "copier", "jinja2", "pydantic"):
        spec = importlib.util.find_spec(name)
        if spec and spec.origin and not Path(importlib.util.cache_from_source(spec.origin)).exists():
            folder = Path(spec.origin).parent
            sys.exit(f"{name} has no bytecode: run {sys.executable} -m compileall -q {folder}")


def line(case: Case, costs: dict[str, float], unit: str, *, goals: bool) -> str:
    """What a case costs, and how much that is of what it is compared with."""
    text = f"{case.label:22} {costs[case.label]:9.2f} {unit}  ({min(case.costs):.2f} to {max(case.costs):.2f})"
    if case.against:
        text += f"  {costs[case.label] / costs[case.against]:5.2f} times {case.against}"
    return text + (f", goal: at most {case.goal}" if goals and case.goal else "")


def main() -> None:
    """Run by turns and compare."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5, help="turns (default: %(default)s; sizes take part in one)")
    parser.add_argument("--instructions", action="store_true", help="count instructions of Python, once each")
    parser.add_argument(
        "--only", default="", metavar="TEXT", help="only the cases with this text, and the first three"
    )
    arguments = parser.parse_args()
    count, unit = (instructions, "M") if arguments.instructions else (cpu, "s")
    rounds = 1 if arguments.instructions else arguments.rounds
    if arguments.instructions and not shutil.which("valgrind"):
        sys.exit("--instructions needs valgrind")
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    os.environ["PYTHONHASHSEED"] = "0"
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ.update(sandbox.enter(folder / "sandbox", folder / "ours", None))
        every = cases(folder, this_template(folder / "ours"))
        require_bytecode()
        chosen = [
            case
            for number, case in enumerate(every)
            if number < len((FLOOR, COPY, UPDATE)) or arguments.only in case.label
        ]
        for turn in range(rounds):
            for case in chosen:
                if case.rounds and turn >= case.rounds:
                    continue
                destination = folder / "rendered"
                shutil.rmtree(destination, ignore_errors=True)
                if case.start:
                    shutil.copytree(case.start, destination, symlinks=True)
                case.costs.append(count([*case.command, str(destination)]))
    costs = {case.label: statistics.median(case.costs) for case in chosen}
    sys.stdout.write("".join(line(case, costs, unit, goals=count is cpu) + "\n" for case in chosen))


if __name__ == "__main__":
    main()
