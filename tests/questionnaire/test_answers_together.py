"""What refusals say about other questions is true, and the tables about questions agree with the questionnaire."""

from __future__ import annotations

import json
import re
from itertools import product
from pathlib import Path

import pytest
import yaml
from support.questionnaire import of_use, presets, questions, settings
from support.questions_asked import ask, environment
from support.sandbox import ROOT

INVALID = Path(__file__).parent / "invalid"

FIXTURES = {
    name: fixture
    for path in sorted(INVALID.glob("*.yml"))
    for name, fixture in yaml.safe_load(path.read_text()).items()
}

FIRST_OF_EACH = {
    path.stem: next(each for each in yaml.safe_load(path.read_text()).values() if path.stem in each["answers"])
    for path in sorted(INVALID.glob("*.yml"))
    if path.stem in questions()
}
"""A refused answer to each question."""

SELINUX = "container_t"
"""A type of SELinux, and no question."""


@pytest.mark.parametrize("name", FIXTURES)
def test_remedies_can_be_followed(name: str) -> None:
    """A remedy names questions and presets that there are, and that the kind of workload has."""
    answers = {question: value for question, value in FIXTURES[name]["answers"].items() if question in questions()}
    kind = answers.get("workload_kind", "deployment")
    remedy = FIXTURES[name]["message"].partition("': ")[2].split(" (")[0]
    kinds = {kind} | {entry.get("kind", "deployment") for entry in answers.get("workloads", []) if "kind" in entry}
    for preset in re.findall(r"preset '([\w-]+)'", remedy):
        assert any(preset in presets()[each] for each in kinds)
    for question in set(re.findall(r"\b[a-z]+(?:_[a-z]+)+\b", remedy)) - {SELINUX}:
        assert question in questions()
        assert any(question in of_use({question: None, **answers, "workload_kind": each}) for each in kinds)


def test_no_message_is_vague() -> None:
    """What has a question of its own says which, and nothing refers to a place that there is not."""
    messages = [fixture["message"] for fixture in FIXTURES.values()]
    assert [text for text in messages if re.search(r"that one$|of your own\b|answer it$", text)] == []
    own = [text for text in messages if "question of its own" in text]
    assert own
    assert all(re.search(r"answer \w+", text) for text in own)


@pytest.mark.parametrize(("kind", "language"), list(product(presets(), ("python", "none"))))
def test_what_is_of_no_use_is_what_the_questionnaire_drops(kind: str, language: str) -> None:
    """The words about an answer without use stand for the conditions of the questions, and for no other."""
    beside = {"workload_kind": kind, "language": language, "preset": presets()[kind][0], "expose": "gateway"}
    source = "#% import 'template/macros/check_given.jinja' as check with context %##{ check.unused(name) }#"
    template = environment().from_string(source)
    for name in questions():
        said = template.render({**beside, "name": name}).strip()
        assert bool(said) == (name not in of_use({**beside, name: beside.get(name)})), name


def test_recorded_answers_are_judged_by_their_own_questions() -> None:
    """The questions by file do more than `refused` does; the words are those of the question's own validator."""
    source = "#% import 'template/macros/check_recorded.jinja' as check with context %#"
    files = json.loads(environment().from_string(source + "#{ check.files | to_json }#").render())
    there = {
        path.stem: [
            name
            for name, entry in yaml.safe_load(path.read_text()).items()
            if name in questions() and f'refused("{name}", {name})' not in entry.get("validator", "")
        ]
        for path in (ROOT / "template/questions").glob("*.yml")
    }
    assert files == {stem: names for stem, names in there.items() if names}
    text = (ROOT / "template/macros/check_recorded.jinja").read_text()
    assert re.findall(r"set (\w+) = value if question == \"\1\" else \1 ", text) == [
        name for names in files.values() for name in names
    ]
    template = environment().from_string(source + "#{ check.validated(question, value) }#")
    for question, fixture in FIRST_OF_EACH.items():
        value = fixture["answers"][question]
        others = {name: answer for name, answer in fixture["answers"].items() if name != question}
        context = {**ask(others).context, "question": question, "value": value}
        said = template.render(context).strip()
        assert fixture["message"].removeprefix("ValueError: ") in (
            f"Validation error for question '{question}': {said}",
            f"Invalid choice for '{question}': {said}",
        )


def test_conditions_of_questions_are_about_kind_and_language() -> None:
    """No other condition is known to the words about answers without use."""
    conditions = {str(entry.get("when")) for name, entry in settings().items() if name in questions()}
    assert {word for text in conditions for word in re.findall(r"\b[a-z]\w+\b", text.replace("'", '"'))} <= {
        *("workload_kind", "language", "in", "none", *presets()),
        *("and", "or", "not", "is", "defined", "storage", "storage_size", "_copier_conf", "data"),
    }
