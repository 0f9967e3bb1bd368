"""A Job that has ended before anything else is deployed, in both renderings, tried on a real API server.

There is no node: the test itself ends the Job's pods, and sees what is there by then.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
import uuid
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from support.verdict import expect_none, findings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from support.cluster import Cluster
    from support.render import Answers, Renderer
    from support.repository import Repository

MIGRATE: dict[str, Any] = {"name": "migrate", "kind": "job", "before_rollout": True}
FILES = [{"name": "settings", "mountPath": "/etc/settings", "data": {"a.ini": "b"}, "immutable": True}]
OTHER = "registry.example.com/platform/migrations:1.2.3"

CASES: dict[str, Answers] = {
    "the application's image": {"workloads": [MIGRATE]},
    "files": {"workloads": [MIGRATE], "config_files": FILES},
    "no configuration": {"workloads": [MIGRATE], "config": {}},
    "another image": {"workloads": [{**MIGRATE, "image": OTHER}], "config_files": FILES},
    "another image, a sidecar of this one": {
        "workloads": [{**MIGRATE, "image": OTHER, "sidecars": [{"name": "beside", "command": ["true"]}]}],
        "config_files": FILES,
    },
    "two, and one for later": {
        "workloads": [MIGRATE, {**MIGRATE, "name": "seed"}, {"name": "warm-up", "kind": "job"}],
    },
    "before a Job": {"workload_kind": "job", "workloads": [MIGRATE]},
}


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
def test_renderings_are_equal_and_sound(case: str, render: Renderer) -> None:
    """Whatever the Job needs is there, and nothing more: a copy in the chart, the object itself in Kustomize."""
    expect_none(findings(render(CASES[case])), CASES[case])


def test_hooks_need_hooks_only(render: Renderer) -> None:
    """What Helm runs first names only what Helm has made by then."""
    repository = render(CASES["files"])
    objects = repository.helm()
    hooks = [each for each in objects if "pre-install" in _hook(each)]
    names = {(each["kind"], each["metadata"]["name"]) for each in hooks}
    assert {kind for kind, _ in names} == {"ServiceAccount", "ConfigMap", "NetworkPolicy", "Job"}
    (job,) = (each for each in hooks if each["kind"] == "Job")
    text = json.dumps(job["spec"]["template"])
    assert ("ServiceAccount", job["spec"]["template"]["spec"]["serviceAccountName"]) in names
    for each in objects:
        if each["kind"] == "ConfigMap":
            assert (f'"name": "{each["metadata"]["name"]}"' in text) == (each in hooks)
    weights = {each["kind"]: each["metadata"]["annotations"].get("helm.sh/hook-weight", "0") for each in hooks}
    assert all(int(weight) < int(weights["Job"]) for kind, weight in weights.items() if kind != "Job")


def _hook(manifest: dict[str, Any]) -> str:
    return str(manifest["metadata"].get("annotations", {}).get("helm.sh/hook", ""))


@contextmanager
def started(repository: Repository, cluster: Cluster, target: str, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """`make` at work in a repository; ended with all that it has started."""
    environment = {**os.environ, "KUBECONFIG": str(cluster.kubeconfig)}
    with log.open("wb") as output:
        process = subprocess.Popen(
            ["make", target, "ENV=dev", "TIMEOUT=60s"],
            cwd=repository.path,
            env=environment,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            yield process
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGTERM)
            process.wait()


def end(cluster: Cluster, namespace: str, code: int, log: Path) -> None:
    """Wait for the Job's pod, and end it."""
    selector = "--selector=batch.kubernetes.io/job-name=shop-migrate"
    for _ in range(150):
        if pod := _get(cluster, namespace, "pods", selector):
            break
        time.sleep(0.2)
    else:
        pytest.fail(f"no pod of the Job:\n{log.read_text()}")
    container = pod[0]["spec"]["containers"][0]
    state = {"terminated": {"exitCode": code}}
    ended = {"image": container["image"], "imageID": "", "ready": False, "restartCount": 0, "state": state}
    status = {
        "phase": "Failed" if code else "Succeeded",
        "containerStatuses": [{"name": container["name"], **ended}],
    }
    patch = f"--patch={json.dumps({'status': status})}"
    name = pod[0]["metadata"]["name"]
    done = cluster.kubectl("patch", f"--namespace={namespace}", "pod", name, "--subresource=status", patch)
    assert done.returncode == 0, done.stderr


def _get(cluster: Cluster, namespace: str, *arguments: str) -> list[dict[str, Any]]:
    done = cluster.kubectl("get", f"--namespace={namespace}", "--output=json", *arguments)
    assert done.returncode == 0, done.stderr
    found: list[dict[str, Any]] = json.loads(done.stdout)["items"]
    return found


@pytest.mark.slow
@pytest.mark.parametrize("target", ["apply", "helm-install"])
@pytest.mark.parametrize("code", [0, 2])
def test_the_rest_follows_a_job_that_has_ended_well(
    target: str, code: int, render: Renderer, cluster: Cluster, tmp_path: Path
) -> None:
    """The Job's pod is made while nothing else is there. Its success brings the rest, its failure ends all."""
    prefix = f"b{uuid.uuid4().hex[:8]}"
    answers = {"environments": ["dev"], "namespace": prefix, "expose": "none", "config_files": FILES}
    repository = render.loose({"app_name": "shop", **answers, "workloads": [MIGRATE]}, tmp_path / "shop")
    namespace, log = f"{prefix}-dev", tmp_path / "log"
    assert cluster.kubectl("create", "namespace", namespace).returncode == 0
    with started(repository, cluster, target, log) as process:
        end(cluster, namespace, code, log)
        assert _get(cluster, namespace, "deployments,services,poddisruptionbudgets") == []
        if code:
            assert process.wait(timeout=60) != 0
            assert _get(cluster, namespace, "deployments,services,poddisruptionbudgets") == []
            return
        for _ in range(150):
            if _get(cluster, namespace, "deployments"):
                break
            time.sleep(0.2)
        else:
            pytest.fail(f"nothing followed the Job:\n{log.read_text()}")
    names = {each["metadata"]["name"] for each in _get(cluster, namespace, "serviceaccounts,jobs")}
    assert {"shop", "shop-migrate"} <= names
