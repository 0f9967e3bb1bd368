"""A changed answer, or a changed golden path, reaches an existing repository as if it had been copied afresh.

The user's own files are left alone, and every overlay still builds. Neither copy nor update is ever trusted here.
"""

from __future__ import annotations

import json
import re
import sys
from typing import TYPE_CHECKING, Any

import pytest
from support import parity, relations
from support.commands import run
from support.objects import of_kind
from support.questionnaire import of_use, settings
from support.relations import environments
from support.strict_yaml import read
from support.trees import differences, tree

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from support.render import Renderer
    from support.repository import Repository
    from support.update import Updater

pytestmark = pytest.mark.slow

PROGRAMS = "web|datastore|worker|agent|logs|task"
OWN = re.compile(
    r"deploy/overlays/.*|deploy/chart/values-[^/]*\.yaml|deploy/chart/own/.*"
    rf"|src/app/(?:__init__|{PROGRAMS})\.py|tests/test_(?:{PROGRAMS})\.py"
)
"""The user's files, as the table of ownership says: written once, then left alone."""

ENVIRONMENTS = [
    {"name": "dev", "autoscaling": {"minReplicas": 1, "maxReplicas": 2}},
    "qa",
    "prod",
]
"""The default environments with one taken away (staging) and one added (qa)."""

SMALL: dict[str, Any] = {"env": [{"name": "STAGE", "value": "1.30"}], "node_selector": {"disk": "ssd"}}
"""Answers of one environment alone."""

KINDS: list[dict[str, Any]] = [
    {"workload_kind": "daemonset"},
    {"preset": "log-agent"},
    {"workload_kind": "job"},
    {"preset": "parallel"},
    {"workload_kind": "cronjob", "schedule": "*/5 * * * *"},
    {"workload_kind": "statefulset"},
    # What was asked is an answer, and is kept: a datastore is asked, and is exposed to nobody unless it says so.
    {"workload_kind": "deployment", "expose": "gateway"},
]
"""From a web application through every kind, and back to it."""

OFFERED = {"type": "LoadBalancer"}

PARTS: list[dict[str, Any]] = [
    {"sidecars": ["otel-collector", "log-shipper"], "init_containers": ["prepare-volume"]},
    {
        "sidecars": ["log-shipper"],
        "init_containers": [],
        "services": [{"metadata": {"name": "peers"}, "spec": {"clusterIP": "None"}}],
        "workloads": [
            {"name": "mail", "preset": "worker"},
            {"name": "clean-up", "kind": "cronjob", "schedule": "0 4 * * *"},
            {
                "name": "cache",
                "kind": "statefulset",
                "image": "docker.io/library/redis:8.0.3",
                "ports": [{"name": "redis", "containerPort": 6379}],
            },
        ],
    },
    {
        "sidecars": [],
        "workloads": [{"name": "clean-up", "kind": "cronjob", "schedule": "0 5 * * *"}],
        "config_files": [{"name": "settings", "mountPath": "/etc/settings", "data": {"app.toml": "level = 1\n"}}],
        "secrets": [{"name": "database", "env": {"PASSWORD": "password"}}],
        "secrets_backend": "external-secrets",
    },
    {
        "workloads": [],
        "config_files": [],
        "secrets": [],
        "secrets_backend": "existing",
        "services": [{"spec": OFFERED}],
    },
]
"""What goes into a pod or beside it, added, changed and taken away again."""


