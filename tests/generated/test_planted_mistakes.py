"""Mistakes in the files that people edit, planted in a generated repository: its own checks must name each one.

An override is well-formed by itself and makes an invalid object where it meets what is there, by Helm's deep merge
or by a patch. What the checks refuse, a real API server refuses too.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from support import own_checks
from support.commands import attempt

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from support.cluster import Cluster
    from support.render import Renderer
    from support.repository import Repository

DATASTORE = {"workload_kind": "statefulset"}
AGENT = {"workload_kind": "daemonset"}
NIGHTLY = {"workload_kind": "cronjob"}


@dataclass(frozen=True)
class Mistake:
    """What is written into production's values (of the application) and overlay, and the words of the complaint.

    `overlay` holds a patch for each kind. What is `taken` an API server does not refuse: it fails later.
    """

    words: str
    values: Mapping[str, Any] = field(default_factory=dict)
    overlay: Mapping[str, Any] = field(default_factory=dict)
    answers: Mapping[str, Any] = field(default_factory=dict)
    taken: bool = False

    def plant(self, repository: Repository) -> Repository:
        """Write it."""
        if self.values:
            file = repository.chart / "values-prod.yaml"
            file.write_text(f"{file.read_text()}workloads: {json.dumps({'main': self.values})}\n")
        if self.overlay:
            file = repository.deploy / "overlays/prod/kustomization.yaml"
            patches = [
                {"target": {"kind": kind}, "patch": json.dumps({"kind": kind, "metadata": {"name": "any"}, **patch})}
                for kind, patch in self.overlay.items()
            ]
            file.write_text(f"{file.read_text()}patches: {json.dumps(patches)}\n")
        return repository


def pod(**fields: Any) -> dict[str, Any]:
    """A patch of the pods of a workload."""
    return {"spec": {"template": {"spec": fields}}}


def container(**fields: Any) -> dict[str, Any]:
    """A patch of the application's container."""
    return pod(containers=[{"name": "shop", **fields}])


