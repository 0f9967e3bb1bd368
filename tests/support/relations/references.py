"""Rules about references by name: each resolves to an object of the same rendering."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from support.objects import CLUSTER_SCOPED, Manifest, Workload, at, key, namespace
from support.questionnaire import golden_path
from support.relations.scene import Scene, violation

if TYPE_CHECKING:
    from collections.abc import Iterator

SCALABLE = frozenset({"Deployment", "StatefulSet"})
"""The kinds whose number of pods somebody can choose."""

BUILT_IN_CLUSTER_ROLES = frozenset({"view", "edit", "admin"})
"""ClusterRoles that every cluster has and that an application may bind in its own namespace."""


def objects_share_a_namespace(scene: Scene) -> Iterator[str]:
    """Every namespaced object of a rendering is in the same namespace."""
    found = {namespace(m): m for m in scene.objects if m["kind"] not in CLUSTER_SCOPED}
    if len(found) > 1:
        for name, manifest in sorted(found.items()):
            others = sorted(found.keys() - {name})
            yield violation(manifest, "metadata.namespace", f"is {name!r}, others are in {others}")


def config_references_resolve(scene: Scene) -> Iterator[str]:
    """A ConfigMap of the application that a container or volume names is here, with the key that is asked for.

    One of another name is somebody else's, who makes it in the namespace; the pods wait for it.
    """
    for workload in scene.workloads:
        application = workload.labels.get("app.kubernetes.io/instance", "")
        for field, name, wanted, optional in _config_references(workload):
            if optional:
                continue
            config_map = scene.named("ConfigMap", name)
            if config_map is None:
                if f"{name}-".startswith(f"{application}-"):
                    yield violation(workload.manifest, field, f"names ConfigMap/{name}, which is not here")
            elif wanted is not None and wanted not in _keys(config_map):
                yield violation(workload.manifest, field, f"asks for key {wanted!r}, which ConfigMap/{name} has not")


def config_maps_are_read(scene: Scene) -> Iterator[str]:
    """A container or volume names each ConfigMap, but for dashboards, which Grafana finds by their labels."""
    read = {name for workload in scene.workloads for _, name, _, _ in _config_references(workload)}
    labels = golden_path()["prometheus"]["dashboard_labels"].items()
    for config_map in scene.of_kind("ConfigMap"):
        found = config_map["metadata"]
        if found["name"] not in read and not labels <= found.get("labels", {}).items():
            yield violation(config_map, "metadata.name", "is named by no container or volume")


def _config_references(workload: Workload) -> Iterator[tuple[str, str, str | None, bool]]:
    for container in workload.containers():
        where = f"containers[{container['name']}]"
        for index, source in enumerate(container.get("envFrom", [])):
            if reference := source.get("configMapRef"):
                yield f"{where}.envFrom[{index}].configMapRef", reference["name"], None, _optional(reference)
        for variable in container.get("env", []):
            reference = at(variable, "valueFrom", "configMapKeyRef")
            if reference:
                yield f"{where}.env[{variable['name']}]", reference["name"], reference["key"], _optional(reference)
    for volume in workload.spec.get("volumes", []):
        for source in [volume, *at(volume, "projected", "sources", default=[])]:
            if reference := source.get("configMap"):
                wanted = [item["key"] for item in reference.get("items", [])]
                for item in wanted or [None]:
                    yield f"volumes[{volume['name']}].configMap", reference["name"], item, _optional(reference)


def _keys(config_map: Manifest) -> set[str]:
    """The keys of a ConfigMap, whether text or binary."""
    return {*config_map.get("data", {}), *config_map.get("binaryData", {})}


def _optional(reference: Manifest) -> bool:
    """Whether the pods start without the ConfigMap, which then is somebody else's."""
    return reference.get("optional", False) is True


def service_accounts_resolve(scene: Scene) -> Iterator[str]:
    """A lasting pod runs as a ServiceAccount of the rendering or one that others make, never as `default`."""
    for workload in scene.lasting:
        name = workload.spec.get("serviceAccountName")
        if name not in scene.outside.get("ServiceAccount", []) and scene.named("ServiceAccount", name or "") is None:
            yield violation(
                workload.manifest, "serviceAccountName", f"{name!r} is no ServiceAccount of the rendering"
            )


