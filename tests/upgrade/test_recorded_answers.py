"""A recorded answer that a newer version allows no more ends an update before it writes, with the reason.

Copier itself drops it, takes the default, and ends with 0.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from support.commands import attempt, run
from support.strict_yaml import read

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from support.repository import Repository
    from support.update import Updater

pytestmark = pytest.mark.slow


def replaced(path: str, old: str, new: str) -> Callable[[Path], None]:
    """An edit of the template that replaces some text, found once."""

    def edit(template: Path) -> None:
        text = (template / path).read_text()
        assert text.count(old) == 1
        (template / path).write_text(text.replace(old, new))

    return edit


STRICTER: dict[str, tuple[dict[str, Any], Callable[[Path], None], Callable[[Path], None]]] = {
    "network_policy": (
        {"network_policy": {"egress": [{"to": [{"ipBlock": {"cidr": "10.20.0.5/16"}}]}]}},
        replaced("template/macros/check_network.jinja", "elif beyond_prefix(value) | int", "elif false"),
        replaced("template/macros/check_network.jinja", "elif false", "elif beyond_prefix(value) | int"),
    ),
    "kubernetes_version": (
        {"kubernetes_version": "1.34"},
        lambda _: None,
        replaced("golden-path.yml", '["1.34", "1.35",', '["1.35",'),
    ),
    "sidecars": (
        {"sidecars": ["otel-collector", "log-shipper"]},
        lambda _: None,
        replaced("golden-path.yml", "    log-shipper:\n", "    log-forwarder:\n"),
    ),
}
"""By question: an answer, what makes an older version of the template allow it, and a newer one refuse it."""

MESSAGES = {
    "network_policy": """
        set them to 0, by --data network_policy=… (network_policy: {"egress": [{"to": […]}]} was answered before and
        is allowed no more (egress[0].to[0].ipBlock.cidr: '10.20.0.5/16' has bits set beyond its prefix; like
        10.0.0.0/8 for 10.0.0.1/8))
    """,
    "kubernetes_version": """
        choose one, by --data kubernetes_version=… (kubernetes_version: '1.34' was answered before and is allowed no
        more, as none of the choices)
    """,
    "sidecars": """
        use one of these or a Container, by --data sidecars=… (sidecars: ["otel-collector", "log-shipper"] was
        answered before and is allowed no more (sidecars[1]: 'log-shipper' is not in the catalogue; log-forwarder,
        otel-collector, oauth2-proxy, config-reloader))
    """,
}

ANEW = {
    "network_policy": {"egress": [{"to": [{"ipBlock": {"cidr": "10.20.0.0/16"}}]}]},
    "kubernetes_version": "1.36",
    "sidecars": ["otel-collector", "log-forwarder"],
}


def updated(update: Updater, repository: Repository, version: str, *data: str) -> tuple[int, str]:
    """The code with which an update ends, and its last line."""
    options = [f"--data={pair}" for pair in data]
    done = attempt(
        "copier", "update", "--defaults", f"--vcs-ref={version}", *options, repository.path, env=update.environment
    )
    return done.returncode, done.stderr.rstrip().splitlines()[-1]


@pytest.mark.parametrize("question", STRICTER)
def test_an_answer_that_is_allowed_no_more_ends_the_update(question: str, update: Updater) -> None:
    """With the reason and the remedy, and nothing is written; answered anew, the update goes through."""
    answers, loosen, tighten = STRICTER[question]
    message = " ".join(MESSAGES[question].split())
    update.release("v1.0.0", loosen)
    repository = update.copy(answers, "before", "v1.0.0")
    update.release("v2.0.0", tighten)
    assert updated(update, repository, "v2.0.0") == (
        1,
        f"ValueError: Validation error for question 'kept_answers': {message}",
    )
    assert run("git", "status", "--porcelain", cwd=repository.path) == ""
    update.update(repository, {question: ANEW[question]}, "v2.0.0")
    recorded = read(repository.path / ".copier-answers.yml")[0]
    assert recorded[question] == ANEW[question]


def test_what_means_nothing_now_is_only_refused_when_it_is_given(update: Updater) -> None:
    """A recorded answer that a later one makes meaningless ends no update; the same answer, given, does."""
    answers = {"hostname": "www.example.org", "autoscaling": False, "replicas": 3}
    repository = update.copy(answers, "before")
    update.update(repository, {"expose": "none"})
    update.update(repository, {"autoscaling": {"minReplicas": 1, "maxReplicas": 2}})
    update.update(repository, {"workload_kind": "job"})
    update.update(repository, {})
    code, line = updated(update, repository, ":current:", "autoscaling=false")
    assert code == 1
    assert line == (
        "ValueError: Validation error for question 'used_answers': take it out, or choose deployment or "
        "statefulset ('autoscaling' says nothing about workload_kind 'job')"
    )
    assert run("git", "status", "--porcelain", cwd=repository.path) == ""
