"""Asks the questionnaire in this process, without a copy: what it refuses, and which objects the answers give.

It follows copier's own order and rules for answers that are given as data, as far as the questions use them.
"""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import jinja2
import yaml
from jinja2.sandbox import SandboxedEnvironment

from support.questionnaire import settings
from support.sandbox import GOLDEN_PATH, ROOT

if TYPE_CHECKING:
    from collections.abc import Mapping

    from support.objects import Manifest


class UnsetError(jinja2.TemplateRuntimeError):
    """A default is left open."""


@dataclass(frozen=True)
class Verdict:
    """What became of a set of answers: what each question that refused said, and all answers that are left."""

    refused: dict[str, str]
    context: dict[str, Any]


@cache
def environment() -> jinja2.Environment:
    """The template engine as copier.yml sets it up."""
    options = {**settings()["_envops"], "undefined": jinja2.StrictUndefined}
    filters = ["jinja2_ansible_filters.AnsibleCoreFiltersExtension"]
    decided = jinja2.DictLoader({"golden-path.yml": GOLDEN_PATH.read_text()})
    loader = jinja2.ChoiceLoader([decided, jinja2.FileSystemLoader(ROOT)])
    return SandboxedEnvironment(loader=loader, extensions=filters, **options)


@cache
def questions() -> dict[str, Any]:
    """Every question, hidden ones included, in the order in which they are asked."""
    return {name: entry for name, entry in settings().items() if not name.startswith("_")}


@cache
def compiled(text: str) -> jinja2.Template:
    """A template, compiled once."""
    return environment().from_string(text)


def render(text: Any, context: Mapping[str, Any]) -> Any:
    """A setting of a question, rendered if it is text."""
    return compiled(text).render(context) if isinstance(text, str) else text


def ask(answers: Mapping[str, Any], trusted: str = "") -> Verdict:
    """Ask every question. A refused answer is left out, as if it had not been given, and the rest is asked.

    The answer to the question `trusted` is not validated.
    """
    known = dict(answers)
    given = {"_copier_answers": known, "_copier_conf": {"data": dict(answers)}}
    context: dict[str, Any] = {"_folder_name": "shop", **given, **answers}
    refused: dict[str, str] = {}
    for name, entry in questions().items():
        wanted = str(render(entry.get("when", True), context)).strip().lower() not in ("", "false", "no", "0")
        if name in answers and wanted:
            context[name] = str(answers[name]) if entry["type"] == "str" else answers[name]
            message = "" if name == trusted else str(render(entry.get("validator", ""), context)).strip()
            if not message:
                known[name] = context[name]
                continue
            refused[name] = message
        context.pop(name, None)
        known.pop(name, None)
        try:
            unset = jinja2.StrictUndefined("UNSET", exc=UnsetError)
            default = render(entry["default"], {**context, "UNSET": unset}) if "default" in entry else unset
        except UnsetError:
            continue
        if "default" in entry:
            context[name] = parsed(default, entry["type"])
            if wanted and not entry.get("secret") and not isinstance(context[name], dt.date):
                known[name] = context[name]  # what copier would record: `_answers_to_remember`
    return Verdict(refused, context)


@cache
def read(text: str) -> Any:
    """A default that is YAML, read once: golden-path.yml is long."""
    return yaml.load(text, getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506 - a safe one


def parsed(value: Any, kind: str) -> Any:
    """A default as a question's type reads it."""
    if not isinstance(value, str) or kind == "str":
        return value
    return json.loads(value) if kind == "json" else read(value)


def workload(context: Mapping[str, Any]) -> Manifest:
    """The workload object of the base."""
    kind = context["every_workload"][0]["kind"]
    text = environment().get_template(f"template/project/deploy/base/{kind.lower()}.yaml.jinja").render(context)
    manifest: Manifest = read(text)
    return manifest
