"""Reads the questionnaire as copier does, so that the tests vary what is there and not what was there once."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import yaml
from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template, select_autoescape

from support.sandbox import GOLDEN_PATH, ROOT

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


KEPT = ("your_files",)
"""Answers that the template keeps for itself."""


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
        if entry.get("when") is not False and "help" in entry and name not in KEPT
    }


@cache
def presets(root: Path = ROOT) -> dict[str, tuple[str, ...]]:
    """The presets of each kind of workload, the default one first."""
    entries = settings(root)
    kinds: tuple[str, ...] = _choices(root, entries["workload_kind"]["choices"])
    return {kind: _choices(root, entries["preset"]["choices"], workload_kind=kind) for kind in kinds}


def of_use(answers: Mapping[str, Any], root: Path = ROOT) -> dict[str, Any]:
    """The answers without those that another kind, language or route makes meaningless, which are refused."""
    kind = answers.get("workload_kind", "deployment")
    preset = answers.get("preset", presets(root)[kind][0])
    beside = {"workload_kind": kind, "language": answers.get("language", "python")}
    usual = {"web": "gateway", "datastore": "none"}
    routed = preset in usual and answers.get("expose", usual[preset]) != "none"
    usually_scaled = "autoscaling" in golden_path()["presets"][preset]
    scaled = kind in ("deployment", "statefulset") and answers.get("autoscaling", usually_scaled)
    conditions = _conditions(root)
    found = {
        name: value
        for name, value in answers.items()
        if (name != "hostname" or routed) and conditions[name].render(beside) == "True"
    }
    listed = found.get("environments")
    if isinstance(listed, list):
        idle = ({"hostname"} if not routed else set()) | ({"autoscaling"} if not scaled else set())
        found["environments"] = [_without(entry, idle) for entry in listed]
        if all(isinstance(entry, dict) and "namespace" in entry for entry in listed):
            found.pop("namespace", None)
    return found


def _without(entry: Any, fields: set[str]) -> Any:
    return {key: value for key, value in entry.items() if key not in fields} if isinstance(entry, dict) else entry


@cache
def _conditions(root: Path) -> dict[str, Template]:
    """When each question exists."""
    jinja = _environment(root)
    entries = {name: entry for name, entry in settings(root).items() if not name.startswith("_")}
    return {name: jinja.from_string(str(entry.get("when", True))) for name, entry in entries.items()}


@cache
def asked(root: Path = ROOT) -> tuple[str, ...]:
    """The questions that somebody can be asked at a prompt."""
    return tuple(name for name in questions(root) if settings(root)[name].get("ask") is not False)


@cache
def typed(root: Path = ROOT) -> tuple[str, ...]:
    """Those of them that are answered by typing, so that a wrong answer is refused at the prompt."""
    return tuple(name for name in asked(root) if not questions(root)[name].values)


@cache
def labels(name: str, root: Path = ROOT) -> tuple[str, ...]:
    """What the choices of a question are called where it is asked."""
    declared = settings(root)[name].get("choices", [])
    if not isinstance(declared, str):
        return tuple(map(str, declared))
    kinds = presets(root) if "workload_kind" in declared else [""]
    return tuple(
        str(label) for kind in kinds for label in yaml.safe_load(_rendered(root, declared, workload_kind=kind))
    )


@cache
def help_texts(root: Path = ROOT) -> dict[str, str]:
    """What each question is shown with, in lines."""
    return {name: _rendered(root, settings(root)[name]["help"]) for name in questions(root)}


@cache
def help_lines(root: Path = ROOT) -> dict[str, str]:
    """What each question is shown with, on one line."""
    found = {name: entry["help"] for name, entry in settings(root).items() if name in questions(root)}
    return {name: " ".join(_rendered(root, text).split()) for name, text in found.items()}


@cache
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


def golden_path() -> dict[str, Any]:
    """What the organisation of the tests has decided."""
    return copy.deepcopy(_golden_path())


@cache
def _golden_path() -> dict[str, Any]:
    decided: dict[str, Any] = yaml.safe_load(GOLDEN_PATH.read_text())
    return decided


def _choices(root: Path, declared: Any, **answers: str) -> tuple[Any, ...]:
    """The values behind a question's choices: a list, a map from labels, or a template that yields one of them.

    What depends on the kind of workload and is asked for none in particular, is the choices of all kinds together.
    """
    if isinstance(declared, str) and "workload_kind" in declared and not answers:
        return tuple(preset for of_kind in presets(root).values() for preset in of_kind)
    if isinstance(declared, str):
        declared = yaml.safe_load(_rendered(root, declared, **answers))
    return tuple(declared.values() if isinstance(declared, dict) else declared)


def _rendered(root: Path, text: str, **answers: str) -> str:
    return _environment(root).from_string(text).render(golden_path=golden_path(), **answers)


@cache
def _environment(root: Path) -> Environment:
    return Environment(
        loader=FileSystemLoader(root),
        **settings(root)["_envops"] | {"undefined": StrictUndefined},
        autoescape=select_autoescape(default_for_string=False),
        extensions=["jinja2_ansible_filters.AnsibleCoreFiltersExtension"],
    )
