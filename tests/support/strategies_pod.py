"""Random answers about pods: structures of Kubernetes' schema, filled with values that fit and a few that do not.

Most of an answer is right, because one wrong value is enough to have it refused, and what comes after it would never
be tried.
"""

from __future__ import annotations

import json
from functools import cache
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

from support.sandbox import ROOT

if TYPE_CHECKING:
    from random import Random

WRONG = 0.02
"""How often a value is one of the wrong ones."""

SHAPES = [
    ("deployment", "web"),
    ("deployment", "worker"),
    ("statefulset", "datastore"),
    ("daemonset", "node-agent"),
    ("job", "task"),
    ("job", "parallel"),
    ("cronjob", "scheduled"),
]

QUESTIONS: dict[str, tuple[str, float]] = {
    "sidecars": ("[Container]", 0.5),
    "init_containers": ("[Container]", 0.4),
    "env": ("[EnvVar]", 0.4),
    "env_from": ("[EnvFromSource]", 0.2),
    "lifecycle": ("Lifecycle", 0.2),
    "termination_grace_period_seconds": ("integer", 0.2),
    "volumes": ("[Volume]", 0.6),
    "volume_mounts": ("[VolumeMount]", 0.4),
    "pod_labels": ("{string}", 0.2),
    "pod_annotations": ("{string}", 0.2),
    "node_selector": ("{string}", 0.2),
    "tolerations": ("[Toleration]", 0.4),
    "affinity": ("Affinity", 0.4),
    "topology_spread_constraints": ("[TopologySpreadConstraint]", 0.4),
    "priority_class_name": ("string", 0.1),
    "runtime_class_name": ("string", 0.1),
    "service_account_name": ("string", 0.1),
    "front": ("string", 0.1),
    "pod_spec": ("PodSpec", 0.4),
    "completion_mode": ("string", 0.3),
    "completions": ("integer", 0.4),
    "pod_failure_policy": ("PodFailurePolicy", 0.4),
    "workload_spec": ("", 0.5),
}
"""Each question, the type of its answer, and how often it is answered."""

NAMES = (["cache", "scratch", "a1", "settings", "data-2"], ["Data", "a_b", "-a", "x" * 64, "a.b", "", "1.5"])
OBJECTS = (["settings", "api.example.com", "a1"], ["Settings", "a_b", "-a", "", "a..b", "x" * 254])
KEYS = (["app", "example.com/tier", "kubernetes.io/hostname", "A.b_c-1"], ["a b", "-a", "a/b/c", "", "Example.com/a"])
LABEL_VALUES = (["backend", "1.5", "", "A_b"], ["a b", "-a", "x" * 64, "a/b"])
PATHS = (["/cache", "/var/lib/data", "/etc/app/x", "/data", "/srv"], ["data", "/a/../b", "", "/a:b", "/", "/data/"])
BELOW = (["settings.yaml", "a/b", "conf"], ["/a", "../a", "a/../b", "..a", "a//b", "", "./a"])
FILE_MODES = ([0o400, 0o644, 0o777, 0], [0o1000, -1, 7777])
PORTS = ([8081, 5432, 1, 65535, 9000], [0, 65536, -1, 8080])
SECONDS = ([0, 1, 5, 10, 29], [31, -1, 4000])
USERS = ([1000, 10001, 65534], [0, -1])

