"""Each rule about the kinds of workloads is broken at least once, and must say so, naming object and field."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from support.faults import STRANGER, Fault, expect_complaint
from support.relations import kinds

if TYPE_CHECKING:
    from support.faults import Objects
    from support.render import Renderer

POD = ("spec", "template", "spec")
DATASTORE = {"workload_kind": "statefulset"}
AGENT = {"workload_kind": "daemonset"}
LOG_AGENT = {"workload_kind": "daemonset", "preset": "log-agent"}
TASK = {"workload_kind": "job"}
PARTS = {"workload_kind": "job", "preset": "parallel"}
NIGHTLY = {"workload_kind": "cronjob"}

BINDING = "ValidatingAdmissionPolicyBinding"
POLICY = "ValidatingAdmissionPolicy"


def headless(objects: Objects) -> dict[str, Any]:
    """The headless Service of the datastore."""
    return next(o for o in objects.all if o["metadata"]["name"] == "shop-headless")


def guard_everything(objects: Objects) -> None:
    """Let the DaemonSet's pods be selected by a budget, as those of a Deployment are."""
    objects.all.append(
        {
            "apiVersion": "policy/v1",
            "kind": "PodDisruptionBudget",
            "metadata": {"name": "shop", "namespace": "default"},
            "spec": {"selector": objects["DaemonSet"]["spec"]["selector"]},
        }
    )


def let_go(objects: Objects) -> None:
    """Take the policy away that holds the namespace, with its binding."""
    objects.remove(POLICY)
    objects.remove(BINDING)


