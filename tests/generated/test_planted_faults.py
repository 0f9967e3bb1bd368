"""Known faults of other templates, planted in a generated repository: the checks must name each one.

A check that cannot fail proves nothing. Here it fails on purpose, and its message must name object and field.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from support import parity, relations
from support.relations import environments, rolling

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from support.render import Renderer
    from support.repository import Repository


DATASTORE = {"workload_kind": "statefulset"}
READER = {"workload_kind": "daemonset", "preset": "log-agent"}
NIGHTLY: dict[str, Any] = {"workload_kind": "cronjob", "sidecars": ["log-shipper"]}


@pytest.fixture
def repository(render: Renderer, tmp_path: Path) -> Repository:
    """The default web application, free to be broken."""
    return render.loose({}, tmp_path / "shop")


@pytest.fixture
def datastore(render: Renderer, tmp_path: Path) -> Repository:
    """The default datastore, free to be broken."""
    return render.loose(DATASTORE, tmp_path / "shop")


@pytest.fixture
def reader(render: Renderer, tmp_path: Path) -> Repository:
    """The reader of the nodes' logs, free to be broken."""
    return render.loose(READER, tmp_path / "shop")


@pytest.fixture
def nightly(render: Renderer, tmp_path: Path) -> Repository:
    """A scheduled task with a sidecar, free to be broken."""
    return render.loose(NIGHTLY, tmp_path / "shop")


def plant(repository: Repository, path: str, old: str, new: str, *, flags: int = 0) -> None:
    """Replace what a pattern matches, once, in a file below deploy/."""
    file = repository.deploy / path
    text, number = re.subn(old, new, file.read_text(), count=1, flags=flags)
    assert number == 1, f"{path} has no {old!r} to break"
    file.write_text(text)


def append(repository: Repository, path: str, text: str) -> None:
    """Add lines to a file below deploy/."""
    file = repository.deploy / path
    file.write_text(file.read_text() + text)


def expect(lines: list[str], *words: str) -> None:
    """One of the lines has all the words."""
    assert any(all(word in line for word in words) for line in lines), "\n".join([f"no line has {words}:", *lines])


@pytest.mark.parametrize("answers", [{}, DATASTORE, READER, NIGHTLY], ids=["web", "datastore", "reader", "nightly"])
def test_nothing_is_wrong_before(answers: dict[str, Any], render: Renderer) -> None:
    """Without a fault the checks find nothing, so what they find below is the fault."""
    repository = render(answers)
    checks: list[Callable[[Repository], list[str]]] = [
        parity.check,
        relations.check_repository,
        environments.check,
        rolling.check,
    ]
    assert [line for check in checks for line in check(repository)] == []


def test_pdb_selector_that_matches_nothing(repository: Repository) -> None:
    """A budget whose selector is misspelt guards no pod, and no API server says so."""
    plant(repository, "base/pdb.yaml", r"(matchLabels:\n +app\.kubernetes\.io/name:) shop", r"\1 shopp")
    found = relations.check_repository(repository)
    expect(found, "base", "PodDisruptionBudget/shop", "spec.selector", "matches no pod")
    expect(found, "overlay prod", "PodDisruptionBudget/shop", "matches no pod")


def test_network_policy_on_the_service_port(repository: Repository) -> None:
    """A NetworkPolicy matches the pods' port; on the Service's port it closes what it should open."""
    plant(repository, "base/networkpolicy.yaml", r"port: 8080", "port: 80")
    found = relations.check_repository(repository)
    expect(found, "NetworkPolicy/shop", "spec.ingress", "80 is no port of Deployment/shop", "port of Service/shop")


def test_replicas_beside_an_autoscaler_in_the_chart(repository: Repository) -> None:
    """A chart that sets `replicas` scales the application back at each upgrade."""
    plant(
        repository,
        "chart/templates/deployment.yaml",
        r"\{\{- with include \"[-a-z]+\.replicas\" \$scope \}\}.*",
        "replicas: 3",
    )
    found = relations.check_repository(repository)
    expect(found, "chart for prod", "Deployment/shop", "spec.replicas", "beside HorizontalPodAutoscaler/shop")
    expect(parity.check(repository), "prod", "Deployment/shop", "spec.replicas: only in the chart")


def test_replicas_beside_an_autoscaler_in_an_overlay(repository: Repository) -> None:
    """Kustomize adds the field where an overlay names a count."""
    append(repository, "overlays/prod/kustomization.yaml", "replicas:\n  - name: shop\n    count: 3\n")
    found = relations.check_repository(repository)
    expect(found, "overlay prod", "Deployment/shop", "spec.replicas", "beside HorizontalPodAutoscaler/shop")


