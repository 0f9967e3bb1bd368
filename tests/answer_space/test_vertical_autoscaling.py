"""What `vertical_autoscaling` says: its objects in both renderings, what values say instead, and its validator."""

from __future__ import annotations

import json
import re
import shutil
from typing import TYPE_CHECKING, Any

import pytest
import toolbox
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from support import parity, relations
from support.apiserver import deliver
from support.commands import run
from support.objects import at, load, of_kind
from support.own_checks import check
from support.questions_asked import ask
from support.relations.quantities import quantity
from support.sandbox import ROOT
from support.server import Server
from support.summary import count

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from fractions import Fraction
    from pathlib import Path

    from support.cluster import Cluster
    from support.objects import Manifest
    from support.render import Renderer

KIND = "VerticalPodAutoscaler"
IMAGE = "docker.io/library/redis:8.0.3"
OFF = {"updatePolicy": {"updateMode": "Off"}}


def limited(name: str, **fields: Any) -> dict[str, Any]:
    """A resourcePolicy about one container, or with `*` about all."""
    return {"resourcePolicy": {"containerPolicies": [{"containerName": name, **fields}]}}


MEMORY = {
    "updatePolicy": {"updateMode": "Recreate", "minReplicas": 1},
    **limited("shop", controlledResources=["memory"], maxAllowed={"memory": "1.5Gi"}),
}
"""What does not fight an autoscaler that goes by the CPU."""

SETS: dict[str, dict[str, Any]] = {
    "recommendations alone": {"vertical_autoscaling": True},
    "beside an autoscaler": {"vertical_autoscaling": MEMORY},
    "of a StatefulSet": {
        "workload_kind": "statefulset",
        "vertical_autoscaling": {
            "updatePolicy": {
                "updateMode": "InPlaceOrRecreate",
                "evictAfterOOMSeconds": 600,
                "evictionRequirements": [{"resources": ["memory"], "changeRequirement": "TargetHigherThanRequests"}],
            },
            **limited("*", minAllowed={"cpu": 1, "memory": 67108864}, maxAllowed={"cpu": "2.5", "memory": "3Gi"}),
            "recommenders": [{"name": "1.30"}],
        },
    },
    "of a DaemonSet": {
        "workload_kind": "daemonset",
        "vertical_autoscaling": {
            **limited("*", mode="Off"),
            "startupBoost": {"cpu": {"type": "Factor", "factor": 2, "durationSeconds": 30}},
        },
    },
    "of a CronJob": {
        "workload_kind": "cronjob",
        "vertical_autoscaling": {
            **limited(
                "shop",
                controlledValues="RequestsOnly",
                oomBumpUpRatio="1.5",
                oomMinBumpUp="64Mi",
                memoryAggregationIntervalSeconds=3600,
                memoryAggregationIntervalCount=24,
                startupBoost={"cpu": {"type": "Quantity", "quantity": "500m"}},
            )
        },
    },
    "of each further workload": {
        "own_manifests": [],
        "object_metadata": [{"kind": KIND, "metadata": {"labels": {"example.com/read": "weekly"}}}],
        "workloads": [
            {"name": "mail", "preset": "worker", "vertical_autoscaling": True},
            {"name": "plain", "preset": "worker", "vertical_autoscaling": False},
            {"name": "cache", "kind": "statefulset", "image": IMAGE, "vertical_autoscaling": limited("cache")},
            {"name": "agent", "kind": "daemonset", "vertical_autoscaling": True},
            {
                "name": "parts-of-the-night",
                "kind": "cronjob",
                "completion_mode": "Indexed",
                "completions": 2,
                "vertical_autoscaling": True,
            },
        ],
    },
}


def scalers(objects: Sequence[Manifest]) -> dict[str, Any]:
    """The spec of each vertical autoscaler, by its name."""
    return {each["metadata"]["name"]: each["spec"] for each in of_kind(objects, KIND)}


@pytest.mark.slow
@pytest.mark.parametrize("name", SETS)
def test_recommenders_find_their_workloads(name: str, render: Renderer, cluster_with_crds: Cluster) -> None:
    """Both renderings are equal, and an API server that knows the kind takes them from the deployers."""
    repository = render({"environments": ["dev", "prod"], **SETS[name]})
    assert parity.check(repository) == []
    assert relations.check_repository(repository) == []
    assert check(repository) == []
    assert deliver(cluster_with_crds, repository) == []


