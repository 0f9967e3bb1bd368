"""Manifests and patches of the user's own are written once, and come out alike of Kustomize and of the chart."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis.strategies import randoms
from support import relations
from support.apiserver import deliver
from support.commands import attempt, run
from support.objects import at
from support.own_checks import check
from support.parity import compare, normal_chart, normal_kustomize

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path
    from random import Random

    from support.cluster import Cluster
    from support.objects import Manifest
    from support.render import Renderer
    from support.repository import Repository

Answers = dict[str, Any]

OWN = ["services", "configmaps", "persistentvolumeclaims", "roles.rbac.authorization.k8s.io"]
OWN += ["rolebindings.rbac.authorization.k8s.io", "cronjobs.batch", "poddisruptionbudgets.policy"]
WEB: Answers = {"own_manifests": OWN}
WATCHED: Answers = {**WEB, "monitoring": "prometheus-operator"}
STORE: Answers = {"own_manifests": OWN, "workload_kind": "statefulset"}
CRON: Answers = {"own_manifests": OWN, "workload_kind": "cronjob", "expose": "none"}
INGRESS: Answers = {"own_manifests": OWN, "expose": "ingress"}


def one(kind: str, name: str = "shop", **fields: Any) -> Manifest:
    """A patch of one object."""
    metadata = {"name": name, **fields.pop("metadata", {})}
    return {"apiVersion": API[kind], "kind": kind, "metadata": metadata, **fields}


API = {
    "Service": "v1",
    "ServiceAccount": "v1",
    "Deployment": "apps/v1",
    "StatefulSet": "apps/v1",
    "CronJob": "batch/v1",
    "HorizontalPodAutoscaler": "autoscaling/v2",
    "PodDisruptionBudget": "policy/v1",
    "NetworkPolicy": "networking.k8s.io/v1",
    "Ingress": "networking.k8s.io/v1",
    "HTTPRoute": "gateway.networking.k8s.io/v1",
    "ServiceMonitor": "monitoring.coreos.com/v1",
    "PrometheusRule": "monitoring.coreos.com/v1",
}
SCALE_DOWN = {
    "scaleDown": {"stabilizationWindowSeconds": 600, "policies": [{"type": "Pods", "value": 1, "periodSeconds": 60}]}
}
QUEUE = {
    "type": "External",
    "external": {"metric": {"name": "queue"}, "target": {"type": "AverageValue", "averageValue": "30"}},
}
BACKEND = {"service": {"name": "shop", "port": {"name": "http"}}}

PATCHES: dict[str, tuple[Answers, Manifest]] = {
    "role of the cloud": (
        WEB,
        one("ServiceAccount", metadata={"annotations": {"eks.amazonaws.com/role-arn": "arn:aws:iam::1:role/shop"}}),
    ),
    "pull secret of the account": (WEB, one("ServiceAccount", imagePullSecrets=[{"name": "regcred"}])),
    "both families of addresses": (WEB, one("Service", spec={"ipFamilyPolicy": "PreferDualStack"})),
    "load balancer": (
        WEB,
        one(
            "Service",
            metadata={"annotations": {"service.beta.kubernetes.io/aws-load-balancer-type": "nlb"}},
            spec={
                "type": "LoadBalancer",
                "externalTrafficPolicy": "Local",
                "loadBalancerSourceRanges": ["10.0.0.0/8"],
            },
        ),
    ),
    "sticky sessions": (
        WEB,
        one(
            "Service",
            spec={"sessionAffinity": "ClientIP", "sessionAffinityConfig": {"clientIP": {"timeoutSeconds": 600}}},
        ),
    ),
    "protocol of a port": (WEB, one("Service", spec={"ports": [{"port": 80, "appProtocol": "kubernetes.io/h2c"}]})),
    "another port": (WEB, one("Service", spec={"ports": [{"name": "alt", "port": 8081, "targetPort": "http"}]})),
    "near endpoints": (WEB, one("Service", spec={"trafficDistribution": "PreferSameZone"})),
    "behavior of the autoscaler": (WEB, one("HorizontalPodAutoscaler", spec={"behavior": SCALE_DOWN})),
    "metrics of the autoscaler": (WEB, one("HorizontalPodAutoscaler", spec={"metrics": [QUEUE]})),
    "budget in percent": (WEB, one("PodDisruptionBudget", spec={"maxUnavailable": "25%"})),
    "budget by what must be there": (
        WEB,
        one("PodDisruptionBudget", spec={"maxUnavailable": None, "minAvailable": 1}),
    ),
    "no budget": (WEB, {**one("PodDisruptionBudget"), "$patch": "delete"}),
    "second host": (WEB, one("HTTPRoute", spec={"hostnames": ["shop.example.com", "www.example.com"]})),
    "timeouts of the route": (
        WEB,
        one(
            "HTTPRoute",
            spec={
                "rules": [
                    {"timeouts": {"request": "30s"}, "backendRefs": [{"name": "shop", "port": 80, "weight": 1}]}
                ]
            },
        ),
    ),
    "annotation of the Deployment": (
        WEB,
        one("Deployment", metadata={"annotations": {"reloader.stakater.com/auto": "true"}}),
    ),
    "label of the Deployment": (WEB, one("Deployment", metadata={"labels": {"example.com/tier": "front"}})),
    "time of a rollout": (WEB, one("Deployment", spec={"progressDeadlineSeconds": 900, "minReadySeconds": 10})),
    "variable of the container": (
        WEB,
        one(
            "Deployment",
            spec={
                "template": {
                    "spec": {"containers": [{"name": "shop", "env": [{"name": "TZ", "value": "Europe/Berlin"}]}]}
                }
            },
        ),
    ),
    "volume and mount": (
        WEB,
        one(
            "Deployment",
            spec={
                "template": {
                    "spec": {
                        "volumes": [{"name": "cache", "emptyDir": {"sizeLimit": "64Mi"}}],
                        "containers": [{"name": "shop", "volumeMounts": [{"name": "cache", "mountPath": "/cache"}]}],
                    }
                }
            },
        ),
    ),
    "no lifecycle": (
        WEB,
        one(
            "Deployment",
            spec={"template": {"spec": {"containers": [{"name": "shop", "lifecycle": {"$patch": "delete"}}]}}},
        ),
    ),
    "callers": (
        WEB,
        one("NetworkPolicy", spec={"ingress": [{"from": [{"podSelector": {}}], "ports": [{"port": 8080}]}]}),
    ),
    "interval of the monitor": (
        WATCHED,
        one("ServiceMonitor", spec={"endpoints": [{"port": "metrics", "interval": "60s", "honorLabels": True}]}),
    ),
    "label of the rules": (WATCHED, one("PrometheusRule", metadata={"labels": {"ruler": "main"}})),
    "issuer of the certificate": (
        INGRESS,
        one("Ingress", metadata={"annotations": {"cert-manager.io/cluster-issuer": "public"}}),
    ),
    "two paths": (
        INGRESS,
        one(
            "Ingress",
            spec={
                "rules": [
                    {
                        "host": "shop.example.com",
                        "http": {
                            "paths": [
                                {"path": "/api", "pathType": "Prefix", "backend": BACKEND},
                                {"path": "/", "pathType": "Exact", "backend": BACKEND},
                            ]
                        },
                    }
                ]
            },
        ),
    ),
    "headless Service": (STORE, one("Service", "shop-headless", spec={"publishNotReadyAddresses": False})),
    "policy of the StatefulSet": (STORE, one("StatefulSet", spec={"minReadySeconds": 30})),
    "queue that reads the CronJob": (
        CRON,
        one("CronJob", metadata={"labels": {"kueue.x-k8s.io/queue-name": "night"}}, spec={"suspend": True}),
    ),
}

OBJECTS = """\
apiVersion: v1
kind: Service
metadata: {name: redis-leader, labels: {role: leader}}
spec:
  clusterIP: None
  publishNotReadyAddresses: true
  selector: {app.kubernetes.io/name: shop, app.kubernetes.io/instance: shop}
  ports: [{name: http, port: 6379, targetPort: http}]
