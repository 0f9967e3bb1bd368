"""What template/schemas/answers.json says of the questions is true: a line there is all that most answers need."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from support.questionnaire import questions
from support.sandbox import ROOT

FACTS: dict[str, dict[str, Any]] = json.loads((ROOT / "template/schemas/answers.json").read_text())
SCHEMA: dict[str, dict[str, Any]] = json.loads((ROOT / "template/schemas/kubernetes.json").read_text())
CHECKED = [name for name, fact in FACTS.items() if "check" in fact]
PLACED = [(name, place) for name, fact in FACTS.items() for place in fact.get("fields", [])]


def test_every_question_is_there_in_its_order() -> None:
    """The answers file is written in this order, with `your_files`, which copier does not ask, at its end."""
    assert [name for name, fact in FACTS.items() if fact.get("workloads") != "only"] == [*questions(), "your_files"]


@pytest.mark.parametrize("name", CHECKED)
def test_check_is_there(name: str) -> None:
    """Its file defines the macro, and takes the arguments that it is given."""
    topic, macro = FACTS[name]["check"].split(".")
    text = (ROOT / f"template/macros/check_{topic}.jinja").read_text()
    found = re.search(rf"^#% macro {macro}\((.*)\) -%#$", text, re.MULTILINE)
    assert found, f"check_{topic}.jinja has no macro {macro}"
    taken, given = found[1].split(", ")[1:], FACTS[name].get("arguments", [])
    assert len(taken) == len(given) or (not taken and "varargs" in text)


@pytest.mark.parametrize(("name", "place"), PLACED)
def test_field_is_there(name: str, place: str) -> None:
    """Kubernetes knows the field, and no other question has it."""
    type_, field = place.split(".")
    assert field in SCHEMA[type_]["fields"]
    assert [other for other, there in PLACED if there == place] == [name]
