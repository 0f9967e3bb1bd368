"""What is suggested, what is recorded, and what becomes of it when something else changes later."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from questionnaire.interview import Interview, names
from support.questionnaire import KEPT, asked, help_lines, help_texts, labels, questions, settings, typed
from support.sandbox import TEMPLATE_URL
from support.trees import differences, tree

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable

    from support.render import Renderer
    from support.repository import Repository
    from support.update import Updater

BESIDE_THE_MARK = 77
"""Columns that a line of help has in a terminal of 80, and the label of a choice."""

VOCABULARY = names(
    """
    app_name description team namespace image_repository language kubernetes_version
    workload_kind preset storage_size replicas autoscaling vertical_autoscaling disruption_budget update_strategy
    workloads
    schedule time_zone concurrency_policy starting_deadline_seconds completions parallelism completion_mode
    backoff_limit pod_failure_policy ttl_seconds_after_finished workload_spec
    image command args ports env resources probes lifecycle termination_grace_period_seconds volume_mounts
    sidecars init_containers front volumes storage shared_claims pod_labels pod_annotations
    config config_files secrets downward_api env_from
    tolerations node_selector affinity topology_spread_constraints priority_class_name runtime_class_name
    service_account_name pod_spec
    services expose hostname routes tls network_policy
    security_profile pod_security far_reaching_rights rbac_rules cluster_rbac_rules role_refs
    service_account_annotations authentication
    quota scoped_quotas limit_range tenants
    own_manifests object_metadata environments ci gitops monitoring secrets_backend
    advanced
    """
)
"""The names that answers have, in Kubernetes' own words: presets, tests, docs and answer files agree on them."""

AWKWARD: dict[str, Any] = {
    "description": "\"#{ x }#\" {{ y }} ${{ z }} #% if %# 'it' \\n 1.30: yes # no",
    "config": {
        "TEMPLATE": "#{ x }# #% for a in b %# #| c |# {{ y }} {% z %} ${{ w }} $(( 1 ))",
        "QUOTES": "'single' \"double\" `back` \\",
        "LINES": "first\n  second: [\n\nlast\n",
        "SPACES": "  around  ",
        "VERSION": "1.30",
        "COMMIT": "12345e7",
        "OCTAL": "0o17",
        "ANSWER": "no",
        "NULL": "~",
        "CRON": "* * * * *",
        "EMPTY": "",
        "UNICODE": "snow ☃ and 🎤",
    },
}
"""Answers that some reader or writer of YAML, Jinja or shell would like to take for something else."""

OF_ANY_KIND: dict[str, Any] = {
    "app_name": "orders",
    "team": "sales",
    "language": "none",
    "image": "registry.example.com/sales/orders:2.0.1",
    "config": {"LOG_LEVEL": "debug"},
    "config_files": [{"name": "settings", "mountPath": "/etc/settings", "data": {"app.toml": "level = 1\n"}}],
    "secrets": [{"name": "database", "env": {"PASSWORD": "password"}}],
    "secrets_backend": "external-secrets",
    "security_profile": "platform",
    "sidecars": ["log-shipper"],
    "init_containers": ["prepare-volume"],
    "advanced": True,
    "description": "Takes orders",
    "namespace": "sales",
    "command": ["/bin/orders"],
    "args": ["--port", "3000"],
    "resources": {"requests": {"cpu": "200m", "memory": "64Mi"}, "limits": {"memory": "128Mi"}},
    "network_policy": {"egress": [{"ports": [{"port": 5432}]}]},
    "env": [{"name": "REGION", "value": "eu"}],
    "env_from": [{"secretRef": {"name": "shared"}}],
    "lifecycle": {"preStop": {"sleep": {"seconds": 10}}},
    "termination_grace_period_seconds": 90,
    "volumes": [
        {"name": "scratch", "emptyDir": {"sizeLimit": "32Mi"}},
        {"name": "shared", "persistentVolumeClaim": {"claimName": "shared"}},
    ],
    "volume_mounts": [{"name": "scratch", "mountPath": "/scratch"}, {"name": "shared", "mountPath": "/shared"}],
    "pod_labels": {"example.com/tier": "back"},
    "pod_annotations": {"example.com/scrape": "true"},
    "node_selector": {"kubernetes.io/arch": "amd64"},
    "tolerations": [{"operator": "Exists"}],
    "affinity": "hard",
    "topology_spread_constraints": [],
    "priority_class_name": "important",
    "runtime_class_name": "sandboxed",
    "service_account_name": "federated",
    "pod_spec": {"imagePullSecrets": [{"name": "pull"}]},
    "workloads": [{"name": "mail", "preset": "worker", "image": "registry.example.com/sales/mail:2.0.1"}],
    "pod_security": "baseline",
    "far_reaching_rights": ["pods/exec"],
    "rbac_rules": [{"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get"]}],
    "services": [{"metadata": {"name": "peers"}, "spec": {"clusterIP": "None"}}],
    "cluster_rbac_rules": [{"apiGroups": [""], "resources": ["nodes"], "verbs": ["get"]}],
    "role_refs": [{"kind": "ClusterRole", "name": "view"}],
    "own_manifests": ["configmaps", "cronjobs.batch"],
    "routes": [
        {
            "metadata": {"name": "elsewhere"},
            "kind": "HTTPRoute",
            "spec": {"rules": [{"backendRefs": [{"name": "mail", "namespace": "mail", "port": 80}]}]},
        }
    ],
    "kubernetes_version": "1.35",
    "environments": ["test", {"name": "live", "namespace": "sales-live", "create_namespace": False}],
    "shared_claims": [
        {
            "metadata": {"name": "shared"},
            "spec": {"accessModes": ["ReadWriteMany"], "resources": {"requests": {"storage": "2Gi"}}},
        }
    ],
    "quota": {"hard": {"pods": 90}},
    "scoped_quotas": [{"metadata": {"name": "low"}, "spec": {"hard": {"pods": 9}, "scopes": ["BestEffort"]}}],
    "limit_range": {"limits": [{"type": "Container", "max": {"memory": "1Gi"}}]},
    "ci": "gitlab",
    "object_metadata": [{"kind": "ServiceAccount", "metadata": {"annotations": {"example.com/role": "orders"}}}],
}