---
# A claim that workloads share.
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: media}
spec:
  accessModes: [ReadWriteMany]
  resources: {requests: {storage: 1Gi}}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: leader-election}
rules:
  - {apiGroups: [""], resources: [configmaps], resourceNames: [lock], verbs: [get, update]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: leader-election}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: leader-election}
subjects: [{kind: ServiceAccount, name: shop}]
---
apiVersion: v1
kind: ConfigMap
metadata: {name: lock, annotations: {note: "1.30"}}
data: {"yes": "no", cron: "* * * * *", text: "first\\n--- second\\n{{ x }} $(( 1 ))\\n", unicode: "☃ 🎤"}
"""


def differences(repository: Repository, environment: str) -> list[str]:
    """In what the renderings of an environment differ."""
    namespace = repository.namespace(environment)
    chart = normal_chart(repository.helm(environment), namespace)
    return compare(chart, normal_kustomize(repository.kustomize(environment), namespace))


def write(folder: Path, patches: Sequence[Manifest] = (), objects: str = "") -> None:
    """Write patches and manifests as a user does."""
    (folder / "patches.yaml").write_text(yaml.safe_dump_all(list(patches)))
    (folder / "objects.yaml").write_text(objects)
    content: dict[str, Any] = {"apiVersion": "kustomize.config.k8s.io/v1alpha1", "kind": "Component"}
    content |= {"resources": ["objects.yaml"] if objects else []}
    content |= {"patches": [{"path": "patches.yaml"}] if patches else []}
    (folder / "kustomization.yaml").write_text(yaml.safe_dump(content))


def holds(object_: Any, patch: Any) -> bool:
    """Whether what a patch says is true of an object."""
    if isinstance(patch, dict):
        there = object_ if isinstance(object_, dict) else {}
        if patch.get("$patch") == "delete":
            return not there
        return all(
            key not in there if value is None else holds(there.get(key), value) for key, value in patch.items()
        )
    if isinstance(patch, list) and all(isinstance(entry, dict) for entry in patch):
        return isinstance(object_, list) and all(any(holds(other, entry) for other in object_) for entry in patch)
    return bool(object_ == patch)


@pytest.mark.parametrize("name", PATCHES)
def test_patch_is_in_both_renderings(name: str, render: Renderer, tmp_path: Path) -> None:
    """It is read from one file, changes what it says in each, under another release's name too, and nothing else."""
    answers, patch = PATCHES[name]
    repository = render.loose({**answers, "environments": ["dev", "prod"]}, tmp_path / "shop")
    before = len(repository.helm("dev"))
    write(repository.deploy / "chart/own/dev", [patch])
    assert differences(repository, "dev") == []
    assert run("helm", "template", "blue", repository.chart, "--set=own=dev") != ""
    gone = "$patch" in patch
    wanted = (patch["kind"], patch["metadata"]["name"])
    objects = repository.helm("dev")
    found = [each for each in objects if (each["kind"], each["metadata"]["name"]) == wanted]
    assert len(found) == (0 if gone else 1)
    assert gone or holds(found[0], patch)
    assert len(objects) == before - gone
    assert differences(repository, "prod") == []