STRANGE_PEERS = [{"from": [{"ipBlock": {"cidr": "10.0.0.0/8"}, "podSelector": {}}]}]
MISTAKES = {
    "misspelt field in an overlay": Mistake(
        "'minReadySecond' was unexpected", overlay={"Deployment": {"spec": {"minReadySecond": 5}}}
    ),
    "misspelt field in the values": Mistake(
        "'lifecyle' was unexpected", values={"container": {"lifecyle": {"preStop": {"sleep": {"seconds": 5}}}}}
    ),
    "misspelt field of a Service": Mistake(
        "'sessionAfinity' was unexpected", overlay={"Service": {"spec": {"sessionAfinity": "None"}}}
    ),
    "text for a number": Mistake(
        "'30' is not of type 'integer'", values={"pod": {"terminationGracePeriodSeconds": "30"}}
    ),
    "two handlers of a probe": Mistake(
        "readinessProbe has httpGet and tcpSocket of exec, grpc, httpGet, tcpSocket: give one",
        values={"container": {"readinessProbe": {"tcpSocket": {"port": "http"}}}},
    ),
    "two handlers of a hook": Mistake(
        "preStop has exec and sleep of",
        overlay={"Deployment": container(lifecycle={"preStop": {"exec": {"command": ["true"]}}})},
    ),
    "limit below its request": Mistake(
        "requests 128Mi of memory, with a limit of 64Mi",
        values={"container": {"resources": {"limits": {"memory": "64Mi"}}}},
    ),
    "limit below its request in an overlay": Mistake(
        "requests 1 of cpu, with a limit of 900m",
        overlay={"Deployment": container(resources={"requests": {"cpu": "1"}, "limits": {"cpu": "900m"}})},
    ),
    "amount that is none": Mistake(
        "limits.memory is 1Gb, which is no quantity",
        values={"container": {"resources": {"limits": {"memory": "1Gb"}}}},
    ),
    "volume with two sources": Mistake(
        "volumes[0] has configMap and emptyDir: give one source",
        overlay={"Deployment": pod(volumes=[{"name": "tmp", "configMap": {"name": "shop"}}])},
    ),
    "variable with two sources": Mistake(
        "has value and valueFrom: give one",
        overlay={"Deployment": container(env=[{"name": "POD_NAME", "value": "shop"}])},
    ),
    "variable twice": Mistake(
        "env has LEVEL twice", values={"container": {"env": [{"name": "LEVEL", "value": "1"}, {"name": "LEVEL"}]}}
    ),
    "reference with two sources": Mistake(
        "valueFrom has configMapKeyRef and fieldRef of",
        overlay={
            "Deployment": container(
                env=[{"name": "POD_NAME", "valueFrom": {"configMapKeyRef": {"name": "shop", "key": "LOG_LEVEL"}}}]
            )
        },
    ),
    "two mounts at one path": Mistake(
        "volumeMounts has /run twice",
        values={
            "container": {
                "volumeMounts": [{"name": "tmp", "mountPath": "/run"}, {"name": "tmp", "mountPath": "/run"}]
            }
        },
    ),
    "mount of no volume": Mistake(
        "shop mounts cache, which is no volume",
        overlay={"Deployment": container(volumeMounts=[{"name": "cache", "mountPath": "/cache"}])},
    ),
    "update that can take no step": Mistake(
        "maxSurge is 0, maxUnavailable is 0%: one of them is not 0",
        values={"spec": {"strategy": {"rollingUpdate": {"maxSurge": 0, "maxUnavailable": "0%"}}}},
    ),
    "strategy with the fields of another": Mistake(
        "rollingUpdate is beside type Recreate", overlay={"Deployment": {"spec": {"strategy": {"type": "Recreate"}}}}
    ),
    "selector that picks others": Mistake(
        "spec.selector is not in the labels of its pods",
        overlay={"Deployment": {"spec": {"selector": {"matchLabels": {"tier": "front"}}}}},
    ),
    "profile that is not local": Mistake(
        "seccompProfile has a localhostProfile with the type Localhost alone",
        overlay={"Deployment": pod(securityContext={"seccompProfile": {"localhostProfile": "own.json"}})},
    ),
    "hook that takes longer than the pod": Mistake(
        "shop sleeps 60 s, its pod ends after 30 s",
        values={"container": {"lifecycle": {"preStop": {"sleep": {"seconds": 60}}}}},
    ),
    "liveness that needs two successes": Mistake(
        "shop has a livenessProbe with a successThreshold: it is 1",
        values={"container": {"livenessProbe": {"successThreshold": 2}}},
    ),
    "bounds of an autoscaler": Mistake(
        "minReplicas 20 is more than maxReplicas 10", values={"autoscaling": {"minReplicas": 20}}
    ),
    "metric of two types": Mistake(
        "metrics[0] has external and resource of",
        overlay={
            "HorizontalPodAutoscaler": {
                "spec": {
                    "metrics": [
                        {
                            "type": "Resource",
                            "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 75}},
                            "external": {"metric": {"name": "jobs"}, "target": {"type": "Value", "value": "1"}},
                        }
                    ]
                }
            }
        },
        taken=True,
    ),
    "replicas beside an autoscaler": Mistake(
        "moves the replicas that Deployment/shop sets", overlay={"Deployment": {"spec": {"replicas": 3}}}, taken=True
    ),
    "budget with two bounds": Mistake(
        "has minAvailable and maxUnavailable", overlay={"PodDisruptionBudget": {"spec": {"minAvailable": 1}}}
    ),
    "address beside a selector": Mistake(
        "has ipBlock and podSelector: give the ipBlock an entry of its own",
        values={"networkPolicy": {"ingress": STRANGE_PEERS}},
    ),
    "strategy of a StatefulSet with the fields of another": Mistake(
        "rollingUpdate is beside type OnDelete",
        values={"spec": {"updateStrategy": {"type": "OnDelete"}}},
        answers=DATASTORE,
    ),
    "surge of a DaemonSet": Mistake(
        "maxSurge is 1, maxUnavailable is 1: one of them is 0",
        values={"spec": {"updateStrategy": {"rollingUpdate": {"maxSurge": 1}}}},
        answers=AGENT,
    ),
    "Job that restarts its containers": Mistake(
        "restartPolicy is OnFailure: use Never", values={"pod": {"restartPolicy": "OnFailure"}}, answers=NIGHTLY
    ),
    "index without a number": Mistake(
        "is Indexed without completions", values={"job": {"completionMode": "Indexed"}}, answers=NIGHTLY
    ),
    "more pods than the quota": Mistake(
        "quota of pods: Deployment/shop 41 at the peak are more than ",
        values={"autoscaling": {"maxReplicas": 40}},
        taken=True,
    ),
    "larger pods than the quota": Mistake(
        "quota of limits.memory: Deployment/shop 11264Mi at the peak are more than 5632Mi",
        overlay={"Deployment": container(resources={"limits": {"memory": "1Gi"}})},
        taken=True,
    ),
    "larger pods on every node": Mistake(
        "quota of limits.memory: DaemonSet/shop 20480Mi at the peak are more than",
        values={"container": {"resources": {"limits": {"memory": "1Gi"}}}},
        answers=AGENT,
        taken=True,
    ),
    "Service on every node": Mistake(
        "quota of services.nodeports: Service/shop 1 at the peak are more than 0",
        overlay={"Service": {"spec": {"type": "NodePort"}}},
        taken=True,
    ),
    "larger claims than the quota": Mistake(
        "quota of requests.storage: StatefulSet/shop 30720Mi at the peak are more than 6144Mi",
        values={
            "claims": [
                {"name": "data", "mountPath": "/data", "spec": {"resources": {"requests": {"storage": "10Gi"}}}}
            ]
        },
        answers=DATASTORE,
        taken=True,
    ),
    "word in other letters": Mistake(
        "imagePullPolicy is always: use", values={"container": {"imagePullPolicy": "always"}}
    ),
    "word that does not exist": Mistake(
        "concurrencyPolicy is forbid: use", values={"spec": {"concurrencyPolicy": "forbid"}}, answers=NIGHTLY
    ),
    "access that no claim has": Mistake(
        "accessModes[0] is RWO: use",
        values={
            "claims": [
                {
                    "name": "data",
                    "mountPath": "/data",
                    "spec": {"accessModes": ["RWO"], "resources": {"requests": {"storage": "1Gi"}}},
                }
            ]
        },
        answers=DATASTORE,
    ),
    "toleration of any value, with a value": Mistake(
        "tolerations[0] has the operator Exists with a value",
        values={"pod": {"tolerations": [{"key": "a", "operator": "Exists", "value": "x"}]}},
    ),
    "mount by two paths": Mistake(
        "shop mounts tmp by subPath and subPathExpr",
        overlay={
            "Deployment": container(
                volumeMounts=[{"name": "tmp", "mountPath": "/x", "subPath": "a", "subPathExpr": "b"}]
            )
        },
    ),
    "probe of a port by a name that it has not": Mistake(
        "readinessProbe asks port htp, which it has not",
        overlay={"Deployment": container(readinessProbe={"httpGet": {"port": "htp"}})},
        taken=True,
    ),
    "ConfigMap that is not there": Mistake(
        "Deployment/shop needs ConfigMap/shop-setings, which is not there",
        values={"container": {"envFrom": [{"configMapRef": {"name": "shop-setings"}}]}},
        taken=True,
    ),
    "account that nobody makes": Mistake(
        "Deployment/shop needs ServiceAccount/other, which is not there",
        values={"pod": {"serviceAccountName": "other"}},
        taken=True,
    ),
    "Secret that nobody makes": Mistake(
        "Deployment/shop needs Secret/database, which is not there",
        overlay={"Deployment": container(envFrom=[{"secretRef": {"name": "database"}}])},
        taken=True,
    ),
    "key that the ConfigMap has not": Mistake(
        "Deployment/shop needs LEVEL of ConfigMap/shop",
        values={
            "container": {
                "env": [{"name": "LEVEL", "valueFrom": {"configMapKeyRef": {"name": "shop", "key": "LEVEL"}}}],
            }
        },
        taken=True,
    ),
}


