"""The migration to v0.3.0: `python v0_3_0.py before VERSION_FROM ANSWERS_FILE`, then the same with `after`."""

from __future__ import annotations

import sys

import repository

GONE = {
    "deploy/platform/ENV/quota.yaml": "deploy/platform/ENV/namespace.yaml",
    "deploy/platform/ENV/rbac.yaml": "deploy/platform/base/rbac.yaml",
}
"""Files that the template no longer writes, and where their content is now."""


def before(version: str, answers_file: str) -> None:
    """See what its owner has edited."""
    with repository.former(version, answers_file) as folder:
        repository.remember_edits(folder)


def after() -> None:
    """Show what copier has taken away."""
    repository.keep_edits(GONE)


if __name__ == "__main__":
    stage, version_from, answers = sys.argv[1:]
    if stage == "before":
        before(version_from, answers)
    else:
        after()
