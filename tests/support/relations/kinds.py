"""Rules about what one kind of workload needs, and about what a privileged namespace is held to."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from support.objects import Manifest, Workload, at, key, labels, matches
from support.relations.quantities import surge
from support.relations.scene import Scene, violation

if TYPE_CHECKING:
    from collections.abc import Iterator

ENFORCED = "pod-security.kubernetes.io/enforce"
NAMESPACE_NAME = "kubernetes.io/metadata.name"

PROBES = ("startupProbe", "readinessProbe", "livenessProbe", "lifecycle")


def statefulset_has_a_headless_service(scene: Scene) -> Iterator[str]:
    """A StatefulSet's serviceName is a headless Service over its pods, ready or not: peers must find each other."""
    for workload in (each for each in scene.lasting if each.key.kind == "StatefulSet"):
        name = at(workload.manifest, "spec", "serviceName")
        service = scene.named("Service", str(name))
        if service is None:
            yield violation(workload.manifest, "spec.serviceName", f"names Service/{name}, which is not here")
            continue
        if service["spec"].get("clusterIP") != "None":
            yield violation(service, "spec.clusterIP", f"is not None, but {workload.key} needs it headless")
        if not service["spec"].get("publishNotReadyAddresses"):
            yield violation(service, "spec.publishNotReadyAddresses", "is not true: pods that start find no peers")
        if not matches({"matchLabels": service["spec"]["selector"]}, workload.labels):
            yield violation(service, "spec.selector", f"does not match the pods of {workload.key}")


def claim_templates_are_bare(scene: Scene) -> Iterator[str]:
    """A claim template, which can never be changed, has a name and a spec, and the name is no volume's too."""
    for workload in scene.lasting:
        volumes = {volume["name"] for volume in workload.spec.get("volumes", [])}
        for index, claim in enumerate(at(workload.manifest, "spec", "volumeClaimTemplates", default=[])):
            field = f"spec.volumeClaimTemplates[{index}]"
            if more := sorted(claim["metadata"].keys() - {"name"}):
                yield violation(workload.manifest, f"{field}.metadata", f"holds {more}, which may change")
            if claim["metadata"]["name"] in volumes:
                yield violation(workload.manifest, field, f"is named {claim['metadata']['name']!r}, as a volume is")


def jobs_come_to_an_end(scene: Scene) -> Iterator[str]:
    """The pods of a Job are not restarted in place, and its failure policy speaks of containers that they have."""
    for workload in (each for each in scene.lasting if each.key.kind in ("Job", "CronJob")):
        job = at(workload.manifest, "spec", "jobTemplate", "spec", default=workload.manifest["spec"])
        if workload.spec.get("restartPolicy") != "Never":
            yield violation(
                workload.manifest, "restartPolicy", f"{workload.spec.get('restartPolicy')!r} is not Never"
            )
        names = {container["name"] for container in workload.containers()}
        for index, rule in enumerate(at(job, "podFailurePolicy", "rules", default=[])):
            name = at(rule, "onExitCodes", "containerName")
            if name is not None and name not in names:
                field = f"podFailurePolicy.rules[{index}].onExitCodes.containerName"
                yield violation(workload.manifest, field, f"{name!r} is no container: {sorted(names)}")
        if job.get("completionMode") == "Indexed" and not job.get("completions"):
            yield violation(workload.manifest, "completions", "is missing: an indexed Job has a number of parts")


def schedules_are_bounded(scene: Scene) -> Iterator[str]:
    """A run that was missed does not start at any later time, and old Jobs do not pile up.

    Without a deadline, a CronJob that was held back for 100 of its runs never starts again.
    """
    for cronjob in scene.of_kind("CronJob"):
        for field in ("startingDeadlineSeconds", "successfulJobsHistoryLimit", "failedJobsHistoryLimit"):
            if field not in cronjob["spec"]:
                yield violation(cronjob, f"spec.{field}", "is missing")


def sidecars_are_native(scene: Scene) -> Iterator[str]:
    """A pod has one container; what runs beside it is an init container that goes on, in Jobs too.

    What does not go on has nothing that could be probed: the API server refuses it.
    """
    for workload in scene.lasting:
        containers = [container["name"] for container in workload.spec.get("containers", [])]
        if len(containers) != 1:
            yield violation(workload.manifest, "containers", f"are {containers}: a sidecar would never let go")
        for container in workload.spec.get("initContainers", []):
            if container.get("restartPolicy") == "Always":
                continue
            for field in (field for field in PROBES if field in container):
                yield violation(workload.manifest, f"initContainers[{container['name']}].{field}", "is never asked")


