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

    from support.render import Renderer
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


@pytest.mark.slow
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


def words_without_a_remedy(types: dict[str, Any], name: str, seen: set[str]) -> list[str]:
    """The types below one whose values no rule judges, and for which no remedy is written either."""
    rule = types[name]
    if name in seen or "judge" in rule:
        return []
    seen.add(name)
    below = [rule[part] for part in ("items", "keys", "values", "or") if part in rule]
    found = [name] if "pattern" in rule and "refusal" not in rule else []
    return found + [
        each
        for kind in [*below, *rule.get("fields", {}).values()]
        for each in words_without_a_remedy(types, kind, seen)
    ]


def test_every_word_has_a_remedy() -> None:
    """Otherwise a value of another form ends in an error of Jinja's."""
    types = json.loads((ROOT / "template/schemas/golden-path.json").read_text())
    assert words_without_a_remedy(types, "GoldenPath", set()) == []


ODD_YAML: dict[str, tuple[str, str]] = {
    "a byte order mark": ("# yaml-language", "\ufeff# yaml-language"),
    "a document's mark": ("domain:", "---\ndomain:"),
    "a key in double quotes": ("domain:", '"domain":'),
    "a key in single quotes": ("  web:", "  'web':"),
    "a wide dash": ("  - name: prod\n", "  -   name: prod\n"),
    "a dash on a line of its own": ("  - name: prod\n", "  -\n    name: prod\n"),
    "a list that is not indented": ('["1.34", "1.35", "1.36", "1.37"]', '\n- "1.35"\n- "1.36"'),
    "text over two lines": ("cluster-issuer: public", "cluster-issuer: one\n      two three"),
    "a block of text": ("cluster-issuer: public", "x: |\n      a: {b\n      c\n    d/e: x"),
    "a merged map": ("    resources: *task\n", "    resources:\n      <<: *task\n"),
    "two merged maps": ("    resources: *task\n", "    resources:\n      <<: [*task, *tiny]\n"),
    "an anchor in a list": ("    - port: 53\n      protocol: UDP", "    - &dns\n      port: 53"),
    "words with colons and dashes": (
        "container:\n        image: quay",
        "container:\n        command:\n          - a:b\n          - -c\n        image: quay",
    ),
    "an escape": ('"{team}-deployers"', '"\\x40\\u00e9 \\"{team}\\""'),
    "a comment with brackets and quotes": ("  worker:\n", "  # don't: [a {b\n  worker:  # it's\n"),
}
"""Ways to write the same or nearly the same: what is there, and what may be in its place."""


@pytest.mark.parametrize("way", ODD_YAML)
def test_yaml_may_be_written_in_other_ways(way: str) -> None:
    """What tells lines that YAML does not read from others mistakes none of these for one."""
    before, after = ODD_YAML[way]
    assert before in TEXT
    assert tool.findings(TEXT.replace(before, after, 1)) == []


def test_what_a_program_writes_is_read() -> None:
    """Without comments, and with an indentation and an order of its own."""
    assert tool.findings(yaml.safe_dump(yaml.safe_load(TEXT))) == []
    assert tool.findings(yaml.safe_dump(yaml.safe_load(TEXT), indent=4, width=40).rstrip("\n")) == []


@pytest.mark.parametrize("line", ["# Owner: #{team}.", "#%- for us -%#", "#| A note."])
def test_signs_of_jinja_are_found_in_comments_too(line: str) -> None:
    """By `make check-golden-path`, which knows the line. In a copy copier names the file alone."""
    assert [found.partition(" has ")[0] for found in tool.findings(f"{line}\n{TEXT}")] == [f"line 1: {line!r}"]


@pytest.mark.slow
def test_environments_that_meet_in_one_application_are_refused(update: Updater, render: Renderer) -> None:
    """A namespace or a host that is given may be the one that another environment has from the application."""
    repository = update.start(render())
    for number, (given, found) in enumerate(
        {
            "{name: dev, namespace: shop-prod}": "environments[1].namespace: 'shop-prod'",
            "{name: dev, hostname: shop.example.com}": "environments[1].hostname: 'shop.example.com'",
        }.items()
    ):
        text = yaml.safe_dump({**yaml.safe_load(TEXT), "environments": [yaml.safe_load(given), "prod"]})
        assert tool.findings(text) == []
        version = f"v0.1.{number}"
        update.release(version, replace_by(text))
        refused = update.attempt(repository, version)
        assert refused.returncode != 0
        assert f"golden-path.yml: {found}" in refused.stderr.splitlines()[-1]
        assert update.copy({"app_name": "till"}, f"other-{number}", version).path.exists()


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
environments: [dev, staging, prod]
environments: [only]
environments: [dev, {name: prod, create_namespace: false, quota: {hard: {pods: 60, limits.memory: 9Gi}}}]
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
prometheus: {from: [{podSelector: {}}], labels: {}, dashboard_labels: {}}
presets.datastore.storage_size: 1.5Ti
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