OWN_KEYS = {"config": {"protocol": "amqp", "operator": "acme"}, "pod_annotations": {"scheme": "dark"}}
"""Keys of people's own that are called like a field of Kubernetes."""


@pytest.mark.parametrize(
    "answers", [{}, DATASTORE, AGENT, NIGHTLY, OWN_KEYS], ids=["web", "datastore", "agent", "nightly", "own keys"]
)
def test_nothing_is_wrong_before(answers: dict[str, Any], render: Renderer) -> None:
    """Without a mistake the checks find nothing, so what they find below is the mistake."""
    assert own_checks.check(render(answers)) == []


@pytest.mark.slow
@pytest.mark.parametrize("name", MISTAKES)
def test_mistake_is_named(name: str, render: Renderer, tmp_path: Path) -> None:
    """The complaint has the object, the field and what is wrong with it, on one line."""
    mistake = MISTAKES[name]
    repository = mistake.plant(render.loose(mistake.answers, tmp_path / "shop"))
    found = list(own_checks.check_environment(repository, "prod"))
    assert any(mistake.words in line for line in found), found
    assert not any("\n" in line for line in found)


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name, mistake in MISTAKES.items() if not mistake.taken])
def test_api_server_refuses_it_too(name: str, render: Renderer, tmp_path: Path, cluster: Cluster) -> None:
    """The checks are no stricter than what they stand for."""
    mistake = MISTAKES[name]
    repository = mistake.plant(render.loose({"expose": "none", **mistake.answers}, tmp_path / "shop"))
    cluster.kubectl("create", "namespace", "shop-prod")
    for text in (repository.kustomize_text("prod"), repository.helm_text("prod", "--skip-tests")):
        done = cluster.kubectl("apply", "--server-side", "--dry-run=server", "--filename=-", input=text)
        if done.returncode:
            return
    pytest.fail("the API server takes it")


