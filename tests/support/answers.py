"""Sets of answers: a covering array over all that can be chosen, and representatives of all that can be written."""

from __future__ import annotations

import re
from functools import cache
from itertools import product
from typing import TYPE_CHECKING, Any

from support.questionnaire import Question, of_use, presets, questions

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from collections.abc import Set as AbstractSet

    from support.render import Answers

ABSENT = "(left to its default)"

WORKER_IMAGE = "registry.example.com/team/worker:2.0.1"

MOUNTS = [
    {"name": "identity", "mountPath": "/etc/identity", "readOnly": True},
    {"name": "scratch", "mountPath": "/scratch"},
    {"name": "shared", "mountPath": "/shared", "subPath": "shop", "readOnly": True},
]
"""Mounts of the volumes below."""


METRICS: list[dict[str, Any]] = [
    {
        "type": "Resource",
        "resource": {"name": "memory", "target": {"type": "Utilization", "averageUtilization": 80}},
    },
    {
        "type": "Pods",
        "pods": {"metric": {"name": "requests"}, "target": {"type": "AverageValue", "averageValue": "1k"}},
    },
    {
        "type": "Object",
        "object": {
            "metric": {"name": "requests-per-second"},
            "describedObject": {"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "name": "main-route"},
            "target": {"type": "Value", "value": 10000},
        },
    },
    {
        "type": "External",
        "external": {
            "metric": {"name": "messages|ready", "selector": {"matchLabels": {"queue": "1.30"}}},
            "target": {"type": "AverageValue", "averageValue": "30"},
        },
    },
]
BEHAVIOR: dict[str, Any] = {
    "scaleDown": {
        "stabilizationWindowSeconds": 600,
        "selectPolicy": "Min",
        "policies": [
            {"type": "Percent", "value": 10, "periodSeconds": 60},
            {"type": "Pods", "value": 4, "periodSeconds": 1800},
        ],
    }
}
"""A metric of each type but for the one that names a container, and what holds an autoscaler back."""


def claim(*, storage: str, **fields: Any) -> dict[str, Any]:
    """A PersistentVolumeClaimSpec."""
    return {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": storage}}, **fields}


QUESTIONS = questions()


def sized(cpu: str, memory: str) -> dict[str, Any]:
    """ResourceRequirements."""
    return {
        "requests": {"cpu": cpu, "memory": memory, "ephemeral-storage": "16Mi"},
        "limits": {"memory": memory, "ephemeral-storage": "64Mi"},
    }


REPRESENTATIVES: dict[str, tuple[Any, ...]] = {
    "app_name": ("shop", "a" * 40),
    "team": ("platform", "x1"),
    "description": (ABSENT, 'Sells "things": 1.30 {{ x }} ${{ y }} & <b>'),
    "namespace": (ABSENT, "sales"),
    "image": (
        ABSENT,
        "registry.example.com:5000/team/app@sha256:" + "0123456789abcdef" * 4,
        "registry.example.com/team/app:1.30@sha256:" + "0123456789abcdef" * 4,
    ),
    "image_repository": (ABSENT, "registry.example.com:5000/a/b_c"),
    "config": (
        ABSENT,
        {},
        {
            "LOG_LEVEL": "debug",
            "VERSION": "1.30",
            "COMMIT": "12345e7",
            "SCRIPT": "set -e\necho {{ x }}\n",
            "NONE": "",
            "app.level-2": "a",
        },
    ),
    "config_files": (
        ABSENT,
        [
            {
                "name": "settings",
                "mountPath": "/etc/settings",
                "defaultMode": 0o555,
                "items": [
                    {"key": "app.toml", "path": "conf/app.toml", "mode": 0o440},
                    {"key": "VERSION", "path": "v"},
                ],
                "data": {"app.toml": "level = 1\n", "VERSION": "1.30"},
            },
            {"name": "certificate", "mountPath": "/etc/ca", "binaryData": {"ca.der": "MIIB"}, "immutable": True},
        ],
    ),
    "secrets": (
        ABSENT,
        [
            {"name": "database", "env": {"DATABASE_PASSWORD": "password"}},
            {"name": "all", "envFrom": True, "prefix": "ALL_"},
            {
                "name": "certificate",
                "mountPath": "/etc/tls",
                "items": [{"key": "tls.crt", "path": "crt", "mode": 256}],
            },
        ],
    ),
    "command": (ABSENT, ["/bin/app", "--when=* * * * *"]),
    "args": (ABSENT, ["serve", "08", "yes"]),
    "ports": (
        ABSENT,
        [{"name": "web", "containerPort": 3000}, {"name": "metrics", "containerPort": 9102}, {"containerPort": 7946}],
        [{"name": "http", "containerPort": 8080}, {"name": "dns", "containerPort": 5353, "protocol": "UDP"}],
    ),
    "probes": (
        ABSENT,
        {"readinessProbe": {"exec": {"command": ["/bin/app", "ready"]}, "timeoutSeconds": 3}},
        {"livenessProbe": {"tcpSocket": {"port": 9999}, "periodSeconds": 30}},
        {},
    ),
    "resources": (
        ABSENT,
        {
            "requests": {"cpu": "1", "memory": "1Gi", "ephemeral-storage": "1Gi"},
            "limits": {"cpu": 2, "memory": "1.5Gi", "ephemeral-storage": "2Gi"},
        },
        {
            "requests": {"cpu": "1", "memory": "1Gi", "example.com/gpu": 2, "hugepages-2Mi": "4Mi"},
            "limits": {"memory": "1Gi", "example.com/gpu": 2, "hugepages-2Mi": "4Mi"},
        },
    ),
    "autoscaling": (
        ABSENT,
        False,
        {"minReplicas": 3, "maxReplicas": 40},
        {"minReplicas": 1, "maxReplicas": 1, "targetCPUUtilizationPercentage": 50},
        {"minReplicas": 2, "maxReplicas": 6, "metrics": METRICS, "behavior": BEHAVIOR},
    ),
    "replicas": (ABSENT, 1, 7),
    "disruption_budget": (ABSENT, False, {"maxUnavailable": "25%", "unhealthyPodEvictionPolicy": "IfHealthyBudget"}),
    "vertical_autoscaling": (
        ABSENT,
        True,
        {
            "recommenders": [{"name": "08"}],
            "updatePolicy": {
                "updateMode": "Initial",
                "minReplicas": 1,
                "evictionRequirements": [
                    {"resources": ["cpu", "memory"], "changeRequirement": "TargetHigherThanRequests"}
                ],
            },
            "resourcePolicy": {
                "containerPolicies": [
                    {
                        "containerName": "*",
                        "minAllowed": {"cpu": "25m", "memory": "64Mi"},
                        "maxAllowed": {"cpu": 2, "memory": "1.5Gi"},
                        "controlledResources": ["cpu", "memory"],
                        "controlledValues": "RequestsOnly",
                    }
                ]
            },
        },
    ),
    "hostname": (ABSENT, "www.example.org"),
    "rbac_rules": (
        ABSENT,
        [
            {"apiGroups": [""], "resources": ["configmaps", "pods/log"], "verbs": ["get", "list"]},
            {
                "apiGroups": ["apps"],
                "resources": ["deployments/scale"],
                "resourceNames": ["shop"],
                "verbs": ["patch"],
            },
        ],
    ),
    "far_reaching_rights": (ABSENT, ["pods/exec", "secrets"]),
    "cluster_rbac_rules": (
        ABSENT,
        [
            {"apiGroups": [""], "resources": ["nodes"], "verbs": ["get", "list"]},
            {"nonResourceURLs": ["/metrics", "/healthz/*"], "verbs": ["get"]},
        ],
    ),
    "role_refs": (ABSENT, [{"kind": "ClusterRole", "name": "view"}]),
    "pod_security": (ABSENT, "baseline"),
    "object_metadata": (
        ABSENT,
        [
            {"metadata": {"annotations": {"example.com/note": "a: {{ b }}", "example.com/size": "1e3"}}},
            {"kind": "NetworkPolicy", "metadata": {"labels": {"example.com/part": "08"}}},
            {"kind": "Namespace", "metadata": {"labels": {"istio-injection": "enabled"}}},
        ],
    ),
    "own_manifests": (ABSENT, ["configmaps", "cronjobs.batch"]),
    "routes": (
        ABSENT,
        [
            {
                "kind": "HTTPRoute",
                "metadata": {"name": "old"},
                "spec": {
                    "hostnames": ["old.example.org"],
                    "rules": [{"filters": [{"type": "RequestRedirect", "requestRedirect": {"scheme": "https"}}]}],
                },
            },
            {
                "kind": "TLSRoute",
                "metadata": {"name": "raw", "annotations": {"example.com/note": "1.30"}},
                "spec": {
                    "hostnames": ["raw.example.org"],
                    "rules": [{"backendRefs": [{"name": "mail", "namespace": "mail", "port": 993}]}],
                },
            },
        ],
        [
            {"metadata": {"labels": {"example.com/tier": "1.30"}}},
            {
                "kind": "HTTPRoute",
                "metadata": {"name": "slow"},
                "spec": {
                    "hostnames": ["slow.example.net", "*.example.net"],
                    "rules": [{"matches": [{"path": {"value": "/08"}}], "timeouts": {"request": "1m"}}],
                },
            },
            {"kind": "Ingress", "metadata": {"name": "second"}, "spec": {"rules": [{"host": "second.example.net"}]}},
        ],
    ),
    "environments": (
        ABSENT,
        ["live"],
        [
            {
                "name": "test",
                "create_namespace": False,
                "quota": {"hard": {"limits.memory": "2Ti"}},
                "resources": sized("20m", "80Mi"),
                "env": [{"name": "STAGE", "value": "08"}],
                "pod_annotations": {},
                "node_selector": {"example.com/pool": "y"},
            },
            {
                "name": "prod",
                "namespace": "sales-live",
                "hostname": "live.example.org",
                "autoscaling": {
                    "minReplicas": 4,
                    "maxReplicas": 5,
                    "metrics": METRICS[:1],
                    "behavior": {"scaleUp": {"selectPolicy": "Min"}, "scaleDown": {"stabilizationWindowSeconds": 60}},
                },
                "quota": {"hard": {"configmaps": 40}},
                "object_metadata": [
                    {"kind": "ServiceAccount", "metadata": {"annotations": {"example.com/role": "y"}}}
                ],
            },
        ],
    ),
    "shared_claims": (
        ABSENT,
        [
            {
                "metadata": {"name": "shared", "labels": {"example.com/backup": "08"}, "annotations": {"a": "y"}},
                "spec": claim(
                    storage="2.5Gi",
                    accessModes=["ReadWriteMany"],
                    storageClassName="shared",
                    dataSource={"apiGroup": "snapshot.storage.k8s.io", "kind": "VolumeSnapshot", "name": "monday"},
                ),
            }
        ],
    ),
    "scoped_quotas": (
        ABSENT,
        [
            {"metadata": {"name": "short"}, "spec": {"hard": {"pods": 0}, "scopes": ["BestEffort"]}},
            {
                "metadata": {"name": "high"},
                "spec": {
                    "hard": {"pods": "2k", "requests.cpu": "9k"},
                    "scopeSelector": {
                        "matchExpressions": [{"scopeName": "PriorityClass", "operator": "In", "values": ["08"]}]
                    },
                },
            },
        ],
    ),
    "limit_range": (
        ABSENT,
        {
            "limits": [
                {
                    "type": "Container",
                    "min": {"cpu": "5m", "memory": "8Mi"},
                    "max": {"memory": "4Gi"},
                    "maxLimitRequestRatio": {"memory": 8},
                    "default": {"memory": "1Gi"},
                },
                {"type": "Pod", "max": {"memory": "16Gi"}},
                {"type": "PersistentVolumeClaim", "min": {"storage": "1Mi"}, "max": {"storage": "1Ti"}},
            ]
        },
    ),
    "quota": (
        ABSENT,
        {"hard": {"pods": 2000, "services.loadbalancers": 1, "count/jobs.batch": "300", "requests.storage": "4Ti"}},
    ),
    "network_policy": (
        ABSENT,
        {
            "ingress": [{"from": [{"podSelector": {"matchLabels": {"app.kubernetes.io/name": "front"}}}]}],
            "egress": [
                {"to": [{"ipBlock": {"cidr": "10.0.0.0/8"}}], "ports": [{"port": 5432}]},
                {"to": [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "mail"}}}]},
            ],
        },
    ),
    "schedule": (ABSENT, "*/5 8-18 * * mon-fri", "@daily"),
    "time_zone": (ABSENT, "Europe/Berlin"),
    "starting_deadline_seconds": (ABSENT, 3600),
    "completion_mode": (ABSENT, "Indexed"),
    "completions": (ABSENT, 3),
    "parallelism": (ABSENT, 5),
    "backoff_limit": (ABSENT, 0),
    "pod_failure_policy": (
        ABSENT,
        {"rules": [{"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget"}]}]},
        {},
    ),
    "ttl_seconds_after_finished": (ABSENT, 600),
    "update_strategy": (ABSENT, {"type": "RollingUpdate"}),
    "storage": (
        ABSENT,
        [],
        [
            {"name": "data", "mountPath": "/data", "spec": claim(storage="2.5Gi", storageClassName="fast")},
            {
                "name": "wal",
                "mountPath": "/wal",
                "subPath": "log",
                "spec": claim(storage="500M", accessModes=["ReadWriteOncePod"]),
            },
            {"name": "raw", "devicePath": "/dev/xvda", "spec": claim(storage="1Gi", volumeMode="Block")},
        ],
    ),
    "storage_size": (ABSENT, "2.5Gi"),
    "workload_spec": (ABSENT, {"revisionHistoryLimit": 3}, {"suspend": True}),
    "sidecars": (
        ABSENT,
        [
            "log-shipper",
            {"otel-collector": {"env": [{"name": "VERSION", "value": "08"}], "resources": sized("20m", "96Mi")}},
            "config-reloader",
        ],
        [
            {
                "name": "cache",
                "image": "docker.io/library/redis:8.0.3",
                "ports": [{"name": "redis", "containerPort": 6379}],
                "env": [
                    {"name": "SIZE", "valueFrom": {"resourceFieldRef": {"resource": "limits.memory", "divisor": 1}}}
                ],
                "startupProbe": {"tcpSocket": {"port": "redis"}},
                "resources": sized("50m", "64Mi"),
                "volumeMounts": [{"name": "tmp", "mountPath": "/data", "subPath": "redis"}],
            }
        ],
    ),
    "front": (ABSENT,),  # it goes with one sidecar of one kind of workload: see test_catalogue.py
    "init_containers": (
        ABSENT,
        [
            "prepare-volume",
            {
                "name": "unpack",
                "image": "docker.io/library/busybox:1.37.0",
                "command": ["sh", "-c", "echo {{ x }} > /work/08"],
                "resources": sized("2", "1Gi"),
                "volumeMounts": [{"name": "work", "mountPath": "/work"}],
            },
        ],
    ),
    "env": (
        ABSENT,
        [
            {"name": "VERSION", "value": "08"},
            {"name": "PASSWORD", "valueFrom": {"secretKeyRef": {"name": "database", "key": "password"}}},
            {"name": "LABEL", "valueFrom": {"fieldRef": {"fieldPath": "metadata.labels['app.kubernetes.io/name']"}}},
            {"name": "CPU", "valueFrom": {"resourceFieldRef": {"resource": "requests.cpu", "divisor": "1m"}}},
        ],
    ),
    "env_from": (ABSENT, [{"prefix": "DB_", "secretRef": {"name": "database", "optional": True}}]),
    "lifecycle": (ABSENT, {"preStop": {"sleep": {"seconds": 10}}}, {}),
    "termination_grace_period_seconds": (ABSENT, 120),
    "volumes": (
        ABSENT,
        [
            {
                "name": "identity",
                "projected": {
                    "defaultMode": 288,
                    "sources": [
                        {"secret": {"name": "client", "items": [{"key": "tls.crt", "path": "crt"}]}},
                        {"configMap": {"name": "elsewhere", "optional": True}},
                        {
                            "downwardAPI": {
                                "items": [{"path": "labels", "fieldRef": {"fieldPath": "metadata.labels"}}]
                            }
                        },
                        {"serviceAccountToken": {"path": "token", "audience": "vault", "expirationSeconds": 3600}},
                    ],
                },
            },
            {"name": "scratch", "emptyDir": {"medium": "Memory", "sizeLimit": "32Mi"}},
            {"name": "shared", "persistentVolumeClaim": {"claimName": "shared", "readOnly": True}},
        ],
    ),
    "volume_mounts": (ABSENT, MOUNTS),
    "pod_labels": (ABSENT, {"example.com/tier": "1.30"}),
    "pod_annotations": (ABSENT, {"example.com/scrape": "true", "example.com/note": "a: {{ b }}"}),
    "node_selector": (ABSENT, {"kubernetes.io/arch": "amd64", "example.com/fast": "yes"}),
    "tolerations": (
        ABSENT,
        [{"operator": "Exists"}],
        [{"key": "gpu", "value": "yes", "effect": "NoExecute", "tolerationSeconds": 60}],
    ),
    "affinity": (
        ABSENT,
        "soft",
        "hard",
        {
            "nodeAffinity": {
                "requiredDuringSchedulingIgnoredDuringExecution": {
                    "nodeSelectorTerms": [
                        {"matchExpressions": [{"key": "disk", "operator": "In", "values": ["yes"]}]}
                    ]
                }
            }
        },
    ),
    "topology_spread_constraints": (ABSENT, []),
    "priority_class_name": (ABSENT, "system-cluster-critical"),
    "runtime_class_name": (ABSENT, "sandboxed"),
    "service_account_name": (ABSENT, "federated"),
    "pod_spec": (
        ABSENT,
        {
            "hostAliases": [{"ip": "10.0.0.1", "hostnames": ["legacy.example.com"]}],
            "imagePullSecrets": [{"name": "pull"}],
            "dnsConfig": {"options": [{"name": "ndots", "value": "2"}]},
        },
    ),
    "services": (
        ABSENT,
        [
            {"metadata": {"name": "peers"}, "spec": {"clusterIP": "None", "publishNotReadyAddresses": True}},
            {"metadata": {"name": "legacy"}, "spec": {"type": "ExternalName", "externalName": "db.example.com"}},
        ],
        [
            {
                "metadata": {
                    "labels": {"example.com/tier": "1.30"},
                    "annotations": {"example.com/note": "a: {{ b }}"},
                },
                "spec": {
                    "type": "LoadBalancer",
                    "externalTrafficPolicy": "Local",
                    "loadBalancerSourceRanges": ["10.0.0.0/8"],
                },
            }
        ],
        [],
    ),
    "workloads": (
        ABSENT,
        [
            {
                "name": "mail",
                "image": WORKER_IMAGE,
                "preset": "worker",
                "replicas": 1,
                "disruption_budget": False,
                "lifecycle": {"preStop": {"sleep": {"seconds": 40}}},
                "termination_grace_period_seconds": 60,
                "pod_labels": {"example.com/tier": "1.30"},
                "pod_spec": {"imagePullSecrets": [{"name": "pull"}]},
                "workload_spec": {"minReadySeconds": 10, "progressDeadlineSeconds": 900},
            },
            {
                "name": "cache",
                "image": WORKER_IMAGE,
                "kind": "statefulset",
                "ports": [{"name": "redis", "containerPort": 6379}],
                "autoscaling": {
                    "minReplicas": 2,
                    "maxReplicas": 4,
                    "metrics": [
                        {
                            "type": "ContainerResource",
                            "containerResource": {
                                "name": "cpu",
                                "container": "cache",
                                "target": {"type": "Utilization", "averageUtilization": 60},
                            },
                        }
                    ],
                },
                "disruption_budget": {"minAvailable": "60%"},
                "vertical_autoscaling": {
                    "updatePolicy": {"updateMode": "Recreate"},
                    "resourcePolicy": {
                        "containerPolicies": [{"containerName": "cache", "controlledResources": ["memory"]}]
                    },
                },
                "workload_spec": {"podManagementPolicy": "Parallel", "ordinals": {"start": 1}},
                "services": [
                    {
                        "metadata": {"name": "redis-leader"},
                        "spec": {"ports": [{"port": 6380, "targetPort": "redis"}], "sessionAffinity": "ClientIP"},
                    }
                ],
            },
            {
                "name": "clean-up",
                "image": WORKER_IMAGE,
                "kind": "cronjob",
                "schedule": "0 4 * * *",
                "vertical_autoscaling": True,
                "workload_spec": {
                    "failedJobsHistoryLimit": 0,
                    "jobTemplate": {"spec": {"activeDeadlineSeconds": 60}},
                },
            },
            {
                "name": "report",
                "kind": "cronjob",
                "command": ["report", "--all"],
                "far_reaching_rights": ["pods/exec"],
                "rbac_rules": [{"apiGroups": ["batch", ""], "resources": ["jobs", "pods/exec"], "verbs": ["list"]}],
            },
            {
                "name": "agents",
                "image": WORKER_IMAGE,
                "kind": "daemonset",
                "ports": [{"name": "metrics", "containerPort": 9090}],
                "pod_annotations": {"a": "08"},
                "services": [{"spec": {"ports": [{"port": 9090}], "internalTrafficPolicy": "Local"}}],
                "pod_security": "privileged",
                "volumes": [{"name": "node", "hostPath": {"path": "/run/agents", "type": "DirectoryOrCreate"}}],
                "volume_mounts": [{"name": "node", "mountPath": "/run/agents"}],
                "pod_spec": {"hostPID": True},
            },
            {
                "name": "import",
                "image": WORKER_IMAGE,
                "kind": "job",
                "preset": "parallel",
                "workload_spec": {"successPolicy": {"rules": [{"succeededIndexes": "0,2-3", "succeededCount": 2}]}},
                "pod_failure_policy": {
                    "rules": [{"action": "FailIndex", "onExitCodes": {"operator": "In", "values": [3, 4]}}]
                },
            },
            {
                "name": "seed",
                "image": WORKER_IMAGE,
                "kind": "job",
                "before_rollout": True,
                "own_service_account": True,
            },
        ],
    ),
}
"""What stands for each answer that is written freely. The first is what most people leave."""

