"""The strict reader refuses what two readers would understand differently, and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from support.strict_yaml import AmbiguousYAMLError, parse, parse_printed

if TYPE_CHECKING:
    from collections.abc import Callable

READERS = pytest.mark.parametrize("reader", [parse, parse_printed])

AMBIGUOUS = (
    *("12345e7", "1e3", "08", "010", "0o17", "1:30", "1e+3"),  # a number here, a string or another number there
    *("y", "N", "yes", "no", "on", "off"),  # booleans of YAML 1.1
    *("2025-08-11", "2001-12-14t21:59:43.10-05:00", "=", "<<"),
)

CLEAR: dict[str, Any] = {
    "1.30": 1.3,
    "0x1": 1,
    "true": True,
    "~": None,
    "'12345e7'": "12345e7",
    '"yes"': "yes",
    "'2025-08-11'": "2025-08-11",
    "plain text": "plain text",
}


@READERS
@pytest.mark.parametrize("value", AMBIGUOUS)
def test_bare_value_that_reads_in_two_ways_is_refused(value: str, reader: Callable[..., list[Any]]) -> None:
    """A bare scalar on whose meaning YAML 1.1 and 1.2 disagree."""
    with pytest.raises(AmbiguousYAMLError):
        reader(f"key: {value}\n")


@READERS
@pytest.mark.parametrize("value", AMBIGUOUS)
def test_quotes_make_it_clear(value: str, reader: Callable[..., list[Any]]) -> None:
    """The same, quoted, is one string for everybody."""
    assert reader(f'key: "{value}"\n') == [{"key": value}]


@READERS
@pytest.mark.parametrize("value", CLEAR)
def test_clear_value_is_read(value: str, reader: Callable[..., list[Any]]) -> None:
    """What every reader understands alike."""
    assert reader(f"key: {value}\n") == [{"key": CLEAR[value]}]


@READERS
@pytest.mark.parametrize("text", ["a: 1\na: 2\n", "a:\n  b: 1\n  b: 1\n", "- {a: 1, a: 1}\n"])
def test_duplicate_key_is_refused(text: str, reader: Callable[..., list[Any]]) -> None:
    """The last of two equal keys wins in silence: one of them is a mistake."""
    with pytest.raises(AmbiguousYAMLError, match="duplicate key"):
        reader(text)


@READERS
def test_broken_text_is_refused_by_its_name(reader: Callable[..., list[Any]]) -> None:
    """The message says which file does not parse."""
    with pytest.raises(AmbiguousYAMLError, match=r"deploy/x\.yaml"):
        reader("a: [", "deploy/x.yaml")


def test_trigger_of_a_workflow_may_stand_bare() -> None:
    """GitHub's key `on` is a string for GitHub, wherever else it would be a boolean."""
    assert parse("on:\n  push: {}\n", quoted_on=True) == [{"on": {"push": {}}}]
    with pytest.raises(AmbiguousYAMLError):
        parse("on:\n  push: {}\n")


@READERS
def test_empty_documents_are_left_out(reader: Callable[..., list[Any]]) -> None:
    """Helm writes a separator where a template yields nothing."""
    assert reader("---\n---\na: 1\n---\n") == [{"a": 1}]
