"""A fork with a golden-path.yml of its own: what it decides reaches both renderings, and all stays true."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import yaml
from support import parity
from support.objects import of_kind, workloads
from support.questionnaire import golden_path
from support.sandbox import ROOT

if TYPE_CHECKING:
    from pathlib import Path

    from support.repository import Repository
    from support.update import Updater

LARGE = {"requests": {"cpu": "1", "memory": "1Gi"}, "limits": {"memory": "2Gi"}}


def decided() -> dict[str, Any]:
    """Nearly everything is different from what the tests are rendered with."""
    fork = golden_path()
    fork.update(
        domain="apps.acme.test",
        registry="harbor.acme.test:5000/apps",
        team="billing",
        labels={"acme.test/cost-centre": "4711"},
        team_label="acme.test/team",
        deployer_group="oidc:{team}-{environment}",
        kubernetes_versions=["1.35", "1.36"],
        environments=[{"name": "test"}, {"name": "live", "autoscaling": {"minReplicas": 3, "maxReplicas": 6}}],
        sizes={"large": LARGE},
        image_pull_secrets=[{"name": "harbor"}],
        storage_class="fast",
        ci="gitlab",
        monitoring="prometheus-operator",
    )
    fork["presets"]["web"].update(replicas=3)
    del fork["presets"]["web"]["autoscaling"]
    fork["presets"]["datastore"]["resources"]["limits"]["memory"] = "512Mi"
    return fork


@pytest.fixture
def fork(update: Updater) -> Updater:
    """The template with that file."""

    def edit(template: Path) -> None:
        (template / "golden-path.yml").write_text(yaml.safe_dump(decided(), sort_keys=False))

    update.release("v9.0.0", edit)
    return update


ANSWERS: dict[str, dict[str, Any]] = {
    "web": {"resources": "large", "workloads": [{"name": "mailer", "preset": "worker", "resources": "large"}]},
    "statefulset": {"workload_kind": "statefulset"},
    "cronjob": {"workload_kind": "cronjob"},
}


@pytest.mark.parametrize("name", ANSWERS)
def test_what_an_organisation_decides_is_in_both_renderings(name: str, fork: Updater) -> None:
    """Every pod has the pull secrets, every claim the class, and the two renderings are equal."""
    repository = fork.copy(ANSWERS[name], name, "v9.0.0")
    assert parity.check(repository) == []
    for environment in (None, "test", "live"):
        objects = repository.kustomize(environment)
        for workload in workloads(objects):
            assert workload.template["spec"]["imagePullSecrets"] == [{"name": "harbor"}]
        for manifest in of_kind(objects, "StatefulSet"):
            claims = manifest["spec"]["volumeClaimTemplates"]
            assert [claim["spec"]["storageClassName"] for claim in claims] == ["fast"]


def test_a_size_is_chosen_by_its_name(fork: Updater) -> None:
    """For the application and for a further workload."""
    repository = fork.copy(ANSWERS["web"], "sized", "v9.0.0")
    for workload in workloads(repository.kustomize()):
        resources = workload.template["spec"]["containers"][0]["resources"]
        assert {part: {k: v for k, v in resources[part].items() if k in LARGE[part]} for part in LARGE} == LARGE


def test_each_environment_has_its_own_group(fork: Updater) -> None:
    """By the placeholder in `deployer_group`."""
    repository = fork.copy({}, "groups", "v9.0.0")
    assert {name: _group(repository, name) for name in ("test", "live")} == {
        "test": "oidc:billing-test",
        "live": "oidc:billing-live",
    }


def _group(repository: Repository, environment: str) -> str:
    group: str = next(of_kind(repository.platform(environment), "RoleBinding"))["subjects"][0]["name"]
    return group


ANY_FILE = {"test_another_organisation.py", "test_golden_path.py", "test_routine_releases.py"}
"""Tests that read the organisation's own file, and hold whatever it says."""


def test_the_tests_do_not_rest_on_the_real_file() -> None:
    """Otherwise an organisation that edits it would have to edit tests too."""
    readers = {path.name for path in (ROOT / "tests").rglob("*.py") if 'ROOT / "golden-path.yml"' in path.read_text()}
    assert readers == ANY_FILE


def test_the_real_file_renders(update: Updater) -> None:
    """Whatever this organisation has decided."""
    real = (ROOT / "golden-path.yml").read_text()

    def edit(template: Path) -> None:
        (template / "golden-path.yml").write_text(real)

    update.release("v9.1.0", edit)
    repository = update.copy({}, "real", "v9.1.0")
    assert parity.check(repository) == []