CLEAN_REFUSAL = re.compile(
    r"""(?:Validation\ error\ for\ question\ '(?P<field>\w+)':\ (?P<remedy>\S.*?)\ \((?P<finding>\S.+)\)
        |Invalid\ choice\ for\ '(?P<choice>\w+)':\ .+\ is\ not\ in\ \[.+\])""",
    re.VERBOSE,
)
"""A refusal names the question, what to do, and, in brackets, the value at fault and what is wrong with it."""

CRASHES = ("has no attribute", "is undefined", "object is not", "not supported between", "No filter named", "jinja2")
"""What a validator prints when it did not refuse an answer but fell over it."""


# What only makes sense together is given together: these answers are no factors of their own.
TOGETHER: dict[str, tuple[str, ...]] = {
    "preset": ("workload_kind", "preset"),
    "volumes": ("volumes", "volume_mounts"),
    "secrets": ("secrets", "secrets_backend"),
    "time_zone": ("time_zone", "starting_deadline_seconds"),
    "completions": ("completions", "completion_mode", "parallelism"),
    "pod_failure_policy": ("pod_failure_policy", "backoff_limit", "ttl_seconds_after_finished"),
    "env": ("env", "env_from"),
    "quota": ("quota", "scoped_quotas", "limit_range"),
    "rbac_rules": ("rbac_rules", "far_reaching_rights", "cluster_rbac_rules", "role_refs"),
    "lifecycle": ("lifecycle", "termination_grace_period_seconds"),
    "pod_labels": ("pod_labels", "pod_annotations", "node_selector"),
    "priority_class_name": ("priority_class_name", "runtime_class_name", "service_account_name"),
}


