"""Shortcuts for copies that are made in a test's own process. The `copier` program, which other tests run, has none.

Every copy reads the same copier.yml and compiles the same questions, paths, macros and files anew, and asks Git after
each file that it writes: most of its time. Nothing of that depends on the copy.
"""

from __future__ import annotations

import copy
import re
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
from copier import _main, _template
from jinja2 import Environment

from support.commands import run

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable
    from types import CodeType

LONG = 1000
"""Characters of a text from which it is quicker to find what was read before than to read it again."""


def take() -> None:
    """Take all of them in this process, from now on."""
    _compile_once()
    yaml.safe_load = _once(yaml.safe_load, lambda text: text if isinstance(text, str) and len(text) > LONG else None)
    _clone_once()
    _template.load_template_config = _once(_template.load_template_config, _questionnaire)
    # Copier asks Git for core.fileMode, and does nothing unless that is false, as it never is in the sandbox.
    _main.Worker._sync_git_index_executable_bit = lambda *_: None  # type: ignore[method-assign] # noqa: SLF001


def _compile_once() -> None:
    """Compile each source of Jinja once.

    What is compiled depends on the source, the template's name and the environment's syntax alone, and holds no
    state: Jinja's own bytecode caches rely on that too, but serve only templates that a loader finds, and copier
    takes no cache.
    """
    compile_anew: Any = Environment.compile
    known: dict[Any, CodeType] = {}

    def compile_once(
        environment: Environment, source: Any, name: str | None = None, filename: str | None = None, *more: Any
    ) -> Any:
        if more or not isinstance(source, str):
            return compile_anew(environment, source, name, filename, *more)
        # Copier's `yield` tag forgets here what the string before has yielded: that must happen each time.
        source = environment.preprocess(source, name, filename)
        key = (source, name, type(environment), environment.block_start_string, environment.optimized)
        if key not in known:
            known[key] = compile_anew(environment, source, name, filename)
        return known[key]

    Environment.compile = compile_once  # type: ignore[method-assign, assignment]


def _clone_once() -> None:
    """Clone each version of a template once, and keep the clone: copier reads it, and writes nothing there.

    A clone takes Git seven processes. What is no tag, or another commit than before, is cloned anew.
    """
    vcs: Any = _template
    clone_anew: Callable[..., str] = vcs.clone
    known: dict[tuple[str, str], str] = {}
    kept = tempfile.TemporaryDirectory(prefix="clones-")

    def clone_once(url: str, ref: str | None = None, location: str | None = None) -> str:
        tagged = run("git", "ls-remote", "--tags", "--", url, str(ref))
        if not tagged:
            return clone_anew(url, ref, location)
        if (url, tagged) not in known:
            folder = Path(kept.name) / str(len(known))
            folder.mkdir()
            known[url, tagged] = clone_anew(url, ref, str(folder))
        if location:
            Path(location).rmdir()  # Copier cleans up what is there.
        return known[url, tagged]

    vcs.clone = clone_once


def _once(read: Callable[..., Any], key_of: Callable[..., Hashable]) -> Callable[..., Any]:
    """A reader that reads once what has the same key, and always what has none. What it returns is the caller's."""
    known: dict[Hashable, Any] = {}

    def read_once(source: Any, *more: Any) -> Any:
        key = key_of(source)
        if key is None:
            return read(source, *more)
        if key not in known:
            known[key] = read(source, *more)
        return copy.deepcopy(known[key])

    return read_once


def _questionnaire(copier_yml: Path) -> Hashable:
    """Everything that copier reads when it reads a copier.yml."""
    text = copier_yml.read_text()
    patterns = re.findall(r"^!include (\S+)$", text, re.MULTILINE)
    included = [file for pattern in patterns for file in sorted(copier_yml.parent.glob(pattern))]
    return text, *(file.read_text() for file in included)