def test_version_label_in_a_selector(repository: Repository) -> None:
    """A selector is immutable: with a version in it, the next release is rejected."""
    plant(
        repository,
        "base/deployment.yaml",
        r"(  selector:\n    matchLabels:\n)",
        r'\1      app.kubernetes.io/version: "0.1.0"\n',
    )
    found = relations.check_repository(repository)
    expect(found, "Deployment/shop", "spec.selector", "app.kubernetes.io/version", "changes with every release")


def test_container_without_a_memory_limit(repository: Repository) -> None:
    """Without a limit one pod can take the whole node's memory."""
    plant(repository, "base/deployment.yaml", r"(limits:\n) +memory: .*\n", r"\1")
    found = relations.check_repository(repository)
    expect(found, "base", "Deployment/shop", "containers[shop].resources.limits.memory", "is missing")


def test_configuration_change_that_rolls_no_pod_of_the_base(repository: Repository) -> None:
    """Without a hash in the ConfigMap's name the pods keep what they read when they started."""
    append(repository, "base/kustomization.yaml", "generatorOptions:\n  disableNameSuffixHash: true\n")
    expect(rolling.check(repository), "base", "LOG_LEVEL", "pod template of Deployment/shop", "keep the old value")


def test_configuration_change_that_rolls_no_pod_of_the_chart(repository: Repository) -> None:
    """Without a checksum in the pod template `helm upgrade` changes the ConfigMap only."""
    plant(repository, "chart/templates/_pod.tpl", r"\(\.root\.Values\.config \| toJson \| sha256sum\)", '"none"')
    expect(rolling.check(repository), "chart", "LOG_LEVEL", "pod template of Deployment/shop", "keep the old value")


def test_configuration_change_that_rolls_pods_that_do_not_read_it(render: Renderer, tmp_path: Path) -> None:
    """A database must not start anew because another program logs more."""
    other = {"name": "cache", "kind": "statefulset", "image": "docker.io/library/redis:8.0.3"}
    repository = render.loose({"workloads": [other]}, tmp_path / "shop")
    plant(repository, "chart/templates/_pod.tpl", r'\(include "[-a-z]+\.readsConfig" .workload\)', "true")
    expect(rolling.check(repository), "chart", "StatefulSet/shop-cache", "replaces its pods, which do not read it")


def test_environment_whose_values_differ_between_the_renderings(repository: Repository) -> None:
    """What is promoted with one tool must be what is promoted with the other."""
    plant(repository, "chart/values-prod.yaml", r'tag: "0\.1\.0"', 'tag: "0.1.1"')
    found = parity.check(repository)
    expect(found, "prod: Deployment/shop", "spec.template.spec.containers[0].image", "shop:0.1.1", "shop:0.1.0")
    assert all(line.startswith("prod: ") for line in found), "only prod was broken"


def test_image_that_an_overlay_changes_and_the_base_does_not_use(repository: Repository) -> None:
    """Kustomize ignores an image of another name, so that a promotion would do nothing."""
    plant(repository, "overlays/prod/kustomization.yaml", "name: APPLICATION", "name: registry.example.com/other")
    expect(environments.check(repository), "prod", "registry.example.com/other", "base does not use")


def test_quota_that_stops_a_rolling_update(repository: Repository) -> None:
    """A quota for the running pods alone leaves no room for the one more of a rolling update."""
    plant(repository, "platform/prod/namespace.yaml", r'pods: "\d+"', 'pods: "10"')
    expect(environments.check(repository), "prod", "ResourceQuota pods", "10 is less than the peak, 11")


def test_deployer_who_may_not_deploy(repository: Repository) -> None:
    """A kind that the deployer's Role forgets is refused at the first `kubectl apply`, in production."""
    plant(repository, "platform/base/rbac.yaml", r"resources: \[poddisruptionbudgets\]", "resources: [podgroups]")
    expect(environments.check(repository), "prod", "deployer's Role lacks", "poddisruptionbudgets.policy")


def test_environment_without_values(repository: Repository) -> None:
    """An environment that only one of the renderings knows."""
    (repository.chart / "values-staging.yaml").unlink()
    expect(environments.check(repository), "staging", "has no values file")


def test_namespace_of_another_environment(repository: Repository) -> None:
    """An overlay that was copied and not edited to the end would deploy over another environment."""
    plant(repository, "environments/staging/kustomization.yaml", "namespace: shop-staging", "namespace: shop-prod")
    expect(environments.check(repository), "staging", "is in namespace shop-prod, not in shop-staging")