def values(question: Question) -> tuple[Any, ...]:
    """The values that a covering array takes for a question: its choices, or the representatives."""
    if question.name == "preset":
        return (ABSENT, *((kind, preset) for kind, of_kind in presets().items() for preset in of_kind))
    if not question.values:
        return REPRESENTATIVES[question.name]
    return (ABSENT, *question.values) if question.follows else question.values


@cache
def factors() -> dict[str, tuple[Any, ...]]:
    """What is varied: each question with more than one value, unless it goes with another one."""
    followers = {name for leader, names in TOGETHER.items() for name in names if name != leader}
    known = {name: values(question) for name, question in QUESTIONS.items() if name not in followers}
    return {name: chosen for name, chosen in known.items() if len(chosen) > 1}


@cache
def impossible() -> list[tuple[tuple[str, Any], tuple[str, Any]]]:
    """Pairs of which each is refused, so many that trying all of them in sets of many answers takes too long."""
    served = ("web", "datastore")
    unserved = [("preset", shape) for shape in factors()["preset"] if shape is not ABSENT and shape[1] not in served]
    routes = [("expose", "gateway"), ("expose", "ingress"), ("routes", REPRESENTATIVES["routes"][2])]
    sizes = [(("storage", claims), ("storage_size", "2.5Gi")) for claims in factors()["storage"][1:]]
    unmounted = [(("shared_claims", claims), ("volumes", ABSENT)) for claims in factors()["shared_claims"][1:]]
    _, _, changed, none = [("services", given) for given in factors()["services"]]
    portless = [*product([changed], unserved), *product([none], routes)]
    _, history, suspended = [("workload_spec", given) for given in factors()["workload_spec"]]
    shapes = [("preset", shape) for shape in factors()["preset"] if shape is not ABSENT]
    ending = [shape for shape in shapes if shape[1][0] in ("job", "cronjob")]
    lasting = [shape for shape in shapes if shape not in ending]
    fields = [*product([history], ending), *product([suspended], lasting)]
    scaled = [("autoscaling", bounds) for bounds in factors()["autoscaling"] if isinstance(bounds, dict)]
    counted = product(scaled, [("replicas", number) for number in factors()["replicas"][1:]])
    return [*product(routes, unserved), *sizes, *unmounted, *portless, *fields, *counted]