def autoscaler_targets_one_workload(scene: Scene) -> Iterator[str]:
    """An autoscaler's target is a workload of the rendering, which no other autoscaler moves."""
    seen: dict[tuple[Any, ...], str] = {}
    for scaler in scene.of_kind("HorizontalPodAutoscaler"):
        target = at(scaler, "spec", "scaleTargetRef", default={})
        wanted = (target.get("apiVersion"), target.get("kind"), target.get("name"))
        present = {(w.manifest["apiVersion"], w.key.kind, w.key.name) for w in scene.lasting}
        if wanted not in present:
            yield violation(scaler, "spec.scaleTargetRef", f"{target} is no workload of the rendering")
        elif wanted[1] not in SCALABLE:
            yield violation(scaler, "spec.scaleTargetRef", f"is a {wanted[1]}, which cannot be scaled")
        if wanted in seen:
            yield violation(scaler, "spec.scaleTargetRef", f"is moved by {seen[wanted]} already")
        seen[wanted] = str(key(scaler))
        low, high = at(scaler, "spec", "minReplicas", default=1), at(scaler, "spec", "maxReplicas", default=0)
        if low > high:
            yield violation(scaler, "spec.minReplicas", f"{low} is more than maxReplicas {high}")


def autoscaler_metrics_resolve(scene: Scene) -> Iterator[str]:
    """What an autoscaler measures of a pod is there: the container, and the request that a percentage is of.

    Of a whole pod, containers beside the application's may get their request from the namespace's LimitRange.
    """
    for scaler in scene.of_kind("HorizontalPodAutoscaler"):
        target = scene.named(*(str(at(scaler, "spec", "scaleTargetRef", each)) for each in ("kind", "name")))
        pod = at(target, "spec", "template", "spec", default={}) if target else {}
        sidecars = [each for each in pod.get("initContainers", []) if each.get("restartPolicy") == "Always"]
        running = {each["name"]: each for each in [*pod.get("containers", []), *sidecars]}
        for index, metric in enumerate(at(scaler, "spec", "metrics", default=[]) if target else []):
            field = f"spec.metrics[{index}]"
            source = metric.get("containerResource") or metric.get("resource")
            measured = [source["container"]] if source and "container" in source else list(running)[:1]
            for name in measured if source else []:
                if name not in running:
                    yield violation(scaler, field, f"measures container {name!r}, which is not here")
                elif at(source, "target", "type") == "Utilization" and source["name"] not in at(
                    running[name], "resources", "requests", default={}
                ):
                    yield violation(scaler, field, f"is a percentage of what {name!r} does not request")


def vertical_autoscaler_targets_one_workload(scene: Scene) -> Iterator[str]:
    """A vertical autoscaler's target is a workload of the rendering, which no other one recommends for.

    It says its mode, because the server's default is to recreate pods; and it speaks of containers that start beside
    each other, as it looks at no others.
    """
    seen: dict[tuple[Any, ...], str] = {}
    present = {(w.manifest["apiVersion"], w.key.kind, w.key.name): w for w in scene.lasting}
    for scaler in scene.of_kind("VerticalPodAutoscaler"):
        target = at(scaler, "spec", "targetRef", default={})
        wanted = (target.get("apiVersion"), target.get("kind"), target.get("name"))
        if wanted not in present:
            yield violation(scaler, "spec.targetRef", f"{target} is no workload of the rendering")
            continue
        if wanted in seen:
            yield violation(scaler, "spec.targetRef", f"is recommended for by {seen[wanted]} already")
        seen[wanted] = str(key(scaler))
        if not at(scaler, "spec", "updatePolicy", "updateMode"):
            yield violation(scaler, "spec.updatePolicy.updateMode", "is missing: pods would be recreated")
        names = {"*", *(container["name"] for container in present[wanted].spec["containers"])}
        for index, policy in enumerate(at(scaler, "spec", "resourcePolicy", "containerPolicies", default=[])):
            if policy["containerName"] not in names:
                field = f"spec.resourcePolicy.containerPolicies[{index}].containerName"
                yield violation(scaler, field, f"{policy['containerName']!r} is no container: {sorted(names)}")