FAULTS = {
    "headless Service that is not here": Fault(
        "statefulset_has_a_headless_service",
        lambda o: o.put("StatefulSet", "spec", "serviceName", to="peers"),
        "StatefulSet/shop in default: spec.serviceName names Service/peers, which is not here",
        DATASTORE,
    ),
    "StatefulSet without a Service's name": Fault(
        "statefulset_has_a_headless_service",
        lambda o: o["StatefulSet"]["spec"].pop("serviceName"),
        "StatefulSet/shop in default: spec.serviceName names Service/None",
        DATASTORE,
    ),
    "peers behind a virtual address": Fault(
        "statefulset_has_a_headless_service",
        lambda o: headless(o)["spec"].pop("clusterIP"),
        "Service/shop-headless in default: spec.clusterIP is not None, but StatefulSet/shop in default needs it",
        DATASTORE,
    ),
    "peers that are found when ready only": Fault(
        "statefulset_has_a_headless_service",
        lambda o: headless(o)["spec"].update(publishNotReadyAddresses=False),
        "Service/shop-headless in default: spec.publishNotReadyAddresses is not true",
        DATASTORE,
    ),
    "headless Service over strangers": Fault(
        "statefulset_has_a_headless_service",
        lambda o: headless(o)["spec"].update(selector=STRANGER),
        "Service/shop-headless in default: spec.selector does not match the pods of StatefulSet/shop in default",
        DATASTORE,
    ),
    "claim with a label of the release": Fault(
        "claim_templates_are_bare",
        lambda o: o.put(
            "StatefulSet",
            "spec",
            "volumeClaimTemplates",
            0,
            "metadata",
            "labels",
            to={"app.kubernetes.io/version": "2"},
        ),
        "StatefulSet/shop in default: spec.volumeClaimTemplates[0].metadata holds ['labels'], which may change",
        DATASTORE,
    ),
    "claim that is named as a volume is": Fault(
        "claim_templates_are_bare",
        lambda o: o.put("StatefulSet", "spec", "volumeClaimTemplates", 0, "metadata", "name", to="tmp"),
        "StatefulSet/shop in default: spec.volumeClaimTemplates[0] is named 'tmp', as a volume is",
        DATASTORE,
    ),
    "task that is restarted in place": Fault(
        "jobs_come_to_an_end",
        lambda o: o.put("Job", *POD, "restartPolicy", to="OnFailure"),
        "Job/shop in default: restartPolicy 'OnFailure' is not Never",
        TASK,
    ),
    "failure of a container that is not here": Fault(
        "jobs_come_to_an_end",
        lambda o: o.put("Job", "spec", "podFailurePolicy", "rules", 1, "onExitCodes", "containerName", to="main"),
        "Job/shop in default: podFailurePolicy.rules[1].onExitCodes.containerName 'main' is no container: ['shop']",
        TASK,
    ),
    "parts without a number": Fault(
        "jobs_come_to_an_end",
        lambda o: o["Job"]["spec"].pop("completions"),
        "Job/shop in default: completions is missing: an indexed Job has a number of parts",
        PARTS,
    ),
    "schedule that starts at any later time": Fault(
        "schedules_are_bounded",
        lambda o: o["CronJob"]["spec"].pop("startingDeadlineSeconds"),
        "CronJob/shop in default: spec.startingDeadlineSeconds is missing",
        NIGHTLY,
    ),
    "run of a schedule that is restarted in place": Fault(
        "jobs_come_to_an_end",
        lambda o: o.put("CronJob", "spec", "jobTemplate", *POD, "restartPolicy", to="OnFailure"),
        "CronJob/shop in default: restartPolicy 'OnFailure' is not Never",
        NIGHTLY,
    ),
    "sidecar that keeps a Job from its end": Fault(
        "sidecars_are_native",
        lambda o: o["Job"]["spec"]["template"]["spec"]["containers"].append({"name": "proxy"}),
        "Job/shop in default: containers are ['shop', 'proxy']: a sidecar would never let go",
        TASK,
    ),
    "probe of a step that ends": Fault(
        "sidecars_are_native",
        lambda o: o.pod["initContainers"][0].update(readinessProbe={"exec": {"command": ["true"]}}),
        "Deployment/shop in default: initContainers[prepare-volume].readinessProbe is never asked",
        {"init_containers": ["prepare-volume"]},
    ),
    "datastore that a drain may take away": Fault(
        "pods_of_scaled_workloads_are_guarded",
        lambda o: o.remove("PodDisruptionBudget"),
        "StatefulSet/shop in default: pod labels are matched by no PodDisruptionBudget",
        DATASTORE,
    ),
    "budget that holds every pod": Fault(
        "budgets_let_pods_go",
        lambda o: o.put("PodDisruptionBudget", "spec", "maxUnavailable", to="0%"),
        "PodDisruptionBudget/shop in default: spec lets none of the 3 pods of StatefulSet/shop in default go",
        DATASTORE,
    ),
    "agent that a drain would wait for": Fault(
        "pods_of_scaled_workloads_are_guarded",
        guard_everything,
        "PodDisruptionBudget/shop in default: spec.selector guards DaemonSet/shop in default, which cannot be",
        AGENT,
    ),
    "agent that sees the whole node": Fault(
        "node_paths_are_read_only",
        lambda o: o["DaemonSet"]["spec"]["template"]["spec"]["volumes"][1].update(hostPath={"path": "/"}),
        "DaemonSet/shop in default: volumes[logs] is / of the node",
        LOG_AGENT,
    ),
    "agent that may write to the node": Fault(
        "node_paths_are_read_only",
        lambda o: o["DaemonSet"]["spec"]["template"]["spec"]["containers"][0]["volumeMounts"][1].pop("readOnly"),
        "DaemonSet/shop in default: containers[shop].volumeMounts[logs] may write to the node",
        LOG_AGENT,
    ),
    "agent that asks for what no policy admits": Fault(
        "policies_admit_what_is_asked",
        lambda o: o["DaemonSet"]["spec"]["template"]["spec"].update(hostPID=True),
        "DaemonSet/shop in default: pod asks for shared ['hostPID']: not admitted",
        LOG_AGENT,
    ),
    "policy that nothing binds": Fault(
        "policies_are_bound",
        lambda o: o.remove(BINDING),
        f"{POLICY}/shop-prod-node-logs: metadata.name is bound by no {BINDING}",
        LOG_AGENT,
        platform=True,
    ),
    "binding of a policy that is not here": Fault(
        "policies_are_bound",
        lambda o: o.put(BINDING, "spec", "policyName", to="other"),
        f"{BINDING}/shop-prod-node-logs: spec.policyName names {POLICY}/other, which is not here",
        LOG_AGENT,
        platform=True,
    ),
    "policy that only warns": Fault(
        "policies_are_bound",
        lambda o: o.put(BINDING, "spec", "validationActions", to=["Warn"]),
        f"{BINDING}/shop-prod-node-logs: spec.validationActions do not deny",
        LOG_AGENT,
        platform=True,
    ),
    "policy for another namespace": Fault(
        "policies_are_bound",
        lambda o: o.put(
            POLICY,
            *("spec", "matchConstraints", "namespaceSelector", "matchLabels"),
            to={kinds.NAMESPACE_NAME: "elsewhere"},
        ),
        f"{POLICY}/shop-prod-node-logs: spec.matchConstraints.namespaceSelector is",
        LOG_AGENT,
        platform=True,
    ),
    "privileged namespace that nothing holds": Fault(
        "privileged_namespaces_are_held",
        let_go,
        "Namespace/shop-prod: metadata.labels enforce nothing, and no policy holds Namespace/shop-prod",
        LOG_AGENT,
        platform=True,
    ),
}


@pytest.mark.parametrize("name", FAULTS)
def test_fault_is_named(name: str, render: Renderer) -> None:
    """The rule is silent before the fault, and names it after."""
    expect_complaint(FAULTS[name], FAULTS[name].objects(render))


def test_every_rule_is_broken() -> None:
    """A rule that is added cannot go untried."""
    assert {fault.rule for fault in FAULTS.values()} == {rule.__name__ for rule in kinds.RULES}
