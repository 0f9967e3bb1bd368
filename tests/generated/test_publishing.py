"""What CI publishes: the image of each commit, a version once, and a chart without an environment's values.

Registries are played by files: the recipes of the Makefile call programs that stand in for docker and for Helm's push
and pull.
"""

from __future__ import annotations

import os
import tarfile
from typing import TYPE_CHECKING, Any

import pytest
from support.commands import attempt, run
from support.render import commit
from support.strict_yaml import read

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable
    from pathlib import Path

    from support.render import Renderer
    from support.repository import Repository

DOCKER = r"""#!/bin/bash
set -euo pipefail
registry=$REGISTRY/${*: -1}
case $1 in
  build) printf '%s\n' "${5#*=}" > "$REGISTRY/built" ;;
  save) cp "$REGISTRY/built" "$3" ;;
  load) cp "$3" "$REGISTRY/local" ;;
  pull) cp "${registry//[\/:]/_}" "$REGISTRY/local" ;;
  inspect) cat "$REGISTRY/local" ;;
  push) cp "$REGISTRY/local" "${registry//[\/:]/_}"; echo "pushed ${*: -1}" ;;
esac
"""
"""Of an image it keeps the revision alone, which stands for the whole."""

HELM = r"""#!/bin/bash
set -euo pipefail
case $1 in
  push) cp "$2" "$REGISTRY"; echo "pushed $2" ;;
  pull) cp "$REGISTRY/${2##*/}-$4.tgz" "$6" ;;
  *) exec "$REAL_HELM" "$@" ;;
esac
"""


