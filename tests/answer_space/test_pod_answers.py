"""Whatever the questionnaire accepts about a pod, an API server takes; whatever it refuses, deserves it.

The validators and the model are asked directly, without a copy, so that there is time for many answers. Each workload
that comes out is given to a real API server, and its pod as well, in a namespace that enforces what the application's
own would.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import jinja2
import pytest
import yaml
from hypothesis import given, settings
from support.apiserver import complaints
from support.dry_run import DryRun
from support.questionnaire import golden_path
from support.questions_asked import Verdict, ask, workload
from support.strategies_pod import pods
from support.summary import count

if TYPE_CHECKING:
    from support.cluster import Cluster
    from support.objects import Manifest

NAMESPACE = "pod-answers"

EXAMPLES = 1000 if settings().max_examples > settings.get_profile("default").max_examples else 150

OWN_POLICY = {
    r"\{\} is not a map with the fields of|is empty: leave it out": "a structure that says nothing",
    r"has both value and valueFrom|needs exactly one": "two answers to one question, or none",
    r"answered by \w+ too|is listed twice|hides the variable": "two answers to one question",
    r"is the path of|is the name of": "one name, or one path, for two things",
    r"is set already": "what the template sets itself",
    r"stands before a Service|which config lacks": "an entry of the catalogue that cannot work",
    r"has a question of its own|has questions of its own|is for each container to say": "a question of its own",
    r"fails in every hook|is a raw device": "what could not work",
    r"would leave keys to pods": "what the generated datastore could not serve",
    r"does not go together|is not for this container": "what could not work",
    r"is the application's, which starts only after": "what could not work",
    r"is not a path": "paths that mean something else than they say",
    r"is not a label's key|is not a name|is no name|is no key of|is not an object": "names that nothing can have",
    r"follows from the|goes past the scheduler|own ServiceAccount|without an audience": "what belongs elsewhere",
    r"medium: .* is not known|hugepages|is not a resource of every node": "huge pages, and what no kubelet knows",
    r"is not for a container that ends before": "what a container that ends has no use for",
    r"is not the application's container|is not part of a host name": "names that are not the application's, or none",
    r"null is not|is not a (?:map|list)[;)]|has no sources": "nothing, where something was to be said",
    r"(?:\(|: )'' is": "an empty word, where one leaves the field out",
    r"names no exact version|moves, so that": "images that are not always the same",
    r"is not an image|names no port|is not the name of an environment variable": "what no node could run",
    r"is out of range": "numbers beyond what is wise: an hour to end, for example",
    r"is too small|is not a whole number in range": "numbers beyond what is wise: an hour to end, for example",
    r"is not a string|has a control character": "values that would arrive as something else",
    r"is neither true nor false|lacks value": "values that would arrive as something else",
    r"is not a quantity above zero": "amounts of nothing, or beyond all nodes",
    r"windowsOptions|1\.35 or newer": "what is not in every cluster that the template supports",
    r"ties the claim to one volume": "claims that only one pod could use",
    r"is the platform's to choose": "what OpenShift's default constraints refuse",
    r"is not a valid name": "names that are stricter than a container's, like every other name here",
    r"is read by no supported version": "fields behind a feature gate",
}
"""What the server would take, and the questionnaire refuses all the same: a message, and why."""


def pod_of(manifest: Manifest) -> Manifest:
    """The pod that a controller would make of a workload. Which classes there are is the cluster's business."""
    spec = manifest["spec"]
    template = spec["jobTemplate"]["spec"]["template"] if manifest["kind"] == "CronJob" else spec["template"]
    claims = [
        {"name": claim["metadata"]["name"], "persistentVolumeClaim": {"claimName": "a-claim"}}
        for claim in spec.get("volumeClaimTemplates", [])
    ]
    volumes = [*template["spec"].get("volumes", []), *claims]
    classes = {"priorityClassName": "business", "runtimeClassName": "sandbox"}
    known = {name: value for name, value in template["spec"].items() if classes.get(name, value) == value}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {**template.get("metadata", {}), "name": "shop-try"},
        "spec": {**known, "volumes": volumes},
    }


