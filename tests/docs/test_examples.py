"""Every example of the documentation is what it says: rendered, checked as any set of answers is, and admitted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import examples
import pytest
from support.apiserver import deliver
from support.questionnaire import questions
from support.summary import count
from support.verdict import expect_none, findings

if TYPE_CHECKING:
    from pathlib import Path

    from support.cluster import Cluster
    from support.render import Renderer


def test_every_section_has_examples() -> None:
    """At least thirty in all, and no file that the page would leave out."""
    assert {examples.section_of(file) for file in examples.FOLDER.glob("*.yml")} == set(examples.SECTIONS)
    assert len(examples.files()) >= 30


def test_titles_differ() -> None:
    """Each example begins with its title, which is one heading of the page."""
    titles = [examples.title_of(file) for file in examples.files()]
    assert len(set(titles)) == len(titles)
    assert all(file.read_text().startswith("# ") for file in examples.files())


def test_the_page_shows_the_answers() -> None:
    """`make docs` would change nothing, but for the objects in the tables, which are compared below."""
    assert examples.PAGE.read_text() == examples.page(examples.listed())


@pytest.mark.slow
@pytest.mark.parametrize("file", examples.files(), ids=lambda file: file.name.removesuffix(".answers.yml"))
def test_example_is_sound(
    file: Path, render: Renderer, cluster_with_crds: Cluster, request: pytest.FixtureRequest
) -> None:
    """Each answer is to a question, all of what comes out is sound, and the page lists it."""
    answers = examples.answers_of(file)
    assert set(answers) <= set(questions())
    repository = render(answers)
    count(request, "examples of the documentation")
    assert examples.row(file, repository) in examples.PAGE.read_text().splitlines()
    expect_none(findings(repository) or deliver(cluster_with_crds, repository), answers)