@pytest.fixture
def make(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run `make` in a repository, with registries of its own."""
    for name, script in {"docker": DOCKER, "helm": HELM}.items():
        (tmp_path / "bin").mkdir(exist_ok=True)
        (tmp_path / "bin" / name).write_text(script)
        (tmp_path / "bin" / name).chmod(0o755)
    (tmp_path / "registry").mkdir()
    environment = {
        "PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}",
        "REGISTRY": str(tmp_path / "registry"),
        "REAL_HELM": run("sh", "-c", "command -v helm").strip(),
    }
    return lambda repository, *targets: attempt("make", *targets, cwd=repository.path, env=environment)


def released(render: Renderer, folder: Path, answers: dict[str, Any]) -> Repository:
    """A repository of its owner's whose first commit is version 1.2.3."""
    repository = render.loose(answers, folder)
    run("git", "init", "--quiet", cwd=repository.path)
    commit(repository.path, "Start from the template", tag="v1.2.3")
    return repository


def test_a_version_is_published_once(
    make: Callable[..., subprocess.CompletedProcess[str]], render: Renderer, tmp_path: Path
) -> None:
    """A repeated run pushes nothing; a tag that was moved fails, and names the commit that has the version."""
    repository = released(render, tmp_path / "shop", {"app_name": "shop"})
    image = "registry.example.com/platform/shop:1.2.3"
    first = make(repository, "build", "publish-image", "publish-chart")
    assert first.returncode == 0, first.stderr
    assert f"pushed {image}" in first.stdout
    assert "pushed build/shop-1.2.3.tgz" in first.stdout

    again = make(repository, "build", "publish-image", "publish-chart")
    assert again.returncode == 0, again.stderr
    assert "pushed" not in again.stdout
    assert f"{image} is published already" in again.stdout
    assert "shop-1.2.3.tgz is published already" in again.stdout

    published = run("git", "rev-parse", "HEAD", cwd=repository.path).strip()
    (repository.path / "src/app/more.py").write_text("MORE = True\n")
    commit(repository.path, "Another commit")
    run("git", "tag", "--force", "--annotate", "--message=moved", "v1.2.3", cwd=repository.path)
    moved = make(repository, "build", "publish-image")
    assert moved.returncode != 0
    assert f"{image} was published from commit {published}: tag this one with a new version" in moved.stderr
    assert "pushed" not in moved.stdout


def test_a_tag_is_published_whatever_else_its_commit_is_called(
    make: Callable[..., subprocess.CompletedProcess[str]], render: Renderer, tmp_path: Path
) -> None:
    """A release candidate becomes the version: git describes its commit by one of both, CI by the tag it runs for."""
    repository = released(render, tmp_path / "shop", {"app_name": "shop"})
    run("git", "tag", "v1.2.4", cwd=repository.path)
    for given, version in (("v1.2.4", "1.2.4"), ("v1.2.3", "1.2.3"), ("velvet", "velvet")):
        done = make(repository, "build", "publish-image", f"TAG={given}")
        assert f"pushed registry.example.com/platform/shop:{version}\n" in done.stdout
    assert "pushed build/shop-1.2.4.tgz" in make(repository, "publish-chart", "TAG=v1.2.4").stdout


def test_a_chart_is_published_once(
    make: Callable[..., subprocess.CompletedProcess[str]], render: Renderer, tmp_path: Path
) -> None:
    """Where only a chart is published, its contents tell whether it is the same."""
    answers = {"app_name": "shop", "language": "none", "image": "registry.example.com/other/shop:7"}
    repository = released(render, tmp_path / "shop", answers)
    assert make(repository, "publish-chart").returncode == 0
    assert "shop-1.2.3.tgz is published already" in make(repository, "publish-chart").stdout
    values = repository.chart / "values.yaml"
    values.write_text(values.read_text() + "# Changed.\n")
    commit(repository.path, "Another commit")
    changed = make(repository, "publish-chart", "TAG=1.2.3")
    assert changed.returncode != 0
    assert "shop-1.2.3.tgz was published with other contents: tag this one with a new version" in changed.stderr


def test_chart_leaves_out_what_an_environment_says(render: Renderer, tmp_path: Path) -> None:
    """The package has no values-ENV.yaml; package and checkout are rendered with them, by their paths."""
    repository = render.loose({"app_name": "shop"}, tmp_path / "shop")
    values = repository.chart / "values-dev.yaml"
    values.write_text('image: {tag: "7.7"}\n')
    run("helm", "package", repository.chart, "--destination", tmp_path)
    packed = next(tmp_path.glob("*.tgz"))
    with tarfile.open(packed) as package:
        names = package.getnames()
    assert "shop/values.yaml" in names
    assert not [name for name in names if "/values-" in name]
    texts = [run("helm", "template", "shop", chart, "--values", values) for chart in (repository.chart, packed)]
    assert texts[0] == texts[1]
    assert "/shop:7.7" in texts[0]


def test_no_route_no_host(render: Renderer, tmp_path: Path) -> None:
    """What an environment's values still say of a route that is gone is told to nobody."""
    repository = render.loose({"app_name": "shop", "expose": "none"}, tmp_path / "shop")
    values = repository.chart / "values-dev.yaml"
    values.write_text("workloads: {main: {expose: {hostname: old.example.com}}}\n")
    text = run("helm", "install", "shop", repository.chart, "--dry-run=client", "--values", values)
    assert "is installed in" in text
    assert "https://old.example.com" not in text
    found = [path for path in repository.path.rglob("*") if path.is_file() and "shop.example.com" in path.read_text()]
    assert found == []


@pytest.mark.parametrize("language", ["python", "none"])
def test_each_commit_of_the_default_branch_has_its_run(language: str, render: Renderer) -> None:
    """GitHub ends, or leaves out, only runs of one group; GitLab only the pipelines of a merge request."""
    beside = {"image": "registry.example.com/other/shop:7"} if language == "none" else {}
    answers = {"app_name": "shop", "language": language, **beside}
    github = read(render({**answers, "ci": "github"}).path / ".github/workflows/ci.yml")[0]
    group = github["concurrency"]["group"]
    assert group == "ci-${{ github.event_name == 'pull_request' && github.ref || github.run_id }}"
    gitlab = read(render({**answers, "ci": "gitlab"}).path / ".gitlab-ci.yml")[0]
    assert gitlab["workflow"]["auto_cancel"] == {"on_new_commit": "none"}
    tags = [rule["variables"] for rule in gitlab["workflow"]["rules"] if "COMMIT_TAG" in rule["if"]]
    assert tags == [{"TAG": "$CI_COMMIT_TAG"}]
    ended = [rule for rule in gitlab["workflow"]["rules"] if "auto_cancel" in rule]
    assert [rule["if"] for rule in ended] == ['$CI_PIPELINE_SOURCE == "merge_request_event"']
    # The run of a branch and that of a tag, pushed together, do not publish the same name.
    named = {
        "python": "${{ github.ref_type == 'branch' && github.sha || github.ref_name }}",
        "none": "${{ github.ref_type == 'tag' && github.ref_name || '' }}",
    }
    assert github["env"] == {"TAG": named[language]}
