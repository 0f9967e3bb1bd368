"""Print what a terminal of 80 columns shows: each question that is asked, and each refusal of a fixture at a prompt.

PYTHONPATH=tests python -m questionnaire.seen
"""

from __future__ import annotations

import sys
from pathlib import Path

import yaml
from questionnaire.interview import prompted, seen
from support.questionnaire import asked, help_texts, labels, typed


def table() -> str:
    """The questions in their order, each with its help, its choices or its refusals."""
    told = [
        fixture["message"].removeprefix("ValueError: ")
        for path in sorted((Path(__file__).parent / "invalid").glob("*.yml"))
        for fixture in yaml.safe_load(path.read_text()).values()
    ]
    blocks = []
    for name in asked():
        refusals = sorted({seen(text) for text in told if name in typed() and text.startswith(prompted(name, ""))})
        blocks.append("\n".join([f"🎤 {help_texts()[name]}", *(f" » {label}" for label in labels(name)), *refusals]))
    return "\n\n".join(blocks) + "\n"


if __name__ == "__main__":
    sys.stdout.write(table())