@cache
def covering_array() -> tuple[dict[str, Any], ...]:
    """Sets of answers in which each pair of values of each two factors meets at least once.

    Left out are the few pairs of impossible(); whatever else cannot go together, the template itself refuses.
    """
    names = sorted(factors(), key=lambda name: -len(factors()[name]))
    choices = [factors()[name] for name in names]
    never = {
        (i, choices[i].index(a), j, choices[j].index(b))
        for (one, a), (other, b) in impossible()
        for i, j in [sorted((names.index(one), names.index(other)))]
        for a, b in [(a, b) if names[i] == one else (b, a)]
    }
    rows = pairwise_rows([len(each) for each in choices], never)
    return tuple({name: factors()[name][choice] for name, choice in zip(names, row, strict=True)} for row in rows)


def pairwise_rows(
    sizes: Sequence[int], never: AbstractSet[tuple[int, int, int, int]] = frozenset()
) -> list[list[int]]:
    """Rows of choices, one for each size, that hold each pair of choices: in-parameter-order (Lei and Tai, 1998).

    A factor after the other, the rows so far get the choice that meets most pairs that are missing; what then is
    missing still fills gaps of earlier rows, or makes rows. A gap that is left is the first choice that fits, mostly
    the default. No row holds a pair of `never`: an earlier factor, its choice, a later one, its choice.
    """
    rows: list[list[int | None]] = [list(pair) for pair in product(range(sizes[0]), range(sizes[1]))]
    for column in range(2, len(sizes)):
        missing = {
            (earlier, theirs, ours)
            for earlier in range(column)
            for theirs in range(sizes[earlier])
            for ours in range(sizes[column])
            if (earlier, theirs, column, ours) not in never
        }
        for row in rows:
            met = [{(i, choice, ours) for i, choice in enumerate(row)} & missing for ours in range(sizes[column])]
            fitting = [ours for ours in range(sizes[column]) if _fits(row, column, ours, never)]
            best = max(fitting, key=lambda ours: len(met[ours]))
            missing -= met[best]
            row.append(best if met[best] else None)
        for earlier, theirs, ours in sorted(missing):
            fits = (
                row
                for row in rows
                if row[earlier] in (None, theirs)
                and row[column] in (None, ours)
                and _fits(row, column, ours, never)
                and _fits(row, earlier, theirs, never)
            )
            free = next(fits, None)
            if free is None:
                free = [None] * (column + 1)
                rows.append(free)
            free[earlier], free[column] = theirs, ours
    for row in rows:
        for column, choice in enumerate(row):
            if choice is None:
                row[column] = next(ours for ours in range(sizes[column]) if _fits(row, column, ours, never))
    return [[choice for choice in row if choice is not None] for row in rows]