VALUES: dict[str, tuple[list[Any], list[Any]]] = {
    "front": (["grpc", "proxy"], ["http", ""]),
    "Container.name": (["helper", "proxy", "shipper", "a1", "setup"], ["shop", "Helper", "a_b", "1a", "x" * 64, ""]),
    "Container.image": (
        ["registry.example.com/a:1.2.3", "busybox:1.37.0", "a/b@sha256:" + "0" * 64],
        ["busybox", "a:latest", "A:1", " a:1", "", "a b:1"],
    ),
    "Container.restartPolicy": (["Always"], ["Never", "OnFailure", ""]),
    "Container.workingDir": (["/work"], []),
    "Container.imagePullPolicy": (["Always", "IfNotPresent", "Never"], ["Sometimes", ""]),
    "Container.terminationMessagePath": (["/dev/termination-log"], []),
    "Container.terminationMessagePolicy": (["File", "FallbackToLogsOnError"], ["Both"]),
    "ContainerResizePolicy.resourceName": (["cpu", "memory"], ["disk"]),
    "ContainerResizePolicy.restartPolicy": (["NotRequired"], ["RestartContainer", "Never"]),
    "ContainerPort.containerPort": PORTS,
    "ContainerPort.hostPort": ([8081], [0]),
    "ContainerPort.name": (["grpc", "admin", "proxy", "a1"], ["http", "metrics", "Http", "a--b", "x" * 16, "80", ""]),
    "ContainerPort.protocol": (["TCP", "UDP", "SCTP"], ["HTTP", ""]),
    "EnvVar.name": (
        ["MODE", "my-key", "a.b", "_x"],
        ["POD_NAME", "NODE_NAME", "JOB_NAME", "1A", "A=B", "A B", "", "..a", "."],
    ),
    "EnvVar.value": (["fast", "", "$(MODE)", "12345e7", "a\nb"], []),
    "EnvFromSource.prefix": (["APP_", "a-"], ["1", "a b", ""]),
    "key": (["url", "tls.crt", "A_b"], ["a/b", "..", "..a", "", "a b"]),
    "ObjectFieldSelector.fieldPath": (
        [
            "metadata.name",
            "metadata.uid",
            "metadata.labels['app.kubernetes.io/name']",
            "metadata.annotations['a.b/c']",
        ],
        [
            "metadata.labels",
            "metadata.annotations",
            "spec.nodeName",
            "status.podIP",
            "status.hostIPs",
            "spec.serviceAccountName",
            "metadata.labels['a b']",
            "status.phase",
            "spec.host",
            "metadata.name['a']",
            "",
        ],
    ),
    "ObjectFieldSelector.apiVersion": (["v1"], ["v2"]),
    "ResourceFieldSelector.containerName": (["shop"], ["nobody", ""]),
    "ResourceFieldSelector.resource": (
        ["limits.cpu", "limits.memory", "requests.ephemeral-storage"],
        ["limits.gpu", "cpu", "limits.hugepages-2Mi", ""],
    ),
    "ResourceFieldSelector.divisor": (["1"], ["1m", "1Mi", "10", "1k", "0"]),
    "SleepAction.seconds": SECONDS,
    "path": (["/healthz", "/"], ["healthz", ""]),
    "host": (["10.0.0.1"], []),
    "HTTPGetAction.port": (PORTS[0][:2], [0, "http", "nothing", 70000]),
    "TCPSocketAction.port": (PORTS[0][:2], [0, 8080, "nothing"]),
    "GRPCAction.port": PORTS,
    "scheme": (["HTTP", "HTTPS"], ["http", "FTP"]),
    "HTTPHeader.name": (["X-Probe", "Host"], ["a b", "", "a:b"]),
    "ExecAction.command": (["true"], []),
    "Probe.initialDelaySeconds": ([0, 5], [-1]),
    "Probe.timeoutSeconds": ([1, 5], [0, -1]),
    "Probe.periodSeconds": ([1, 5], [0, -1]),
    "Probe.successThreshold": ([1], [0, 2]),
    "Probe.failureThreshold": ([1, 30], [0]),
    "Probe.terminationGracePeriodSeconds": ([10], [0]),
    "Volume.name": NAMES,
    "VolumeMount.name": ([*NAMES[0], "tmp"], ["nothing", ""]),
    "mountPath": PATHS,
    "subPath": BELOW,
    "subPathExpr": (["$(POD_NAME)", "a/$(MODE)"], BELOW[1]),
    "mountPropagation": (["None", "HostToContainer"], ["Bidirectional", "All"]),
    "recursiveReadOnly": (["Disabled"], ["Enabled", "IfPossible", "Yes"]),
    "KeyToPath.path": BELOW,
    "DownwardAPIVolumeFile.path": BELOW,
    "ServiceAccountTokenProjection.path": BELOW,
    "ServiceAccountTokenProjection.audience": (["vault"], []),
    "ServiceAccountTokenProjection.expirationSeconds": ([600, 3600], [599, 0, -1]),
    "mode": FILE_MODES,
    "defaultMode": FILE_MODES,
    "EmptyDirVolumeSource.medium": (["", "Memory"], ["HugePages", "Disk"]),
    "CSIVolumeSource.driver": (["secrets-store.csi.k8s.io", "csi.example.com"], ["a b", "", "x" * 64, "a_b"]),
    "claimName": OBJECTS,
    "secretName": OBJECTS,
    "storageClassName": (["fast"], ["Fast", "a b"]),
    "volumeAttributesClassName": (["gold"], ["Gold"]),
    "PersistentVolumeClaimSpec.accessModes": (["ReadWriteOnce", "ReadWriteMany"], ["ReadWriteOncePod", "RWO"]),
    "PersistentVolumeClaimSpec.volumeMode": (["Filesystem"], ["Block", "Raw"]),
    "name": OBJECTS,
    "Toleration.key": (["dedicated", "example.com/gpu", "node.kubernetes.io/not-ready"], ["a b", "", "-a"]),
    "Toleration.operator": (["Exists", "Equal"], ["Gt", "In", ""]),
    "Toleration.value": LABEL_VALUES,
    "Toleration.effect": (["NoSchedule", "PreferNoSchedule", "NoExecute"], ["Never", ""]),
    "Toleration.tolerationSeconds": ([0, 300, -1], []),
    "weight": ([1, 50, 100], [0, 101, -1]),
    "topologyKey": (["topology.kubernetes.io/zone", "kubernetes.io/hostname", "rack"], ["a b", "", KEYS[1][0]]),
    "LabelSelectorRequirement.key": KEYS,
    "NodeSelectorRequirement.key": (
        ["kubernetes.io/arch", "example.com/disk"],
        [*KEYS[1], "beta.kubernetes.io/arch", "metadata.name"],
    ),
    "LabelSelectorRequirement.operator": (["In", "NotIn"], ["Exists", "Gt", "in"]),
    "NodeSelectorRequirement.operator": (["In", "NotIn"], ["Exists", "DoesNotExist", "Gt", "Lt", "in"]),
    "values": (["amd64", "7"], LABEL_VALUES[1]),
    "namespaces": (["shop"], ["Shop", "a.b", ""]),
    "matchLabelKeys": (["pod-template-hash"], ["app", "a b"]),
    "mismatchLabelKeys": (["tenant"], ["app", "pod-template-hash"]),
    "maxSkew": ([1, 5], [0, -1]),
    "minDomains": ([1, 3], [0]),
    "whenUnsatisfiable": (["DoNotSchedule", "ScheduleAnyway"], ["Never", ""]),
    "nodeAffinityPolicy": (["Honor", "Ignore"], ["honor"]),
    "nodeTaintsPolicy": (["Honor", "Ignore"], ["honor"]),
    "Capabilities.add": (["NET_BIND_SERVICE"], ["NET_ADMIN", "ALL", "CHOWN"]),
    "Capabilities.drop": (["ALL"], ["NET_RAW"]),
    "SeccompProfile.type": (["RuntimeDefault"], ["Localhost", "Unconfined", "runtime/default"]),
    "AppArmorProfile.type": (["RuntimeDefault"], ["Localhost", "Unconfined"]),
    "localhostProfile": (["profiles/a.json"], ["/a", "../a", ""]),
    "procMount": (["Default"], ["Unmasked"]),
    "runAsUser": USERS,
    "runAsGroup": ([0, 1000], [-1]),
    "fsGroup": ([0, 1000], [-1]),
    "supplementalGroups": ([0, 1000], [-1]),
    "fsGroupChangePolicy": (["OnRootMismatch", "Always"], ["Never"]),
    "supplementalGroupsPolicy": (["Merge", "Strict"], ["Never"]),
    "seLinuxChangePolicy": (["Recursive", "MountOption"], ["Never"]),
    "SELinuxOptions.level": (["s0:c123,c456"], []),
    "SELinuxOptions.type": (["container_t"], ["spc_t"]),
    "SELinuxOptions.role": (["r"], []),
    "SELinuxOptions.user": (["u"], []),
    "Sysctl.name": (["net.ipv4.tcp_syncookies", "kernel.shm_rmid_forced"], ["kernel.msgmax", "A"]),
    "Sysctl.value": (["1"], []),
    "PodSpec.restartPolicy": ([], ["Always", "OnFailure", "Never"]),
    "PodSpec.dnsPolicy": (["ClusterFirst", "Default"], ["None", "ClusterFirstWithHostNet", "First"]),
    "nameservers": (["10.0.0.10", "2001:db8::1"], ["010.0.0.1", "a", "10.0.0"]),
    "searches": (["example.com", "svc.cluster.local"], ["A.b", "a b", ""]),
    "PodDNSConfigOption.name": (["ndots"], [""]),
    "PodDNSConfigOption.value": (["2"], []),
    "HostAlias.ip": (["10.0.0.7", "2001:db8::7", "127.0.0.1"], ["10.0.0", "010.0.0.1", "::ffff:10.0.0.1", "a"]),
    "hostnames": (["mail", "a.example.com"], ["A", "a_b", ""]),
    "PodSpec.hostname": (["shop", "a1"], ["a.b", "A", "x" * 64]),
    "PodSpec.subdomain": (["shops"], ["a.b", "A"]),
    "PodSpec.nodeName": (["n1"], []),
    "PodOS.name": (["linux"], ["windows", "beos"]),
    "PodSpec.preemptionPolicy": (["Never"], ["PreemptLowerPriority"]),
    "PodSpec.priority": ([0], [7]),
    "priorityClassName": (["business"], ["Business", "a b"]),
    "runtimeClassName": (["sandbox"], ["Sandbox", "a b"]),
    "PodSpec.schedulerName": (["default-scheduler", "mine"], ["a b", ""]),
    "conditionType": (["example.com/ready"], ["a b", ""]),
    "PodSchedulingGate.name": (["example.com/wait"], ["a b", ""]),
    "activeDeadlineSeconds": ([60], [0]),
    "terminationGracePeriodSeconds": ([0, 10, 30, 3600], [-1, 4000]),
    "matchLabels": LABEL_VALUES,
    "pod_labels": LABEL_VALUES,
    "node_selector": LABEL_VALUES,
    "pod_annotations": (["anything goes: {}", ""], []),
    "audience": (["vault"], []),
    "completion_mode": (["Indexed", "NonIndexed"], ["indexed", ""]),
    "completions": ([1, 3, 5], [0]),
    "minReadySeconds": ([0, 10], [-1, 600]),
    "progressDeadlineSeconds": ([60, 900], [0, 5]),
    "revisionHistoryLimit": ([0, 3], [-1]),
    "podManagementPolicy": (["OrderedReady", "Parallel"], ["Serial", ""]),
    "whenDeleted": (["Retain", "Delete"], ["Keep"]),
    "whenScaled": (["Retain", "Delete"], ["Keep"]),
    "StatefulSetOrdinals.start": ([0, 1], [-1]),
    "JobSpec.activeDeadlineSeconds": ([60], [-1]),
    "backoffLimitPerIndex": ([0, 2], [-1]),
    "maxFailedIndexes": ([0, 1, 3], [-1, 6]),
    "podReplacementPolicy": (["Failed"], ["TerminatingOrFailed", "Never"]),
    "managedBy": (["example.com/queue"], ["queue", "a b/c", "example.com/" + "x" * 60]),
    "succeededIndexes": (["0", "0,2", "0-1"], ["1,0", "2-1", "0-7", "", "a"]),
    "succeededCount": ([1, 2], [0, 9]),
    "successfulJobsHistoryLimit": ([0, 3], [-1]),
    "failedJobsHistoryLimit": ([0, 3], [-1]),
    "PodFailurePolicyRule.action": (["FailJob", "Ignore", "Count"], ["FailIndex", "Retry"]),
    "PodFailurePolicyOnExitCodesRequirement.containerName": (["shop"], ["nobody"]),
    "PodFailurePolicyOnExitCodesRequirement.operator": (["In", "NotIn"], ["Exists"]),
    "PodFailurePolicyOnExitCodesRequirement.values": ([3, 42], [0]),
    "PodFailurePolicyOnPodConditionsPattern.type": (["DisruptionTarget"], ["a b"]),
    "PodFailurePolicyOnPodConditionsPattern.status": (["True", "False"], ["yes"]),
}
"""Values by type and field, or by field: those that fit, and those that do not."""

