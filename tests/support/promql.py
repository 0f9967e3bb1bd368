"""PromQL: what an expression selects, by a real parser, and what it would say of a handful of series.

Only what the alerts use can be evaluated. A range is not: a series that is given stands for what `rate` and the like
would make of it.
"""

from __future__ import annotations

import operator
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import promql_parser as promql

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

ARITHMETIC: dict[str, Callable[[float, float], float]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
}
COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    ">": operator.gt,
    "<": operator.lt,
    ">=": operator.ge,
    "<=": operator.le,
}
AGGREGATIONS: dict[str, Callable[[Iterable[float]], float]] = {"sum": sum, "max": max, "min": min}


@dataclass(frozen=True)
class Series:
    """A metric's name, its labels and its value now."""

    name: str
    labels: Mapping[str, str]
    value: float

    def key(self, on: Sequence[str] | None) -> tuple[tuple[str, str], ...]:
        """The labels by which it is matched: those of `on`, or all."""
        return tuple(sorted((k, v) for k, v in self.labels.items() if on is None or k in on))


def selectors(expression: str) -> list[promql.VectorSelector]:
    """Every selector of an expression, as it is written. Raises ValueError for what is no PromQL."""
    found: list[promql.VectorSelector] = []

    def visit(node: promql.Expr) -> None:
        if isinstance(node, promql.VectorSelector):
            found.append(node)

    promql.walk(promql.parse(expression), pre_visit=visit)
    return found


def fires(expression: str, series: Sequence[Series], now: float = 0) -> list[Series]:
    """What is left of an alert's expression: it fires for each."""
    result = _evaluate(promql.parse(expression), series, now)
    if isinstance(result, float):
        raise TypeError(f"{expression} is a number, which always fires")
    return result


def selected(selector: promql.VectorSelector, series: Iterable[Series]) -> list[Series]:
    """The series that a selector selects."""
    return [each for each in series if each.name == selector.name and all(_matched(selector, each))]


def _matched(selector: promql.VectorSelector, series: Series) -> Iterator[bool]:
    for matcher in selector.matchers.matchers:
        value = series.labels.get(matcher.name, "")
        if matcher.op in (promql.MatchOp.Equal, promql.MatchOp.NotEqual):
            same = value == matcher.value
        else:
            same = re.fullmatch(matcher.value, value) is not None
        yield same if matcher.op in (promql.MatchOp.Equal, promql.MatchOp.Re) else not same


def _evaluate(node: promql.Expr, series: Sequence[Series], now: float) -> float | list[Series]:
    match node:
        case promql.NumberLiteral():
            return node.val
        case promql.ParenExpr():
            return _evaluate(node.expr, series, now)
        case promql.VectorSelector() | promql.MatrixSelector():
            return selected(node if isinstance(node, promql.VectorSelector) else node.vector_selector, series)
        case promql.Call():
            argument = _vector(node.args[0], series, now) if node.args else None
            return now if argument is None else [Series("", each.labels, each.value) for each in argument]
        case promql.AggregateExpr():
            return _aggregated(node, _vector(node.expr, series, now))
        case promql.BinaryExpr():
            return _combined(node, _evaluate(node.lhs, series, now), _evaluate(node.rhs, series, now))
    raise NotImplementedError(str(node))


def _vector(node: promql.Expr, series: Sequence[Series], now: float) -> list[Series]:
    result = _evaluate(node, series, now)
    return [Series("", {}, result)] if isinstance(result, float) else result


def _aggregated(node: promql.AggregateExpr, vector: Sequence[Series]) -> list[Series]:
    by = node.modifier.labels if node.modifier else []
    groups: dict[tuple[tuple[str, str], ...], list[float]] = {}
    for each in vector:
        groups.setdefault(each.key(by), []).append(each.value)
    return [Series("", dict(key), AGGREGATIONS[str(node.op)](values)) for key, values in groups.items()]


def _combined(
    node: promql.BinaryExpr, left: float | list[Series], right: float | list[Series]
) -> float | list[Series]:
    name = str(node.op)
    if isinstance(left, float) and isinstance(right, float):
        return ARITHMETIC[name](left, right)
    if isinstance(left, float):
        assert not isinstance(right, float)
        return _kept(name, ((each, left, each.value) for each in right))
    if isinstance(right, float):
        return _kept(name, ((each, each.value, right) for each in left))
    matching = node.modifier.matching if node.modifier else None
    on = matching.labels if matching else None
    keys = {each.key(on) for each in right}
    if name in ("and", "unless"):
        return [each for each in left if (each.key(on) in keys) == (name == "and")]
    if name == "or":
        taken = {each.key(on) for each in left}
        return left + [each for each in right if each.key(on) not in taken]
    for side in (left, right):
        assert len({each.key(on) for each in side}) == len(side), f"{node} matches many to many"
    beside = {each.key(on): each.value for each in right}
    return _kept(name, ((each, each.value, beside[each.key(on)]) for each in left if each.key(on) in beside))


def _kept(name: str, pairs: Iterable[tuple[Series, float, float]]) -> list[Series]:
    """What a comparison leaves of its left side, or the results of a computation."""
    if name in COMPARISONS:
        return [Series(each.name, each.labels, a) for each, a, b in pairs if COMPARISONS[name](a, b)]
    return [Series("", each.labels, ARITHMETIC[name](a, b)) for each, a, b in pairs]
