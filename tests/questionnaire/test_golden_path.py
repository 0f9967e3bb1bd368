"""golden-path.yml is checked at every copy and update: a mistake ends with one line, before anything is written."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import golden_path as tool
import jsonschema
import pytest
import yaml
from support.golden_path_mistakes import MISTAKES
from support.questions_asked import render as evaluate
from support.sandbox import GOLDEN_PATH, ROOT

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable
    from pathlib import Path

    from support.update import Updater

TEXT = GOLDEN_PATH.read_text()
FINDINGS = "#%- from 'template/macros/check_golden_path.jinja' import problem -%##{ problem(text) }#"


def spoilt(name: str) -> str:
    """The file with a mistake in it."""
    before, after, _ = MISTAKES[name]
    assert before in TEXT, name
    return TEXT.replace(before, after, 1)


def replace_by(text: str) -> Callable[[Path], None]:
    """An edit of the template that gives it another golden-path.yml."""

    def edit(template: Path) -> None:
        (template / "golden-path.yml").write_text(text)

    return edit


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_refused_in_one_line(name: str) -> None:
    """With the key, the value and what to do."""
    line = str(evaluate(FINDINGS, {"text": spoilt(name)}))
    assert line.startswith(f"golden-path.yml: {MISTAKES[name][2]}"), line
    assert "\n" not in line
    assert ": " in line.removeprefix("golden-path.yml: ").partition(": ")[2]


@pytest.mark.parametrize("path", [ROOT / "golden-path.yml", GOLDEN_PATH], ids=["own", "fixed"])
def test_a_good_file_passes(path: Path) -> None:
    """The template's own, and the one that the tests are rendered with."""
    assert not str(evaluate(FINDINGS, {"text": path.read_text()}))


@pytest.mark.parametrize("name", ["a misspelt autoscaler", "a tab", "an image with a space", "a missing registry"])
def test_a_mistake_stops_a_copy_and_an_update(
    name: str, update: Updater, copier_cli: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path
) -> None:
    """Nothing is written, and the last line says why."""
    existing = update.copy({}, "before")
    before = {path: path.read_bytes() for path in existing.path.rglob("*") if path.is_file()}
    update.release("v0.0.9", replace_by(spoilt(name)))
    line = f"golden-path.yml: {MISTAKES[name][2]}"
    done = copier_cli("copy", "--defaults", "--vcs-ref=v0.0.9", update.template, tmp_path / "fresh")
    assert done.returncode != 0
    assert line in done.stderr.splitlines()[-1]
    assert not (tmp_path / "fresh").exists()
    moved = update.attempt(existing, "v0.0.9")
    assert moved.returncode != 0
    assert line in moved.stderr.splitlines()[-1]
    assert {path: path.read_bytes() for path in existing.path.rglob("*") if path.is_file()} == before


def test_what_no_rule_knows_still_names_the_file(
    copier_cli: Callable[..., subprocess.CompletedProcess[str]], update: Updater, tmp_path: Path
) -> None:
    """Whatever the parser of YAML or Jinja says."""
    for number, odd in enumerate(["#% nonsense %#\n", "? [a\n"]):
        version = f"v9.{number}.0"
        update.release(version, replace_by(TEXT + odd))
        done = copier_cli("copy", "--defaults", f"--vcs-ref={version}", update.template, tmp_path / version)
        assert done.returncode != 0
        assert "ValueError: Validation error for question 'golden-path.yml'" in done.stderr
        assert not (tmp_path / version).exists()


def test_the_schema_for_editors_is_made_from_the_table() -> None:
    """`python tools/golden_path.py --schema` was run after the last change."""
    assert json.loads(tool.SCHEMA.read_text()) == tool.schema()


def test_an_editor_accepts_what_the_check_accepts() -> None:
    """And some mistakes that a schema can show."""
    validator = jsonschema.Draft7Validator(tool.schema())
    assert not list(validator.iter_errors(yaml.safe_load(TEXT)))
    for name in ("an unknown key", "a misspelt autoscaler", "an environment that is no name", "a missing registry"):
        assert list(validator.iter_errors(yaml.safe_load(spoilt(name)))), name


def test_make_says_every_finding() -> None:
    """Not only the first one, as a copy does."""
    text = spoilt("a misspelt autoscaler").replace("ci: github", "ci: jenkins").replace("nodes: 20", "nodes: many")
    found = [line.partition(":")[0] for line in tool.findings(text)]
    assert sorted(found) == ["ci", "nodes", "presets.web.autoscalling"]


UNUSUAL = """
presets.worker.resources.requests.cpu: 0.5
presets.task.resources: {requests: {cpu: 1, memory: 1Gi, a.com/gpu: "1"}, limits: {memory: 1Gi, a.com/gpu: 1}}
presets.web.autoscaling: false
environments: [dev, {name: prod, hostname: shop.example.org, namespace: shop}]
gateway.from: [{ipBlock: {cidr: 10.0.0.0/8}}, {podSelector: {}}]
dns.ports: [{port: dns, protocol: UDP}]
labels: {example.com/cost-centre: "4711", owner: ""}
registry: localhost:5000
domain: internal
code_owner: "@Example/{team}"
deployer_group: "oidc:Platform {team} in {environment}"
kubernetes_versions: ["1.36"]
image_pull_secrets: [{name: registry}, {name: mirror}]
storage_class: fast
sizes: {large: {requests: {cpu: "1", memory: 1Gi}, limits: {memory: 2Gi}}}
catalogue.init_containers: {}
catalogue.sidecars.audit: {container: {image: "quay.io/audit:1.0", livenessProbe: {exec: {command: [check]}}}}
"""


@pytest.mark.parametrize("line", UNUSUAL.strip().split("\n"))
def test_what_is_unusual_and_right_passes(line: str) -> None:
    """The table refuses nothing that the rules of answers allow."""
    path, _, value = line.partition(": ")
    decided = yaml.safe_load(TEXT)
    *outer, last = path.split(".")
    place: dict[str, Any] = decided
    for key in outer:
        place = place[key]
    place[last] = yaml.safe_load(value)
    assert tool.findings(yaml.safe_dump(decided, sort_keys=False)) == []
