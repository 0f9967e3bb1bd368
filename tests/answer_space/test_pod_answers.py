"""Whatever the questionnaire accepts about a pod, an API server takes; whatever it refuses, deserves it.

The validators and the model are asked directly, without a copy, so that there is time for many answers. Each workload
that comes out is given to a real API server, and its pod as well, in a namespace that enforces what the application's
own would.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import jinja2
import pytest
import yaml
from hypothesis import given, settings
from support.answers import REPRESENTATIVES
from support.questionnaire import golden_path
from support.questions_asked import Verdict, ask, workload
from support.server import Server
from support.strategies_pod import QUESTIONS, pods
from support.summary import count

if TYPE_CHECKING:
    from collections.abc import Iterator

    from support.cluster import Cluster
    from support.objects import Manifest

NAMESPACE = "pod-answers"
LEVELS = ("restricted", "baseline", "privileged")

EXAMPLES = 1000 if settings().max_examples > settings.get_profile("default").max_examples else 150

OWN_POLICY = {
    r"\{\} is not a map with the fields of|is empty\)": "a structure that says nothing",
    r"has both value and valueFrom|needs exactly one|is said by \w+ too": "two answers to one question, or none",
    r"answered by \w+ too|is listed twice|hides the variable": "two answers to one question",
    r"is the path of|is the name of": "one name, or one path, for two things",
    r"is set already": "what the template sets itself",
    r"stands before a Service|which config lacks": "an entry of the catalogue that cannot work",
    r"has a question of its own|has questions of its own|is for each container to say": "a question of its own",
    r"fails in every hook|is a raw device|does not go with spec.volumeMode": "what could not work",
    r"would leave keys to pods": "what the generated datastore could not serve",
    r"does not go together|is not for this container": "what could not work",
    r"is the application's, which starts only after": "what could not work",
    r"is not a path": "paths that mean something else than they say",
    r"is not a label's key|is not a name|is no name|is no key of|is not an object": "names that nothing can have",
    r"follows from the|goes past the scheduler|own ServiceAccount|without an audience": "what belongs elsewhere",
    r"medium: .* is not known|hugepages|is not a resource of every node": "huge pages, and what no kubelet knows",
    r"is not for a container that ends before": "what a container that ends has no use for",
    r"is not the application's container|is not part of a host name": "names that are not the application's, or none",
    r"null is not|\b0 is not a map with|has no sources": "nothing, where something was to be said",
    r"is not a (?:map|list)[;)]": "something of another form",
    r"(?:\(|: )'' is": "an empty word, where one leaves the field out",
    r"resourceFieldRef\.containerName: .* is no container of the pod": "what no kubelet could fill in",
    r"is no port of a sidecar": "a way in that there is not, of which no manifest speaks",
    r"is selected by already": "what the API forbids, and sees only where a pod has the label",
    r"names no exact version|moves, so that": "images that are not always the same",
    r"is not an image|names no port|is not the name of an environment variable": "what no node could run",
    r"is out of range": "numbers beyond what is wise: an hour to end, for example",
    r"is too small|is not a whole number in range": "numbers beyond what is wise: an hour to end, for example",
    r"is not a string|has a control character": "values that would arrive as something else",
    r"be read as another type by Kustomize": "values that would arrive as something else",
    r"is neither true nor false|lacks value": "values that would arrive as something else",
    r"is not a quantity above zero|is more than any node has": "amounts of nothing, or beyond all nodes",
    r"restricted, baseline, privileged": "levels that there are not",
    r"keeps from starting|is no capability of Linux": "what no node could run",
    r"windowsOptions|1\.35 or newer": "what is not in every cluster that the template supports",
    r"ties the claim to one volume": "claims that only one pod could use",
    r"is the platform's to choose": "what OpenShift's default constraints refuse",
    r"is not a valid name": "names that are stricter than a container's, like every other name here",
    r"is read by no supported version": "fields behind a feature gate",
}
"""What the server would take, and the questionnaire refuses all the same: a message, and why."""


CLAIM: dict[str, Any] = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}

SOURCES: dict[str, dict[str, Any]] = {
    "snapshot": {"dataSource": {"apiGroup": "snapshot.storage.k8s.io", "kind": "VolumeSnapshot", "name": "seed"}},
    "clone": {"dataSourceRef": {"kind": "PersistentVolumeClaim", "name": "seed"}},
    "labelled": {"selector": {"matchLabels": {"disk": "fast"}}},
    "large": {"resources": {"requests": {"storage": "1.5Pi"}}},
}
"""What fills a claim, or says which volume it may bind."""

RIGHT: dict[str, dict[str, Any]] = {
    "restarted by the kubelet": {"workload_kind": "job", "pod_spec": {"restartPolicy": "OnFailure"}},
    "restarted, on a schedule": {"workload_kind": "cronjob", "pod_spec": {"restartPolicy": "OnFailure"}},
    "no failure policy": {
        "workload_kind": "job",
        "pod_failure_policy": {},
        "workload_spec": {"podReplacementPolicy": "TerminatingOrFailed"},
    },
    "restarted, pods replaced at once": {
        "workload_kind": "job",
        "pod_spec": {"restartPolicy": "OnFailure"},
        "workload_spec": {"podReplacementPolicy": "TerminatingOrFailed"},
    },
    "restarted parts": {"workload_kind": "job", "preset": "parallel", "pod_spec": {"restartPolicy": "OnFailure"}},
    "one numbered part": {"workload_kind": "job", "completion_mode": "Indexed"},
    "a condition without its status": {
        "workload_kind": "job",
        "pod_failure_policy": {"rules": [{"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget"}]}]},
    },
    "a folder of a claim": {
        "workload_kind": "statefulset",
        "storage": [
            {
                "name": "data",
                "mountPath": "/var/lib/postgresql/data",
                "subPath": "pgdata",
                "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
            }
        ],
    },
    "a variable that only others have from a Secret": {
        "secrets": [{"name": "database", "env": {"PASSWORD": "password"}}],
        "init_containers": [{"name": "prepare", "env": [{"name": "PASSWORD", "value": "none"}]}],
        "sidecars": [{"name": "helper", "image": "a/b:1", "env": [{"name": "PASSWORD", "value": "none"}]}],
    },
    "keys with dots": {"config": {"spring.profiles.active": "prod", "log-level": "info", "2nd": "x"}},
    "a tag and a digest": {"language": "none", "image": "a.example.com/b:1.30@sha256:" + "0123456789abcdef" * 4},
    "a probe of a port that is not listed": {
        "language": "none",
        "probes": {"livenessProbe": {"tcpSocket": {"port": 9999}}},
        "sidecars": [{"name": "helper", "image": "a/b:1", "livenessProbe": {"httpGet": {"port": 8081}}}],
    },
    "a port that no Service has": {
        "language": "none",
        "ports": [{"name": "http", "containerPort": 8080}, {"containerPort": 7946, "protocol": "UDP"}],
    },
    "no hook": {"lifecycle": {}},
    "no probes": {"language": "none", "probes": {}},
    "limits alone": {"resources": {"limits": {"cpu": 1, "memory": "1Gi"}}},
    "a volume without a source": {
        "volumes": [{"name": "cache"}],
        "volume_mounts": [{"name": "cache", "mountPath": "/cache"}],
    },
    "names of variables with other characters": {
        "env": [{"name": name, "value": "x"} for name in ("Logging:Level", "list[0]", "2ND", "my name", "a.b-c")],
        "env_from": [{"prefix": "1:", "configMapRef": {"name": "others"}}],
        "secrets": [{"name": "db", "env": {"ConnectionStrings:Main": "url"}, "envFrom": True, "prefix": "2_"}],
    },
    "claims with a source and a selector": {
        "workload_kind": "statefulset",
        "storage": [{"name": name, "mountPath": f"/{name}", "spec": CLAIM | more} for name, more in SOURCES.items()],
    },
    "resolvers": {
        "pod_spec": {
            "dnsConfig": {
                "nameservers": ["2001:db8::", "fd00::1:2", "2001:db8:1:2:3:4:5:6"],
                "searches": [".", "example.com.", "_tcp.example.com"],
            },
            "hostAliases": [{"ip": "2001:db8:0:1::7", "hostnames": ["mail"]}],
        }
    },
    "settings of the kernel that are safe": {
        "pod_spec": {
            "securityContext": {
                "runAsNonRoot": True,
                "seccompProfile": {"type": "RuntimeDefault"},
                "sysctls": [{"name": "net.ipv4.tcp_rmem", "value": "4096 87380 16777216"}],
            }
        }
    },
    "more pods at once than there are": {"update_strategy": {"rollingUpdate": {"maxSurge": "200%"}}},
    "a surge alone": {"update_strategy": {"rollingUpdate": {"maxSurge": 0}}},
    "a surge in place of what is gone": {
        "workload_kind": "daemonset",
        "update_strategy": {"rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}},
    },
}
"""Answers that are right, because the server fills in what they leave out, or allows what few people need."""


def pod_of(manifest: Manifest) -> Manifest:
    """The pod that a controller would make of a workload. Its classes and accounts are the cluster's business."""
    spec = manifest["spec"]
    template = spec["jobTemplate"]["spec"]["template"] if manifest["kind"] == "CronJob" else spec["template"]
    claims = [
        {"name": claim["metadata"]["name"], "persistentVolumeClaim": {"claimName": "a-claim"}}
        for claim in spec.get("volumeClaimTemplates", [])
    ]
    volumes = [*template["spec"].get("volumes", []), *claims]
    classes = {"priorityClassName": "business", "runtimeClassName": "sandbox", "serviceAccountName": "shop"}
    known = {name: value for name, value in template["spec"].items() if classes.get(name, value) == value}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {**template.get("metadata", {}), "name": "shop-try"},
        "spec": {**known, "volumes": volumes},
    }


