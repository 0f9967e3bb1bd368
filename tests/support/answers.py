"""Sets of answers: a covering array over all that can be chosen, and representatives of all that can be written."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any

from allpairspy import AllPairs

from support.questionnaire import Question, questions

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from support.render import Answers

ABSENT = "(left to its default)"

REPRESENTATIVES: dict[str, tuple[Any, ...]] = {
    "app_name": ("shop", "a" * 40),
    "team": ("platform", "x1"),
    "description": (ABSENT, 'Sells "things": 1.30 {{ x }} ${{ y }} & <b>'),
    "namespace": (ABSENT, "sales"),
    "image": (ABSENT, "registry.example.com:5000/team/app@sha256:" + "0123456789abcdef" * 4),
    "image_repository": (ABSENT, "registry.example.com:5000/a/b_c"),
    "config": (
        ABSENT,
        {},
        {
            "LOG_LEVEL": "debug",
            "VERSION": "1.30",
            "COMMIT": "12345e7",
            "SCRIPT": "set -e\necho {{ x }}\n",
            "NONE": "",
        },
    ),
    "command": (ABSENT, ["/bin/app", "--when=* * * * *"]),
    "args": (ABSENT, ["serve", "08", "yes"]),
    "ports": (
        ABSENT,
        [{"name": "web", "containerPort": 3000}, {"name": "metrics", "containerPort": 9102}],
        [{"name": "http", "containerPort": 8080}, {"name": "dns", "containerPort": 5353, "protocol": "UDP"}],
    ),
    "probes": (
        ABSENT,
        {"readinessProbe": {"httpGet": {"path": "/ready", "port": 8080}}},
        {"livenessProbe": {"exec": {"command": ["/bin/app", "check"]}, "periodSeconds": 30}},
    ),
    "resources": (
        ABSENT,
        {"requests": {"cpu": "1", "memory": "1Gi"}, "limits": {"cpu": 2, "memory": "1.5Gi"}},
    ),
    "autoscaling": (
        ABSENT,
        False,
        {"minReplicas": 3, "maxReplicas": 40},
        {"minReplicas": 1, "maxReplicas": 1, "targetCPUUtilizationPercentage": 50},
    ),
    "replicas": (ABSENT, 1, 7),
    "hostname": (ABSENT, "www.example.org"),
    "environments": (
        ABSENT,
        ["live"],
        [
            "test",
            {
                "name": "prod",
                "namespace": "sales-live",
                "hostname": "live.example.org",
                "autoscaling": {"minReplicas": 4, "maxReplicas": 5},
            },
        ],
    ),
    "network_policy": (
        ABSENT,
        {
            "ingress": [{"from": [{"podSelector": {"matchLabels": {"app.kubernetes.io/name": "front"}}}]}],
            "egress": [
                {"to": [{"ipBlock": {"cidr": "10.0.0.0/8"}}], "ports": [{"port": 5432}]},
                {"to": [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "mail"}}}]},
            ],
        },
    ),
}
"""What stands for each answer that is written freely. The first is what most people leave."""

CLEAN_REFUSAL = re.compile(
    r"""(?:Validation\ error\ for\ question\ '(?P<field>\w+)':\ (?P<finding>.+?):\ (?P<remedy>\S.+)
        |Invalid\ choice\ for\ '(?P<choice>\w+)':\ .+\ is\ not\ in\ \[.+\])""",
    re.VERBOSE,
)
"""A refusal names the question, the value at fault, and, after a colon, what to do about it."""

CRASHES = ("has no attribute", "is undefined", "object is not", "not supported between", "No filter named", "jinja2")
"""What a validator prints when it did not refuse an answer but fell over it."""


def values(question: Question) -> tuple[Any, ...]:
    """The values that a covering array takes for a question: its choices, or the representatives."""
    if not question.values:
        return REPRESENTATIVES[question.name]
    return (ABSENT, *question.values) if question.follows else question.values


@cache
def covering_array() -> tuple[dict[str, Any], ...]:
    """Sets of answers in which each pair of values of each two questions meets at least once.

    Nothing is left out as impossible: what cannot go together, the template itself refuses.
    """
    asked = {name: question for name, question in questions().items() if len(values(question)) > 1}
    rows = AllPairs([values(question) for question in asked.values()])
    return tuple(dict(zip(asked, row, strict=True)) for row in rows)


def answers(row: Mapping[str, Any]) -> Answers:
    """A row as answers: what it leaves to its default is not given."""
    return {name: value for name, value in row.items() if value is not ABSENT}


def fields_at_fault(message: str) -> list[str]:
    """The questions that a clean refusal names, or nothing if it is not clean."""
    refusal = CLEAN_REFUSAL.fullmatch(message)
    if not refusal or any(crash in message for crash in CRASHES):
        return []
    first: str = refusal["field"] or refusal["choice"]
    others = [name for name in questions() if name != first and re.search(rf"\b{name}\b", message)]
    return [first, *others]


def repairs(row: Mapping[str, Any], message: str) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """For each question that a refusal names, the rows that differ from the refused one in that answer alone.

    If one of them per question is accepted, the array still holds every pair that the template allows: only
    the pair that was refused is gone.
    """
    for name in fields_at_fault(message):
        others = [value for value in values(questions()[name]) if value != row.get(name, ABSENT)]
        yield name, [{**row, name: value} for value in others]