def pods_of_scaled_workloads_are_guarded(scene: Scene) -> Iterator[str]:
    """A PodDisruptionBudget guards each Deployment and StatefulSet, but for those whose answer takes it away.

    Nothing else can be held back from eviction.
    """
    for workload in scene.lasting:
        budgets = [
            budget
            for budget in scene.of_kind("PodDisruptionBudget")
            if matches(at(budget, "spec", "selector", default={}), workload.labels)
        ]
        wanted = workload.key.kind in ("Deployment", "StatefulSet") and workload.key.name not in scene.unguarded
        if wanted and not budgets:
            yield violation(workload.manifest, "pod labels", "are matched by no PodDisruptionBudget")
        if workload.key.name in scene.unguarded:
            for budget in budgets:
                yield violation(budget, "spec.selector", f"guards {workload.key}, whose answer takes it away")
        if workload.key.kind not in ("Deployment", "StatefulSet"):
            for budget in budgets:
                yield violation(budget, "spec.selector", f"guards {workload.key}, which cannot be evicted one by one")


def budgets_let_pods_go(scene: Scene) -> Iterator[str]:
    """At the most pods that a workload has, its budget lets one go at least: else no node can be drained."""
    for budget in scene.of_kind("PodDisruptionBudget"):
        for workload in scene.picked(at(budget, "spec", "selector", default={})):
            scalers = [
                each["spec"]["maxReplicas"]
                for each in scene.of_kind("HorizontalPodAutoscaler")
                if at(each, "spec", "scaleTargetRef", "name") == workload.key.name
            ]
            pods = scalers[0] if scalers else at(workload.manifest, "spec", "replicas", default=1)
            spec = budget["spec"]
            away = (
                pods - surge(spec["minAvailable"], pods)
                if "minAvailable" in spec
                else surge(spec.get("maxUnavailable", 1), pods)
            )
            if away < 1:
                yield violation(budget, "spec", f"lets none of the {pods} pods of {workload.key} go")


NODE_LOGS = "/var/log/pods"
SHARED = ("hostNetwork", "hostPID", "hostIPC")


def node_paths_are_read_only(scene: Scene) -> Iterator[str]:
    """Of a node, a pod sees what its policy admits, or else its logs, and only to read it but where it may write."""
    for workload in scene.workloads:
        admitted = _admitted(scene, workload)
        paths = {v["name"]: v["hostPath"]["path"] for v in workload.spec.get("volumes", []) if "hostPath" in v}
        for name, path in paths.items():
            if path not in admitted.get("paths", [NODE_LOGS]):
                yield violation(workload.manifest, f"volumes[{name}]", f"is {path} of the node")
        for container, mount in _mounts(workload):
            writable = paths.get(mount["name"]) in admitted.get("writable", [])
            if mount["name"] in paths and mount.get("readOnly") is not True and not writable:
                field = f"containers[{container['name']}].volumeMounts[{mount['name']}]"
                yield violation(workload.manifest, field, "may write to the node")


def policies_admit_what_is_asked(scene: Scene) -> Iterator[str]:
    """What a pod asks of its node beyond the standard, its policy admits, and a policy admits nothing else."""
    asked: dict[str, dict[str, set[str]]] = {policy["metadata"]["name"]: {} for policy in scene.policies}
    for workload in scene.lasting:
        policy = _policy(scene, workload)
        admitted = _admitted(scene, workload)
        for name, wanted in _asked(workload).items():
            known = {str(entry) for entry in admitted.get(name, [])}
            if name not in ("paths", "writable") and not wanted <= known:  # which the rule above judges
                yield violation(workload.manifest, "pod", f"asks for {name} {sorted(wanted - known)}: not admitted")
            if policy:
                asked[policy["metadata"]["name"]].setdefault(name, set()).update(wanted)
    for policy in scene.policies if asked and scene.lasting else []:
        for name, entries in _variables(policy).items():
            if more := {str(entry) for entry in entries} - asked[policy["metadata"]["name"]].get(name, set()):
                yield violation(policy, f"spec.variables[{name}]", f"admits {sorted(more)}, which no pod asks for")


def _policy(scene: Scene, workload: Workload) -> Manifest | None:
    """The policy that judges the pods of a workload."""
    found = [
        policy
        for policy in scene.policies
        if matches(at(policy, "spec", "matchConstraints", "objectSelector", default={}), workload.labels)
    ]
    assert len(found) < 2, f"{workload.key} is judged by several policies"
    return found[0] if found else None


def _admitted(scene: Scene, workload: Workload) -> dict[str, Any]:
    policy = _policy(scene, workload)
    return _variables(policy) if policy else {}


