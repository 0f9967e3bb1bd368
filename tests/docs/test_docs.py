"""The documentation tells the truth about what can be looked up: questions, keys, paths, targets, links."""

from __future__ import annotations

import json
import re
import textwrap
from typing import TYPE_CHECKING, Any

import pytest
import question_reference
import yaml
from support import own_checks, parity
from support.apiserver import deliver
from support.objects import of_kind
from support.questionnaire import KEPT, golden_path, questions, settings
from support.questions_asked import ask
from support.sandbox import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from support.cluster import Cluster
    from support.render import Answers, Renderer

PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
REFERENCE = ROOT / "docs/reference"
VARIETY: tuple[Answers, ...] = (
    {},
    {
        "own_manifests": [],
        "rbac_rules": [{"apiGroups": [""], "resources": ["pods"], "verbs": ["list"]}],
        "shared_claims": [
            {
                "metadata": {"name": "inbox"},
                "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
            }
        ],
    },
    {"services": [{"metadata": {"name": "peers"}, "spec": {"clusterIP": "None"}}], "vertical_autoscaling": True},
    {
        "environments": ["dev", {"name": "prod", "create_namespace": False, "quota": {"hard": {"pods": 90}}}],
        "limit_range": {"limits": [{"type": "Container", "max": {"memory": "1Gi"}}]},
    },
    {"object_metadata": [{"metadata": {"labels": {"a": "b"}}}]},
    {"workload_kind": "daemonset", "preset": "log-agent", "monitoring": "prometheus-operator", "ci": "none"},
    {
        "secrets": [{"name": "db", "envFrom": True}],
        "secrets_backend": "sops",
        "workloads": [{"name": "migrate", "kind": "job", "before_rollout": True}],
        "routes": [{"metadata": {"name": "more"}}],
    },
    {
        "expose": "ingress",
        "ci": "gitlab",
        "monitoring": "prometheus-operator",
        "init_containers": ["prepare-volume"],
        "config_files": [{"name": "settings", "mountPath": "/etc/shop", "data": {"app.ini": "a=1"}}],
        "secrets": [{"name": "db", "envFrom": True}],
        "secrets_backend": "external-secrets",
        "workloads": [
            {"name": "mail", "preset": "worker"},
            {"name": "store", "kind": "statefulset"},
            {"name": "agent", "kind": "daemonset"},
            {"name": "load", "kind": "job"},
            {"name": "clean-up", "kind": "cronjob"},
        ],
    },
)
"""Answers which together give every file that there is."""

# Lists in Kubernetes' own schema, whose entries its documentation describes.
KUBERNETES_LISTS = {"from", "to", "ports", "volumes", "volume_mounts"}
FREE_KEYS = {"labels", "annotations", "dashboard_labels", "resources", "sidecar_resources", "container", "sops_keys"}
"""Maps of golden-path.yml whose keys an organisation chooses."""

each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())


@each_page
def test_links_lead_somewhere(page: Path) -> None:
    """A link to a file, and to a heading in it, finds both."""
    for target, anchor in re.findall(r"\]\((?!https?:)([^)#\s]*)(?:#([^)\s]*))?\)", without_code(page.read_text())):
        found = (page.parent / target).resolve() if target else page
        assert found.exists(), f"{target} is not there"
        assert not anchor or anchor in anchors(found), f"{target}#{anchor} is not there"


@each_page
def test_lines_are_short(page: Path) -> None:
    """Every line but those of tables, which cannot be broken."""
    long = [line for line in page.read_text().splitlines() if len(line) > 120 and not line.startswith("|")]
    assert not long


@each_page
def test_yaml_can_be_read(page: Path) -> None:
    """Every block that says it is YAML."""
    for block in blocks(page, "yaml"):
        assert list(yaml.safe_load_all(block)), block


@each_page
def test_answers_that_are_given_exist(page: Path) -> None:
    """Copier ignores an answer that nobody asks for, so a misspelt one in an example would do nothing."""
    given = set(re.findall(r"--data '?(\w+)=", page.read_text())) - {"NAME"}
    assert given <= set(questions())


@each_page
def test_examples_of_answers_are_accepted(page: Path, render: Renderer) -> None:
    """Every file of answers, which is a block that begins with its name, `answers.yaml` for instance."""
    for block in blocks(page, "yaml"):
        if re.match(r"# (\.\./)?(answers|edges)\.yaml\b", block):
            answers = yaml.safe_load(block)
            assert set(answers) <= set(questions()), block
            assert render(answers).path.is_dir()


