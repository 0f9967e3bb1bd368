"""Edits YAML files of a user's by their top-level keys, so that comments, order and style stay as they are."""

from __future__ import annotations

import re
from itertools import pairwise


def sections(text: str) -> dict[str, str]:
    """The lines of each top-level key; comments above a key go with it, and those at the end under `#`."""
    found: dict[str, str] = {}
    key, comments = "", ""
    for line in text.splitlines(keepends=True):
        if match := re.match(r"([^\s#-][^:]*):", line):
            key = match[1]
        elif line.startswith("#") or not line.strip():
            comments += line
            continue
        found[key] = found.get(key, "") + comments + line
        comments = ""
    return {**found, "#": comments}


def items(section: str) -> tuple[str, list[str]]:
    """The head of a list, and the lines of each of its items."""
    starts = list(re.finditer(r"^( *)- ", section, re.MULTILINE))
    outer = [match.start() for match in starts if match[1] == starts[0][1]]
    bounds = [*outer, len(section)]
    return section[: bounds[0]], [section[start:end] for start, end in pairwise(bounds)]


def without(section: str, other: str) -> str:
    """A list without the items of another one; nothing, if none is left."""
    head, mine = items(section)
    left = [item for item in mine if item.rstrip() not in {theirs.rstrip() for theirs in items(other)[1]}]
    return head + "".join(left) if left else ""