def test_containers_are_no_fields_of_the_pod(render: Renderer, tmp_path: Path) -> None:
    """They would stand beside the chart's own, under the same key."""
    mistake = Mistake("", values={"pod": {"containers": [{"name": "shop", "image": "a.example.com/b:1"}]}})
    repository = mistake.plant(render.loose({}, tmp_path / "shop"))
    done = attempt(sys.executable, "deploy/check.py", "prod", cwd=repository.path)
    assert done.returncode == 1
    assert "/workloads/main/pod/containers" in done.stdout.replace("'", "").replace(".", "/"), done.stdout


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        (
            {"patches": [{"target": {"kind": "Deployment", "name": "shpo"}, "patch": "[]"}]},
            "has a patch for {'kind': 'Deployment', 'name': 'shpo'}, which hits nothing: correct it",
        ),
        ({"patches": [{"target": {"kind": "ConfigMap", "name": "shop"}, "patch": "[]"}]}, ""),
        ({"patches": [{"target": {"kind": "Deploy.*", "name": "shop.*"}, "patch": "[]"}]}, ""),
        (
            {"images": [{"name": "rediss", "newTag": "8.4"}]},
            "has an image rediss, which no container runs: correct it",
        ),
        ({"images": [{"name": "docker.io/library/redis", "newTag": "8.4"}]}, ""),
    ],
    ids=str,
)
def test_entry_that_hits_nothing(entry: dict[str, Any], words: str, render: Renderer, tmp_path: Path) -> None:
    """Kustomize says nothing of an entry without an object or a container, and so both renderings would be equal."""
    image = "docker.io/library/redis:8.2"
    repository = render.loose({"workloads": [{"name": "cache", "image": image}]}, tmp_path / "shop")
    file = repository.deploy / "overlays/prod/kustomization.yaml"
    text = yaml.safe_load(file.read_text())
    merged = {**text, **{field: [*text.get(field, []), *entries] for field, entries in entry.items()}}
    file.write_text(yaml.safe_dump(merged))
    done = attempt(sys.executable, "deploy/check.py", "prod", cwd=repository.path)
    assert done.returncode == bool(words), done.stdout
    assert words in done.stdout


def test_scripts_tell_where(render: Renderer, tmp_path: Path) -> None:
    """The programs name the environment and the rendering, and end with a failure."""
    repository = MISTAKES["limit below its request"].plant(render.loose({}, tmp_path / "shop"))
    done = attempt(sys.executable, "deploy/check.py", "--kubernetes=1.34", "--kubernetes=1.99", cwd=repository.path)
    assert done.returncode == 1
    where = "Deployment/shop: spec.template.spec.containers[0].resources"
    assert f"  helm: {where} requests 128Mi of memory, with a limit of 64Mi: correct one" in done.stdout.splitlines()
    verdicts = [line for line in done.stdout.splitlines() if not line.startswith(" ")]
    assert verdicts == [
        "dev: valid in Kubernetes 1.34 and 1.37",
        "prod: invalid",
        "staging: valid in Kubernetes 1.34 and 1.37",
    ]
    assert attempt(sys.executable, "deploy/check.py", "dev", cwd=repository.path).returncode == 0