def test_mode_is_off_unless_answered(render: Renderer) -> None:
    """Each has its own target; nothing is changed unless the answer says so; a release's name is followed."""
    repository = render({"environments": ["dev", "prod"], **SETS["of each further workload"]})
    targets = {
        "mail": ("apps/v1", "Deployment"),
        "cache": ("apps/v1", "StatefulSet"),
        "agent": ("apps/v1", "DaemonSet"),
        "parts-of-the-night": ("batch/v1", "CronJob"),
    }
    for objects, name in (
        (repository.kustomize("prod"), "shop"),
        (repository.helm("prod"), "shop"),
        (repository.helm(release="a-release-with-a-long-name"), "a-release-with-a-long-name-shop"),
    ):
        found = scalers(objects)
        present = {(each["apiVersion"], each["kind"], each["metadata"]["name"]) for each in objects}
        refs = [tuple(spec["targetRef"].values()) for spec in found.values()]
        assert sorted(ref[:2] for ref in refs) == sorted(targets.values())
        assert set(refs) <= present
        assert all(spec["updatePolicy"] == {"updateMode": "Off"} for spec in found.values())
        assert found[f"{name}-cache"]["resourcePolicy"] == limited("cache")["resourcePolicy"]
        labels = [each["metadata"]["labels"] for each in of_kind(objects, KIND)]
        assert all(each["example.com/read"] == "weekly" for each in labels)


def test_answer_comes_through(render: Renderer) -> None:
    """As it is written, with the mode that it says."""
    repository = render({"environments": ["dev", "prod"], "vertical_autoscaling": MEMORY})
    for objects in (repository.kustomize("dev"), repository.helm("dev")):
        found = scalers(objects)["shop"]
        assert found.pop("targetRef") == {"apiVersion": "apps/v1", "kind": "Deployment", "name": "shop"}
        assert found == MEMORY


def test_rights_come_with_the_object(render: Renderer) -> None:
    """Deployers may write the kind where there is one, and nowhere else."""
    for answers, groups in (({}, []), ({"vertical_autoscaling": False}, []), (SETS["recommendations alone"], [KIND])):
        repository = render({"environments": ["dev", "prod"], **answers})
        rules = [rule for role in of_kind(repository.platform("dev"), "Role") for rule in role["rules"]]
        found = [rule["resources"] for rule in rules if "autoscaling.k8s.io" in rule["apiGroups"]]
        assert found == [["verticalpodautoscalers"]] * len(groups)
        assert [each["kind"] for each in of_kind(repository.kustomize("dev"), KIND)] == groups
        assert (repository.chart / "templates/vpa.yaml").exists() == bool(groups)


@pytest.mark.parametrize(
    ("fields", "requests", "limits"),
    [
        ({}, "2Gi", "4Gi"),
        ({"controlledValues": "RequestsOnly"}, "256Mi", "256Mi"),
        ({"controlledResources": ["cpu"]}, "128Mi", "256Mi"),
        ({"mode": "Off"}, "128Mi", "256Mi"),
    ],
)
def test_quota_admits_what_is_allowed(fields: dict[str, Any], requests: str, limits: str, render: Renderer) -> None:
    """Pods may ask for `maxAllowed` where the mode lets them, with limits in proportion or up to their limits."""
    alone = {"environments": ["prod"], "autoscaling": False, "replicas": 1}
    policy = limited("*", maxAllowed={"memory": "2Gi"}, **fields)

    def memory(answers: Mapping[str, Any]) -> list[Fraction]:
        (quota,) = of_kind(render({**alone, **answers}).platform("prod"), "ResourceQuota")
        hard = quota["spec"]["hard"]
        return [quantity(hard[f"{part}.memory"]) / int(hard["pods"]) for part in ("requests", "limits")]

    initial = {"vertical_autoscaling": {"updatePolicy": {"updateMode": "Initial"}, **policy}}
    assert memory(initial) == [quantity(requests), quantity(limits)]
    assert memory({"vertical_autoscaling": policy}) == memory({})