@pytest.fixture(scope="session")
def server(cluster: Cluster) -> Server:
    """Namespaces like the application's own, one for each level: its defaults, its ServiceAccount."""
    limits = golden_path()["presets"]["web"]["resources"]
    version = f"v{golden_path()['kubernetes_versions'][0]}"
    bounds = [{"type": "Container", "default": limits["limits"], "defaultRequest": limits["requests"]}]
    objects: list[dict[str, Any]] = [
        *(
            each
            for level in LEVELS
            for place in [{"namespace": f"{NAMESPACE}-{level}", "name": "shop"}]
            for each in (
                {
                    "kind": "Namespace",
                    "metadata": {
                        "name": f"{NAMESPACE}-{level}",
                        "labels": {
                            "pod-security.kubernetes.io/enforce": level,
                            "pod-security.kubernetes.io/enforce-version": version,
                        },
                    },
                },
                {"kind": "ServiceAccount", "metadata": place},
                {"kind": "LimitRange", "metadata": place, "spec": {"limits": bounds}},
            )
        ),
        {"apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass", "metadata": {"name": "business"}, "value": 7},
        {
            "apiVersion": "node.k8s.io/v1",
            "kind": "RuntimeClass",
            "metadata": {"name": "sandbox"},
            "handler": "sandbox",
        },
    ]
    server = Server(cluster)
    for each in objects:
        assert server.apply({"apiVersion": "v1", **each}) == []
    return server