@each_page
def test_targets_that_are_used_exist(page: Path, makefiles: list[Path]) -> None:
    """`make x y ENV=dev` in a shell block is a target of a generated repository, or of this one."""
    known = {target for makefile in (*makefiles, ROOT / "Makefile") for target in targets(makefile)}
    for line in (line for block in blocks(page, "sh") for line in block.splitlines()):
        if found := re.search(r"(?:^|&& )make ((?:[a-z][a-z0-9-]* ?)+)", line):
            assert set(found[1].split()) <= known, line


def test_the_question_reference_is_current() -> None:
    """`make docs` would change nothing."""
    assert question_reference.PAGE.read_text() == question_reference.page()


def test_every_question_is_documented() -> None:
    """Each has a heading, in the order in which it is asked."""
    assert re.findall(r"^### `(\w+)`$", question_reference.PAGE.read_text(), re.MULTILINE) == [*questions(), *KEPT]


def test_no_words_are_left_over() -> None:
    """Words for an expression that is in the questionnaire no more would look as if they were true."""
    text = str([question for topic in question_reference.topics().values() for question in topic.values()])
    tables = (question_reference.CONDITIONS, question_reference.DEFAULTS, question_reference.CHOICES)
    left_over = [key for table in tables for key in table if repr(key)[1:-1] not in text and key not in text]
    assert not left_over


def test_every_key_of_the_golden_path_is_documented() -> None:
    """And none is documented that is not there."""
    documented = set(first_column(REFERENCE / "golden-path.md"))
    table = json.loads((ROOT / "template/schemas/golden-path.json").read_text())
    keys = {*dotted(golden_path()), *table["GoldenPath"]["optional"]}
    keys |= {f"environments[].{key}" for key in table["Environment"]["optional"]}
    assert not keys - documented
    parents = {key.rpartition(".")[0] for key in keys}
    assert not documented - keys - parents


def test_every_generated_file_has_one_owner(everything: set[str]) -> None:
    """The ownership table covers each path exactly once, and names none that never exists."""
    patterns = documented_owners()
    assert not [pattern for _, pattern in patterns if not any(matches(path, pattern) for path in everything)]
    owners = {path: [owner for owner, pattern in patterns if matches(path, pattern)] for path in everything}
    assert not {path: found for path, found in owners.items() if len(found) != 1}


def test_owners_are_those_of_the_manifest(everything: set[str]) -> None:
    """The table of ownership and `_skip_if_exists` in copier.yml agree with the manifest, path by path."""
    patterns = documented_owners()
    kept = [pattern.removeprefix("/") for pattern in settings()["_skip_if_exists"]]
    owners = manifest_owners()
    assert everything <= set(owners)
    for path in everything:
        assert {owner for owner, pattern in patterns if matches(path, pattern)} == {owners[path]}, path
        assert any(matches(path, pattern) or path.startswith(f"{pattern}/") for pattern in kept) == (
            owners[path] == "yours"
        ), path


def test_every_generated_file_is_described(everything: set[str]) -> None:
    """The list of generated files covers each path, and names none that never exists."""
    patterns = first_column(REFERENCE / "generated-files.md")
    assert not [pattern for pattern in patterns if not any(matches(path, pattern) for path in everything)]
    assert not [path for path in everything if not any(matches(path, pattern) for pattern in patterns)]


def test_every_make_target_is_described(makefiles: list[Path]) -> None:
    """Each target with a help text, and no other."""
    described = {entry.split()[1] for entry in first_column(REFERENCE / "make-targets.md")}
    text = "".join(makefile.read_text() for makefile in makefiles)
    assert described == set(re.findall(r"^([a-z-]+):.*## ", text, re.MULTILINE))


def test_the_example_of_a_quota_is_real(render: Renderer) -> None:
    """The numbers are those of the default application."""
    (example,) = blocks(REFERENCE / "defaults.md", "yaml")
    (quota,) = of_kind(render({}).platform("prod"), "ResourceQuota")
    assert yaml.safe_load(example)["hard"] == quota["spec"]["hard"]


