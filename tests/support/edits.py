"""What people do to a generated repository between two updates, and whether an update has kept it."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from support.trees import tree

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

Tree = dict[str, str]


@dataclass(frozen=True)
class Edit:
    """One kind of edit. It must fit a repository of any version, or leave alone what has no place for it."""

    name: str
    apply: Callable[[Path], None]


def _first(root: Path, *patterns: str, holds: str = "") -> Path | None:
    """The first file of some patterns that holds what an edit is about."""
    paths = (path for pattern in patterns for path in sorted(root.glob(pattern)) if path.is_file())
    return next((path for path in paths if re.search(holds, path.read_text(), re.MULTILINE)), None)


def changed(name: str, patterns: Iterable[str], old: str = "", new: str = "", end: str = "") -> Edit:
    """A line replaced and lines added at the end, in the first file of some patterns that has that line."""

    def apply(root: Path) -> None:
        if path := _first(root, *patterns, holds=old):
            text = path.read_text()
            path.write_text((re.sub(old, new, text, count=1, flags=re.MULTILINE) if old else text) + end)

    return Edit(name, apply)


def deleted(name: str, *patterns: str) -> Edit:
    """A file that somebody did not want."""

    def apply(root: Path) -> None:
        if path := _first(root, *patterns):
            path.unlink()

    return Edit(name, apply)


def renamed(name: str, old: str, new: str) -> Edit:
    """A file that somebody wanted elsewhere."""

    def apply(root: Path) -> None:
        if (root / old).exists():
            (root / old).rename(root / new)

    return Edit(name, apply)


def added(name: str, path: str) -> Edit:
    """A file of one's own."""

    def apply(root: Path) -> None:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(f"# Our own {path}.\n")

    return Edit(name, apply)


def marked(path: str) -> Edit:
    """A line of one's own at the end of a file."""
    return changed(path, [path], end=f"# Our own end of {path}.\n")


PROGRAMS = [f"src/app/{name}.py" for name in ("web", "worker", "datastore", "agent", "logs", "task")]
WORKLOADS = [f"deploy/base/{kind}.yaml" for kind in ("deployment", "statefulset", "daemonset", "job", "cronjob")]

EDITS = (
    changed(
        "overlay",
        ["deploy/overlays/prod/kustomization.yaml"],
        "newTag: .*",
        "newTag: 1.2.3-ours",
        end="commonAnnotations:\n  example.com/owner: ours\n",
    ),
    changed(
        "values-ENV",
        ["deploy/chart/values-prod.yaml"],
        "tag: .*",
        "tag: 1.2.3-ours",
        end="# Our own value follows.\nnameOverride: ours\n",
    ),
    changed("own code", PROGRAMS, end='\n\ndef ours() -> str:\n    """Ours."""\n    return "ours"\n'),
    changed("shared code", ["src/app/settings.py"], end="\nOUR_LIMIT = 12\n"),
    deleted("deleted test", "tests/test_[!s]*.py"),
    changed("README section", ["README.md"], end="\n## Our own section\n\nOur own words.\n"),
    changed("Makefile target", ["Makefile"], end="\nours: ## Do what only we do\n\t@echo ours\n"),
    changed("dependency", ["pyproject.toml"], r"^dependencies = \[", 'dependencies = [\n    "our-library==1.2.3",'),
    changed(
        "CI job",
        [".github/workflows/ci.yml", ".gitlab-ci.yml"],
        end="\n  ours:\n    runs-on: our-runner\n    steps:\n      - run: make ours\n",
    ),
    changed("base against advice", WORKLOADS, "^spec:$", "spec:\n  revisionHistoryLimit: 17"),
    changed("quota", ["deploy/platform/prod/*.yaml"], r"^    services.nodeports: .*", '    services.nodeports: "7"'),
    changed(
        "rights", ["deploy/platform/base/rbac.yaml", "deploy/platform/prod/rbac.yaml"], end="# Our own rights.\n"
    ),
    changed(".gitignore", [".gitignore"], end="*.ours\n"),
    renamed("renamed file", "docs/runbook.md", "docs/operations.md"),
)
"""The kinds of edit that every release's repositories get."""


KINDS = [*(edit.name for edit in EDITS), "file that the template adds", "file that the template seeds"]

PROMOTION = changed("overlay", ["deploy/overlays/prod/kustomization.yaml"], "newTag: .*", "newTag: 1.2.3")
PROMOTED_VALUES = changed("values", ["deploy/chart/values-prod.yaml"], "tag: .*", "tag: 1.2.3")
"""What `make promote` writes."""