def test_own_files_are_those_of_the_template() -> None:
    """The pattern above is what the template declares in `_skip_if_exists`."""
    declared = settings()["_skip_if_exists"]
    samples = {
        "/deploy/overlays": "deploy/overlays/dev/kustomization.yaml",
        "/deploy/chart/values-*.yaml": "deploy/chart/values-dev.yaml",
        "/deploy/chart/own": "deploy/chart/own/dev/kustomization.yaml",
        "/src/app/__init__.py": "src/app/__init__.py",
        **{f"/src/app/{name}.py": f"src/app/{name}.py" for name in PROGRAMS.split("|")},
        **{f"/tests/test_{name}.py": f"tests/test_{name}.py" for name in PROGRAMS.split("|")},
    }
    assert set(declared) == set(samples)
    assert all(OWN.fullmatch(sample) for sample in samples.values())


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param({}, {"preset": "worker"}, id="preset"),
        pytest.param({"preset": "worker"}, {"preset": "web"}, id="preset-and-back"),
        pytest.param({}, {"environments": ENVIRONMENTS}, id="environments"),
        pytest.param(
            {"environments": [{"name": "dev", **SMALL}, "prod"]},
            {"environments": ["dev", {"name": "prod", **SMALL}]},
            id="answers-of-an-environment",
        ),
        pytest.param({}, {"autoscaling": False, "replicas": 3}, id="autoscaling-off"),
        pytest.param(
            {"autoscaling": False}, {"autoscaling": {"minReplicas": 2, "maxReplicas": 4}}, id="autoscaling-on"
        ),
        pytest.param({"language": "none", "config": {}}, {"language": "python"}, id="language"),
        pytest.param({}, {"expose": "ingress"}, id="expose"),
        pytest.param({}, {"own_manifests": ["configmaps"]}, id="own-manifests"),
        pytest.param({}, {"environments": [{"name": "prod", "create_namespace": False}]}, id="namespace-of-others"),
        pytest.param(
            {"workload_kind": "daemonset", "preset": "log-agent"},
            {"pod_security": "privileged", "pod_spec": {"hostPID": True}},
            id="more-of-the-node",
        ),
        pytest.param({}, {"routes": [{"spec": {"hostnames": ["www.example.org"]}}]}, id="routes"),
        pytest.param({"expose": "none"}, {"expose": "gateway"}, id="expose-later"),
        pytest.param({"expose": "gateway"}, {"workload_kind": "statefulset"}, id="kind-keeps-the-route"),
        pytest.param({}, {"config": {}}, id="config-off"),
        pytest.param({"config": {}}, {"config": {"A": "1.30"}}, id="config-on"),
        pytest.param({}, {"monitoring": "prometheus-operator", "ci": "gitlab"}, id="monitoring-and-ci"),
    ],
)
def test_changed_answers_give_a_fresh_copy(
    before: dict[str, Any], after: dict[str, Any], update: Updater, render: Renderer
) -> None:
    """`copier update --vcs-ref=:current: --data …` gives the tree of a fresh copy; the user's part still builds."""
    repository = update.start(render(before))
    update.update(repository, after)
    assert differences(_templates_own(render({**before, **after})), _templates_own(repository)) == ""
    expect_buildable(repository)


@pytest.mark.parametrize("steps", [KINDS, PARTS], ids=["kinds and presets", "parts"])
def test_each_change_of_a_chain_gives_a_fresh_copy(
    steps: list[dict[str, Any]], update: Updater, render: Renderer
) -> None:
    """A repository that was something else is as one that never was, and its first overlays build all the way."""
    repository = update.start(render())
    answers: dict[str, Any] = {}
    for step in steps:
        update.update(repository, step)
        answers = _fresh(answers, step)
        changed = f"after {json.dumps(step)}:\n"
        assert not (found := differences(_templates_own(render(answers)), _templates_own(repository))), (
            changed + found
        )
        expect_buildable(repository)


def _fresh(answers: Mapping[str, Any], step: Mapping[str, Any]) -> dict[str, Any]:
    """The answers of a fresh copy: those of before, but for what the new kind does not have."""
    kept = {name: value for name, value in answers.items() if name != "preset" or "workload_kind" not in step}
    return of_use({**kept, **step})


def _templates_own(repository: Repository) -> dict[str, str]:
    """The files that are not the user's."""
    return {name: text for name, text in tree(repository.path).items() if not OWN.fullmatch(name)}


def expect_buildable(repository: Repository) -> None:
    """Every overlay and every values file makes objects whose relations hold."""
    admitting = list(of_kind(repository.platform(repository.environments()[-1]), "ValidatingAdmissionPolicy"))
    for environment in (None, *repository.environments()):
        for objects in (repository.kustomize(environment), repository.helm(environment)):
            assert relations.check(objects, policies=admitting) == []


def test_edited_overlay_survives_and_builds(update: Updater, render: Renderer) -> None:
    """What a user wrote into an overlay and a values file is still there, to the byte, after the preset changed."""
    repository = update.start(render())
    overlay = repository.deploy / "overlays/prod/kustomization.yaml"
    values = repository.chart / "values-prod.yaml"
    overlay.write_text(overlay.read_text() + "commonAnnotations:\n  example.com/owner: me\n")
    values.write_text(values.read_text() + "# Ours.\n")
    kept = overlay.read_text(), values.read_text()
    update.commit(repository, "Our own edits")
    update.update(repository, {"preset": "worker"})
    assert (overlay.read_text(), values.read_text()) == kept
    assert "example.com/owner: me" in repository.kustomize_text("prod")


def test_environment_that_is_added_is_complete(update: Updater, render: Renderer) -> None:
    """A new environment has overlay, values and platform objects, equal in both renderings."""
    repository = update.start(render())
    update.update(repository, {"environments": ["dev", "staging", "prod", "dr"]})
    assert environments.check(repository) == []
    assert [line for line in parity.check(repository) if line.startswith("dr: ")] == []


def test_environment_that_is_removed_is_gone(update: Updater, render: Renderer) -> None:
    """Nothing of a removed environment stays behind."""
    repository = update.start(render())
    update.update(repository, {"environments": ["prod"]})
    assert [name for name in tree(repository.path) if "staging" in name] == []
    assert environments.check(repository) == []