MAP_KEYS: dict[str, tuple[list[str], list[str]]] = {
    "pod_labels": (["tier", "example.com/part"], [*KEYS[1], "app.kubernetes.io/name", "pod-template-hash"]),
    "pod_annotations": (
        ["example.com/owner", "Team"],
        [
            *KEYS[1][:4],
            "container.apparmor.security.beta.kubernetes.io/shop",
            "controller.kubernetes.io/pod-deletion-cost",
        ],
    ),
    "node_selector": (["kubernetes.io/arch", "disk"], [*KEYS[1], "beta.kubernetes.io/os"]),
    "nodeSelector": (["kubernetes.io/arch", "disk"], [*KEYS[1], "beta.kubernetes.io/os"]),
    "labels": KEYS,
    "annotations": (["example.com/owner"], ["a b", ""]),
    "matchLabels": KEYS,
    "requests": (["cpu", "memory", "ephemeral-storage"], ["example.com/gpu", "hugepages-2Mi", "disk", "a/b/c"]),
    "limits": (["cpu", "memory", "ephemeral-storage"], ["example.com/gpu", "hugepages-2Mi", "kubernetes.io/x"]),
    "volumeAttributes": (["secretProviderClass"], []),
}

AMOUNTS: dict[str, tuple[list[Any], list[Any]]] = {
    "cpu": (["10m", "0.1", 1], ["0.5m", "10Ki"]),
    "memory": (["32Mi", "64Mi"], ["1m", "0.5", "1Ki", "8Gi"]),
}

