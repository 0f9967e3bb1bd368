"""Each entry of the catalogue, picked alone, gives a repository that is sound, with objects that a server takes."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest
from support.apiserver import deliver
from support.objects import workloads
from support.questionnaire import golden_path
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
