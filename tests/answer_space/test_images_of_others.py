"""What the generated code needs of its pod is not given to somebody's image, which has no use for it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from support.objects import of_kind, workloads
from support.questionnaire import golden_path, presets
from support.questions_asked import ask, workload

if TYPE_CHECKING:
    from support.objects import Manifest, Workload
    from support.render import Answers, Renderer

IMAGE = "registry.example.com/team/other:2.0.1"
REDIS = {"name": "redis", "containerPort": 6379}
KINDS = ("deployment", "statefulset", "daemonset", "job", "cronjob")
EVERY_PRESET = [(kind, preset) for kind in KINDS for preset in presets()[kind]]

IDENTITY = {"POD_NAME", "POD_NAMESPACE", "NODE_NAME", "JOB_NAME", "COMPLETIONS", "PEERS_SERVICE", "REPLICAS"}


def further(kind: str, **answers: Any) -> Answers:
    """An application of generated code, and beside it a workload of somebody's image."""
    return {"app_name": "shop", "workloads": [{"name": "other", "kind": kind, "image": IMAGE, **answers}]}


def made(objects: list[Manifest], name: str) -> Workload:
    """The workload of this name."""
    return next(found for found in workloads(objects) if found.key.name == name)


@pytest.mark.parametrize(("kind", "preset"), EVERY_PRESET)
def test_image_knows_nothing_of_its_pod(kind: str, preset: str) -> None:
    """No identity, no configuration that nobody wrote, and exit codes that mean what the image says."""
    answers = {"app_name": "shop", "language": "none", "workload_kind": kind, "preset": preset}
    verdict = ask(answers)
    assert not verdict.refused
    text = json.dumps(workload(verdict.context))
    assert [name for name in sorted(IDENTITY) if name in text] == []
    assert "configMap" not in text
    assert "onExitCodes" not in text
    if kind in ("job", "cronjob"):
        assert "DisruptionTarget" in text


@pytest.mark.parametrize(("kind", "preset"), EVERY_PRESET)
def test_generated_code_knows_its_pod(kind: str, preset: str) -> None:
    """The generated code gets all that it reads."""
    verdict = ask({"app_name": "shop", "workload_kind": kind, "preset": preset})
    container = workload(verdict.context)["spec"]
    text = json.dumps(container)
    expected = {"job": {"JOB_NAME"}, "cronjob": {"JOB_NAME"}, "statefulset": {"PEERS_SERVICE", "REPLICAS"}}
    for name in {"POD_NAME", "POD_NAMESPACE", "NODE_NAME"} | expected.get(kind, set()):
        assert name in text
    assert ("onExitCodes" in text) == (kind in ("job", "cronjob"))


@pytest.mark.parametrize("kind", ["deployment", "statefulset"])
def test_number_of_pods_replaces_no_pod(kind: str) -> None:
    """Scaling a database restarts none of its pods."""
    templates = []
    for replicas in (2, 3):
        verdict = ask({"language": "none", "workload_kind": kind, "autoscaling": False, "replicas": replicas})
        templates.append(workload(verdict.context)["spec"]["template"])
    assert templates[0] == templates[1]


@pytest.mark.parametrize("kind", KINDS)
def test_further_workload_of_an_image(kind: str, render: Renderer) -> None:
    """A workload of another image beside generated code has none of it either, in both renderings."""
    repository = render({**further(kind), "environments": ["dev"]})
    for objects in (repository.kustomize(), repository.helm()):
        other = made(objects, "shop-other")
        (container,) = other.spec["containers"]
        assert {"env", "envFrom"} & container.keys() == set()
        assert other.template["metadata"].get("annotations", {}) == {}
        assert "onExitCodes" not in json.dumps(other.manifest)
        assert container["volumeMounts"][0]["name"] == "tmp"


@pytest.mark.parametrize("language", ["python", "none"])
def test_no_empty_configuration(language: str, render: Renderer) -> None:
    """Where nothing is configured there is no ConfigMap, and nobody reads one."""
    repository = render({"language": language, "config": {}, "environments": ["dev"]})
    assert not (repository.deploy / "base/configmap.yaml").exists()
    for objects in (repository.kustomize("dev"), repository.helm("dev")):
        assert list(of_kind(objects, "ConfigMap")) == []
        assert "configMap" not in json.dumps(objects)
        assert "checksum" not in json.dumps(objects)


def resources(answers: Answers, index: int = 0) -> list[dict[str, Any]]:
    """The resources of the init containers of a workload."""
    verdict = ask({"app_name": "shop", **answers})
    assert not verdict.refused
    return [container["resources"] for container in verdict.context["every_workload"][index]["initContainers"]]


SIZED = {
    "requests": {"cpu": "1", "memory": "3Gi", "ephemeral-storage": "1Gi", "example.com/gpu": 1},
    "limits": {"memory": "4Gi", "ephemeral-storage": "1Gi", "example.com/gpu": 1},
}
CORE = {
    part: {name: amount for name, amount in SIZED[part].items() if "/" not in name} for part in ("requests", "limits")
}
OWN = {"name": "first", "command": ["migrate"]}