def accepted(answers: dict[str, Any]) -> Verdict:
    """What is left when the answers that are refused are given no more."""
    verdict = ask(answers)
    while verdict.refused:
        answers = {question: answer for question, answer in answers.items() if question not in verdict.refused}
        verdict = ask(answers)
    return verdict


def against(server: Server, context: dict[str, Any], level: str = "") -> list[str]:
    """What the server has against the workload and its pod, at a level or at the one that was computed for them."""
    manifest = workload(context)
    place = f"{NAMESPACE}-{level or context['app']['podSecurity']}"
    objects = (within(each, place) for each in (manifest, pod_of(manifest)))
    return [line for each in objects for line in server.create(each, dry_run=True)]


def within(manifest: Manifest, namespace: str) -> Manifest:
    """The object in a namespace that `server` has made."""
    return {**manifest, "metadata": {**manifest["metadata"], "namespace": namespace}}


@pytest.mark.parametrize("name", RIGHT)
def test_right_is_accepted(name: str, server: Server) -> None:
    """No question refuses it, and the server neither."""
    verdict = ask(RIGHT[name])
    assert verdict.refused == {}
    assert against(server, verdict.context) == []


def test_empty_answers_leave_out() -> None:
    """An empty map for hooks, probes or a failure policy is no empty field, but none."""
    container = workload(ask({"lifecycle": {}, "language": "none", "probes": {}}).context)["spec"]["template"][
        "spec"
    ]["containers"][0]
    assert not {"lifecycle", "startupProbe", "readinessProbe", "livenessProbe"} & set(container)
    assert "podFailurePolicy" not in workload(ask(RIGHT["no failure policy"]).context)["spec"]
    assert "podFailurePolicy" not in workload(ask(RIGHT["restarted by the kubelet"]).context)["spec"]


