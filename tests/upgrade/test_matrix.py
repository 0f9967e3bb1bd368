"""From every release to the working tree: a fresh copy with the user's edits in it, or a conflict that Git shows.

A cell is a release, a set of answers and a kind of edit. One update carries all kinds of edit at once, because hardly
any two of them meet in a file; with `make test-full` each has an update of its own as well.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pathspec
import pytest
from support import edits, golden, parity, relations, releases, render
from support.edits import Edit, Outcome, Updated
from support.objects import of_kind
from support.questionnaire import questions, settings
from support.repository import Repository
from support.summary import count
from support.trees import tree

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
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

MARKED = ("web", "statefulset")
"""Sets of answers of which every single file is edited."""

ENVIRONMENTS = [
    "dev",
    {"name": "prod", "hostname": "www.example.org", "autoscaling": {"minReplicas": 4, "maxReplicas": 9}},
]


def known(names: Iterable[str]) -> list[tuple[Release, str]]:
    """Every release, with every set of answers that it knows."""
    return [(release, name) for release in releases.released() for name in names if name not in release.lacks]


def each(names: Iterable[str]) -> pytest.MarkDecorator:
    """A test for each of them."""
    return pytest.mark.parametrize(("release", "name"), known(names), ids=str)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """The whole product, an update for each cell, is for `make test-full`; a sample of it is for every run."""
    if "kind" in metafunc.fixturenames:
        cells = [(release, name, kind) for release, name in known(ANSWERS) for kind in edits.KINDS]
        full = metafunc.config.getoption("hypothesis_profile") == "full"
        metafunc.parametrize(("release", "name", "kind"), cells if full else cells[:1], ids=str)


def yours() -> Callable[[str], bool]:
    """Whether a path is the user's by today's template, in copier's own words."""
    patterns = pathspec.PathSpec.from_lines("gitignore", settings()["_skip_if_exists"])
    return patterns.match_file


class Scene:
    """The repository of a release and a set of answers, and a fresh copy of today's for what the former recorded."""

    def __init__(self, folder: Path, released: Released, release: Release, answers: Mapping[str, Any]) -> None:
        """Make both."""
        asked = questions(released.source(release))
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


@pytest.fixture
def scene(tmp_path: Path, released: Released) -> Callable[[Release, str], Scene]:
    """The repository of a release and a set of answers, still as it was copied."""
    return lambda release, name: Scene(tmp_path, released, release, ANSWERS[name])


@each(ANSWERS)
def test_every_kind_of_edit(
    release: Release, name: str, scene: Callable[..., Scene], request: pytest.FixtureRequest
) -> None:
    """All kinds of edit at once."""
    start = scene(release, name)
    expect_nothing_lost(request, start.update(start.edits()), "cells (release, answers, kind of edit)")


@each(MARKED)
def test_every_file_edited(
    release: Release, name: str, scene: Callable[..., Scene], request: pytest.FixtureRequest
) -> None:
    """A line at the end of each file that there is: not one of them is lost, wherever the template has moved it."""
    start = scene(release, name)
    files = [path.removesuffix(" (executable)") for path in start.start if path != ".copier-answers.yml"]
    expect_nothing_lost(request, start.update([edits.marked(path) for path in files]), "files, each of them edited")


def test_a_kind_of_edit_alone(
    release: Release, name: str, kind: str, scene: Callable[..., Scene], request: pytest.FixtureRequest
) -> None:
    """What an edit comes to does not depend on what else was edited."""
    start = scene(release, name)
    wanted = [edit for edit in start.edits() if edit.name == kind]
    expect_nothing_lost(request, start.update(wanted), "cells, each with an update of its own")


@pytest.mark.parametrize("release", releases.released(), ids=str)
def test_what_is_deployed_stays(release: Release, released: Released, tmp_path: Path) -> None:
    """The version that was promoted runs on after an update, with the user's own patch, in both renderings."""
    scene = Scene(tmp_path, released, release, {"app_name": "shop", "environments": ENVIRONMENTS})
    outcomes = scene.update([edits.PROMOTION, edits.PROMOTED_VALUES])
    assert {outcome.verdict for outcome in outcomes.values()} == {"kept"}
    repository = Repository(scene.repository)
    assert parity.check(repository) == []
    for objects in (repository.kustomize("prod"), repository.helm("prod")):
        assert relations.check(objects) == []
        pod = next(of_kind(objects, "Deployment"))["spec"]["template"]["spec"]
        assert pod["containers"][0]["image"] == "registry.example.com/platform/shop:1.2.3"
        assert next(of_kind(objects, "HorizontalPodAutoscaler"))["spec"]["maxReplicas"] == 9
        assert next(of_kind(objects, "HTTPRoute"))["spec"]["hostnames"] == ["www.example.org"]
