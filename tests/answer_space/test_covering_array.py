"""Every pair of choices, carried from the answers to objects that a real API server admits.

Each set of answers is either refused with a message that says what to do, or gives a repository in which all
holds that support/verdict.py lists, and whose objects a real API server takes from the deployer without a warning.
"""

from __future__ import annotations

import json
from itertools import combinations
from typing import TYPE_CHECKING, Any

import pytest
from support.answers import (
    REPRESENTATIVES,
    TOGETHER,
    answers,
    covering_array,
    factors,
    fields_at_fault,
    impossible,
    repairs,
)
from support.apiserver import deliver
from support.questionnaire import questions
from support.render import RefusedError
from support.summary import count
from support.verdict import expect_none, findings

if TYPE_CHECKING:
    from support.cluster import Cluster
    from support.render import Renderer
    from support.repository import Repository


def test_every_question_is_varied() -> None:
    """A question that is added to the questionnaire cannot be forgotten here."""
    open_questions = {name for name, question in questions().items() if not question.values}
    assert open_questions == set(REPRESENTATIVES)


def test_every_pair_is_covered() -> None:
    """The array holds each pair of values of each two factors; the generator's word is not taken for it."""
    rows = covering_array()
    for (first, ones), (second, others) in combinations(factors().items(), 2):
        met = {(json.dumps(row[first]), json.dumps(row[second])) for row in rows}
        left_out = [pair for pair in impossible() if {name for name, _ in pair} == {first, second}]
        assert len(met) == len(ones) * len(others) - len(left_out), (first, second)


@pytest.mark.parametrize("pair", impossible(), ids=str)
def test_impossible_pair_is_refused(pair: tuple[tuple[str, Any], tuple[str, Any]], render: Renderer) -> None:
    """What the array leaves out is refused, in words that name both questions."""
    claims = {"workload_kind": "statefulset"} if "storage" in dict(pair) else {}
    with pytest.raises(RefusedError) as refusal:
        render(answers({**claims, **dict(pair)}))
    leaders = {name: leader for leader, names in TOGETHER.items() for name in names}
    named = {leaders.get(field, field) for field in fields_at_fault(str(refusal.value))}
    assert {name for name, _ in pair} <= named


@pytest.mark.slow
@pytest.mark.parametrize("number", range(len(covering_array())))
def test_answers_give_a_sound_repository(
    number: int, render: Renderer, cluster_with_crds: Cluster, request: pytest.FixtureRequest
) -> None:
    """A set of the covering array is refused cleanly, or its repository passes every check."""
    count(request, "sets of answers in the covering array")
    row = covering_array()[number]
    accepted = settle(render, row, request)
    assert accepted, f"no change of one answer makes this set acceptable: {answers(row)}"
    for repository in accepted:
        count(request, "repositories rendered from them")
        count(request, "environments applied to the API server", len(repository.environments()))
        expect_none(findings(repository) or deliver(cluster_with_crds, repository), answers(row))


def settle(render: Renderer, row: dict[str, Any], request: pytest.FixtureRequest) -> list[Repository]:
    """The repository of a row; or of rows near it which together hold its pairs, but for those that are refused.

    For each factor that a refusal names, the row is tried with another value of that factor, and so on. A row with
    nothing of the first one that an accepted row does not hold already is not tried. Pairs that exclude each other
    by way of a third factor are lost too.
    """
    accepted: list[Repository] = []
    held: set[frozenset[str]] = set()
    tried: set[str] = set()

    def visit(near: dict[str, Any]) -> bool:
        """Whether the row, or one that repairs it, is accepted now or holds nothing new."""
        tried.add(json.dumps(near))
        kept = {frozenset(pair) for pair in combinations([name for name in row if near[name] == row[name]], 2)}
        if kept <= held:
            return True
        try:
            accepted.append(render(answers(near)))
        except RefusedError as refusal:
            message = str(refusal)
        else:
            held.update(kept)
            return True
        count(request, "sets refused, each with field, value and remedy")
        assert fields_at_fault(message), f"not a clean refusal of {answers(near)}:\n{message}"
        repaired = [
            any(visit(variant) for variant in variants if json.dumps(variant) not in tried)
            for _, variants in repairs(near, message)
        ]
        return any(repaired)

    visit(row)
    return accepted
