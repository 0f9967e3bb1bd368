"""Whatever a checkout holds, the scripts of a generated repository end without a traceback, and find the same."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from support import own_checks
from support.commands import attempt, run
from support.render import commit

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from subprocess import CompletedProcess

    from support.render import Renderer
    from support.repository import Repository

WITH_FILES: dict[str, Any] = {
    "monitoring": "prometheus-operator",
    "config": {"SCRIPT": "set -e\necho\n"},
    "config_files": [{"name": "settings", "mountPath": "/etc/settings", "data": {"a.ini": "a=1\nb=2\n"}}],
}


def script(repository: Repository, name: str, *arguments: str) -> CompletedProcess[str]:
    """Run one of the scripts below deploy/."""
    return attempt(sys.executable, f"deploy/{name}", *arguments, cwd=repository.path)


def leave(repository: Repository) -> None:
    """An editor's folder, which Git did not remove with the environment."""
    (repository.deploy / "overlays/old").mkdir()


def leave_values(repository: Repository) -> None:
    """The values of an environment that was renamed."""
    file = repository.chart / "values-prod.yaml"
    file.with_name("values-old.yaml").write_text(file.read_text())


def lose_values(repository: Repository) -> None:
    """Values that were deleted."""
    (repository.chart / "values-prod.yaml").unlink()


def break_overlay(repository: Repository) -> None:
    """An overlay that is no YAML."""
    (repository.deploy / "overlays/prod/kustomization.yaml").write_text("images: [\n")


def empty_overlay(repository: Repository) -> None:
    """An overlay without anything in it."""
    (repository.deploy / "overlays/prod/kustomization.yaml").write_text("")


def break_values(repository: Repository) -> None:
    """Values of another shape."""
    (repository.chart / "values-prod.yaml").write_text("workloads: []\n")


def empty_object(repository: Repository) -> None:
    """A patch that takes the fields of a Service away."""
    patch = [{"op": "replace", "path": "/spec", "value": None}]
    entry = {"target": {"kind": "Service"}, "patch": json.dumps(patch)}
    file = repository.deploy / "overlays/prod/kustomization.yaml"
    file.write_text(f"{file.read_text()}patches: {json.dumps([entry])}\n")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("spoil", "line"),
    [
        (leave, "  is none of the answer environments: add it to the answer, or remove deploy/overlays/old"),
        (
            leave_values,
            "  is none of the answer environments: add it to the answer, or remove deploy/chart/values-old.yaml",
        ),
        (lose_values, "  there is no deploy/chart/values-prod.yaml: restore it"),
        (break_overlay, "  kubectl kustomize deploy/environments/prod: error: "),
        (empty_overlay, "  kubectl kustomize deploy/environments/prod: error: "),
        (break_values, "  helm template shop deploy/chart --namespace=shop-prod "),
        (empty_object, ""),
    ],
)
@pytest.mark.parametrize("name", ["compare.py", "check.py"])
def test_broken_environment_is_one_line(
    name: str, spoil: Callable[[Repository], None], line: str, render: Renderer, tmp_path: Path
) -> None:
    """Only its own environment fails, and in one line; the others are looked at all the same."""
    repository = render.loose({}, tmp_path / "shop")
    spoil(repository)
    done = script(repository, name)
    assert (done.returncode, done.stderr) == (1, "")
    told = done.stdout.splitlines()
    assert [each[:3] for each in told if not each.startswith((" ", "-", "+", "@"))].count("dev") == 1
    if line:
        assert [each for each in told if each.startswith("  ")] == [each for each in told if each.startswith(line)], (
            done.stdout
        )
        assert sum(each.startswith(line) for each in told) == 1, done.stdout


@pytest.mark.parametrize("mark", ["<<<<<<< before updating", "||||||| last update", ">>>>>>> after updating"])
def test_conflict_that_is_left_fails_the_lint(mark: str, render: Renderer, tmp_path: Path) -> None:
    """In any file that Git knows, whatever reads it; with its line."""
    repository = render.loose({}, tmp_path / "shop")
    run("git", "init", "--quiet", cwd=repository.path)
    commit(repository.path, "Start from the template")
    run("make", "lint-conflicts", cwd=repository.path)
    runbook = repository.path / "docs/runbook.md"
    lines = runbook.read_text().splitlines()
    runbook.write_text("\n".join([*lines, mark, "a", ""]))
    done = attempt("make", "lint-conflicts", cwd=repository.path)
    assert done.returncode != 0
    assert f"docs/runbook.md:{len(lines) + 1}:{mark}" in done.stdout
    planned = run("make", "--dry-run", "lint", cwd=repository.path)
    assert "git grep" in planned