def arrivals(old: Tree, new: Tree, yours: Callable[[str], bool]) -> list[Edit]:
    """Files added where the template adds one later: one of its own, and one of the user's."""
    coming = sorted(set(new) - set(old))
    places = zip(KINDS[-2:], (False, True), strict=True)
    found = [(name, next((path for path in coming if yours(path) == own), "")) for name, own in places]
    return [added(name, path) for name, path in found if path]


@dataclass
class Touched:
    """What an edit did to a repository: the text of each path that it changed, before and after it."""

    edit: Edit
    before: dict[str, str | None] = field(default_factory=dict)
    after: dict[str, str | None] = field(default_factory=dict)


def apply(edits: Iterable[Edit], root: Path) -> list[Touched]:
    """Make edits one after the other. Left out are those for which the repository has no place."""
    done = []
    now = tree(root)
    for edit in edits:
        edit.apply(root)
        then, now = now, tree(root)
        paths = [path for path in sorted({*then, *now}) if then.get(path) != now.get(path)]
        if paths:
            done.append(Touched(edit, {p: then.get(p) for p in paths}, {p: now.get(p) for p in paths}))
    return done


@dataclass(frozen=True)
class Outcome:
    """What an update made of an edit."""

    verdict: str
    """`kept`, `conflict` (Git shows it), `carried` (a migration has moved the lines), or `wrong`."""

    lost: int = 0
    """Lines that were added and are nowhere, and lines or files that were removed and are back."""

    reason: str = ""


@dataclass(frozen=True)
class Updated:
    """A repository after an update, beside a fresh copy of the new version, with the same edits and without."""

    found: Tree
    conflicts: set[str]
    fresh: Tree
    expected: Tree
    yours: Callable[[str], bool]

    def judge(self, touched: Touched) -> Outcome:
        """The worst that happened to a path of an edit."""
        order = ("kept", "carried", "conflict", "wrong")
        outcomes = [self._path(path, touched.before[path], text) for path, text in touched.after.items()]
        return max(outcomes, key=lambda outcome: order.index(outcome.verdict))

    def _path(self, path: str, before: str | None, edited: str | None) -> Outcome:
        found = self.found.get(path)
        if path in self.conflicts:
            missing = _missing(before, edited, found)
            return (
                Outcome("wrong", len(missing), f"{path}: a conflict without {missing}")
                if missing
                else Outcome("conflict")
            )
        if edited is None:
            return Outcome("kept") if found is None else Outcome("wrong", 1, f"{path}: was deleted, and is back")
        # The user's own stays as it was, unless a migration has converted it.
        mine = self.yours(path) or path not in self.fresh
        if found is not None and found in (edited if mine else None, self.expected.get(path)):
            return Outcome("kept")
        everything = "\n".join(self.found.values())
        missing = _missing(before, edited, everything)
        if missing:
            return Outcome("wrong", len(missing), f"{path}: lost {missing}")
        if found == self.fresh.get(path):
            return Outcome("carried")
        back = [line for line in _removed(before, edited) if line in (found or "").splitlines()]
        return Outcome("wrong", len(back), f"{path}: is neither kept nor in conflict; back are {back}")

    def strays(self, touched: Iterable[Touched], start: Tree) -> list[str]:
        """Paths that nobody edited, and that are not as in a fresh copy; the user's own stay as they were."""
        edited = {path for each in touched for path in each.after}
        lines = {
            line for each in touched for path in each.after for line in _added(each.before[path], each.after[path])
        }
        found = []
        for path in sorted({*self.found, *self.fresh} - edited):
            want, have = self.fresh.get(path), self.found.get(path)
            mine = self.yours(path) and path in start and have == start[path]
            received = have is not None and lines & set(have.splitlines())
            if have != want and not mine and not received:
                found.append(f"{path}: {'is missing' if have is None else 'is left' if want is None else 'differs'}")
        return found


def _added(before: str | None, edited: str | None) -> list[str]:
    """The lines that an edit added, blank ones aside."""
    more = Counter((edited or "").splitlines()) - Counter((before or "").splitlines())
    return [line for line in more.elements() if line.strip()]


def _removed(before: str | None, edited: str | None) -> list[str]:
    return _added(edited, before)


def _missing(before: str | None, edited: str | None, found: str | None) -> list[str]:
    """The lines that an edit added and that are not in a text any more."""
    lines = {line.strip() for line in (found or "").splitlines()}
    return [line for line in _added(before, edited) if line.strip() not in lines]