def _fits(row: Sequence[int | None], column: int, ours: int, never: AbstractSet[tuple[int, int, int, int]]) -> bool:
    """Whether a choice makes no pair of `never` with the others of its row."""
    return not any(
        (i, choice, column, ours) in never or (column, ours, i, choice) in never
        for i, choice in enumerate(row)
        if choice is not None
    )


def answers(row: Mapping[str, Any]) -> Answers:
    """A row as answers, without what it leaves to its default or makes meaningless, with what goes with an answer."""
    given = {name: value for name, value in row.items() if value is not ABSENT}
    for leader, names in TOGETHER.items():
        if leader not in given:
            continue
        if leader == "preset":
            given |= dict(zip(names, given[leader], strict=True))
        else:
            given |= {name: values(QUESTIONS[name])[1] for name in names if name != leader}
    return of_use(given)


def fields_at_fault(message: str) -> list[str]:
    """The questions that a clean refusal names, or nothing if it is not clean."""
    refusal = CLEAN_REFUSAL.fullmatch(message)
    if not refusal or any(crash in message for crash in CRASHES):
        return []
    first: str = refusal["field"] or refusal["choice"]
    others = [name for name in QUESTIONS if name != first and re.search(rf"\b{name}\b", message)]
    return [first, *others]


def repairs(row: Mapping[str, Any], message: str) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """For each factor that a refusal names, the rows that differ from the refused one in that factor alone.

    Left out are those with a pair of impossible(), which would be refused as well.

    If one of them per factor is accepted, the array still holds every pair that the template allows: only
    the pair that was refused is gone.
    """
    leaders = {name: leader for leader, names in TOGETHER.items() for name in names}
    for name in dict.fromkeys(leaders.get(field, field) for field in fields_at_fault(message)):
        others = [value for value in factors().get(name, ()) if value != row.get(name, ABSENT)]
        variants = [{**row, name: value} for value in others]
        yield name, list(filter(possible, variants))


def possible(row: Mapping[str, Any]) -> bool:
    """Whether a row holds no pair of impossible()."""
    return not any(row[one] == given and row[other] == beside for (one, given), (other, beside) in impossible())