@pytest.mark.slow
def test_the_example_of_keda_is_real(render: Renderer, tmp_path: Path, cluster_with_crds: Cluster) -> None:
    """Its files make two equal renderings in which nothing but KEDA counts the pods, and an API server takes them."""
    page = blocks(ROOT / "docs/how-to/scaling.md", "yaml")
    (answers,) = (yaml.safe_load(block) for block in page if "own_manifests" in block)
    repository = render.loose(
        {**answers, "environments": [{"name": "dev", "replicas": 5}, "prod"]}, tmp_path / "keda"
    )
    files = {found[1]: block for block in page if (found := re.match(r"# (deploy/chart/own/\S+)\n", block))}
    assert len(files) == 3
    for file, text in files.items():
        (repository.path / file).write_text(text)
    own = repository.deploy / "chart/own/dev/kustomization.yaml"
    (scaled,) = (
        each for each in yaml.safe_load_all(files["deploy/chart/own/queue.yaml"]) if "triggers" in each["spec"]
    )
    bounds = {**scaled, "spec": {"maxReplicaCount": 5}}
    own.write_text(
        yaml.safe_dump({**yaml.safe_load(own.read_text()), "patches": [{"patch": yaml.safe_dump(bounds)}]})
    )
    assert own_checks.check(repository) == []
    for name, most in (("dev", 5), ("prod", 20)):
        kustomize, chart = repository.kustomize(name), repository.helm(name)
        assert parity.compare(parity.normal_chart(chart, ""), parity.normal_kustomize(kustomize, "")) == []
        for objects in (kustomize, chart):
            (deployment,) = of_kind(objects, "Deployment")
            assert "replicas" not in deployment["spec"]
            (scaler,) = of_kind(objects, "ScaledObject")
            assert scaler["spec"]["maxReplicaCount"] == most
            (quota,) = of_kind(repository.platform(name), "ResourceQuota")
            assert int(quota["spec"]["hard"]["pods"]) >= most
    assert deliver(cluster_with_crds, repository) == []


def documented_owners() -> list[tuple[str, str]]:
    """Owner and pattern of each path in the table of ownership; the page has other tables, too."""
    rows = [row for row in rows_of(REFERENCE / "ownership.md") if row[0] in ("template", "shared", "yours")]
    return [(owner, pattern) for owner, paths, *_ in rows for pattern in re.findall(r"`([^`]+)`", paths)]


def manifest_owners() -> dict[str, str]:
    """The owner of each path that the variety of answers gives, from the manifest."""
    return {file["path"]: file["owner"] for answers in VARIETY for file in ask(answers).context["manifest"]}


@pytest.fixture(scope="module")
def makefiles(render: Renderer) -> list[Path]:
    """The Makefiles of a variety of applications."""
    return [render(answers).path / "Makefile" for answers in VARIETY]


@pytest.fixture(scope="module")
def everything(render: Renderer) -> set[str]:
    """Every path that some set of answers gives."""
    copies = [render(answers).path for answers in VARIETY]
    return {path.relative_to(copy).as_posix() for copy in copies for path in copy.rglob("*") if path.is_file()}


def blocks(page: Path, language: str) -> list[str]:
    """The code blocks of a page in one language."""
    found = re.findall(rf"^( *)```{language}\n(.*?)^\1```$", page.read_text(), re.MULTILINE | re.DOTALL)
    return [textwrap.dedent(text) for _, text in found]


def without_code(text: str) -> str:
    """A page without its code blocks and inline code."""
    return re.sub(r"`[^`\n]*`", "", re.sub(r"^ *```.*?^ *```$", "", text, flags=re.MULTILINE | re.DOTALL))


def anchors(page: Path) -> set[str]:
    """What GitHub calls the headings of a page."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def rows_of(page: Path) -> list[list[str]]:
    """The cells of every table row of a page, headings left out."""
    lines = re.findall(
        r"^\|(.*)\|$", re.sub(r"^\|.*\|\n\|[-|]+\|$", "", page.read_text(), flags=re.MULTILINE), re.MULTILINE
    )
    return [[cell.strip() for cell in line.split(" | ")] for line in lines]


def first_column(page: Path) -> list[str]:
    """The code in the first column of a page's tables."""
    return [code for row in rows_of(page) for code in re.findall(r"`([^`]+)`", row[0])]


def targets(makefile: Path) -> set[str]:
    """Every target that a Makefile names."""
    return set(re.findall(r"^([a-z][a-z0-9-]*):", makefile.read_text(), re.MULTILINE))


def matches(path: str, pattern: str) -> bool:
    """Whether a path fits a pattern in which `*` stays in a folder and `**` does not."""
    parts = (part.replace(r"\*", "[^/]*") for part in re.escape(pattern).split(r"\*\*"))
    return re.fullmatch(".*".join(parts), path) is not None


def dotted(value: Any, path: str = "") -> Iterator[str]:
    """The keys of golden-path.yml as the reference writes them, down to where an organisation chooses the names."""
    for key, entry in value.items():
        name = f"{path}.{key}" if path else key
        if path == "presets":
            yield from dotted(entry, "presets.PRESET")
        elif path.startswith("catalogue.") and path.count(".") == 1:
            yield from dotted(entry, f"{path}.NAME")
        elif isinstance(entry, dict) and key not in FREE_KEYS and name != "environments[].autoscaling":
            yield from ([name] if name == "presets.PRESET.autoscaling" else [])
            yield from dotted(entry, name)
        else:
            yield name
            for item in entry if isinstance(entry, list) and key not in KUBERNETES_LISTS else []:
                yield from dotted(item, f"{name}[]") if isinstance(item, dict) else ()