def test_resources_of_the_applications_image() -> None:
    """A step that runs the application's image gets the application's memory, and none of its devices."""
    standard = golden_path()["presets"]["web"]["resources"]
    assert resources({"init_containers": [OWN]}) == [standard]
    assert resources({"resources": SIZED, "init_containers": [OWN]}) == [CORE]
    assert resources({"resources": SIZED, "sidecars": [OWN]}) == [CORE]
    assert resources({"init_containers": [{**OWN, "image": IMAGE}]}) == [golden_path()["sidecar_resources"]]
    migrate = {"config": {"MIGRATE_COMMAND": "x"}, "init_containers": ["migrate"]}
    assert resources({"resources": SIZED, **migrate}) == [CORE]


def test_resources_of_the_applications_image_elsewhere() -> None:
    """In a further workload they are that one's, or the application's if it runs another image."""
    large = golden_path()["presets"]["task"]["resources"]
    assert resources({"workloads": [{"name": "load", "kind": "job", "init_containers": [OWN]}]}, 1) == [large]
    other = {**further("job", init_containers=[OWN]), "resources": SIZED}
    assert resources(other, 1) == [CORE]


def test_files_reach_the_applications_image_everywhere(render: Renderer) -> None:
    """An init container of the application's image mounts the files beside somebody's image, too."""
    files = [{"name": "settings", "mountPath": "/etc/settings", "data": {"a": "b"}}]
    repository = render({**further("job", init_containers=[OWN]), "config_files": files})
    for objects in (repository.kustomize(), repository.helm()):
        other = made(objects, "shop-other")
        assert [volume["name"] for volume in other.spec["volumes"]] == ["tmp", "settings"]
        assert [mount["name"] for mount in other.spec["initContainers"][0]["volumeMounts"]] == ["tmp", "settings"]
        assert [mount["name"] for mount in other.spec["containers"][0]["volumeMounts"]] == ["tmp"]


HTTP = ["curl", "--fail", "--silent", "--show-error", "--max-time", "5", "--output", "/dev/null"]
HEADERS = [{"name": "Host", "value": "a.example.com"}]
CALLS: dict[str, tuple[Answers, list[str] | None]] = {
    "code": ({}, None),
    "datastore's code": ({"workload_kind": "statefulset"}, None),
    "code behind a proxy": ({"sidecars": ["oauth2-proxy"]}, [*HTTP, "http://$(HOST):80/ping"]),
    "web image": ({"language": "none"}, [*HTTP, "http://$(HOST):80/"]),
    "port of another protocol": (
        {"language": "none", "ports": [REDIS]},
        ["nc", "-z", "-w", "5", "$(HOST)", "6379"],
    ),
    "path of the probe": (
        {"language": "none", "probes": {"readinessProbe": {"httpGet": {"path": "/up", "port": 8080}}}},
        [*HTTP, "http://$(HOST):80/up"],
    ),
    "TLS and headers of the probe": (
        {
            "language": "none",
            "ports": [{"name": "web", "containerPort": 8443}],
            "probes": {"startupProbe": {"httpGet": {"port": "web", "scheme": "HTTPS", "httpHeaders": HEADERS}}},
        },
        [*HTTP, "--insecure", "--header", "Host: a.example.com", "https://$(HOST):8443/"],
    ),
    "probe of gRPC": (
        {
            "language": "none",
            "ports": [{"name": "grpc", "containerPort": 9000}],
            "probes": {"readinessProbe": {"grpc": {"port": 9000}}},
        },
        ["nc", "-z", "-w", "5", "$(HOST)", "9000"],
    ),
    "probe of another port": (
        {
            "language": "none",
            "ports": [REDIS, {"name": "status", "containerPort": 8080}],
            "probes": {"readinessProbe": {"httpGet": {"path": "/", "port": "status"}}},
        },
        ["nc", "-z", "-w", "5", "$(HOST)", "6379"],
    ),
    "probe by a program": (
        {"language": "none", "ports": [REDIS], "probes": {"readinessProbe": {"exec": {"command": ["redis-cli"]}}}},
        ["nc", "-z", "-w", "5", "$(HOST)", "6379"],
    ),
}


@pytest.mark.parametrize("name", CALLS)
def test_connection_in_the_protocol_of_the_probe(name: str) -> None:
    """`helm test` asks what the probe asks, by an image that has the program for it."""
    answers, command = CALLS[name]
    verdict = ask({"app_name": "shop", **answers})
    assert not verdict.refused
    test = verdict.context["app"]["test"]
    assert test.get("command") == command
    if command:
        assert test["image"] == golden_path()["images"]["curl" if command[0] == "curl" else "debug"]


def test_names_of_the_identity_are_free_for_an_image() -> None:
    """What an image does not get can be configured; what the generated code gets cannot, because it would be lost."""
    named = {"config": {"REPLICAS": "3"}, "workload_kind": "statefulset"}
    assert not ask({**named, "language": "none"}).refused
    assert ask(named).refused.keys() == {"config"}
