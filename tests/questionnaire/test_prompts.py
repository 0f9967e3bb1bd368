"""A person answers the questions in a terminal of 80 columns and 24 lines, by keys only.

The real `copier` program runs in a pseudo-terminal. What it writes goes into an emulator, and what is looked at is
the screen, as a person sees it.
"""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Any

import pexpect
import pyte
import pytest
import yaml
from questionnaire.interview import COLUMNS, LINES, Interview, names, prompted, remedy_is_seen
from support.questionnaire import asked, help_texts, presets, questions, settings, typed
from support.questions_asked import render as evaluate
from support.sandbox import TEMPLATE_URL
from support.trees import tree

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from support.render import Renderer

ENTER = "\r"
DOWN = "\x1b[B"
CLEAR = "\x15"
"""Ctrl-U, which empties the line up to the cursor, which stands at its end."""

RESTORE = "\x19"
"""Ctrl-Y, which brings back what was emptied."""

BEGIN = "\x01"
"""Ctrl-A, which goes to the beginning of the line."""

END = "\x05"
DELETE = "\x1b[3~"

PATIENCE = 30
"""Seconds until a question must be shown."""

MARK = "🎤 "
"""What copier shows before each question."""

ANSWERS = ".copier-answers.yml"

QUICK_PATH = 12
"""At most so many questions, unless somebody asks for more."""

HELP = help_texts()
"""The lines that each question is shown with."""


class Terminal:
    """A terminal in which a program runs."""

    def __init__(self, *command: str, cache: Path) -> None:
        """Start the program. It is told that this terminal does not report where its cursor is."""
        environment = {**os.environ, "PROMPT_TOOLKIT_NO_CPR": "1", "COPIER_CACHE_DIR": str(cache)}
        self._program: pexpect.spawn[str] = pexpect.spawn(
            command[0], list(command[1:]), env=environment, encoding="utf-8", dimensions=(LINES, COLUMNS)
        )
        self._screen = pyte.Screen(COLUMNS, LINES)
        self._stream = pyte.Stream(self._screen)

    def lines(self) -> list[str]:
        """What the screen shows."""
        return [line.rstrip() for line in self._screen.display]

    def wait_for(self, text: str) -> None:
        """Wait until the screen shows a text, line by line as it is."""
        end = time.monotonic() + PATIENCE
        while text not in "\n".join(self.lines()):
            try:
                self._stream.feed(self._program.read_nonblocking(65536, timeout=max(0, end - time.monotonic())))
            except (pexpect.TIMEOUT, pexpect.EOF):
                pytest.fail("\n".join([f"not shown: {text!r}", *filter(None, self.lines())]))

    def wait_for_question(self, name: str) -> None:
        """Wait until a question is shown with all of its help, and nothing of YAML's own marks."""
        self.wait_for(f"{MARK}{HELP[name]}\n")
        assert "..." not in [line.strip() for line in self.lines()]

    def press(self, *keys: str) -> None:
        """Press keys so quickly that nothing is shown between them."""
        self._program.send("".join(keys))

    def finish(self) -> None:
        """Wait for the end of the program, which must be a success."""
        self._program.expect(pexpect.EOF, timeout=PATIENCE)
        self._stream.feed(self._program.before or "")
        self._program.close()
        assert self._program.exitstatus == 0, "\n".join(self.lines())


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
    "statefulset": "storage_size expose",
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
    "none-statefulset": names(f"{FIRST} image workload_kind ports storage_size expose config {LAST}"),
}


@pytest.mark.slow
@pytest.mark.parametrize("kind", PATHS)
def test_quick_path(kind: str, terminal: Callable[..., Terminal], render: Renderer, tmp_path: Path) -> None:
    """At most twelve questions, answered by keys, give what `--defaults` gives with the same answers."""
    keys, answers = PATHS[kind]
    screen = terminal()
    for name in ASKED[kind]:
        screen.wait_for_question(name)
        screen.press(*keys.get(name, []), ENTER)
    screen.finish()
    assert len(ASKED[kind]) <= QUICK_PATH
    assert meaning(tmp_path / "shop") == meaning(render(answers).path)


def test_known_limit_broken_yaml(terminal: Callable[..., Terminal]) -> None:
    """Known limit: to text that is no YAML, copier says two words, because it parses before it validates.

    It can be mended all the same, and the help has told how a map is written.
    """
    screen = terminal("--pretend", "--data=app_name=shop", "--data=team=sales", "--data=language=python")
    for name in names("workload_kind preset expose"):
        screen.wait_for_question(name)
        screen.press(ENTER)
    screen.wait_for_question("config")
    screen.press(CLEAR, "{LOG_LEVEL", ENTER)
    screen.wait_for("Invalid input")
    screen.press(": debug}", ENTER)
    screen.wait_for_question("security_profile")