def test_environment_that_is_renamed_keeps_what_was_moved(update: Updater, render: Renderer) -> None:
    """As the how-to has it: overlay and values are moved before the answer is changed."""
    repository = update.start(render())
    kept = {}
    for path in ("overlays/{}/kustomization.yaml", "chart/values-{}.yaml"):
        old, new = (repository.deploy / path.format(name) for name in ("staging", "qa"))
        new.parent.mkdir(exist_ok=True)
        old.rename(new)
        new.write_text(new.read_text() + "# Ours.\n")
        kept[new] = new.read_text()
    update.commit(repository, "Our staging is called qa")
    update.update(repository, {"environments": ["dev", "qa", "prod"]})
    assert {path: path.read_text() for path in kept} == kept
    assert [name for name in tree(repository.path) if "staging" in name] == []
    assert parity.check(repository) == []


def test_edited_code_survives_and_deleted_code_stays_deleted(update: Updater, render: Renderer) -> None:
    """What is the user's is never written again; what is shared is merged, with the user's line in it."""
    repository = update.start(render())
    edited, deleted = (repository.path / name for name in ("src/app/web.py", "tests/test_web.py"))
    merged = repository.path / "src/app/settings.py"
    edited.write_text("ours = True\n")
    deleted.unlink()
    merged.write_text(merged.read_text() + "\n\nours = True\n")
    update.commit(repository, "Our own code")
    update.update(repository, {"team": "sales"})
    update.update(repository, {"team": "stock"})
    assert edited.read_text() == "ours = True\n"
    assert merged.read_text().endswith("\n\nours = True\n")
    assert not deleted.exists()


def test_what_an_environment_runs_outlives_changed_answers(update: Updater, render: Renderer) -> None:
    """Registry, team, namespace and host change, and production still runs what was promoted, in both renderings."""
    repository = update.start(render())
    run(sys.executable, "deploy/promote.py", "prod", "--tag=1.2.3", cwd=repository.path)
    update.commit(repository, "1.2.3 in production")
    changed = {"team": "sales", "image_repository": "registry.example.net/sales/shop", "namespace": "sales"}
    update.update(repository, {**changed, "hostname": "sales.example.com"})
    assert "image: registry.example.net/sales/shop:1.2.3" in repository.kustomize_text("prod")
    assert "sales.example.com" in repository.kustomize_text("prod")
    assert "namespace: sales-dev" in repository.kustomize_text("dev")
    assert parity.check(repository) == []


def test_source_is_recorded_without_credentials(update: Updater, render: Renderer) -> None:
    """Who copies from a URL with a token does not publish it with the repository."""
    repository = update.start(render())
    answers = repository.path / ".copier-answers.yml"
    url = read(answers)[0]["_src_path"]
    assert url.startswith("https://")
    answers.write_text(answers.read_text().replace("https://", "https://me:s3cret@"))
    update.commit(repository, "As copier would have it")
    config = update.folder / "sandbox/gitconfig"
    config.write_text(f"{config.read_text()}\tinsteadOf = {url.replace('https://', 'https://me:s3cret@')}\n")
    update.update(repository, {"team": "sales"})
    assert read(answers)[0]["_src_path"] == url


def test_edit_of_the_golden_path_reaches_an_existing_repository(update: Updater, render: Renderer) -> None:
    """A platform team edits one file; the next update brings it to a repository that never recorded it."""
    repository = update.start(render())
    update.release("v0.1.0", lambda template: _edit(template, {"registry.example.com": "registry.example.net"}))
    update.release(
        "v0.2.0", lambda template: _edit(template, {"team_label: example.com/team": "team_label: example.com/owner"})
    )
    update.update(repository, {}, version="v0.2.0")
    assert "registry.example.net/platform/shop" in repository.kustomize_text("prod")
    assert all("example.com/owner: platform" in repository.kustomize_text(name) for name in (None, "prod"))
    fresh = update.copy({}, "fresh", "v0.2.0")
    assert differences(_templates_own(fresh), _templates_own(repository)) == ""


def _edit(template: Path, replacements: Mapping[str, str]) -> None:
    golden_path = template / "golden-path.yml"
    text = golden_path.read_text()
    for old, new in replacements.items():
        assert old in text
        text = text.replace(old, new)
    golden_path.write_text(text)


def test_a_conflict_is_seen(update: Updater, render: Renderer) -> None:
    """The helper that these tests rely on does notice the conflict that copier leaves with exit code 0."""
    repository = update.start(render())
    readme = repository.path / "README.md"
    readme.write_text(readme.read_text().replace("# shop\n", "# Our shop\n", 1))
    update.commit(repository, "Our own title")
    update.release("v0.1.0", lambda template: _retitle(template / "template/project/README.md.jinja"))
    with pytest.raises(AssertionError, match="left conflicts"):
        update.update(repository, {}, version="v0.1.0")


def _retitle(readme: Path) -> None:
    readme.write_text(readme.read_text().replace("# #{ app.name }#\n", "# Application #{ app.name }#\n", 1))