UNIONS: dict[str, tuple[list[Any], list[Any]]] = {
    "EnvVarSource": (["configMapKeyRef", "secretKeyRef", "fieldRef", "resourceFieldRef"], ["fileKeyRef"]),
    "EnvFromSource": (["configMapRef", "secretRef"], []),
    "Probe": (["exec", "httpGet", "tcpSocket", "grpc"], []),
    "LifecycleHandler": (["exec", "httpGet", "sleep"], ["tcpSocket"]),
    "DownwardAPIVolumeFile": (["fieldRef", "resourceFieldRef"], []),
    "PodFailurePolicyRule": (["onExitCodes", "onPodConditions"], []),
    "VolumeProjection": (["configMap", "downwardAPI", "secret", "serviceAccountToken"], ["clusterTrustBundle"]),
    "Volume": (
        ["configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret"],
        ["hostPath", "nfs", "image", "gitRepo", "iscsi"],
    ),
}
"""Types of which one field is given; the wrong ways are another field, two of them, and none."""

USUAL = {
    "Container.image": 0.85,
    "ConfigMapKeySelector.name": 0.98,
    "SecretKeySelector.name": 0.98,
    "ConfigMapEnvSource.name": 0.98,
    "SecretEnvSource.name": 0.98,
    "ConfigMapProjection.name": 0.98,
    "SecretProjection.name": 0.98,
    "ConfigMapVolumeSource.name": 0.98,
    "SecretVolumeSource.secretName": 0.98,
    "LocalObjectReference.name": 0.98,
    "ResourceFieldSelector.containerName": 0.95,
    "ExecAction.command": 0.98,
    "EphemeralVolumeSource.volumeClaimTemplate": 0.98,
    "PersistentVolumeClaimSpec.accessModes": 1.0,
    "PersistentVolumeClaimSpec.resources": 1.0,
    "PodAffinityTerm.labelSelector": 0.97,
    "TopologySpreadConstraint.labelSelector": 0.97,
    "NodeSelectorTerm.matchExpressions": 0.95,
    "LabelSelectorRequirement.values": 0.97,
    "NodeSelectorRequirement.values": 0.97,
    "SecurityContext.allowPrivilegeEscalation": 0.97,
    "SecurityContext.capabilities": 0.97,
    "Capabilities.drop": 0.97,
    "PodSecurityContext.runAsNonRoot": 0.97,
    "PodSecurityContext.seccompProfile": 0.97,
    "Container.securityContext": 0.4,
    "Container.volumeMounts": 0.4,
    "Container.ports": 0.4,
    "Container.resources": 0.4,
    "Lifecycle.preStop": 0.7,
    "Toleration.operator": 0.8,
    "Toleration.key": 0.9,
    "VolumeResourceRequirements.requests": 1.0,
    "ProjectedVolumeSource.sources": 0.98,
    "HTTPGetAction.host": WRONG,
    "TCPSocketAction.host": WRONG,
    "ContainerPort.hostPort": WRONG,
    "ContainerPort.hostIP": WRONG,
    "SecurityContext.windowsOptions": WRONG,
    "PodSecurityContext.windowsOptions": WRONG,
    "SELinuxOptions.role": WRONG,
    "SELinuxOptions.user": WRONG,
    "Container.restartPolicyRules": WRONG,
    "Container.volumeDevices": WRONG,
    "Container.startupProbe": 0.1,
    "Container.readinessProbe": 0.1,
    "Container.livenessProbe": 0.1,
    "Container.lifecycle": 0.1,
    "Container.resizePolicy": 0.05,
    "ResourceRequirements.claims": WRONG,
    "Lifecycle.stopSignal": WRONG,
    "Container.restartPolicy": 0.15,
    "PersistentVolumeClaimSpec.dataSource": WRONG,
    "PersistentVolumeClaimSpec.dataSourceRef": WRONG,
    "PersistentVolumeClaimSpec.selector": WRONG,
    "PersistentVolumeClaimSpec.volumeName": WRONG,
    "PodSpec.hostNetwork": WRONG,
    "PodSpec.hostPID": WRONG,
    "PodSpec.hostIPC": WRONG,
    "PodSpec.nodeName": WRONG,
    "PodSpec.ephemeralContainers": WRONG,
    "PodSpec.serviceAccount": WRONG,
    "PodSpec.serviceAccountName": WRONG,
    "PodSpec.initContainers": WRONG,
    "PodSpec.overhead": WRONG,
    "PodSpec.priority": WRONG,
    "PodSpec.preemptionPolicy": WRONG,
    "PodSpec.resourceClaims": WRONG,
    "PodSpec.resources": WRONG,
    "PodSpec.hostnameOverride": WRONG,
    "PodSpec.containers": 0.1,
    "PodSpec.restartPolicy": 0.05,
}
"""How often an optional field is given. Any other is given one time in eight."""

