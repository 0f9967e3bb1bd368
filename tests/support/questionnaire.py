"""Reads the questionnaire as copier does, so that the tests vary what is there and not what was there once."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import yaml
from jinja2 import Environment, select_autoescape

from support.sandbox import ROOT

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class Question:
    """A question that can be answered; computed values are none."""

    name: str
    type: str
    choices: tuple[Any, ...]
    follows: bool
    """Whether an answer that is not given follows from other answers, instead of being recorded."""

    @property
    def values(self) -> tuple[Any, ...]:
        """The closed set that an answer comes from, or nothing where it is open."""
        return (True, False) if self.type == "bool" else self.choices


@cache
def questions(root: Path = ROOT) -> dict[str, Question]:
    """Every question that takes an answer, in the order in which it is asked."""
    found = {name: entry for name, entry in settings(root).items() if not name.startswith("_")}
    return {
        name: Question(
            name, entry["type"], _choices(root, entry.get("choices", [])), "UNSET" in str(entry.get("default"))
        )
        for name, entry in found.items()
        if entry.get("when") is not False
    }


def settings(root: Path = ROOT) -> dict[str, Any]:
    """Everything that copier.yml holds once its includes are followed."""

    class Loader(yaml.SafeLoader):
        """A loader that knows `!include`."""

    def include(_: Loader, node: yaml.ScalarNode) -> dict[str, Any]:
        included: dict[str, Any] = yaml.load((root / node.value).read_text(), Loader)  # noqa: S506 - SafeLoader's child
        return included

    Loader.add_constructor("!include", include)
    documents = yaml.load_all((root / "copier.yml").read_text(), Loader)
    return {name: value for document in documents for name, value in document.items()}


def golden_path(root: Path = ROOT) -> dict[str, Any]:
    """What the organisation has decided."""
    decided: dict[str, Any] = yaml.safe_load((root / "golden-path.yml").read_text())
    return decided


def _choices(root: Path, declared: Any) -> tuple[Any, ...]:
    """The values behind a question's choices: a list, a map from labels, or a template that yields one of them."""
    if isinstance(declared, str):
        environment = Environment(
            variable_start_string="#{",
            variable_end_string="}#",
            autoescape=select_autoescape(default_for_string=False),
            extensions=["jinja2_ansible_filters.AnsibleCoreFiltersExtension"],
        )
        declared = yaml.safe_load(environment.from_string(declared).render(golden_path=golden_path(root)))
    return tuple(declared.values() if isinstance(declared, dict) else declared)