@pytest.mark.parametrize("target", ["apply", "helm-install"])
def test_comparison_comes_before_the_cluster(target: str, render: Renderer) -> None:
    """What would be applied is compared first, for the one environment."""
    planned = run("make", "--dry-run", target, "ENV=dev", "CONTEXT=none", cwd=render({}).path)
    assert 0 <= planned.index("deploy/compare.py") < planned.index("--force-conflicts")


def test_checkout_with_other_line_ends(render: Renderer, tmp_path: Path) -> None:
    """Git keeps them away; where a checkout has them all the same, the scripts find and change what they would."""
    repository = render.loose(WITH_FILES, tmp_path / "shop")
    files = [path for path in repository.deploy.rglob("*") if path.is_file()]
    for path in files:
        path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    for name in ("compare.py", "check.py"):
        done = script(repository, name)
        assert (done.returncode, done.stderr) == (0, ""), done.stdout
    assert script(repository, "promote.py", "prod", "--tag", "1.2.3").returncode == 0
    assert script(repository, "compare.py").returncode == 0
    for edited in ("overlays/prod/kustomization.yaml", "chart/values-prod.yaml"):
        text = (repository.deploy / edited).read_bytes()
        assert b'ag: "1.2.3"\r\n' in text
        assert text.count(b"\n") == text.count(b"\r\n")


def test_git_checks_out_line_feeds(render: Renderer, tmp_path: Path) -> None:
    """Whatever core.autocrlf says."""
    repository = render.loose({}, tmp_path / "shop")
    run("git", "init", "--quiet", cwd=repository.path)
    commit(repository.path, "Start from the template")
    run("git", "-c", "core.autocrlf=true", "clone", "--quiet", str(repository.path), str(tmp_path / "clone"))
    assert b"\r" not in (tmp_path / "clone/Makefile").read_bytes()


BARE = """
= << ~ null Null nUll true TRUE tRue yes Yes no NO on ON off y Y n N 0 -1 +1 010 08 0o17 0O17 -0o7 0x1F 0b11 0b12
1_000 _1 1_ 1:30 190:20:30 -1:30 1:30.5 1e3 1E+3 1e-3 1.e3 .5 -.5 +.5 1. 1.50 1e e3 12345e7 2001-01-01 2001-13-01
2001-12-14t21:59:43.10-05:00 20010101 0.1e1 -0 . .. + -- 1,000 1.2.3 08.5 0x 0b 0888 1__0 inf nan
"""


def test_bare_words_are_read_as_by_kubernetes(render: Renderer, tmp_path: Path) -> None:
    """PyYAML alone sees dates, minutes and nothing at all where kubectl sees text, and text where it sees numbers."""
    words = {f"k{index}": word for index, word in enumerate(BARE.split())}
    lines = "".join(f"  {name}: {word}\n" for name, word in words.items())
    text = f"apiVersion: example.com/v1\nkind: Odd\nmetadata:\n  name: odd\nspec:\n{lines}"
    file = tmp_path / "odd.yaml"
    file.write_text(text)
    printed = run("kubectl", "annotate", "--local", "--filename", file, "--output=json", "a=b")
    ours = yaml.load(text, own_checks.script("renderings").Loader)["spec"]  # noqa: S506
    theirs = json.loads(printed)["spec"]
    assert {word: ours[name] for name, word in words.items()} == {
        word: theirs.get(name) for name, word in words.items()
    }
    assert [type(each) for each in ours.values()] == [type(theirs.get(name)) for name in ours]
    repository = render.loose({"config": words}, tmp_path / "shop")
    assert script(repository, "compare.py").returncode == 0


@pytest.mark.slow
@pytest.mark.parametrize("word", ["no", "null", "true", "y", "nan"])
def test_names_that_are_words_of_yaml(word: str, render: Renderer) -> None:
    """Of the application, its team, an environment, a workload and a Secret: each arrives as it is written."""
    other = {"name": "on", "kind": "cronjob", "schedule": "0 3 * * *"}
    secret = {"name": word, "env": {"TOKEN": word}}
    answers = {
        "app_name": word,
        "team": word,
        "environments": [word, "off"],
        "workloads": [other],
        "secrets": [secret],
    }
    repository = render(answers)
    for name in ("compare.py", "check.py"):
        done = script(repository, name)
        assert (done.returncode, done.stderr) == (0, ""), done.stdout
    for objects in (repository.kustomize(word), repository.helm(word)):
        deployment = next(each for each in objects if each["kind"] == "Deployment")
        container = deployment["spec"]["template"]["spec"]["containers"][0]
        variable = next(each for each in container["env"] if each["name"] == "TOKEN")
        assert deployment["metadata"]["name"] == container["name"] == word
        assert variable["valueFrom"]["secretKeyRef"] == {"name": word, "key": word}
        assert any(each["metadata"]["name"] == f"{word}-on" for each in objects)
    planned = run("make", "--dry-run", "apply", f"ENV={word}", "CONTEXT=none", cwd=repository.path)
    assert f"--namespace {word}-{word} " in planned
