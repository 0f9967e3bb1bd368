"""Amounts of a quota that are answered, and namespaces that somebody else owns."""

from __future__ import annotations

import re
import sys
import uuid
from typing import TYPE_CHECKING, Any

import pytest
from support import parity, relations
from support.answers import claim
from support.apiserver import deliver, deployers, moved
from support.commands import attempt
from support.objects import of_kind
from support.own_checks import check
from support.relations import environments
from support.relations.quantities import peak, quantity
from support.render import RefusedError
from support.server import Server
from support.strict_yaml import read

if TYPE_CHECKING:
    from support.cluster import Cluster
    from support.render import Renderer

COMPUTED = {"pods", "requests.cpu", "services.loadbalancers"}
SEVERAL: dict[str, dict[str, Any]] = {
    "web": {},
    "statefulset": {"workload_kind": "statefulset", "storage_size": "1.5Gi"},
    "limited": {"resources": {"requests": {"cpu": "50m", "memory": "64Mi"}, "limits": {"cpu": 1, "memory": "1Gi"}}},
    "ephemeral": {
        "autoscaling": False,
        "volumes": [{"name": "scratch", "ephemeral": {"volumeClaimTemplate": {"spec": claim(storage="3Gi")}}}],
        "volume_mounts": [{"name": "scratch", "mountPath": "/scratch"}],
    },
    "several": {"workloads": [{"name": "mail", "preset": "worker"}, {"name": "report", "kind": "cronjob"}]},
}


def amounts(platform: list[dict[str, Any]]) -> dict[str, Any]:
    """What the one ResourceQuota holds."""
    quota = next(of_kind(platform, "ResourceQuota"))
    return dict(quota["spec"]["hard"])


def test_answered_amounts_take_the_place_of_computed_ones(render: Renderer) -> None:
    """Those of an environment go before those of all; what nobody answers is computed."""
    answers = {
        "quota": {"hard": {"pods": 40, "services.loadbalancers": 1}},
        "environments": ["dev", {"name": "prod", "quota": {"hard": {"pods": 60, "count/jobs.batch": 5}}}],
    }
    plain, repository = render({"environments": ["dev", "prod"]}), render(answers)
    for environment, own in (("dev", {"pods": 40}), ("prod", {"pods": 60, "count/jobs.batch": 5})):
        before = amounts(plain.platform(environment))
        assert before.keys() >= COMPUTED
        assert amounts(repository.platform(environment)) == {**before, "services.loadbalancers": 1, **own}


@pytest.mark.parametrize("name", SEVERAL)
def test_storage_is_for_what_claims_it(name: str, render: Renderer) -> None:
    """Claims of all pods fit, with headroom, ephemeral ones too; where there are none no storage is admitted."""
    repository = render({"environments": ["live"], **SEVERAL[name]})
    needed = peak(repository.kustomize("live"))
    admitted = amounts(repository.platform("live"))
    assert quantity(admitted["requests.storage"]) == needed.get("requests.storage", 0) * 2
    assert quantity(admitted.get("persistentvolumeclaims", 0)) == needed.get("persistentvolumeclaims", 0) * 2


@pytest.mark.parametrize("name", SEVERAL)
def test_number_that_is_needed_is_the_peak(name: str, render: Renderer) -> None:
    """The refusal of too little names what is admitted, and no more than the workloads take."""
    repository = render({"environments": ["live"], **SEVERAL[name]})
    needed = peak(repository.kustomize("live"))
    for resource in amounts(repository.platform("live")):
        if not needed.get(resource):
            continue
        with pytest.raises(RefusedError) as refused:
            render({"environments": ["live"], **SEVERAL[name], "quota": {"hard": {resource: 0}}})
        found = re.search(rf"use at least (\S+) \(quota\.hard\.{resource}: 0 is less", str(refused.value))
        assert found, str(refused.value)
        assert 0 <= quantity(found[1]) - needed[resource] < (2**20 if resource.endswith("y") else 1)
    exact = {resource: str(float(needed[resource])) for resource in ("requests.memory", "limits.memory")}
    exact["pods"] = str(int(needed["pods"]))
    admitted = render({"environments": ["live"], **SEVERAL[name], "quota": {"hard": exact}})
    assert environments.check(admitted) == []


THEIRS = {"pods": 14, "count/services": 3}
OTHERS = ["dev", {"name": "prod", "create_namespace": False, "quota": {"hard": THEIRS}}]