@pytest.mark.slow
def test_own_objects_are_accepted(render: Renderer, tmp_path: Path, cluster_with_crds: Cluster) -> None:
    """They are in each environment, with its labels and namespace, and the deployers may write them."""
    repository = render.loose({**WEB, "environments": ["dev", "prod"]}, tmp_path / "shop")
    write(repository.deploy / "chart/own", [PATCHES["both families of addresses"][1]], OBJECTS)
    for environment in repository.environments():
        assert differences(repository, environment) == []
        for objects in (repository.kustomize(environment), repository.helm(environment)):
            own = [each for each in objects if each["metadata"]["name"] in ("redis-leader", "media", "lock")]
            assert [each["metadata"]["namespace"] for each in own] == [f"shop-{environment}"] * 3
            assert {at(each, "metadata", "labels", "app.kubernetes.io/part-of") for each in own} == {"shop"}
    assert check(repository) == []
    assert deliver(cluster_with_crds, repository) == []


def test_kinds_of_operators_are_left_to_the_api_server(render: Renderer, tmp_path: Path) -> None:
    """`make check` has schemas of Kubernetes' own kinds alone, and of those it knows which there are."""
    repository = render.loose({**WEB, "environments": ["dev"]}, tmp_path / "shop")
    own = repository.deploy / "chart/own"
    kinds = {
        "Gateway": "gateway.networking.k8s.io/v1",
        "VolumeSnapshot": "snapshot.storage.k8s.io/v1",
        "VerticalPodAutoscaler": "autoscaling.k8s.io/v1",
        "Certificate": "cert-manager.io/v1",
        "ScaledObject": "keda.sh/v1alpha1",
        "VirtualService": "networking.istio.io/v1",
        "TCPRoute": "gateway.networking.k8s.io/v1alpha2",
    }
    write(own, objects="".join(map(custom_object, kinds.items())))
    assert differences(repository, "dev") == []
    assert check(repository) == []
    for kind, version in {"Ingres": "networking.k8s.io/v1", "Role": "apps/v2", "Leases": "v1"}.items():
        write(own, objects=custom_object((kind, version)))
        assert any("has no such kind" in line for line in check(repository))


def custom_object(kind: tuple[str, str]) -> str:
    """An object of a kind and an API version."""
    name, version = kind
    return f"---\napiVersion: {version}\nkind: {name}\nmetadata: {{name: {name.lower()}}}\nspec: {{size: 1}}\n"


def test_nothing_of_ones_own_changes_nothing(render: Renderer, tmp_path: Path) -> None:
    """The place alone leaves every object as it is."""
    plain = render({})
    repository = render.loose({"own_manifests": []}, tmp_path / "shop")
    for environment in plain.environments():
        assert plain.kustomize(environment) == repository.kustomize(environment)
        assert compare(plain.helm(environment), repository.helm(environment)) == []
    assert relations.check_repository(repository) == []


