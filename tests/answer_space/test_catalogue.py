"""Each entry of the catalogue, picked alone, gives a repository that is sound, with objects that a server takes."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest
from support.apiserver import deliver
from support.objects import workloads
from support.questionnaire import golden_path
from support.questions_asked import ask
from support.verdict import expect_none, findings

if TYPE_CHECKING:
    from support.cluster import Cluster
    from support.render import Answers, Renderer

CATALOGUE = golden_path()["catalogue"]

ENTRIES = [(question, name) for question, entries in CATALOGUE.items() for name in entries]


@pytest.mark.slow
@pytest.mark.parametrize(("question", "name"), ENTRIES)
def test_entry_by_itself(question: str, name: str, render: Renderer, cluster_with_crds: Cluster) -> None:
    """A web application with one entry, and with the configuration that the entry asks for."""
    wanted = CATALOGUE[question][name].get("config", [])
    config = {key.split(" or ")[0]: "8080" for key in wanted}
    answers: Answers = {question: [name], "config": {"LOG_LEVEL": "info", **config}, "environments": ["dev"]}
    repository = render(answers)
    (workload,) = (each for each in workloads(repository.kustomize()) if each.key.name == "shop")
    assert [container["name"] for container in workload.spec["initContainers"]] == [name]
    expect_none(findings(repository) or deliver(cluster_with_crds, repository), answers)


def test_entry_is_adjusted() -> None:
    """The given fields are laid over the entry's: lists by their keys; what comes with it stays."""
    given = {
        "image": "quay.io/oauth2-proxy/oauth2-proxy:v7.12.0",
        "args": ["--http-address=0.0.0.0:4180"],
        "ports": [{"name": "admin", "containerPort": 4181}],
        "env": [{"name": "OAUTH2_PROXY_PROVIDER", "value": "oidc"}],
        "resources": {"requests": {"cpu": "20m", "memory": "48Mi"}, "limits": {"memory": "96Mi"}},
    }
    config = {"OAUTH2_PROXY_EMAIL_DOMAINS": "example.com"}
    mounts = [{"name": "app-logs", "mountPath": "/again"}]
    verdict = ask(
        {"sidecars": [{"oauth2-proxy": given}, {"log-shipper": {"volumeMounts": mounts}}], "config": config}
    )
    assert verdict.refused == {}
    workload = verdict.context["every_workload"][0]
    proxy, shipper = workload["initContainers"]
    entry = CATALOGUE["sidecars"]["oauth2-proxy"]["container"]
    assert proxy["name"] == "oauth2-proxy"
    assert {field: proxy[field] for field in ("image", "args", "env")} == {
        f: given[f] for f in ("image", "args", "env")
    }
    assert proxy["ports"] == [*entry["ports"], *given["ports"]]
    assert proxy["readinessProbe"] == entry["readinessProbe"]
    assert proxy["resources"]["limits"] == {"memory": "96Mi", "ephemeral-storage": "64Mi"}
    assert shipper["volumeMounts"] == [*CATALOGUE["sidecars"]["log-shipper"]["container"]["volumeMounts"], *mounts]
    assert workload["container"]["volumeMounts"] == CATALOGUE["sidecars"]["log-shipper"]["volume_mounts"]
    assert [port["targetPort"] for port in workload["service"]] == ["proxy"]


def test_container_with_the_name_of_an_entry_is_ones_own() -> None:
    """An entry that joins the catalogue changes nothing for whoever has a container of that name."""
    own = {"name": "log-shipper", "command": ["ship"]}
    workload = ask({"sidecars": [own]}).context["every_workload"][0]
    (shipper,) = workload["initContainers"]
    assert {field: shipper[field] for field in shipper if field not in ("resources", "restartPolicy")} == own
    assert "volumes" not in workload["pod"]


@pytest.mark.slow
def test_callers_come_through_the_front(render: Renderer, cluster_with_crds: Cluster) -> None:
    """The Service leads to the sidecar, and the application's own port is closed to the network."""
    guard = {"name": "guard", "image": "a/guard:1.2.3", "ports": [{"name": "guard", "containerPort": 9443}]}
    beside = {"image": "a/b:1", "ports": [{"name": "grpc", "containerPort": 50051}]}
    answers: Answers = {
        "sidecars": [guard, "log-shipper"],
        "front": "guard",
        "workloads": [{"name": "search", **beside, "sidecars": [guard], "front": "guard"}],
        "environments": ["dev"],
    }
    repository = render(answers)
    for objects in (repository.kustomize("dev"), repository.helm("dev")):
        found = {(each["kind"], each["metadata"]["name"]): each["spec"] for each in objects if "spec" in each}
        for name in ("shop", "shop-search"):
            assert found["Service", name]["ports"][0]["targetPort"] == "guard"
            opened = [port["port"] for rule in found["NetworkPolicy", name]["ingress"] for port in rule["ports"]]
            assert set(opened) == {9443}
    expect_none(findings(repository) or deliver(cluster_with_crds, repository), answers)


def test_migrations_have_the_secrets(render: Renderer) -> None:
    """The Secrets of the application reach `migrate`, which could not open the database without them."""
    secrets = [{"name": "db", "env": {"DB_PASSWORD": "password"}}, {"name": "tls", "mountPath": "/run/tls"}]
    answers: Answers = {"init_containers": ["migrate"], "config": {"MIGRATE_COMMAND": "true"}, "secrets": secrets}
    (workload,) = workloads(render(answers).kustomize())
    (migrate,), (own,) = workload.spec["initContainers"], workload.spec["containers"]
    assert migrate["env"] == own["env"]
    assert migrate["envFrom"] == own["envFrom"]
    assert migrate["volumeMounts"] == own["volumeMounts"]


@pytest.mark.parametrize(
    ("command", "code", "printed"),
    [('test "$A" = 1 && echo done', 0, "done\n"), ("echo half; exit 3", 3, "half\n")],
)
def test_migrations_run_the_command(command: str, code: int, printed: str) -> None:
    """The entry `migrate` runs what the configuration says, with its arguments, and ends as that ends."""
    program = CATALOGUE["init_containers"]["migrate"]["container"]["command"]
    environment = {"PATH": "/usr/bin:/bin", "A": "1", "MIGRATE_COMMAND": command}
    done = subprocess.run(program, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (code, f"migrating: {command}\n{printed}")