def test_values_say_otherwise(render: Renderer, tmp_path: Path) -> None:
    """A parent takes it away by false in its own values, by null in those that it is given; the mode stays Off."""
    parent = tmp_path / "parent"
    answers = {"workloads": [{"name": "mail", "preset": "worker"}], "vertical_autoscaling": limited("shop")}
    shutil.copytree(render({"environments": ["dev"], **answers}).chart, parent / "charts/shop")
    (parent / "Chart.yaml").write_text("apiVersion: v2\nname: parent\nversion: 1.0.0\n")
    given = tmp_path / "values.yaml"

    def made(own: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
        for path, workloads in ((parent / "values.yaml", own), (given, over)):
            values = {key: {"verticalAutoscaling": value} for key, value in workloads.items()}
            path.write_text(yaml.safe_dump({"shop": {"workloads": values}}))
        return scalers(load(run("helm", "template", "shop", parent, "--values", given), "parent"))

    assert made({}, {}).keys() == {"shop-shop"}
    assert made({"main": False}, {}) == {}
    assert made({}, {"main": None}) == {}
    boosted = made({"mail": {"resourcePolicy": {}}}, {"main": {"updatePolicy": {"updateMode": "Initial"}}})
    assert {name: spec["updatePolicy"] for name, spec in boosted.items()} == {
        "shop-shop": {"updateMode": "Initial"},
        "shop-shop-mail": {"updateMode": "Off"},
    }
    assert boosted["shop-shop"]["resourcePolicy"] == limited("shop")["resourcePolicy"]


def definition() -> dict[str, Any]:
    """The schema of a VerticalPodAutoscalerSpec, as the custom resource defines it."""
    document = yaml.safe_load(toolbox.assets().crds[KIND].read_text())
    (served,) = [version for version in document["spec"]["versions"] if version["served"]]
    schema: dict[str, Any] = at(served, "schema", "openAPIV3Schema", "properties", "spec")
    return schema


def described(schema: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, str, list[str]]]:
    """Each field of a schema: its path, its type in the validator's short notation, and what is required below it."""
    if "x-kubernetes-int-or-string" in schema:
        yield path, "Quantity", []
    elif schema["type"] == "array":
        yield from (
            (below, f"[{type_}]" if below == path else type_, needed)
            for below, type_, needed in described(schema["items"], path)
        )
    elif "properties" in schema:
        yield path, "map", sorted(schema.get("required", []))
        for field, below in schema["properties"].items():
            yield from described(below, f"{path}.{field}")
    elif "additionalProperties" in schema:
        ((_, type_, _),) = described(schema["additionalProperties"])
        yield path, f"{{{type_}}}", []
    else:
        yield path, schema["type"], []


def known(types: Mapping[str, Any], type_: str, path: str = "") -> Iterator[tuple[str, str, list[str]]]:
    """The same of the validator's own types."""
    plain = type_.strip("[]")
    if plain not in types:
        yield path, type_, []
        return
    yield path, type_.replace(plain, "map"), sorted(types[plain]["required"])
    for field, below in types[plain]["fields"].items():
        yield from known(types, below, f"{path}.{field}")


def test_fields_are_those_of_the_definition() -> None:
    """None is missing and none is more, but for the target, which the template sets."""
    text = (ROOT / "template/macros/check_vertical.jinja").read_text()
    (types,) = re.findall(r"^#% set types \| from_json %#\n(.*?)^#% endset %#$", text, re.MULTILINE | re.DOTALL)
    schema = definition()
    del schema["properties"]["targetRef"]
    schema["required"].remove("targetRef")
    wanted = sorted(described(schema))
    # The schema lets a policy name no container; the admission webhook does not.
    policy = ".resourcePolicy.containerPolicies"
    wanted = [(path, type_, ["containerName"] if path == policy else needed) for path, type_, needed in wanted]
    assert sorted(known(json.loads(types), "VerticalPodAutoscalerSpec")) == wanted


def test_least_is_within_the_bounds_of_the_namespace() -> None:
    """A LimitRange that is below what is asked for at least would admit no pod; the most is held by it anyway."""
    limits = {"limits": [{"type": "Container", "max": {"memory": "1Gi"}}]}
    for mode, bound, found in (
        ("Initial", "minAllowed", "is less than container 'shop' takes"),
        ("Off", "minAllowed", ""),
        ("Initial", "maxAllowed", ""),
    ):
        policy = limited("shop", **{bound: {"memory": "600Mi"}})
        answer = {"updatePolicy": {"updateMode": mode}, **policy}
        asked = ask({"app_name": "shop", "vertical_autoscaling": answer, "limit_range": limits})
        wrong = asked.context.get("used_environments", "")
        assert (asked.refused, bool(wrong)) == ({}, bool(found))
        assert found in wrong


