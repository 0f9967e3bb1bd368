"""From every release to the working tree: a fresh copy with the user's edits in it, or a conflict that Git shows.

A cell is a release, a set of answers and a kind of edit. One update carries all kinds of edit at once, because hardly
any two of them meet in a file; with `make test-full` each has an update of its own as well.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import pathspec
import pytest
from support import edits, golden, releases, render
from support.edits import Edit, Outcome, Updated
from support.questionnaire import questions, settings
from support.summary import count
from support.trees import tree

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from support.releases import Release, Released

pytestmark = pytest.mark.slow

ANSWERS: dict[str, render.Answers] = {
    **golden.ANSWERS,
    "gitlab": {"app_name": "shop", "ci": "gitlab", "monitoring": "prometheus-operator", "expose": "ingress"},
    "wrapped": {
        "app_name": "proxy",
        "language": "none",
        "image": "registry.example.com/team/proxy:1.2.3",
        "ports": [{"name": "http", "containerPort": 8080}],
        "config": {},
    },
}
"""The golden repositories, one on another forge, and one around an image of somebody else."""

MARKED = ("web", "statefulset", "gitlab")
"""Sets of answers of which every single file is edited."""


@cache
def known(source: Path) -> dict[str, frozenset[Any]]:
    """The questions of a version, and what can be chosen."""
    return {name: frozenset(question.choices) for name, question in questions(source).items()}


def supported(source: Path, answers: Mapping[str, Any]) -> bool:
    """Whether a release has the shape that a set of answers is about."""
    shape = {name: answers[name] for name in ("workload_kind", "preset", "workloads") if name in answers}
    asked = known(source)
    return all(name in asked and (not asked[name] or value in asked[name]) for name, value in shape.items())


EVERY_KIND = [*edits.EDITS, *edits.arrivals({}, {"theirs": "", "src/ours": ""}, lambda path: path == "src/ours")]

each_release = pytest.mark.parametrize("release", releases.released(), ids=lambda release: release.version)
each_set = pytest.mark.parametrize("name", ANSWERS)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """The whole product, an update for each cell, is for `make test-full`."""
    if "kind" in metafunc.fixturenames:
        full = metafunc.config.getoption("hypothesis_profile") == "full"
        metafunc.parametrize("kind", [edit.name for edit in EVERY_KIND] if full else ["overlay"])


def yours() -> Callable[[str], bool]:
    """Whether a path is the user's by today's template, in copier's own words."""
    patterns = pathspec.PathSpec.from_lines("gitignore", settings()["_skip_if_exists"])
    return patterns.match_file


class Scene:
    """The repository of a release and a set of answers, and a fresh copy of today's for what the former recorded."""

    def __init__(self, folder: Path, released: Released, release: Release, answers: Mapping[str, Any]) -> None:
        """Make both."""
        asked = known(released.source(release))
        given = {name: value for name, value in answers.items() if name in asked}
        self.folder = folder
        self.repository = releases.start(given, folder / "old" / given["app_name"], release.version)
        self.start = tree(self.repository)
        recorded = releases.recorded(self.repository)
        self.fresh = render.copy(
            recorded, folder / "new" / given["app_name"], version=releases.NEXT, url=releases.URL
        )

    def edits(self) -> list[Edit]:
        """Every kind of edit, those included that meet what the template adds."""
        return [*edits.EDITS, *edits.arrivals(self.start, tree(self.fresh), yours())]

    def update(self, wanted: Sequence[Edit]) -> dict[str, Outcome]:
        """What an update makes of edits. Whatever nobody edited is as in a fresh copy."""
        fresh = tree(self.fresh)
        edits.apply(wanted, self.fresh)
        touched = edits.apply(wanted, self.repository)
        render.commit(self.repository, "Our own edits")
        before = tree(self.repository)
        releases.update(self.repository)
        updated = Updated(tree(self.repository), releases.unmerged(self.repository), fresh, tree(self.fresh), yours())
        assert updated.strays(touched, before) == []
        return {each.edit.name: updated.judge(each) for each in touched}


def expect_nothing_lost(request: pytest.FixtureRequest, outcomes: Mapping[str, Outcome], title: str) -> None:
    """Count cells, conflicts and lost lines; none of the latter."""
    conflicts = [name for name, outcome in outcomes.items() if outcome.verdict == "conflict"]
    wrong = [f"{name}: {outcome.reason}" for name, outcome in outcomes.items() if outcome.verdict == "wrong"]
    count(request, title, len(outcomes), "updates")
    count(request, f"{title}: a migration moved the lines", _number(outcomes, "carried"), "updates")
    count(request, f"{title}: conflicts that Git shows", len(conflicts), "updates")
    count(request, f"{title}: lost lines", sum(outcome.lost for outcome in outcomes.values()), "updates")
    assert wrong == [], "\n".join(wrong)


def _number(outcomes: Mapping[str, Outcome], verdict: str) -> int:
    return sum(outcome.verdict == verdict for outcome in outcomes.values())


@each_release
@each_set
def test_every_kind_of_edit(
    release: Release, name: str, released: Released, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """All kinds of edit at once."""
    scene = Scene(tmp_path, released, release, ANSWERS[name])
    expect_nothing_lost(request, scene.update(scene.edits()), "cells (release × answers × kind of edit)")


@each_release
@pytest.mark.parametrize("name", MARKED)
def test_every_file_edited(
    release: Release, name: str, released: Released, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """A line at the end of each file that there is: not one of them is lost, wherever the template has moved it."""
    scene = Scene(tmp_path, released, release, ANSWERS[name])
    files = [name.removesuffix(" (executable)") for name in scene.start if name != ".copier-answers.yml"]
    expect_nothing_lost(request, scene.update([edits.marked(path) for path in files]), "files edited, each of them")


@each_release
@each_set
def test_a_kind_of_edit_alone(
    release: Release, name: str, kind: str, released: Released, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """What an edit comes to does not depend on what else was edited."""
    scene = Scene(tmp_path, released, release, ANSWERS[name])
    wanted = [edit for edit in scene.edits() if edit.name == kind]
    expect_nothing_lost(request, scene.update(wanted), "cells, each with an update of its own")
