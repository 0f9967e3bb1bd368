"""What a generated repository's own scripts say about it, asked in this process: they take their time to start."""

from __future__ import annotations

import importlib
import re
import sys
from functools import cache
from typing import TYPE_CHECKING, Any

from support.questionnaire import golden_path
from support.sandbox import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from support.repository import Repository

SCRIPTS = ROOT / "template/project/deploy"


@cache
def script(name: str) -> Any:
    """One of the scripts, which stand beside each other and import each other by name."""
    sys.path.insert(0, str(SCRIPTS))
    try:
        return importlib.import_module(name)
    finally:
        sys.path.remove(str(SCRIPTS))


def check(repository: Repository) -> list[str]:
    """What `make check` and `make compare` would find, in every environment, but for the comparison itself."""
    return [
        f"{environment}: {line}"
        for environment in repository.environments()
        for line in check_environment(repository, environment)
    ]


def check_environment(repository: Repository, environment: str) -> Iterator[str]:
    """What they would find in one environment, first in Kustomize's rendering, then in the chart's."""
    makefile = (repository.path / "Makefile").read_text()
    versions = re.findall(r"--kubernetes (\S+)", makefile.partition("KUBE_SCORE")[0])
    assert versions[1] == golden_path()["kubernetes_versions"][-1]
    nodes = re.findall(r"--nodes (\d+)", makefile)
    platform = repository.platform(environment)
    renderings = repository.kustomize(environment), repository.helm(environment)
    faults = [
        line
        for objects in (*renderings, platform)
        for item in objects
        for line in script("check").faults(item, objects, versions)
    ]
    yield from faults
    for objects in renderings:
        yield from script("compare").dangling(objects, repository.outside())
        yield from () if faults else script("quota").exceeded(objects, platform, int(nodes[0]) if nodes else 1)
    yield from script("compare").dangling(repository.helm(environment, release="blue"), repository.outside())