def test_each_kind_is_counted() -> None:
    """No kind is left out above, in code or around an image; and a kind that is not asked for a preset has one."""
    kinds = {*presets()}
    assert {"deployment", *KINDS} == kinds
    assert {*(f"none-{kind}" for kind in KINDS), "none"} <= set(ASKED)
    assert {kind for kind, found in presets().items() if len(found) == 1} == {
        kind for kind in KINDS if "preset" not in ASKED[kind]
    }


@pytest.mark.slow
@pytest.mark.parametrize("language", ["python", "none"])
@pytest.mark.parametrize(
    ("kind", "preset"), [(kind, preset) for kind, of_kind in presets().items() for preset in of_kind]
)
def test_no_choice_is_offered_that_is_refused(
    kind: str, preset: str, language: str, bare_template: Path, tmp_path: Path
) -> None:
    """Copier validates no choice at a prompt, so that a question is not asked where it has a wrong one."""
    given = {"workload_kind": kind, "preset": preset, "language": language, "advanced": True}
    interview = Interview(bare_template, tmp_path / "shop", given)
    chosen = [name for name in asked() if questions()[name].values and settings()[name].get("validator")]
    assert {name: interview.refused_choices(name) for name in chosen} == {name: [] for name in chosen}


REFUSED_SIZE = """\
#%- import 'template/macros/check_answer.jinja' as check with context -%#
#{ check.refused("resources", "gigantic") }#"""


@pytest.mark.parametrize("number", [1, 12])
def test_a_remedy_is_seen_however_many_names_there_are(number: int) -> None:
    """The organisation's sizes may be many: they come behind what must be seen."""
    sizes: dict[str, Any] = {f"size-{each}": {} for each in range(number)}
    found = str(evaluate(REFUSED_SIZE, {"golden_path": {"sizes": sizes}}))
    assert remedy_is_seen(prompted("resources", found)), found
    assert all(name in found for name in sizes)


MORE = "description namespace"
SCRAPED = "workloads kubernetes_version environments monitoring ci"
DELIVERY = "workloads kubernetes_version environments ci"

ADVANCED = names(
    f"{FIRST} workload_kind preset expose config security_profile {LAST} {MORE} image_repository resources"
    f" autoscaling hostname network_policy {SCRAPED}"
)

ADVANCED_OF_AN_IMAGE = names(
    f"{FIRST} image workload_kind ports storage_size expose config {LAST} {MORE} command args probes resources"
    f" autoscaling replicas network_policy {DELIVERY}"
)

ADVANCED_OF_A_CRONJOB = names(
    f"{FIRST} workload_kind schedule config security_profile {LAST} {MORE} image_repository resources"
    f" network_policy time_zone concurrency_policy starting_deadline_seconds {SCRAPED}"
)


def test_every_question_has_its_turn() -> None:
    """The long paths show every question, but for those that are only answered by data."""
    assert {*ADVANCED, *ADVANCED_OF_AN_IMAGE, *ADVANCED_OF_A_CRONJOB} == set(asked())


WRONG: dict[str, list[str]] = {"description": [CLEAR]}
RIGHT: dict[str, list[str]] = {"description": [RESTORE]}
"""What is pressed for an answer that is refused, and then for the one that was suggested."""

CHOSEN: dict[str, Any] = {"namespace": "sales", "replicas": 5}
"""What is typed in place of a suggestion, where it is asked."""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("expected", "keys"),
    [
        (ADVANCED, {}),
        (ADVANCED_OF_AN_IMAGE, {"language": [DOWN], "workload_kind": [DOWN]}),
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
    """Who goes on is asked the rest. Each question refuses a wrong answer with its remedy in sight.

    Enter chooses nothing, so that nothing is recorded; what is typed replaces what was shown.
    """
    chosen = {name: answer for name, answer in CHOSEN.items() if name in expected}
    screen = terminal()
    for name in expected:
        screen.wait_for_question(name)
        if name in typed():
            screen.press(*WRONG.get(name, [BEGIN, "- "]), ENTER)
            screen.wait_for(prompted(name, ""))
            refusal = next(line for line in screen.lines() if line.startswith(prompted(name, "")))
            assert " (" in refusal or len(refusal) < COLUMNS, refusal
            screen.press(*RIGHT.get(name, [BEGIN, DELETE, DELETE, END]), *keys.get(name, []))
            screen.press(*([CLEAR, str(chosen[name])] if name in chosen else []), ENTER)
        else:
            screen.press(*(["y"] if name == "advanced" else [*keys.get(name, []), ENTER]))
    screen.finish()
    recorded = yaml.safe_load((tmp_path / "shop" / ANSWERS).read_text())
    quick = render({name: recorded[name] for name in ("language", "workload_kind", "preset")} | chosen).path
    assert recorded == {**yaml.safe_load((quick / ANSWERS).read_text()), "advanced": True}
    assert {**meaning(tmp_path / "shop"), ANSWERS: None} == {**meaning(quick), ANSWERS: None}
