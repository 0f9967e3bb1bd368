"""What Kustomize and Helm make of this application, read as Kubernetes reads it."""

import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import yaml

DEPLOY = Path(__file__).parent
CHART = DEPLOY / "chart"
# What an environment consists of: first what the answers make of it.
PARTS = (
    "environments/{}/kustomization.yaml",
    "overlays/{}/kustomization.yaml",
    "chart/values-{}.yaml",
    "platform/{}/kustomization.yaml",
)
# What YAML takes for something else, in lower case, in upper case and with a capital.
WORDS: dict[str, bool | None] = {"": None, "~": None, "null": None}
WORDS |= dict.fromkeys(("y", "yes", "on", "true"), True)
WORDS |= dict.fromkeys(("n", "no", "off", "false"), False)
FLOAT = re.compile(r"[-+]?(\.\d+|\d+(\.\d*)?)([eE][-+]?\d+)?", re.ASCII)

Manifest = dict[str, Any]


class BrokenError(Exception):
    """Why something cannot be rendered or read, in one line."""


class Loader(yaml.CSafeLoader):
    """Reads bare words as kubectl and Helm do: y is true, 0o17 is 15, 1:30 is text."""

    yaml_implicit_resolvers = {"<": [("tag:yaml.org,2002:merge", re.compile("<<$"))]}  # noqa: RUF012


def scalar(loader: Loader, node: yaml.ScalarNode) -> Any:
    text: str = node.value
    if node.style:
        return text
    if text in (text.lower(), text.capitalize(), text.upper()) and text.lower() in WORDS:
        return WORDS[text.lower()]
    if not re.match(r"[-+.\d]", text, re.ASCII):
        return text
    digits = text if text.startswith(".") else text.replace("_", "")
    try:
        return int(digits, 8 if re.fullmatch("[-+]?0[0-7]+", digits) else 0)
    except ValueError:
        number = float(digits) if FLOAT.fullmatch(digits) else None
    return text if number is None else int(number) if number.is_integer() else number


Loader.add_constructor("tag:yaml.org,2002:str", scalar)
Loader.add_constructor("tag:yaml.org,2002:merge", scalar)


def run(*command: str) -> str:
    done = subprocess.run(command, cwd=DEPLOY.parent, capture_output=True, text=True)  # noqa: S603
    if done.returncode:
        raise BrokenError(f"{' '.join(command)}: {' '.join(done.stderr.split())}")
    return done.stdout


def load(text: str, source: str) -> list[Manifest]:
    try:
        found = [pruned(item) for item in yaml.load_all(text, Loader) if item]
    except yaml.YAMLError as error:
        raise BrokenError(f"{source}: {' '.join(str(error).split())}") from error
    if not all(isinstance(item, dict) for item in found):
        raise BrokenError(f"{source}: has no fields: write it like `kind: Kustomization`")
    return found


def pruned(value: Any) -> Any:
    """Without the fields that are null, which Kubernetes takes for left out."""
    if isinstance(value, dict):
        return {key: pruned(item) for key, item in value.items() if item is not None}
    return [pruned(item) for item in value] if isinstance(value, list) else value


def read(path: Path) -> Manifest:
    """The first object of a file."""
    try:
        return next(iter(load(path.read_text(), shown(path))), {})
    except OSError as error:
        raise BrokenError(f"{shown(path)}: {error.strerror}") from error


def shown(path: Path) -> str:
    return str(path.relative_to(DEPLOY.parent))


def environments() -> list[str]:
    """Whatever has one of the parts of an environment."""
    folders = [path for path in DEPLOY.glob("[eop]*/*") if path.is_dir()]
    values = [path.stem.removeprefix("values-") for path in CHART.glob("values-*.yaml")]
    return sorted({path.name for path in folders} - {"base"} | set(values))


def kustomize(part: str, environment: str) -> str:
    return run("kubectl", "kustomize", f"deploy/{part}/{environment}")


def helm(environment: str, namespace: str, *options: str, release: str = "") -> str:
    files = (
        DEPLOY / "environments" / environment / "values.yaml",
        CHART / f"values-{environment}.yaml",
    )
    values = [f"--values={shown(file)}" for file in files if file.exists()]
    name = release or str(read(CHART / "Chart.yaml")["name"])
    template = ["helm", "template", name, shown(CHART), f"--namespace={namespace}"]
    return run(*template, *values, *options)


def namespace_of(objects: list[Manifest]) -> str:
    names = (item.get("metadata", {}).get("namespace") for item in objects)
    return next(filter(None, names), "default")


def whole(environment: str) -> None:
    paths = [DEPLOY / part.format(environment) for part in PARTS]
    missing = [shown(path) for path in paths if not path.exists()]
    if paths[0].exists() and missing:
        raise BrokenError(f"there is no {' and no '.join(missing)}: restore it")
    if missing:
        rest = [path.parent if path.name == "kustomization.yaml" else path for path in paths]
        left = " and ".join(shown(path) for path in rest if path.exists())
        remedy = f"add it to the answer, or remove {left}" if left else "name another"
        raise BrokenError(f"is none of the answer environments: {remedy}")


def each_environment(
    asked: list[str], found: Callable[[str], Iterator[str]], good: str, bad: str
) -> None:
    """Print what is found in each environment, or in those that are asked for."""
    failed = False
    for environment in asked or environments():
        lines: list[str] = []
        try:
            whole(environment)
            lines += found(environment)
        except BrokenError as error:
            lines.append(f"  {error}")
        print(f"{environment}: {bad if lines else good}", *lines, sep="\n")
        failed |= bool(lines)
    sys.exit(failed)