def fields_left_out(value: Any) -> Iterator[Any]:
    """The value without one field, at any depth."""
    if isinstance(value, dict):
        for field, inner in value.items():
            yield {other: value[other] for other in value if other != field}
            for less in fields_left_out(inner):
                yield {**value, field: less}
    if isinstance(value, list):
        for number, inner in enumerate(value):
            for less in fields_left_out(inner):
                yield [*value[:number], less, *value[number + 1 :]]


SHAPED: dict[str, dict[str, Any]] = {
    "update_strategy": {"workload_kind": "daemonset"},
    "storage": {"workload_kind": "statefulset"},
    "pod_failure_policy": {"workload_kind": "job"},
    "volume_mounts": {"volumes": REPRESENTATIVES["volumes"][1]},
}
"""What is answered beside a question, to try what its answer can leave out."""

COMPLETE: dict[str, list[Any]] = {
    **{
        name: [value for value in REPRESENTATIVES[name] if isinstance(value, dict | list)]
        for name in (
            *("sidecars", "init_containers", "env", "env_from", "lifecycle", "volumes", "tolerations", "affinity"),
            *("storage", "volume_mounts", "pod_spec"),
        )
    },
    "update_strategy": [{"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}],
    "pod_failure_policy": [
        {
            "rules": [
                {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]},
                {"action": "FailJob", "onExitCodes": {"containerName": "shop", "operator": "In", "values": [3]}},
            ]
        }
    ],
    "resources": [{"requests": {"cpu": "1", "memory": "1Gi"}, "limits": {"cpu": "2", "memory": "2Gi"}}],
    "topology_spread_constraints": [
        [
            {
                "maxSkew": 1,
                "topologyKey": "zone",
                "whenUnsatisfiable": "DoNotSchedule",
                "minDomains": 2,
                "labelSelector": {"matchLabels": {"app": "shop"}},
            }
        ]
    ],
}
"""Sound answers with many fields."""


@pytest.mark.parametrize("name", COMPLETE)
def test_what_the_server_fills_in_can_be_left_out(name: str, server: Server) -> None:
    """An answer without one of its fields is refused by the server too, or by a policy, or accepted by both."""
    for value in COMPLETE[name]:
        for less in fields_left_out(value):
            answers = {"autoscaling": False, "replicas": 2, **SHAPED.get(name, {}), name: less}
            message = ask(answers).refused.get(name, "")
            try:
                found = against(server, ask(answers, trusted=name).context, "restricted")
            except (jinja2.TemplateError, KeyError, TypeError):
                continue
            policy = any(re.search(pattern, message) for pattern in OWN_POLICY)
            assert bool(message) == bool(found) or (message and policy), f"{less} {message} {found}"


@pytest.mark.slow
@settings(max_examples=EXAMPLES)
@given(answers=pods)
def test_accepted_by_the_server(answers: dict[str, Any], server: Server, request: pytest.FixtureRequest) -> None:
    """The questions that refuse are left out; with what is left, the server has nothing against the workload."""
    verdict = ask(answers)
    count(request, "random answers about pods")
    count(request, "answers to single questions about pods, accepted", len(answers) - len(verdict.refused))
    count(request, "answers to single questions about pods, refused", len(verdict.refused))
    for message in verdict.refused.values():
        assert re.fullmatch(r"\S.*? \(\S.*\)", message), message
        assert not re.search(r"jinja2|undefined|has no attribute", message), message
    assert against(server, accepted(answers).context) == [], answers


@pytest.mark.parametrize("unread", ["a\u0001b", "\x7f", "a\x1b[0m"])
def test_text_that_yaml_does_not_read_is_refused(unread: str) -> None:
    """A later answer, by which an earlier one is judged, may be such text: each question names its own fault."""
    structured = {name: unread for name, (kind, _) in QUESTIONS.items() if kind not in ("string", "integer")}
    context = {"workload_kind": "job", "completion_mode": "Indexed", "completions": 2}
    assert ask({**context, **structured}).refused.keys() == structured.keys()


def test_what_refers_to_a_refused_answer_is_judged() -> None:
    """Parts whose number is refused are judged as one part, which is what the server takes where none is given."""
    policy = {"backoffLimitPerIndex": 0, "successPolicy": {"rules": [{"succeededCount": 2}]}}
    answers = {"workload_kind": "job", "completion_mode": "Indexed", "completions": 0, "workload_spec": policy}
    assert {"completions", "workload_spec"} <= ask(answers).refused.keys()


def refused_beside(answers: dict[str, Any], name: str) -> bool:
    """Whether an answer is refused beside those alone that stand: one that falls with a third judges no other."""
    verdict = ask(answers)
    while fallen := verdict.refused.keys() - {name}:
        answers = {question: answer for question, answer in answers.items() if question not in fallen}
        verdict = ask(answers)
    return name in verdict.refused


def test_an_answer_that_falls_judges_no_other() -> None:
    """A port clashes with that of a sidecar, which falls with the volume that it mounts."""
    sidecar = {"name": "helper", "image": "a/b:1", "ports": [{"containerPort": 9000}]}
    mounting = {**sidecar, "volumeMounts": [{"name": "scratch", "mountPath": "/scratch"}]}
    clash = [{"name": "first", "image": "a/b:1", "ports": [{"containerPort": 9000}]}]
    assert refused_beside({"sidecars": [sidecar], "init_containers": clash}, "init_containers")
    assert not refused_beside({"sidecars": [mounting], "init_containers": clash}, "init_containers")


@pytest.mark.slow
@settings(max_examples=EXAMPLES // 2)
@given(answers=pods)
def test_refused_with_reason(answers: dict[str, Any], server: Server, request: pytest.FixtureRequest) -> None:
    """A refused answer, let through all the same, is refused by the server, or by a policy that is listed here."""
    refused = ask(answers).refused
    others = {question: answer for question, answer in answers.items() if question not in refused}
    for name, message in refused.items():
        try:
            level = others.get("pod_security", "restricted")
            found = against(server, ask({**others, name: answers[name]}, trusted=name).context, level)
        except (jinja2.TemplateError, yaml.YAMLError, TypeError, KeyError, AttributeError, ValueError):
            count(request, "refusals of what no manifest can be made of")
            continue
        reason = next((why for pattern, why in OWN_POLICY.items() if re.search(pattern, message)), None)
        if not found and not reason and not refused_beside({**others, name: answers[name]}, name):
            count(request, "refusals by an answer that is refused beside them")
            continue
        count(request, f"refusals {'confirmed by the server' if found else f'by policy: {reason}'}")
        assert found or reason, f"{name}: {message}\n{answers[name]}"