def refusal(answer: Any) -> str:
    """What the validator says about an answer of an application that nothing else scales."""
    answers = {"app_name": "shop", "autoscaling": False, "vertical_autoscaling": answer}
    return ask(answers).refused.get("vertical_autoscaling", "")


def test_words_are_those_of_the_definition() -> None:
    """Every word that a field takes is taken, but for one that is deprecated."""
    spec = definition()["properties"]
    modes = at(spec, "updatePolicy", "properties", "updateMode", "enum")
    assert [mode for mode in modes if refusal({"updatePolicy": {"updateMode": mode}})] == ["Auto"]
    container = at(spec, "resourcePolicy", "properties", "containerPolicies", "items", "properties")
    for field in ("mode", "controlledValues"):
        assert [word for word in container[field]["enum"] if refusal(limited("shop", **{field: word}))] == []
    entry = at(spec, "updatePolicy", "properties", "evictionRequirements", "items", "properties")
    for word in entry["changeRequirement"]["enum"]:
        required = [{"resources": ["cpu"], "changeRequirement": word}]
        assert refusal({"updatePolicy": {"evictionRequirements": required}}) == ""


def written(schema: Mapping[str, Any], name: str = "") -> st.SearchStrategy[Any]:
    """Values for a field of the definition, now and then of a sort that it does not take."""
    if "x-kubernetes-int-or-string" in schema:
        return st.sampled_from([1, 2, "100m", "0.5", "1.5Gi", "64Mi", 67108864, "2k", "3", "2.5", *ODD])
    if schema["type"] == "array":
        return st.lists(written(schema["items"], name), min_size=1, max_size=2)
    if "additionalProperties" in schema:
        amounts = written(schema["additionalProperties"])
        return st.dictionaries(st.sampled_from(["cpu", "memory"]), amounts, min_size=1, max_size=2)
    if "properties" in schema:
        fields = {field: written(below, field) for field, below in schema["properties"].items()}
        needed = {field: fields.pop(field) for field in [*schema.get("required", []), *NEEDED] if field in fields}
        return st.fixed_dictionaries(needed, optional=fields)
    if "enum" in schema:
        return st.sampled_from([*schema["enum"] * 4, "Never", False])
    return st.sampled_from([1, 60, 3600, 2, 3, 0] if schema["type"] == "integer" else WORDS.get(name, ["08", "a b"]))


EXAMPLES = 600 if settings().max_examples > settings.get_profile("default").max_examples else 200
ODD = [0.5, "1GB", "0.5m"]
NEEDED = ["containerName"]
WORDS = {
    "containerName": ["shop", "*"] * 4 + ["log-shipper"],
    "controlledResources": ["cpu", "memory"] * 4 + ["storage"],
    "resources": ["cpu", "memory"] * 4 + ["storage"],
}


@pytest.mark.slow
def test_random_answers(cluster_with_crds: Cluster, request: pytest.FixtureRequest) -> None:
    """Whatever is accepted, the API server takes; whatever is not, is refused in one line."""
    server = Server(cluster_with_crds)
    schema = definition()
    target = schema["properties"].pop("targetRef") and {"apiVersion": "apps/v1", "kind": "Deployment", "name": "shop"}
    schema["required"].remove("targetRef")
    accepted: list[Any] = []

    @settings(max_examples=EXAMPLES)
    @given(answer=written(schema))
    def judge(answer: dict[str, Any]) -> None:
        if found := refusal(answer):
            assert re.fullmatch(r"[^\n(]+ \(\S[^\n]*\)", found)
            return
        metadata = {"name": "shop", "namespace": "default"}
        manifest = {"apiVersion": "autoscaling.k8s.io/v1", "kind": KIND, "metadata": metadata}
        assert server.create({**manifest, "spec": {**answer, "targetRef": target}}, dry_run=True) == []
        accepted.append(answer)

    judge()
    count(request, "random VerticalPodAutoscalers that were accepted", len(accepted))
    assert len(accepted) > 20
