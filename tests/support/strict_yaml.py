"""Reads YAML as the strictest of its readers would, and refuses what two readers understand differently.

Helm and kubectl read YAML 1.1 (`on` is a boolean, `010` is eight), editors and newer tools read YAML 1.2
(`on` is a string, `010` is ten, `1e3` is a number). A manifest is sound when every reader sees one thing.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any

import yaml
from ruamel.yaml import YAML

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class AmbiguousYAMLError(AssertionError):
    """The text is refused by a reader, or read differently by two of them."""


class _YAML11(yaml.CSafeLoader):
    """YAML 1.1 in full, where PyYAML stops short: `y` and `n` are booleans, a key may come only once."""


def _unique_mapping(loader: _YAML11, node: yaml.MappingNode) -> dict[Any, Any]:
    seen: set[Any] = set()
    for key_node, _ in node.value:
        key = loader.construct_object(key_node, deep=True)
        if key in seen:
            raise AmbiguousYAMLError(f"duplicate key {key!r}{key_node.start_mark}")
        seen.add(key)
    return yaml.SafeLoader.construct_mapping(loader, node, deep=True)


_YAML11.add_constructor("tag:yaml.org,2002:map", _unique_mapping)
_YAML11.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile("^[yYnN]$"), list("yYnN"))


def _boolean(loader: _YAML11, node: yaml.ScalarNode) -> bool:
    return node.value in "yY" if len(node.value) == 1 else bool(loader.construct_yaml_bool(node))


_YAML11.add_constructor("tag:yaml.org,2002:bool", _boolean)


def _refuse_timestamp(_loader: _YAML11, node: yaml.ScalarNode) -> str:
    raise AmbiguousYAMLError(f"bare date {node.value!r}{node.start_mark}")


_YAML11.add_constructor("tag:yaml.org,2002:timestamp", _refuse_timestamp)


def difference(left: Any, right: Any, where: str = "") -> str | None:
    """Where two parsed values differ in type or content, or None. `True` is not `1`, `1` is not `1.0`."""
    if type(left) is not type(right):
        return f"{where or '(root)'}: {left!r} or {right!r}"
    if isinstance(left, dict) and list(map(repr, left)) == list(map(repr, right)):
        return _first(difference(left[key], right[key], f"{where}.{key}") for key in left)
    if isinstance(left, list) and len(left) == len(right):
        pairs = enumerate(zip(left, right, strict=True))
        return _first(difference(a, b, f"{where}[{i}]") for i, (a, b) in pairs)
    same = left == right or repr(left) == repr(right) == "nan"
    return None if same else f"{where or '(root)'}: {left!r} or {right!r}"


def _first(candidates: Iterator[str | None]) -> str | None:
    return next((found for found in candidates if found is not None), None)


def parse(text: str, name: str = "text", *, quoted_on: bool = False) -> list[Any]:
    """Every document of `text`, empty ones left out.

    `quoted_on` is for GitHub workflows, whose key `on` GitHub reads as a string (YAML 1.2) and everybody
    writes bare: it is quoted before the readers are compared.
    """
    if quoted_on:
        text = _with_quoted_on(text)
    try:
        old = list(yaml.load_all(text, Loader=_YAML11))
        reader = YAML(typ="safe", pure=True)
        reader.version = (1, 2)
        new = [_plain(document) for document in reader.load_all(text)]
    except AmbiguousYAMLError as error:
        raise AmbiguousYAMLError(f"{name}: {error}") from None
    except Exception as error:
        raise AmbiguousYAMLError(f"{name}: {error}") from error
    found = difference([item for item in old if item is not None], [item for item in new if item is not None])
    if found:
        raise AmbiguousYAMLError(f"{name}: YAML 1.1 and 1.2 disagree at {found}")
    return [item for item in old if item is not None]


def _with_quoted_on(text: str) -> str:
    return re.sub("^on:", '"on":', text, flags=re.MULTILINE)


def parse_printed(text: str, name: str = "text") -> list[Any]:
    """As `parse`, for what a program has printed: its structure is the same to every reader, its scalars may not be.

    Much faster: each distinct scalar is read once, and a program prints the same ones again and again.
    """
    loader = _YAML11(text)
    documents = []
    try:
        while loader.check_node():
            node = loader.get_node()
            assert node is not None
            _scalars_are_plain(node)
            documents.append(loader.construct_document(node))
    except AmbiguousYAMLError as error:
        raise AmbiguousYAMLError(f"{name}: {error}") from None
    except yaml.YAMLError as error:
        raise AmbiguousYAMLError(f"{name}: {error}") from error
    finally:
        loader.dispose()
    return [document for document in documents if document is not None]


def _scalars_are_plain(root: yaml.Node) -> None:
    waiting = [root]
    while waiting:
        node = waiting.pop()
        if isinstance(node, yaml.MappingNode):
            waiting += [each for pair in node.value for each in pair]
        elif isinstance(node, yaml.SequenceNode):
            waiting += node.value
        elif isinstance(node, yaml.ScalarNode) and not node.style and (found := _disagreement(node.value)):
            raise AmbiguousYAMLError(f"YAML 1.1 and 1.2 disagree at {found}{node.start_mark}")


@cache
def _disagreement(scalar: str) -> str | None:
    """How the two versions read a scalar without quotes, where they differ."""
    try:
        parse(f"- {scalar}")
    except AmbiguousYAMLError as error:
        return str(error)
    return None


def _plain(value: Any) -> Any:
    """Ruamel's containers as plain ones."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value


def read(path: Path) -> list[Any]:
    """Every document of a file, which was checked as a text, or is what a program has written."""
    text = path.read_text()
    return parse_printed(_with_quoted_on(text) if path.parent.name == "workflows" else text, str(path))
