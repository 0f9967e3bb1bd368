"""Everything that must hold for a generated repository, whatever the answers: one list of what does not."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from support import linters, own_checks, parity, relations
from support.relations import environments, names, rolling

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from support.repository import Repository

CHECKS: dict[str, Callable[[Repository], list[str]]] = {
    "strict YAML": linters.ambiguous_yaml,
    "other formats": linters.broken_files,
    "left-overs of the template": linters.left_overs,
    "yamllint": linters.yamllint,
    "helm lint": linters.helm_lint,
    "parity": parity.check,
    "relations": relations.check_repository,
    "environments": environments.check,
    "names of releases": names.check,
    "configuration changes": rolling.check,
    "own checks": own_checks.check,
    "schemas": linters.kubeconform,
    "kube-score": linters.kube_score,
}
"""What needs no cluster. The order is that of understanding: what is broken first explains what fails later."""


WHATEVER_THE_WORDS = frozenset(CHECKS) - {"left-overs of the template", "kube-score"}
"""What holds also where an answer contains the template's own delimiters, or leaves advice aside."""


def findings(repository: Repository, names: Collection[str] = CHECKS.keys()) -> list[str]:
    """Everything that is wrong, each line with the check that found it."""
    return [f"[{name}] {line}" for name, check in CHECKS.items() if name in names for line in check(repository)]


def expect_none(found: Sequence[str], answers: Any) -> None:
    """Fail with what was found, and with the answers that lead there."""
    if found:
        pytest.fail("\n".join([*found, f"with the answers {json.dumps(answers)}"]), pytrace=False)
