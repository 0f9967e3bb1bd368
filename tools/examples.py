"""Write docs/examples/README.md from the files of answers beside it, or check that it is current.

    PYTHONPATH=tests:tools python -m examples [--check]

Each file is rendered, and the page lists the objects that come out of it. Its first line, a comment, is its title;
its name begins with the section that it belongs to. The check takes a second, because it renders nothing: that the
page lists the right objects, and that they are good, is for tests/docs/test_examples.py.
"""

from __future__ import annotations

import argparse
import difflib
import os
import re
import sys
import tempfile
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import plumbum
import toolbox
import yaml
from support import parity, sandbox, shortcuts
from support.objects import POD_TEMPLATES, Key, key
from support.render import COPIED_FROM, Renderer, stage

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from support.repository import Repository

FOLDER = sandbox.ROOT / "docs" / "examples"
PAGE = FOLDER / "README.md"

SECTIONS = {
    "kind": "Workload kinds",
    "several": "Several workloads",
    "network": "Network",
    "containers": "Containers",
    "configuration": "Configuration",
    "scheduling": "Scheduling",
    "storage": "Storage",
}
"""What the page is divided into, by the word with which a file's name begins."""

ENVIRONMENT = "prod"
"""The one environment that is rendered: the base is the same with more of them."""

ALWAYS = ("ServiceAccount", "NetworkPolicy")
"""Objects of the application's name that every base has."""

PLATFORM = ("Namespace", "ResourceQuota", "LimitRange", "Role", "RoleBinding")
"""What every environment's platform objects are."""

INTRODUCTION = f"""\
# Examples

<!-- Written by tools/examples.py from the files of answers in this folder; `make docs` writes it anew. -->

Each example is a file of answers, and the table of its section lists the objects that it gives. The test run renders
each, compares its Kustomize base with its chart, and gives the objects of an environment to a real API server.

```sh
copier copy --defaults --data-file answers.yml https://git.example.com/platform/k8s-app-template.git shop
```

Where an example has no `app_name`, the folder's name is taken: `shop`. Not listed is what every example has:
{", ".join(ALWAYS)} of the application's name and, in every environment,
{", ".join(PLATFORM)}. What else a cluster operator applies is marked *platform*.
Kustomize puts a hash after the names of ConfigMaps. The [reference](../reference/questions.md) has all questions.
"""


def files() -> list[Path]:
    """The examples, in the order of the page."""
    sections = list(SECTIONS)
    return sorted(FOLDER.glob("*.answers.yml"), key=lambda file: (sections.index(section_of(file)), file.name))


def section_of(file: Path) -> str:
    """The word that an example's name begins with."""
    return file.name.partition("-")[0]


def title_of(file: Path) -> str:
    """What an example shows, which is its first line."""
    return file.read_text().partition("\n")[0].removeprefix("# ")


def answers_of(file: Path) -> dict[str, Any]:
    """What is rendered of an example: its answers, for one environment."""
    answers: dict[str, Any] = yaml.safe_load(file.read_text())
    return {**answers, "environments": [ENVIRONMENT]}


def row(file: Path, repository: Repository) -> str:
    """An example's row in the table of its section."""
    base = [key(each) for each in parity.without_hash_suffixes(repository.kustomize())]
    platform = [key(each) for each in repository.platform(ENVIRONMENT)]
    found = [*_without(base, {Key(kind, repository.name) for kind in ALWAYS})]
    more = [each for each in platform if each.kind not in PLATFORM]
    objects = [*_named(found, ""), *_named(more, " (*platform*)")]
    return f"| {_link(file)} | {', '.join(objects)} |"


def _without(found: Sequence[Key], always: set[Key]) -> Iterator[Key]:
    """The objects that are worth a mention."""
    if absent := always.difference(found):
        raise AssertionError(f"{absent} should be in every base, as {PAGE.name} says")
    return (each for each in found if each not in always)


def _named(objects: Sequence[Key], remark: str) -> Iterator[str]:
    """The names of objects by kind: first what makes pods, then the rest by the alphabet."""
    kinds: dict[str, list[str]] = {}
    for each in sorted(objects):
        kinds.setdefault(each.kind, []).append(f"`{each.name}`")
    order = list(POD_TEMPLATES)
    for kind in sorted(kinds, key=lambda kind: (order.index(kind) if kind in order else len(order), kind)):
        yield f"{kind} {' '.join(kinds[kind])}{remark}"


def listed() -> dict[Path, str]:
    """The rows that the page has now; an example that it does not have gets an empty one."""
    lines = PAGE.read_text().splitlines()
    return {file: next((line for line in lines if line.startswith(f"| {_link(file)} ")), "") for file in files()}


def _link(file: Path) -> str:
    """A link to the heading of an example."""
    return f"[{title_of(file)}](#{_anchor(title_of(file))})"


def _anchor(heading: str) -> str:
    """What GitHub calls a heading."""
    return re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")


def page(rows: Mapping[Path, str]) -> str:
    """The page, from the rows of all examples."""
    parts = [INTRODUCTION]
    for section, heading in SECTIONS.items():
        of_section = [file for file in rows if section_of(file) == section]
        table = ["| example | objects that come out |", "|---|---|", *(rows[file] for file in of_section)]
        parts.append(f"## {heading}\n\n" + "\n".join(table) + "\n")
        parts += [_answers(file) for file in of_section]
    return "\n".join(parts)


def _answers(file: Path) -> str:
    """An example with its title as a heading, and the link to its file."""
    text = file.read_text().partition("\n")[2]
    return f"### {title_of(file)}\n\n```yaml\n{text}```\n\n[{file.name}]({file.name})\n"


def rendered() -> dict[Path, str]:
    """The rows of all examples, rendered from the working tree by as many processes as there are processors."""
    with tempfile.TemporaryDirectory() as folder:
        staged = stage(Path(folder, "template"), *COPIED_FROM)
        with ProcessPoolExecutor(initializer=_enter, initargs=(Path(folder), staged)) as pool:
            return dict(zip(files(), pool.map(_row, files()), strict=True))


def _enter(folder: Path, staged: Path) -> None:
    """Give this process a sandbox and a renderer of its own."""
    global _render  # noqa: PLW0603 - a process of a pool is given what it needs in this way
    shortcuts.take()
    own = folder / str(os.getpid())
    os.environ.update(sandbox.enter(own / "sandbox", staged, toolbox.bin_dir()))
    plumbum.local.env.update(os.environ)
    _render = Renderer(own / "rendered")


_render: Renderer


def _row(file: Path) -> str:
    return row(file, _render(answers_of(file)))


def main() -> None:
    """Write the page, or compare it."""
    parser = argparse.ArgumentParser(description="The page of examples")
    parser.add_argument("--check", action="store_true", help="change nothing; fail if the page has other answers")
    check = parser.parse_args().check
    wanted = page(listed() if check else rendered())
    if not check:
        PAGE.write_text(wanted)
    elif (found := PAGE.read_text()) != wanted:
        difference = difflib.unified_diff(found.splitlines(), wanted.splitlines(), "found", "wanted", lineterm="")
        sys.exit("\n".join([*difference, f"{PAGE.relative_to(sandbox.ROOT)} is not current: run `make docs`"]))


if __name__ == "__main__":
    main()