OWN_SPECS = {
    "deployment": "DeploymentSpec",
    "statefulset": "StatefulSetSpec",
    "daemonset": "DaemonSetSpec",
    "job": "JobSpec",
    "cronjob": "CronJobSpec",
}
"""The type of a workload's own spec."""

ANSWERED = {
    *("completionMode", "completions", "concurrencyPolicy", "manualSelector", "parallelism", "podFailurePolicy"),
    *("backoffLimit", "replicas", "schedule", "selector", "serviceName", "startingDeadlineSeconds", "strategy"),
    *("template", "timeZone", "ttlSecondsAfterFinished", "updateStrategy", "volumeClaimTemplates"),
}
"""Its fields that are other questions' or nobody's."""

TRUE = {
    "allowPrivilegeEscalation": 0.03,
    "privileged": 0.1,
    "runAsNonRoot": 0.97,
    "automountServiceAccountToken": 0.2,
}
"""How often a flag is true. Any other is half of the time."""

ODD: list[Any] = [None, "", 0, -1, True, "x", [], {}, ["x"], {"x": "y"}, [None], 10**12, "a\u0001b"]


@cache
def schemas() -> dict[str, Any]:
    """Kubernetes' schemas, as the questionnaire knows them."""
    found: dict[str, Any] = json.loads((ROOT / "template/schemas/kubernetes.json").read_text())
    return found


