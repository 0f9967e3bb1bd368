"""A person answers the questions in a terminal, by keys only.

The real `copier` program runs in a pseudo-terminal. What it shows is read as a person reads it, without colours and
cursor movements, and what is counted is what was shown.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Any

import pexpect
import pytest
import yaml
from questionnaire.interview import names
from support.questionnaire import help_lines, presets, settings
from support.sandbox import TEMPLATE_URL
from support.trees import tree

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from support.render import Renderer

ENTER = "\r"
DOWN = "\x1b[B"
CLEAR = "\x15"
"""Ctrl-U, which empties the line."""

PATIENCE = 30
"""Seconds until a question must be shown."""

MARK = "🎤 "
"""What copier shows before each question."""

ANSWERS = ".copier-answers.yml"

QUICK_PATH = 12
"""At most so many questions, unless somebody asks for more."""

HELP = help_lines()
"""The line that each question is shown with."""


class Terminal:
    """A terminal wide enough for every line, in which a program runs."""

    def __init__(self, *command: str, cache: Path) -> None:
        """Start the program. It is told that this terminal does not report where its cursor is."""
        environment = {**os.environ, "PROMPT_TOOLKIT_NO_CPR": "1", "COPIER_CACHE_DIR": str(cache)}
        self._program: pexpect.spawn[str] = pexpect.spawn(
            command[0],
            list(command[1:]),
            env=environment,
            encoding="utf-8",
            dimensions=(60, 320),
            timeout=PATIENCE,
        )
        self._read = ""

    def wait_for(self, text: str) -> None:
        """Wait until a text is shown that was not shown before the last keys."""
        self._program.expect_exact(text)
        self._read += (self._program.before or "") + text

    def press(self, *keys: str) -> None:
        """Press keys so quickly that nothing is shown between them; what is shown then is in one piece."""
        self._program.send("".join(keys))

    def finish(self) -> None:
        """Wait for the end of the program, which must be a success."""
        self._program.expect(pexpect.EOF)
        self._read += self._program.before or ""
        self._program.close()
        assert self._program.exitstatus == 0, self.shown()

    def shown(self) -> str:
        """All that was shown, without colours and cursor movements."""
        return re.sub(r"\x1b(?:\[[0-9;?]*[A-Za-z]|[=>]|\][^\x07]*\x07)", "", self._read).replace("\r", "\n")

    def asked(self) -> list[str]:
        """The questions that were shown, by name, each once."""
        by_help = {text: name for name, text in HELP.items()}
        lines = [line.split(MARK)[1].strip() for line in self.shown().splitlines() if MARK in line]
        return [by_help[line] for line in dict.fromkeys(lines)]


@pytest.fixture
def terminal(template: Path, tmp_path: Path) -> Callable[..., Terminal]:  # noqa: ARG001
    """Start `copier copy` into a folder named shop."""

    def start(*flags: str) -> Terminal:
        command = ("copier", "copy", "--vcs-ref=v0.0.0", *flags, TEMPLATE_URL, str(tmp_path / "shop"))
        return Terminal(*command, cache=tmp_path / "cache")

    return start


def meaning(folder: Path) -> dict[str, Any]:
    """Every file; YAML as what it says, because copier sorts the keys of a suggestion that it shows."""
    return {
        name: list(yaml.safe_load_all(text))
        if name.endswith((".yaml", ".yml")) and "templates/" not in name
        else text
        for name, text in tree(folder).items()
    }


KINDS = {
    "statefulset": "expose",
    "daemonset": "preset",
    "job": "preset",
    "cronjob": "schedule",
}
"""The other kinds, in the order of the choices, and what each is asked of its own. One preset is no question."""

IMAGE = [CLEAR, "docker.io/library/nginx:1.29.1"]

PATHS: dict[str, tuple[dict[str, list[str]], dict[str, Any]]] = {
    "web": ({}, {}),
    "worker": ({"preset": [DOWN]}, {"preset": "worker"}),
    "picked": (
        {"sidecars": [CLEAR, "[log-shipper]"], "init_containers": [CLEAR, "[prepare-volume]"]},
        {"sidecars": ["log-shipper"], "init_containers": ["prepare-volume"]},
    ),
    "none": (
        {"language": [DOWN], "image": IMAGE, "expose": [DOWN, DOWN]},
        {"language": "none", "image": IMAGE[1], "expose": "none"},
    ),
    **{
        kind: ({"workload_kind": [DOWN] * number}, {"workload_kind": kind})
        for number, kind in enumerate(KINDS, start=1)
    },
    **{
        f"none-{kind}": (
            {"language": [DOWN], "image": IMAGE, "workload_kind": [DOWN] * number},
            {"language": "none", "image": IMAGE[1], "workload_kind": kind},
        )
        for number, kind in enumerate(KINDS, start=1)
    },
}
"""For each kind of application: the keys that are pressed before Enter, and the answers that this amounts to."""

FIRST = "app_name team language"
LAST = "sidecars init_containers advanced"

ASKED: dict[str, list[str]] = {
    "web": names(f"{FIRST} workload_kind preset expose config security_profile {LAST}"),
    "worker": names(f"{FIRST} workload_kind preset config security_profile {LAST}"),
    "picked": names(f"{FIRST} workload_kind preset expose config security_profile {LAST}"),
    "none": names(f"{FIRST} image workload_kind preset ports expose config {LAST}"),
    **{kind: names(f"{FIRST} workload_kind {more} config security_profile {LAST}") for kind, more in KINDS.items()},
    **{
        f"none-{kind}": names(f"{FIRST} image workload_kind {more} config security_profile {LAST}")
        for kind, more in KINDS.items()
    },
    "none-statefulset": names(f"{FIRST} image workload_kind ports expose config security_profile {LAST}"),
}


@pytest.mark.parametrize("kind", PATHS)
def test_quick_path(kind: str, terminal: Callable[..., Terminal], render: Renderer, tmp_path: Path) -> None:
    """At most twelve questions, answered by keys, give what `--defaults` gives with the same answers."""
    keys, answers = PATHS[kind]
    screen = terminal()
    for name in ASKED[kind]:
        screen.wait_for(HELP[name])
        screen.press(*keys.get(name, []), ENTER)
    screen.finish()
    assert screen.asked() == ASKED[kind]
    assert len(screen.asked()) <= QUICK_PATH
    assert meaning(tmp_path / "shop") == meaning(render(answers).path)


def test_wrong_value_can_be_corrected(terminal: Callable[..., Terminal]) -> None:
    """A wrong value keeps the question open and shows what to do; a right one goes on."""
    screen = terminal(
        "--pretend", "--data=language=python", "--data=workload_kind=deployment", "--data=preset=worker"
    )
    screen.wait_for(HELP["app_name"])
    screen.press(CLEAR, "My_App", ENTER)
    screen.wait_for("'My_App' is not a valid name: use at most 40 lowercase letters")
    screen.press(CLEAR, "my-app", ENTER)
    screen.wait_for(HELP["team"])
    screen.press(ENTER)
    screen.wait_for(HELP["config"])
    screen.press(CLEAR, "{LOG_LEVEL", ENTER)
    screen.wait_for("Invalid input")
    screen.press(": 7}", ENTER)
    screen.wait_for("LOG_LEVEL: 7 is not a string: put it in quotes")
    screen.press(CLEAR, "{LOG_LEVEL: debug}", ENTER)
    for name in names(f"security_profile {LAST}"):
        screen.wait_for(HELP[name])
        screen.press(ENTER)
    screen.finish()
    assert "my-app is ready" in screen.shown()


def test_each_kind_is_counted() -> None:
    """No kind is left out above, in code or around an image; and a kind that is not asked for a preset has one."""
    kinds = {*presets()}
    assert {"deployment", *KINDS} == kinds
    assert {*(f"none-{kind}" for kind in KINDS), "none"} <= set(ASKED)
    assert {kind for kind, found in presets().items() if len(found) == 1} == {
        kind for kind in KINDS if "preset" not in ASKED[kind]
    }


MORE = "description namespace"
DELIVERY = "workloads kubernetes_version environments monitoring ci"

ADVANCED = names(
    f"{FIRST} workload_kind preset expose config security_profile {LAST} {MORE} image_repository resources"
    f" autoscaling hostname network_policy {DELIVERY}"
)

ADVANCED_OF_AN_IMAGE = names(
    f"{FIRST} image workload_kind preset config security_profile {LAST} {MORE} command args probes resources"
    f" autoscaling replicas network_policy {DELIVERY}"
)

ADVANCED_OF_A_CRONJOB = names(
    f"{FIRST} workload_kind schedule config security_profile {LAST} {MORE} image_repository resources"
    f" network_policy time_zone concurrency_policy starting_deadline_seconds {DELIVERY}"
)


def test_every_question_has_its_turn() -> None:
    """The quick paths and the long ones show every question, but for those that are only answered by data."""
    shown = {*ADVANCED, *ADVANCED_OF_AN_IMAGE, *ADVANCED_OF_A_CRONJOB, *ASKED["none"]}
    silent = {name for name, entry in settings().items() if name in HELP and entry.get("ask") is False}
    assert set(HELP) - silent == shown


@pytest.mark.parametrize(
    ("expected", "keys"),
    [
        (ADVANCED, {}),
        (ADVANCED_OF_AN_IMAGE, {"language": [DOWN], "preset": [DOWN]}),
        (ADVANCED_OF_A_CRONJOB, {"workload_kind": [DOWN] * 4}),
    ],
    ids=["web", "image", "cronjob"],
)
def test_advanced_asks_the_rest(
    expected: list[str],
    keys: Mapping[str, list[str]],
    terminal: Callable[..., Terminal],
    render: Renderer,
    tmp_path: Path,
) -> None:
    """Who goes on is asked the rest, each with its line of help; Enter throughout changes nothing but the record."""
    screen = terminal()
    for name in expected:
        screen.wait_for(HELP[name])
        screen.press(*(["y"] if name == "advanced" else [*keys.get(name, []), ENTER]))
    screen.finish()
    assert screen.asked() == expected
    recorded = yaml.safe_load((tmp_path / "shop" / ANSWERS).read_text())
    assert set(expected) <= set(recorded)
    same = ("language", "workload_kind", "preset")
    quick = meaning(render({name: recorded[name] for name in same}).path)
    assert {**meaning(tmp_path / "shop"), ANSWERS: None} == {**quick, ANSWERS: None}
