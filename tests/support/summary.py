"""Tells at the end of a run how much of the answer space and of the updates was tried, and how long it took."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pytest

SECTIONS = ("answer space", "updates")
"""What is counted, each under a title of its own; it marks the properties of a test that are counted here."""


def count(request: pytest.FixtureRequest, what: str, number: int = 1, section: str = SECTIONS[0]) -> None:
    """Add to a number that the summary shows. It travels with the test's report, also from another process."""
    request.node.user_properties.append((f"{section}: {what}", number))


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Print one line for each number, and the time that the tests which counted have taken together."""
    reports = [each for some in terminalreporter.stats.values() for each in some]
    for section in SECTIONS:
        _print_section(terminalreporter, section, reports)


def _print_section(terminalreporter: Any, section: str, reports: list[Any]) -> None:
    prefix = f"{section}: "
    numbers: Counter[str] = Counter()
    seconds = 0.0
    for report in reports:
        counted = [item for item in getattr(report, "user_properties", []) if item[0].startswith(prefix)]
        if counted and getattr(report, "when", "") == "call":
            seconds += report.duration
            for name, number in counted:
                numbers[name] += number
    if numbers:
        terminalreporter.section(f"{section}, {seconds:.0f} s of work")
    for name, number in numbers.items():
        terminalreporter.write_line(f"{number:5} {name.removeprefix(prefix)}")