def pick(random: Random, choices: tuple[list[Any], list[Any]]) -> Any:
    """One of the values that fit, or now and then one that does not."""
    right, wrong = choices
    return random.choice(wrong if wrong and (not right or random.random() < WRONG) else right)


def scalar(random: Random, kind: str, owner: str, field: str) -> Any:
    """A value of a type that has no fields."""
    if kind == "boolean":
        return random.random() < TRUE.get(field, 0.5)
    if kind == "Quantity":
        return pick(random, AMOUNTS.get(field, (["64Mi", "1Gi", 1048576], ["-1", "0", "1x", "0.0001"])))
    known = VALUES.get(f"{owner}.{field}") or VALUES.get(field)
    return pick(random, known or (["x", "y1"], ["A b"]) if kind != "integer" else known or ([1, 2], [-1]))


def instance(random: Random, kind: str, owner: str, field: str) -> Any:
    """A value of a type of Kubernetes' schema."""
    if kind.startswith("["):
        length = random.choices([1, 2, 3], [6, 3, 1])[0]
        return [instance(random, kind[1:-1], owner, field) for _ in range(length)]
    if kind.startswith("{"):
        keys = {pick(random, MAP_KEYS.get(field, (["storage"], []))) for _ in range(random.choice([1, 1, 2]))}
        if owner == "VolumeResourceRequirements":
            keys = {"storage"}
        return {
            key: instance(random, kind[1:-1], owner, key if kind == "{Quantity}" else field) for key in sorted(keys)
        }
    if kind not in schemas():
        return scalar(random, kind, owner, field)
    return structure(random, kind)