def _variables(policy: Manifest) -> dict[str, Any]:
    """The lists that a policy begins with, which are JSON; a map counts by its keys."""
    return {
        each["name"]: json.loads(each["expression"])
        for each in policy["spec"]["variables"]
        if each["expression"].startswith(("[", "{"))
    }


def _asked(workload: Workload) -> dict[str, set[str]]:
    """What the pods of a workload ask of their node, by the names of a policy's variables."""
    pod = workload.spec
    context = pod.get("securityContext", {})
    paths = {v["name"]: v["hostPath"]["path"] for v in pod.get("volumes", []) if "hostPath" in v}
    found: dict[str, set[str]] = {
        "paths": set(paths.values()),
        "writable": {paths[m["name"]] for _, m in _mounts(workload) if m["name"] in paths and not m.get("readOnly")},
        "shared": {field for field in SHARED if pod.get(field)},
        "ports": set(),
        **{name: set() for name in ("privileged", "escalating", "capabilities", "root", "unconfined")},
    }
    for container in workload.containers():
        own = container.get("securityContext", {})
        capabilities = own.get("capabilities", {})
        for port in container.get("ports", []):
            if port.get("hostPort") or pod.get("hostNetwork"):
                found["ports"].add(str(port.get("hostPort") or port["containerPort"]))
        held = own.get("allowPrivilegeEscalation") is False and "ALL" in capabilities.get("drop", [])
        profile = own.get("seccompProfile", context.get("seccompProfile", {})).get("type")
        for name, asks in {
            "privileged": own.get("privileged"),
            "escalating": not held,
            "capabilities": set(capabilities.get("add", [])) - {"NET_BIND_SERVICE"},
            "root": not own.get("runAsNonRoot", context.get("runAsNonRoot")),
            "unconfined": profile not in ("RuntimeDefault", "Localhost"),
        }.items():
            found[name] |= {container["name"]} if asks else set()
    return found


def _mounts(workload: Workload) -> Iterator[tuple[Manifest, Manifest]]:
    for container in workload.containers():
        for mount in container.get("volumeMounts", []):
            yield container, mount


def policies_are_bound(scene: Scene) -> Iterator[str]:
    """An admission policy is bound, denies, and is for the namespace beside it; a binding's policy is here."""
    bindings = list(scene.of_kind("ValidatingAdmissionPolicyBinding"))
    namespaces = {manifest["metadata"]["name"] for manifest in scene.of_kind("Namespace")}
    if not namespaces:  # which somebody else makes
        namespaces = {each["metadata"]["namespace"] for each in scene.objects if "namespace" in each["metadata"]}
    for binding in bindings:
        if scene.named("ValidatingAdmissionPolicy", binding["spec"]["policyName"]) is None:
            name = binding["spec"]["policyName"]
            yield violation(binding, "spec.policyName", f"names ValidatingAdmissionPolicy/{name}, which is not here")
        if "Deny" not in binding["spec"].get("validationActions", []):
            yield violation(binding, "spec.validationActions", "do not deny")
    for policy in scene.of_kind("ValidatingAdmissionPolicy"):
        if policy["metadata"]["name"] not in {binding["spec"]["policyName"] for binding in bindings}:
            yield violation(policy, "metadata.name", "is bound by no ValidatingAdmissionPolicyBinding")
        selector = at(policy, "spec", "matchConstraints", "namespaceSelector", "matchLabels", default={})
        if selector.get(NAMESPACE_NAME) not in namespaces:
            field = "spec.matchConstraints.namespaceSelector"
            yield violation(policy, field, f"is {selector}, not the namespace: {sorted(namespaces)}")


def privileged_namespaces_are_held(scene: Scene) -> Iterator[str]:
    """A namespace that enforces no standard is held to one by an admission policy, and only such a namespace is."""
    policies = [
        at(policy, "spec", "matchConstraints", "namespaceSelector", "matchLabels", NAMESPACE_NAME)
        for policy in scene.of_kind("ValidatingAdmissionPolicy")
    ]
    for namespace in scene.of_kind("Namespace"):
        privileged = labels(namespace).get(ENFORCED) == "privileged"
        if privileged and namespace["metadata"]["name"] not in policies:
            yield violation(namespace, "metadata.labels", f"enforce nothing, and no policy holds {key(namespace)}")


RULES = (
    statefulset_has_a_headless_service,
    claim_templates_are_bare,
    jobs_come_to_an_end,
    schedules_are_bounded,
    sidecars_are_native,
    pods_of_scaled_workloads_are_guarded,
    budgets_let_pods_go,
    node_paths_are_read_only,
    policies_admit_what_is_asked,
    policies_are_bound,
    privileged_namespaces_are_held,
)