@pytest.fixture(scope="session")
def server(cluster: Cluster) -> DryRun:
    """A namespace like the application's own: what it enforces, its defaults, its ServiceAccount."""
    limits = golden_path()["presets"]["web"]["resources"]
    version = f"v{golden_path()['kubernetes_versions'][0]}"
    within = {"namespace": NAMESPACE, "name": "shop"}
    objects: list[dict[str, Any]] = [
        {
            "kind": "Namespace",
            "metadata": {
                "name": NAMESPACE,
                "labels": {
                    "pod-security.kubernetes.io/enforce": "restricted",
                    "pod-security.kubernetes.io/enforce-version": version,
                },
            },
        },
        {"kind": "ServiceAccount", "metadata": within},
        {
            "kind": "LimitRange",
            "metadata": within,
            "spec": {
                "limits": [{"type": "Container", "default": limits["limits"], "defaultRequest": limits["requests"]}]
            },
        },
        {"apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass", "metadata": {"name": "business"}, "value": 7},
        {
            "apiVersion": "node.k8s.io/v1",
            "kind": "RuntimeClass",
            "metadata": {"name": "sandbox"},
            "handler": "sandbox",
        },
    ]
    listed = {"apiVersion": "v1", "kind": "List", "items": [{"apiVersion": "v1", **each} for each in objects]}
    done = cluster.kubectl("apply", "--server-side", "--filename=-", input=json.dumps(listed))
    assert complaints(done) == []
    return DryRun(cluster, NAMESPACE)


def accepted(answers: dict[str, Any]) -> Verdict:
    """What is left when the answers that are refused are given no more."""
    verdict = ask(answers)
    while verdict.refused:
        answers = {question: answer for question, answer in answers.items() if question not in verdict.refused}
        verdict = ask(answers)
    return verdict


def against(server: DryRun, context: dict[str, Any]) -> list[str]:
    """What the server has against the workload and its pod."""
    manifest = workload(context)
    return server.complaints(manifest) + server.complaints(pod_of(manifest))


@settings(max_examples=EXAMPLES)
@given(answers=pods)
def test_accepted_by_the_server(answers: dict[str, Any], server: DryRun, request: pytest.FixtureRequest) -> None:
    """The questions that refuse are left out; with what is left, the server has nothing against the workload."""
    verdict = ask(answers)
    count(request, "random answers about pods")
    count(request, "answers to single questions about pods, accepted", len(answers) - len(verdict.refused))
    count(request, "answers to single questions about pods, refused", len(verdict.refused))
    for message in verdict.refused.values():
        assert re.fullmatch(r"\S.*? \(\S.*\)", message), message
        assert not re.search(r"jinja2|undefined|has no attribute", message), message
    assert against(server, accepted(answers).context) == [], answers


@settings(max_examples=EXAMPLES // 2)
@given(answers=pods)
def test_refused_with_reason(answers: dict[str, Any], server: DryRun, request: pytest.FixtureRequest) -> None:
    """A refused answer, let through all the same, is refused by the server, or by a policy that is listed here."""
    refused = ask(answers).refused
    others = {question: answer for question, answer in answers.items() if question not in refused}
    for name, message in refused.items():
        try:
            found = against(server, ask({**others, name: answers[name]}, trusted=name).context)
        except (jinja2.TemplateError, yaml.YAMLError, TypeError, KeyError, AttributeError, ValueError):
            count(request, "refusals of what no manifest can be made of")
            continue
        reason = next((why for pattern, why in OWN_POLICY.items() if re.search(pattern, message)), None)
        count(request, f"refusals {'confirmed by the server' if found else f'by policy: {reason}'}")
        assert found or reason, f"{name}: {message}\n{answers[name]}"