SERVED: dict[str, Any] = {
    "ports": [{"name": "http-web", "containerPort": 3000}, {"name": "metrics", "containerPort": 9102}],
    "probes": {"readinessProbe": {"httpGet": {"path": "/ready", "port": "http-web"}}},
    "expose": "ingress",
    "hostname": "orders.example.org",
    "autoscaling": False,
    "replicas": 3,
    "disruption_budget": {"minAvailable": 1},
    "vertical_autoscaling": {"updatePolicy": {"updateMode": "Initial"}},
    "monitoring": "prometheus-operator",
}

EVERY_ANSWER: dict[str, dict[str, Any]] = {
    "deployment": {
        **OF_ANY_KIND,
        **SERVED,
        "workload_kind": "deployment",
        "preset": "web",
        "sidecars": [
            {"name": "guard", "image": "a/guard:1.2.3", "ports": [{"name": "guard", "containerPort": 9443}]}
        ],
        "front": "guard",
        "update_strategy": {"type": "Recreate"},
        "workload_spec": {"revisionHistoryLimit": 3},
    },
    "statefulset": {
        **OF_ANY_KIND,
        **SERVED,
        "workload_kind": "statefulset",
        "preset": "datastore",
        "update_strategy": {"type": "OnDelete"},
        "storage": [
            {
                "name": "data",
                "mountPath": "/data",
                "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "2Gi"}}},
            }
        ],
    },
    "cronjob": {
        **OF_ANY_KIND,
        "workload_kind": "cronjob",
        "preset": "scheduled",
        "ports": [{"name": "metrics", "containerPort": 9102}],
        "probes": {"livenessProbe": {"exec": {"command": ["/bin/orders", "alive"]}}},
        "expose": "none",
        "monitoring": "none",
        "schedule": "*/5 * * * *",
        "time_zone": "Europe/Berlin",
        "concurrency_policy": "Replace",
        "starting_deadline_seconds": 60,
        "completion_mode": "Indexed",
        "completions": 3,
        "parallelism": 2,
        "backoff_limit": 1,
        "pod_failure_policy": {
            "rules": [{"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]}]
        },
        "ttl_seconds_after_finished": 600,
    },
}
"""Together every question, answered otherwise than by default; `image` takes the place of `image_repository`, and
`storage` that of `storage_size`."""


def recorded(repository: Path) -> dict[str, Any]:
    """What the answers file holds, entries of copier and of the template aside."""
    loaded: dict[str, Any] = yaml.safe_load((repository / ".copier-answers.yml").read_text())
    return {name: value for name, value in loaded.items() if not name.startswith("_") and name not in KEPT}


@pytest.mark.parametrize("name", questions())
def test_help(name: str) -> None:
    """Each question has help: one sentence or two in few lines, none of which the terminal wraps."""
    text = help_lines()[name]
    assert len(text) >= 20
    lines = help_texts()[name].splitlines()
    assert len(lines) <= 4
    if name in asked():
        assert [line for line in [*lines, *labels(name)] if len(line) > BESIDE_THE_MARK] == []
    assert text[0].isupper()
    assert text.endswith((".", "?"))


@pytest.mark.parametrize("name", [name for name in typed() if questions()[name].type == "yaml"])
def test_help_says_how_it_is_typed(name: str) -> None:
    """The help of a list or a map has an example of one, that of a number what an empty line means."""
    assert re.search(r"[\[{].+[\]}]|Empty takes", help_lines()[name]) or "in the schema of" in help_lines()[name]


def test_names() -> None:
    """Questions are called what the rest of the project calls them."""
    assert set(questions()) <= set(VOCABULARY)


def test_nothing_needs_trust(
    copier_cli: Callable[..., subprocess.CompletedProcess[str]], render: Renderer, tmp_path: Path
) -> None:
    """`copier copy --defaults` needs no --trust: migrations alone run code. It gives what tests render."""
    assert not {"_tasks", "_jinja_extensions", "_external_data"} & set(settings())
    done = copier_cli("copy", "--defaults", "--vcs-ref=v0.0.0", TEMPLATE_URL, "shop")
    assert done.returncode == 0, done.stderr
    assert differences(tree(render({}).path), tree(tmp_path / "shop")) == ""


@pytest.mark.parametrize(
    ("folder", "name"),
    [
        ("shop", "shop"),
        ("My_App", "my-app"),
        ("my.app v2", "my-app-v2"),
        ("2048", "app-2048"),
        ("-x-", "app-x"),
        ("__", "app"),
        ("ÄÖ", "app"),
        ("größe", "gr-e"),
        ("a" * 39 + "-b", "a" * 39),
        ("A" * 200, "a" * 40),
        ("9" * 200, "app-" + "9" * 36),
    ],
)
def test_folder_gives_a_name(folder: str, name: str, bare_template: Path, tmp_path: Path) -> None:
    """Whatever the folder is called, the name that is suggested for the application is valid, and near to it."""
    assert Interview(bare_template, tmp_path / folder, {}).recorded["app_name"] == name


def test_this_folder_gives_a_name(bare_template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`copier copy SOURCE .` takes the name of the folder in which it is called."""
    (tmp_path / "My_App").mkdir()
    monkeypatch.chdir(tmp_path / "My_App")
    assert Interview(bare_template, Path(os.curdir), {}).recorded["app_name"] == "my-app"


ASKED = names("app_name team language workload_kind preset config security_profile sidecars init_containers advanced")


@pytest.mark.parametrize(
    ("answers", "more"),
    [
        ({}, ["expose"]),
        ({"preset": "worker"}, []),
        ({"language": "none"}, ["expose", "image", "ports"]),
        ({"language": "none", "preset": "worker"}, ["image"]),
        ({"hostname": "www.example.org", "ci": "none"}, ["expose", "hostname", "ci"]),
    ],
    ids=["web", "worker", "image", "image of a worker", "two given"],
)
def test_only_answers_are_recorded(answers: dict[str, Any], more: list[str], bare_template: Path) -> None:
    """A default that follows from something else is not recorded unless it is asked: it must be free to follow."""
    assert set(Interview(bare_template, Path("shop"), answers).recorded) == {*ASKED, *more}


@pytest.mark.parametrize(
    ("answers", "kept"),
    [
        ({}, {}),
        ({"replicas": None, "preset": "worker"}, {}),
        ({"replicas": 2, "namespace": "shop", "preset": "worker"}, {"replicas": 2, "namespace": "shop"}),
    ],
    ids=["nothing", "empty", "what is suggested too"],
)
def test_advanced_records_what_was_chosen(answers: dict[str, Any], kept: dict[str, Any], render: Renderer) -> None:
    """A suggestion that is only taken is not recorded; the same value, given, is."""
    preset = {"preset": answers["preset"]} if "preset" in answers else {}
    plain = recorded(render(preset).path)
    assert recorded(render({"advanced": True, **answers}).path) == {**plain, "advanced": True, **kept}


def larger(template: Path) -> None:
    """A golden path with more memory, another registry and larger volumes."""
    file = template / "golden-path.yml"
    text = file.read_text().replace("storage_size: 1Gi", "storage_size: 2Gi")
    text = text.replace("memory: 256Mi", "memory: 384Mi")
    file.write_text(text.replace("registry: registry.example.com", "registry: images.example.org"))


def test_suggestions_that_were_taken_follow(update: Updater) -> None:
    """Who went on to the rest and chose nothing gets a new golden path by an update; the size of volumes stays.

    It was asked, and a StatefulSet that exists cannot take another one.
    """
    repository = update.copy({"workload_kind": "statefulset", "advanced": True, "namespace": "shop"}, "taken")
    before = recorded(repository.path)
    assert before["storage_size"] == "1Gi"
    update.release("v0.1.0", larger)
    update.update(repository, {}, "v0.1.0")
    assert recorded(repository.path) == before
    values = (repository.path / "deploy/chart/values.yaml").read_text()
    assert values.count("memory: 384Mi") == 1
    assert "images.example.org/platform/shop" in values
    assert "storage: 1Gi" in values


def test_storage_takes_the_place_of_its_size(update: Updater, render: Renderer) -> None:
    """The size of the default claim is recorded until whole claims are given, and reaches both renderings."""
    repository = update.copy({"workload_kind": "statefulset", "storage_size": "20Gi"}, "sized")
    assert recorded(repository.path)["storage_size"] == "20Gi"
    for path in ("deploy/base/statefulset.yaml", "deploy/chart/values.yaml"):
        assert "storage: 20Gi" in (repository.path / path).read_text()
    update.update(repository, {"storage": EVERY_ANSWER["statefulset"]["storage"]})
    assert "storage_size" not in recorded(repository.path)
    given = {"workload_kind": "statefulset", "storage": EVERY_ANSWER["statefulset"]["storage"]}
    assert recorded(repository.path) == recorded(render(given).path)


def test_every_question_is_answered() -> None:
    """A question that is added cannot be left out below."""
    answered = {name for answers in EVERY_ANSWER.values() for name in answers}
    assert set(questions()) - answered == {"image_repository", "storage_size"}


@pytest.mark.parametrize("kind", EVERY_ANSWER)
def test_everything_can_be_given(
    kind: str, copier_cli: Callable[..., subprocess.CompletedProcess[str]], render: Renderer, tmp_path: Path
) -> None:
    """Every answer can come from a data file, is recorded as it was given, and gives the same repository again."""
    (tmp_path / "answers.yml").write_text(yaml.safe_dump(EVERY_ANSWER[kind], sort_keys=False))
    done = copier_cli("copy", "--defaults", "--data-file=answers.yml", "--vcs-ref=v0.0.0", TEMPLATE_URL, "shop")
    assert done.returncode == 0, done.stderr
    assert recorded(tmp_path / "shop") == EVERY_ANSWER[kind]
    again = tree(render(recorded(tmp_path / "shop")).path)
    assert differences(tree(tmp_path / "shop"), again) == ""


def test_preset_carries_what_follows(update: Updater, render: Renderer) -> None:
    """Another preset, given to an update, brings its own ports, sizes and scaling; nothing of the old one sticks."""
    repository = update.copy({}, "one")
    update.update(repository, {"preset": "worker"})
    fresh = render({"preset": "worker"})
    assert recorded(repository.path) == recorded(fresh.path)
    assert differences(parts_of_template(fresh), parts_of_template(repository)) == ""


def parts_of_template(repository: Repository) -> dict[str, str]:
    """The files that people leave alone, because an update renews them."""
    files = tree(repository.path)
    return {
        name: text
        for name, text in files.items()
        if name.startswith(("deploy/base/", "deploy/chart/templates/", "deploy/platform/"))
        or name == "deploy/chart/values.yaml"
    }


def test_awkward_answers_survive(update: Updater) -> None:
    """What copier recorded is what it reads again: an update of the template changes no character of an answer."""
    given = {**AWKWARD, "config": json.dumps(AWKWARD["config"], ensure_ascii=False)}
    repository = update.copy(given, "awkward")
    assert {name: recorded(repository.path)[name] for name in AWKWARD} == AWKWARD
    before = tree(repository.path)
    update.release("v0.1.0", lambda template: (template / "unrelated").touch())
    update.update(repository, {}, "v0.1.0")
    after = tree(repository.path)
    assert {name: recorded(repository.path)[name] for name in AWKWARD} == AWKWARD
    changed = [name for name in before.keys() | after.keys() if before.get(name) != after.get(name)]
    assert changed == [".copier-answers.yml"]