def test_version_label_in_a_claim_template(datastore: Repository) -> None:
    """A claim template is immutable: with a version in it, the next release of the StatefulSet is rejected."""
    plant(
        datastore,
        "base/statefulset.yaml",
        r"(    - metadata:\n        name: data\n)",
        r'\1        labels:\n          app.kubernetes.io/version: "0.1.0"\n',
    )
    found = relations.check_repository(datastore)
    expect(found, "base", "StatefulSet/shop", "spec.volumeClaimTemplates[0].metadata", "may change")
    expect(parity.check(datastore), "prod: StatefulSet/shop", "spec.volumeClaimTemplates[0].metadata.labels")


def test_peers_that_wait_for_each_other(datastore: Repository) -> None:
    """Peers that are found only when they are ready never become ready, where readiness needs a quorum."""
    plant(datastore, "chart/templates/headless.yaml", r' "publishNotReadyAddresses" true', "")
    found = relations.check_repository(datastore)
    expect(found, "chart for prod", "Service/shop-headless", "spec.publishNotReadyAddresses", "find no peers")


def test_quota_without_room_for_the_claims(datastore: Repository) -> None:
    """A claim above the quota leaves its pod pending, and the ones after it unmade."""
    plant(datastore, "platform/prod/namespace.yaml", r"requests.storage: \S+", "requests.storage: 2Gi")
    expect(environments.check(datastore), "prod", "ResourceQuota requests.storage", "2Gi is less than the peak, 3")


def test_quota_without_room_for_every_node(reader: Repository) -> None:
    """A quota that counts replicas forgets that an agent runs on every node."""
    plant(reader, "platform/prod/namespace.yaml", r'pods: "\d+"', 'pods: "3"')
    expect(environments.check(reader), "prod", "ResourceQuota pods", "3 is less than the peak, 20")


def test_agent_that_may_write_to_its_node(reader: Repository) -> None:
    """A writable path of the node is a way out of the container."""
    plant(reader, "base/daemonset.yaml", r"(mountPath: /var/log/pods\n) +readOnly: true\n", r"\1")
    found = relations.check_repository(reader)
    expect(found, "base", "DaemonSet/shop", "containers[shop].volumeMounts[logs]", "may write to the node")


def test_privileged_namespace_whose_policy_is_for_another(reader: Repository) -> None:
    """A policy of another namespace leaves this one without any standard."""
    plant(reader, "platform/prod/admission.yaml", r"metadata.name: shop-prod", "metadata.name: shop-dev")
    found = relations.check_repository(reader)
    expect(found, "platform prod", "Namespace/shop-prod", "enforce nothing")
    expect(found, "platform prod", "ValidatingAdmissionPolicy/shop-prod-node-logs", "spec.matchConstraints")


def test_sidecar_that_is_no_sidecar(nightly: Repository) -> None:
    """Without its restart policy a sidecar is a step of the start that never ends: the task never begins."""
    plant(nightly, "base/cronjob.yaml", r" +restartPolicy: Always\n", "")
    found = parity.check(nightly)
    expect(found, "prod: CronJob/shop", "initContainers[0].restartPolicy: only in the chart")


def test_failure_policy_of_a_container_that_was_renamed(nightly: Repository) -> None:
    """A rule that names no container of the pod never applies: a bad setting is tried again and again."""
    plant(nightly, "base/cronjob.yaml", r"containerName: shop", "containerName: main")
    found = relations.check_repository(nightly)
    expect(found, "overlay prod", "CronJob/shop", "podFailurePolicy.rules[1].onExitCodes", "'main' is no container")


def test_deployer_who_may_not_run_a_schedule_now(nightly: Repository) -> None:
    """The right to change a CronJob is not the right to change Jobs."""
    plant(nightly, "platform/base/rbac.yaml", r"resources: \[cronjobs, jobs\]", "resources: [jobs]")
    expect(environments.check(nightly), "prod", "deployer's Role lacks", "cronjobs.batch")


def test_configuration_change_that_rolls_no_datastore(datastore: Repository) -> None:
    """The pods of a StatefulSet keep what they read at their start, as those of a Deployment do."""
    append(datastore, "base/kustomization.yaml", "generatorOptions:\n  disableNameSuffixHash: true\n")
    expect(rolling.check(datastore), "base", "LOG_LEVEL", "pod template of StatefulSet/shop", "keep the old value")