LISTS = {
    "containers": "name",
    "initContainers": "name",
    "env": "name",
    "volumes": "name",
    "volumeMounts": "mountPath",
    "imagePullSecrets": "name",
}
"""Lists of a pod that Kustomize merges, by the field that two entries have in common."""

IDENTITY = {
    "apiVersion",
    "kind",
    "name",
    "namespace",
    "labels",
    "mountPath",
    "topologySpreadConstraints",
    "checksum/config",
}


def changed(value: Any, random: Random, field: str = "") -> Any:
    """A patch of a value: some of its fields changed, added or taken away."""
    if isinstance(value, dict):
        said = {
            name: child for name, child in value.items() if not isinstance(child, dict) or child.keys() - IDENTITY
        }
        free = sorted(said.keys() - IDENTITY)
        deep = [name for name in free if isinstance(value[name], dict | list)]
        picked = {*random.sample(free, min(len(free), 1)), *random.sample(deep, min(len(deep), 1))}
        patch = {
            name: None if random.random() < 0.2 else changed(value[name], random, name) for name in sorted(picked)
        }
        return patch | ({"added": {"a": "1.30", "b": [1, "yes"]}} if random.random() < 0.2 else {})
    if isinstance(value, list) and field in LISTS:
        key = LISTS[field]
        known = [{key: entry[key], **changed(entry, random)} for entry in random.sample(value, 1)]
        gone = [{key: entry[key], "$patch": "delete"} for entry in value[1:] if random.random() < 0.3]
        gone = [entry for entry in gone if entry[key] != known[0][key]]
        return [*known, *([{key: "new", "added": 7}] if random.random() < 0.5 else []), *gone]
    if isinstance(value, list):
        return random.sample(value, random.randint(1, len(value)))
    return not value if isinstance(value, bool) else value + 1 if isinstance(value, int) else f"{value} changed"


@pytest.mark.slow
@settings(max_examples=12)
@given(random=randoms(use_true_random=True))
def test_any_patch_is_merged_alike(
    random: Random, render: Renderer, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """The chart merges as Kustomize does: two patches of each object, one for all environments and one for this."""
    answers = random.choice([WATCHED, STORE, CRON, INGRESS])
    answers = {**answers, "sidecars": ["log-shipper"], "environments": ["dev"]}
    repository = render.loose(answers, tmp_path_factory.mktemp("patched") / "shop")
    # The alerts are read once more, for their namespace.
    objects = [each for each in repository.helm("dev") if each["kind"] in API.keys() - {"PrometheusRule"}]
    for folder in ("chart/own", "chart/own/dev"):
        patches = [one(each["kind"], each["metadata"]["name"], **_parts(each, random)) for each in objects]
        write(repository.deploy / folder, [each for each in patches if len(each) > len(one("Service"))])
    assert differences(repository, "dev") == []


def _parts(manifest: Manifest, random: Random) -> Manifest:
    patch: Manifest = changed({key: manifest[key] for key in manifest if key == "spec"}, random)
    return {key: value for key, value in patch.items() if value is not None}


FAULTS: dict[str, tuple[Manifest, str]] = {
    "a target": (
        {"patches": [{"path": "patches.yaml", "target": {"kind": "Service"}}]},
        "give kind and name in the patch",
    ),
    "another way of Kustomize": ({"images": [{"name": "x", "newTag": "1"}]}, "images is read by Kustomize alone"),
    "a file that is not there": ({"resources": ["other.yaml"]}, "own/other.yaml: is not in the chart"),
    "a patch that hits nothing": ({"patches": [{"path": "patches.yaml"}]}, "there is no Service/other to patch"),
    "a patch without a name": ({"patches": [{"patch": "kind: Service"}]}, "has no kind and name"),
    "what Kustomize does not merge": (
        {"patches": [{"patch": yaml.safe_dump(one("Deployment", spec={"topologySpreadConstraints": []}))}]},
        "answer topology_spread_constraints",
    ),
    "a JSON patch": ({"patches": [{"patch": "- {op: remove, path: /spec}"}]}, "has no kind and name"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_what_the_chart_cannot_read_is_said(name: str, render: Renderer, tmp_path: Path) -> None:
    """Whatever only Kustomize understands ends in one sentence, not in another rendering."""
    content, words = FAULTS[name]
    repository = render.loose({"own_manifests": []}, tmp_path / "shop")
    folder = repository.deploy / "chart/own"
    write(folder, [one("Service", "other")])
    kustomization = {"apiVersion": "kustomize.config.k8s.io/v1alpha1", "kind": "Component", **content}
    (folder / "kustomization.yaml").write_text(yaml.safe_dump(kustomization))
    done = attempt("helm", "template", "shop", repository.chart)
    assert done.returncode != 0
    assert words in done.stderr