def autoscalers_do_not_fight(scene: Scene) -> Iterator[str]:
    """What an autoscaler counts pods by, a vertical one does not change while they run."""
    scalers = {at(each, "spec", "scaleTargetRef", "name"): each for each in scene.of_kind("HorizontalPodAutoscaler")}
    for vertical in scene.of_kind("VerticalPodAutoscaler"):
        scaler = scalers.get(at(vertical, "spec", "targetRef", "name"))
        if not scaler or at(vertical, "spec", "updatePolicy", "updateMode") in ("Off", "Initial"):
            continue
        target = scene.named(*(str(at(scaler, "spec", "scaleTargetRef", each)) for each in ("kind", "name")))
        own = at(target, "spec", "template", "spec", "containers", 0, "name")
        policies = at(vertical, "spec", "resourcePolicy", "containerPolicies", default=[])
        chosen = {policy["containerName"]: policy for policy in policies}
        policy = chosen.get(own, chosen.get("*", {}))
        changed = policy.get("controlledResources", ["cpu", "memory"]) if policy.get("mode") != "Off" else []
        for metric in at(scaler, "spec", "metrics", default=[]):
            source = metric.get("resource") or metric.get("containerResource") or {}
            if source.get("name") in changed and source.get("container", own) == own:
                field = "spec.updatePolicy.updateMode"
                yield violation(vertical, field, f"changes {source['name']}, which {key(scaler)} goes by")


def volume_mounts_resolve(scene: Scene) -> Iterator[str]:
    """A mount names a volume or claim of its pod, and every volume is mounted."""
    for workload in scene.workloads:
        claims = at(workload.manifest, "spec", "volumeClaimTemplates", default=[])
        present = {volume["name"] for volume in workload.spec.get("volumes", [])}
        present |= {claim["metadata"]["name"] for claim in claims}
        mounted = set()
        for container in workload.containers():
            for mount in container.get("volumeMounts", []):
                mounted.add(mount["name"])
                if mount["name"] not in present:
                    field = f"containers[{container['name']}].volumeMounts"
                    yield violation(workload.manifest, field, f"names volume {mount['name']!r}, which is not here")
            for device in container.get("volumeDevices", []):
                mounted.add(device["name"])
                if device["name"] not in present:
                    field = f"containers[{container['name']}].volumeDevices"
                    yield violation(workload.manifest, field, f"names volume {device['name']!r}, which is not here")
        for name in sorted(present - mounted):
            yield violation(workload.manifest, f"volumes[{name}]", "is mounted by no container")


def role_bindings_resolve(scene: Scene) -> Iterator[str]:
    """A binding's role is in the rendering or built in; a ServiceAccount that it names is there or of others."""
    for binding in scene.of_kind("RoleBinding", "ClusterRoleBinding"):
        role = binding["roleRef"]
        known = role["kind"] == "ClusterRole" and role["name"] in BUILT_IN_CLUSTER_ROLES
        if not known and scene.named(role["kind"], role["name"]) is None:
            yield violation(binding, "roleRef", f"names {role['kind']}/{role['name']}, which is not here")
        for subject in binding.get("subjects") or [{}]:
            if not subject:
                yield violation(binding, "subjects", "names nobody")
            elif subject["kind"] == "ServiceAccount" and not _account(scene, binding, subject):
                yield violation(binding, "subjects", f"names ServiceAccount/{subject['name']}, which is not here")


def _account(scene: Scene, binding: Manifest, subject: Manifest) -> bool:
    if subject["name"] in scene.outside.get("ServiceAccount", []):
        return bool(subject.get("namespace"))
    account = scene.named("ServiceAccount", subject["name"])
    return account is not None and subject.get("namespace", "") in {namespace(account), namespace(binding)}


def roles_are_bound(scene: Scene) -> Iterator[str]:
    """A Role that nothing binds grants nothing."""
    bound = {binding["roleRef"]["name"] for binding in scene.of_kind("RoleBinding", "ClusterRoleBinding")}
    for role in scene.of_kind("Role", "ClusterRole"):
        if role["metadata"]["name"] not in bound:
            yield violation(role, "metadata.name", "is bound by no RoleBinding")


RULES = (
    objects_share_a_namespace,
    config_references_resolve,
    config_maps_are_read,
    service_accounts_resolve,
    autoscaler_targets_one_workload,
    autoscaler_metrics_resolve,
    vertical_autoscaler_targets_one_workload,
    autoscalers_do_not_fight,
    volume_mounts_resolve,
    role_bindings_resolve,
    roles_are_bound,
)
