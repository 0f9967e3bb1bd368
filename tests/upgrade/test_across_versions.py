"""What copier evaluates while an update is between two versions, and what stands there.

An update renders the former version with the `_exclude` of the new one beside its own, so by the former model; and it
renders some settings before any answer is known. An expression there that names an answer or a computed value breaks
the update from every version that lacks it. Which settings these are was read from copier and is tried here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import yaml
from copier import run_copy, run_update
from jinja2 import Environment, UndefinedError, meta, select_autoescape
from support import render
from support.commands import run
from support.questionnaire import settings

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

GIVEN = {"_copier_conf", "_copier_python", "_copier_operation", "_copier_phase", "_stage", "_version_from"}
"""What copier itself puts into every context, whatever the version and before any answer."""

OF_ONE_VERSION = {"_message_before_copy", "_message_after_copy", "_message_after_update", "_subdirectory"}
"""Settings that are rendered for one version only, with its own answers. Not `_message_before_update`."""

MODEL = {"app": {"type": "json", "when": False, "default": '{"known": true}'}}
"""A template with a model of one key, to which the next version adds another."""


def hazards(template: Mapping[str, Any]) -> list[str]:
    """The settings whose expressions name what an older version, or a run without answers yet, does not have."""
    found = []
    for name, value in template.items():
        if name.startswith("_") and name not in {*OF_ONE_VERSION, "_envops"}:
            for text in _texts(value):
                named = _named(text, template) - GIVEN
                if named:
                    found.append(f"{name}: {text!r} names {', '.join(sorted(named))}: older versions lack it")
    return found


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for each in value.values():
            yield from _texts(each)
    elif isinstance(value, list):
        for each in value:
            yield from _texts(each)
    elif isinstance(value, str):
        yield value


def _named(text: str, template: Mapping[str, Any]) -> set[str]:
    syntax = {name: value for name, value in template["_envops"].items() if name.endswith("_string")}
    environment = Environment(**syntax, autoescape=select_autoescape(default_for_string=False))
    return meta.find_undeclared_variables(environment.parse(text))


def test_nothing_is_evaluated_by_the_model_of_another_version() -> None:
    """No setting that copier renders across versions names an answer or a computed value."""
    assert hazards(settings()) == []


@pytest.mark.parametrize(
    "planted",
    [
        {"_exclude": ["#{ '/deploy/base/new.yaml' if not app.added }#"]},
        {"_skip_if_exists": ["/deploy/#{ app.name }#"]},
        {"_answers_file": ".copier-answers.#{ app_name }#.yml"},
        {"_message_before_update": "#% if app.code %#make test#% endif %#"},
        {"_migrations": [{"version": "v9.0.0", "when": "#{ app.code }#", "command": ["true"]}]},
    ],
    ids=lambda planted: next(iter(planted)),
)
def test_a_planted_expression_is_found(planted: dict[str, Any]) -> None:
    """A key that is added to the model and used without a thought for older versions."""
    assert [finding.split(":")[0] for finding in hazards({**settings(), **planted})] == list(planted)


@pytest.fixture
def toy(tmp_path: Path) -> Path:
    """A template of two files, and what its first version has made; its owner has deleted one of them."""
    template, repository = tmp_path / "toy", tmp_path / "made"
    template.mkdir()
    run("git", "init", "--quiet", cwd=template)
    _publish(template, "v1.0.0", {})
    run_copy(str(template), repository, vcs_ref="v1.0.0", defaults=True, quiet=True)
    run("git", "init", "--quiet", cwd=repository)
    render.commit(repository, "A copy")
    (repository / "unwanted.txt").unlink()
    render.commit(repository, "Not wanted")
    return template


def _publish(template: Path, version: str, config: Mapping[str, Any]) -> None:
    added = {"default": '{"known": true, "added": true}'} if config else {}
    model = {"app": {**MODEL["app"], **added}}
    strict = {"_envops": {"undefined": "jinja2.StrictUndefined"}, "_subdirectory": "files"}
    (template / "copier.yml").write_text(yaml.safe_dump({**strict, **model, **config}))
    (template / "files").mkdir(exist_ok=True)
    (template / "files/{{ _copier_conf.answers_file }}.jinja").write_text("{{ _copier_answers | to_nice_yaml }}")
    (template / "files/file.txt").write_text(f"{version}\n")
    (template / "files/unwanted.txt").touch()
    render.commit(template, version, tag=version)


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("_exclude", ["{{ 'other.txt' if app.added }}"]),
        ("_skip_if_exists", ["{{ 'other.txt' if app.added }}"]),
        ("_message_before_update", "{{ app.added }}"),
        ("_migrations", [{"when": "{{ _stage == 'before' and app.added }}", "command": ["true"]}]),
    ],
)
def test_copier_evaluates_it_without_the_new_model(setting: str, value: Any, toy: Path) -> None:
    """These settings break an update to a version that has added a key."""
    _publish(toy, "v2.0.0", {setting: value})
    with pytest.raises(UndefinedError):
        run_update(toy.parent / "made", defaults=True, overwrite=True, unsafe=True)


@pytest.mark.parametrize("setting", sorted(OF_ONE_VERSION))
def test_copier_evaluates_it_with_the_new_model(setting: str, toy: Path) -> None:
    """These do not."""
    _publish(toy, "v2.0.0", {setting: "{{ 'files' if app.added }}"})
    run_update(toy.parent / "made", defaults=True, overwrite=True, unsafe=True)
    assert (toy.parent / "made/file.txt").read_text() == "v2.0.0\n"
