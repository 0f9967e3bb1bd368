"""The migration to v0.3.0: `python v0_3_0.py before VERSION_FROM ANSWERS_FILE`, then the same with `after`."""

from __future__ import annotations

import re
import sys

import repository
from sections import items, sections, without

GONE = {
    "deploy/platform/ENV/quota.yaml": "deploy/platform/ENV/namespace.yaml",
    "deploy/platform/ENV/rbac.yaml": "deploy/platform/base/rbac.yaml",
}
"""Files that the template no longer writes, and where their content is now."""


def overlay(text: str, base: str) -> str:
    """An overlay as a Component: what follows from the answers is now in deploy/environments/ENV."""
    mine, former = sections(text), sections(base)
    if "kind: Kustomization" not in mine.get("kind", ""):
        return text
    if mine.get("namespace") == former.get("namespace"):
        mine.pop("namespace", None)
    for key in ("resources", "patches"):
        if key in mine:
            mine[key] = without(mine[key], former.get(key, ""))
    mine["kind"] = mine["kind"].replace("Kustomization", "Component")
    mine["apiVersion"] = mine["apiVersion"].replace("v1beta1", "v1alpha1")
    if "images" in mine:
        mine["images"] = _application(mine["images"], former.get("images", ""))
    return "".join(mine.values())


def _application(images: str, former: str) -> str:
    """The entry of the application's image, by the placeholder that the base has in its place."""
    head, entries = items(images)
    known = re.findall(r"name: .+\n", former)[:1]
    # An answer may have changed the name since: a single entry is the application's all the same.
    own = [entry for entry in entries if known and known[0] in entry] or entries * (len(entries) == 1)
    return head + "".join(
        re.sub(r"name: .+\n", "name: APPLICATION\n", entry, count=1) if entry in own else entry for entry in entries
    )


def values(text: str, base: str) -> str:
    """The values of an environment without those that follow from the answers and that nobody has changed."""
    former = sections(base)
    return "".join(lines for key, lines in sections(text).items() if key == "image" or lines != former.get(key))


def main(stage: str, version: str, answers_file: str) -> None:
    """Look, or settle."""
    if stage == "before":
        with repository.former(version, answers_file) as folder:
            repository.look(folder)
    else:
        converted = {"deploy/overlays/*/kustomization.yaml": overlay, "deploy/chart/values-*.yaml": values}
        repository.settle(GONE, converted, answers_file)


if __name__ == "__main__":
    main(*sys.argv[1:])