def structure(random: Random, kind: str) -> dict[str, Any]:
    """A map with the fields of a type: what it requires, and some of what it allows."""
    schema = schemas()[kind]
    right, wrong = UNIONS.get(kind, ([], []))
    one = {pick(random, (right, wrong))} if right else set()
    if right and random.random() < WRONG:
        one = set(random.sample(right, random.choice([0, min(2, len(right))])))
    chosen = [
        field
        for field in schema["fields"]
        if field in schema["required"]
        or field in one
        or (field not in right + wrong and kind != "Volume" and random.random() < USUAL.get(f"{kind}.{field}", 0.125))
    ]
    if not chosen and random.random() > WRONG:
        usual = [
            field for field in schema["fields"] if USUAL.get(f"{kind}.{field}", 1) > WRONG and field not in wrong
        ]
        chosen = random.sample(usual, min(1, len(usual)))
    built = {field: instance(random, schema["fields"][field], kind, field) for field in chosen}
    if kind == "EnvVar" and random.random() > WRONG and "valueFrom" in built:
        built.pop("value", None)
    return built


def spoiled(random: Random, value: Any) -> Any:
    """The same with one thing wrong somewhere: a part replaced, taken out, or there twice."""
    if isinstance(value, dict) and value and random.random() < 0.9:
        key = random.choice(list(value))
        if random.random() < 0.2:
            return {name: item for name, item in value.items() if name != key}
        return {**value, key: spoiled(random, value[key])}
    if isinstance(value, list) and value and random.random() < 0.9:
        place = random.randrange(len(value))
        if random.random() < 0.2:
            return [*value, value[place]]
        return [*value[:place], spoiled(random, value[place]), *value[place + 1 :]]
    return random.choice(ODD)


def answered(random: Random, question: str, kind: str) -> Any:
    """An answer to one question."""
    if question in ("sidecars", "init_containers"):
        catalogue = ["log-shipper", "otel-collector", "config-reloader", "oauth2-proxy"]
        if question == "init_containers":
            catalogue = ["wait-for-service", "migrate", "prepare-volume", "wait-for-database", "otel-collector"]
        length = random.choice([1, 1, 2])
        return [
            random.choice(catalogue)
            if random.random() < 0.3
            else adjusted(random, catalogue)
            if random.random() < 0.2
            else structure(random, "Container")
            for _ in range(length)
        ]
    if question == "affinity" and random.random() < 0.3:
        return pick(random, (["soft", "hard"], ["firm"]))
    if question == "pod_spec":
        fragment = structure(random, kind)
        if random.random() > 0.2 and len(fragment) > 1:
            del fragment["containers"]
        own = {"workingDir", "imagePullPolicy", "terminationMessagePolicy", "securityContext", "resizePolicy", "tty"}
        for container in fragment.get("containers", []):
            for field in list(container) if random.random() > WRONG else []:
                if field not in own:
                    del container[field]
            container["name"] = "shop"
        return fragment
    known = {"priority_class_name": "priorityClassName", "runtime_class_name": "runtimeClassName"}
    known["service_account_name"] = "serviceAccountName"
    known["termination_grace_period_seconds"] = "terminationGracePeriodSeconds"
    return instance(random, kind, "", known.get(question, question))


def adjusted(random: Random, catalogue: list[str]) -> dict[str, Any]:
    """An entry of the catalogue with fields of a Container over its own, hardly ever with a name of its own."""
    fields = structure(random, "Container")
    if random.random() > WRONG:
        del fields["name"]
    return {random.choice(catalogue): fields}