def test_namespace_of_others_is_not_made(render: Renderer) -> None:
    """The platform's objects are the rights alone, in the namespace; both renderings go there."""
    repository = render({"environments": OTHERS})
    kinds = sorted({each["kind"] for each in repository.platform("prod")})
    assert kinds == ["Role", "RoleBinding"]
    assert {each["metadata"]["namespace"] for each in repository.platform("prod")} == {"shop-prod"}
    assert {"LimitRange", "Namespace", "ResourceQuota"} < {each["kind"] for each in repository.platform("dev")}
    assert parity.check(repository) == []
    assert relations.check_repository(repository) == []
    assert environments.check(repository) == []
    readme = (repository.path / "README.md").read_text()
    assert "The namespace of `prod` is somebody else's" in readme
    alone = render({"environments": OTHERS[1:]})
    assert not (alone.deploy / "platform/base/limitrange.yaml").exists()
    assert sorted({each["kind"] for each in alone.platform("prod")}) == kinds


def test_quota_of_others_is_counted_against(render: Renderer) -> None:
    """`make check` knows the amounts that were answered, though nobody applies them."""
    repository = render({"environments": OTHERS})
    path = repository.deploy / "platform/prod/quota.yaml"
    assert read(path)[0]["spec"]["hard"] == THEIRS
    for text, words in (
        (path.read_text(), ""),
        (path.read_text().replace("pods: 14", "pods: 10"), "quota of pods: Deployment/shop 11 at the peak"),
        (path.read_text().replace("services: 3", "services: 0"), "quota of count/services: Service/shop 1 at"),
    ):
        path.write_text(text)
        done = attempt(sys.executable, "deploy/check.py", "prod", cwd=repository.path)
        assert words in done.stdout + done.stderr
        assert (done.returncode == 0) == (not words), done.stdout


def scoped(hard: dict[str, Any], **spec: Any) -> dict[str, Any]:
    """The answer."""
    return {"scoped_quotas": [{"metadata": {"name": "some-pods-or-claims-alone"}, "spec": {"hard": hard, **spec}}]}


def of_class(operator: str, *values: str) -> dict[str, Any]:
    """A scope by the class of priority."""
    expression = {"scopeName": "PriorityClass", "operator": operator, **({"values": list(values)} if values else {})}
    return {"scopeSelector": {"matchExpressions": [expression]}}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("spec", "counted"),
    [
        ({"scopes": ["NotTerminating", "NotBestEffort"]}, True),
        ({"scopes": ["Terminating"]}, False),
        ({"scopes": ["BestEffort"]}, False),
        (of_class("In", "high", "higher"), True),
        (of_class("NotIn", "high"), False),
        (of_class("Exists"), True),
        (of_class("DoesNotExist"), False),
    ],
    ids=str,
)
def test_quota_of_some_pods(
    spec: dict[str, Any], *, counted: bool, render: Renderer, cluster_with_crds: Cluster
) -> None:
    """It needs room for those that it counts alone, and stands beside the computed one."""
    answers = {"environments": ["live"], "priority_class_name": "high"}
    if counted:
        with pytest.raises(RefusedError, match=r"use at least 11 \(scoped_quotas\[0\]\.spec\.hard\.pods: 10 is less"):
            render({**answers, **scoped({"pods": 10}, **spec)})
    hard = {"pods": 11 if counted else 0, **({} if spec.get("scopes") == ["BestEffort"] else {"cpu": "100"})}
    repository = render({**answers, **scoped(hard, **spec)})
    plain, some = of_kind(repository.platform("live"), "ResourceQuota")
    assert plain["spec"]["hard"] == amounts(render(answers).platform("live"))
    assert (some["metadata"]["name"], some["spec"]) == ("shop-some-pods-or-claims-alone", {"hard": hard, **spec})
    namespace = f"quota-{uuid.uuid4().hex[:8]}"
    for manifest in moved(repository.platform("live"), namespace):
        assert Server(cluster_with_crds).apply(manifest) == []
    assert check(repository) == []
    assert environments.check(repository) == []


@pytest.mark.slow
def test_deployers_deploy_to_a_namespace_of_others(render: Renderer, cluster_with_crds: Cluster) -> None:
    """A real server takes it, and its owner's quota refuses what is above the amount of objects."""
    repository = render({"environments": OTHERS[1:]})
    assert deliver(cluster_with_crds, repository) == []
    limited = render({"environments": [{"name": "prod", "quota": {"hard": {"count/deployments.apps": 1}}}]})
    namespace = f"quota-{uuid.uuid4().hex[:8]}"
    administrator = Server(cluster_with_crds)
    for manifest in moved(limited.platform("prod"), namespace):
        assert administrator.apply(manifest) == []
    server = Server(cluster_with_crds, deployers(limited.platform("prod")))
    (one,) = of_kind(moved(limited.kustomize("prod"), namespace), "Deployment")
    assert server.apply(one) == []
    (refusal,) = server.apply({**one, "metadata": {**one["metadata"], "name": "another"}})
    assert "exceeded quota" in refusal
