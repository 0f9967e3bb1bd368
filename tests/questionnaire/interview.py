"""Goes through the questionnaire as copier does, and stops before a repository is rendered."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from copier._main import Worker
from copier._user_data import Question
from support.questionnaire import questions

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

COLUMNS, LINES = 80, 24
"""The terminal that people have."""

COMPUTED = ("every_workload", "app", "stages")
"""The hidden values that every file of a repository is rendered from."""


def names(text: str) -> list[str]:
    """Names of questions, written with spaces between them."""
    return text.split()


def prompted(name: str, finding: str) -> str:
    """What copier says at the prompt of a question to a value that its validator refuses."""
    return f"Validation error for question '{name}': {finding}"


def seen(message: str) -> str:
    """As much of a message as the terminal shows of it: one line, cut off."""
    return message[:COLUMNS]


def remedy_is_seen(message: str) -> bool:
    """Whether the terminal shows what to do to its end, where the finding begins in brackets."""
    remedy, begins, _ = message.partition(" (")
    return bool(begins) and remedy == seen(remedy)


class Interview:
    """One run of the questionnaire with `--defaults`, whose answers can then be tried one by one."""

    def __init__(self, template: Path, destination: Path, answers: Mapping[str, Any]) -> None:
        """Ask everything. A wrong answer raises what copier raises."""
        worker = Worker(str(template), destination, data=dict(answers), defaults=True, quiet=True)
        worker._ask()  # noqa: SLF001 - copier has no public way to ask without rendering
        self.context: Mapping[str, Any] = worker._render_context()  # noqa: SLF001
        self.recorded: Mapping[str, Any] = {
            name: value for name, value in self.context["_copier_answers"].items() if not name.startswith("_")
        }
        self._environment = worker.jinja_env
        self._questions = {
            name: Question(
                answers=worker.answers, context=self.context, jinja_env=worker.jinja_env, var_name=name, **details
            )
            for name, details in worker.template.questions_data.items()
        }

    def finding(self, name: str, value: Any) -> str:
        """What the validator of a question says to a value that is parsed already. Its crashes are not caught."""
        validator = self._environment.from_string(self._questions[name].validator)
        return validator.render({**self.context, name: value}).strip()

    def refused_choices(self, name: str) -> list[str]:
        """What the validator of a question would say to the choices that it offers, if it is asked."""
        offered = questions()[name].values if self._questions[name].get_ask() else ()
        return [found for value in offered if (found := self.finding(name, value))]

    def resolve(self, name: str, value: Any) -> None:
        """Compute the hidden values with another answer, and raise what goes wrong."""
        context = {**self.context, name: value}
        for computed in COMPUTED:
            text = self._environment.from_string(self._questions[computed].default).render(context)
            context[computed] = json.loads(text)