def own_spec(random: Random, kind: str) -> dict[str, Any]:
    """Some fields of a workload's own spec, hardly ever one that is another question's."""
    fields = schemas()[kind]["fields"]
    built: dict[str, Any] = {}
    for field, of in fields.items():
        if random.random() >= (0.002 if field in ANSWERED else 0.4):
            continue
        built[field] = (
            {"spec": own_spec(random, "JobSpec")} if field == "jobTemplate" else instance(random, of, kind, field)
        )
    return built


def answers_about_pods(random: Random) -> dict[str, Any]:
    """A workload's kind, and answers to some of the questions about its pods."""
    kind, preset = random.choice(SHAPES)
    built: dict[str, Any] = {"workload_kind": kind, "preset": preset}
    if random.random() < 0.3:
        built |= {"language": "none", "image": "registry.example.com/team/app:1.2.3"}
    if random.random() < 0.2:
        built["security_profile"] = "platform"
    if random.random() < 0.7:
        built["config"] = {
            "WAIT_FOR_HOST": "db",
            "WAIT_FOR_PORT": "5432",
            "DATABASE_HOST": "db",
            "DATABASE_PORT": "1",
            "MIGRATE_COMMAND": "alembic upgrade head",
            "OAUTH2_PROXY_EMAIL_DOMAINS": "example.com",
        }
    if random.random() < 0.3:
        built["pod_security"] = pick(random, (["baseline", "privileged"], ["none"]))
    for question, (schema, often) in QUESTIONS.items():
        if random.random() < often:
            answer = own_spec(random, OWN_SPECS[kind]) if not schema else answered(random, question, schema)
            built[question] = spoiled(random, answer) if random.random() < 0.06 else answer
    return built if built.get("pod_security", "none") == "none" else reaching(random, built)


def reaching(random: Random, answers: dict[str, Any]) -> dict[str, Any]:
    """The answers with a few that reach into the node, or start as root, which some levels of Pod Security admit."""
    add = pick(random, ([["CHOWN"], ["NET_ADMIN", "SYS_PTRACE"], ["NET_BIND_SERVICE"]], [["CAP_CHOWN"], ["x"]]))
    contexts: list[dict[str, Any]] = [
        {},
        {"privileged": True},
        {"runAsUser": 0, "runAsNonRoot": False},
        {"capabilities": {"drop": ["ALL"], "add": add}},
        {"allowPrivilegeEscalation": False, "capabilities": {"add": add}},
        {"seccompProfile": {"type": "Unconfined"}, "seLinuxOptions": {"type": "spc_t"}},
    ]
    container = {"name": "shop", "securityContext": random.choice(contexts[1:])}
    fragments: list[dict[str, Any]] = [
        dict.fromkeys(random.sample(["hostNetwork", "hostPID", "hostIPC"], 2), True),
        {"containers": [container]},
        {"securityContext": random.choice(contexts[:3])},
    ]
    path = pick(random, (["/", "/var/lib/kubelet", "/dev/fuse", "/run/"], ["etc", "/../etc", ""]))
    kind = pick(random, (["", "Directory", "DirectoryOrCreate", "CharDevice"], ["Folder"]))
    mount = {"name": "node", "mountPath": "/node"}
    mount |= (
        {"mountPropagation": random.choice(["HostToContainer", "Bidirectional"])} if random.random() < 0.3 else {}
    )
    port = {"name": "node", "containerPort": 9000, "hostPort": random.choice([9000, 9000, 9001])}
    helper = {"name": "side", "image": "a/b:1", "securityContext": random.choice(contexts), "ports": [port]}
    more: dict[str, Any] = {
        "volumes": [{"name": "node", "hostPath": {"path": path, "type": kind}}],
        "volume_mounts": [mount],
        "pod_spec": random.choice(fragments),
        "sidecars": [helper],
    }
    chosen = random.sample(list(more), random.choice([1, 2, 3]))
    return {**answers, **{question: more[question] for question in chosen}}


pods: st.SearchStrategy[dict[str, Any]] = st.randoms(use_true_random=True).map(answers_about_pods)
"""Sets of answers about pods."""
