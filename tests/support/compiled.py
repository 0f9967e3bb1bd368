"""Lets the copies that one test process makes share what Jinja compiles.

Every copy compiles the same questions, paths, macros and files anew, which takes longer than to render them. What is
compiled depends on the source, the template's name and the environment's syntax alone, and holds no state: Jinja's
own bytecode caches rely on that too, but serve only templates that a loader finds, and copier takes no cache.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jinja2 import Environment

if TYPE_CHECKING:
    from types import CodeType


def share() -> None:
    """Compile each source once in this process, from now on."""
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
