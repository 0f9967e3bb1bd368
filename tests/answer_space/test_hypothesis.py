"""Random answers are refused with a message that helps, or arrive unchanged in a repository that is sound.

The seed is fixed, so that a run is repeatable; `make test-full` tries twice as many.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import strategies as answer
from support.answers import fields_at_fault
from support.apiserver import deliver
from support.arrivals import changed
from support.render import RefusedError
from support.strategies import some
from support.summary import count
from support.verdict import WHATEVER_THE_WORDS, expect_none, findings

if TYPE_CHECKING:
    from collections.abc import Callable

    from support.cluster import Cluster
    from support.render import Renderer

pytestmark = pytest.mark.slow

ONE_ENVIRONMENT = {"environments": ["live"]}
"""What is tried here does not depend on how many environments there are."""


@pytest.fixture
def judge(
    render: Renderer, cluster_with_crds: Cluster, request: pytest.FixtureRequest
) -> Callable[[dict[str, Any]], None]:
    """Render a set of answers and hold what must hold."""

    def hold(answers: dict[str, Any]) -> None:
        count(request, "random sets of answers")
        try:
            repository = render(answers)
        except RefusedError as refusal:
            count(request, "random sets refused, each with field, value and remedy")
            expect_none([] if fields_at_fault(str(refusal)) else [f"not a clean refusal: {refusal}"], answers)
            return
        expect_none(changed(repository, answers), answers)
        expect_none(findings(repository, WHATEVER_THE_WORDS) or deliver(cluster_with_crds, repository), answers)

    return hold


@given(texts=some(description=answer.lines, config=answer.configurations, object_metadata=answer.object_metadata))
def test_texts_of_an_application(texts: dict[str, Any], judge: Callable[[dict[str, Any]], None]) -> None:
    """Whatever is written as description, configuration or annotation reads the same wherever it arrives."""
    judge({**ONE_ENVIRONMENT, **texts})


@given(texts=some(description=answer.lines, command=answer.words, args=answer.words, probes=answer.probes))
def test_texts_of_an_image(texts: dict[str, Any], judge: Callable[[dict[str, Any]], None]) -> None:
    """Whatever is written as command, argument or probe of an existing image reads the same in its container."""
    judge({**ONE_ENVIRONMENT, "language": "none", **texts})


@given(
    names=some(
        app_name=answer.names,
        team=answer.names,
        namespace=answer.names,
        image_repository=answer.repositories,
        hostname=answer.hosts,
        environments=answer.environments,
    )
)
def test_names(names: dict[str, Any], judge: Callable[[dict[str, Any]], None]) -> None:
    """Whatever is accepted as a name, a host or a repository is one for everybody who reads it."""
    judge({**ONE_ENVIRONMENT, **names})


@given(image=answer.repositories, tag=answer.tags, port_list=answer.ports)
def test_images(image: str, tag: str, port_list: Any, judge: Callable[[dict[str, Any]], None]) -> None:
    """Whatever is accepted as an image or a port is one for the API server."""
    judge({**ONE_ENVIRONMENT, "language": "none", "image": image + tag, "ports": port_list})


@given(
    numbers=some(
        resources=answer.resources,
        autoscaling=answer.autoscaling,
        disruption_budget=answer.budgets,
        network_policy=answer.network_policies,
    ),
    claims=st.one_of(st.just({}), answer.shared_claims),
)
def test_structures(numbers: dict[str, Any], claims: dict[str, Any], judge: Callable[[dict[str, Any]], None]) -> None:
    """Whatever is accepted as resources, autoscaling, budget, network edges or claims is admitted by the server."""
    judge({**ONE_ENVIRONMENT, **numbers, **claims})
