# /// script
# requires-python = ">=3.11"
# dependencies = ["kubernetes-validate==1.37.0", "pyyaml==6.0.3"]
# ///
"""Check what an API server would refuse, without one, in each environment or in some.

Both renderings and the platform's objects: their fields, by the schemas of the given versions of
Kubernetes; words and numbers that a field does not take; fields that exclude each other, which a
deep merge or a patch can bring together; and whether the namespace admits the pods, by its Pod
Security Standard and, at the peak, by its quota. The kinds of OPERATORS have no schema here.
"""

import argparse
import re
from collections.abc import Iterator
from functools import cache, partial
from ipaddress import ip_network
from typing import Any

import kubernetes_validate
from kubernetes_validate import utils
from quota import QUANTITY, exceeded, forbidden, quantity
from renderings import (
    DEPLOY,
    Manifest,
    each_environment,
    helm,
    kustomize,
    load,
    namespace_of,
    read,
    shown,
)

OPERATORS = "ExternalSecret", "HTTPRoute", "PodMonitor", "PrometheusRule", "ServiceMonitor"
PROBES = "livenessProbe", "readinessProbe", "startupProbe"
PROBE = "exec", "grpc", "httpGet", "tcpSocket"
HOOK = "exec", "httpGet", "sleep", "tcpSocket"
METRIC = "containerResource", "external", "object", "pods", "resource"
# Of a field's entries or fields, exactly one is given.
ONE_OF = {
    "backend": ("resource", "service"),
    "envFrom": ("configMapRef", "secretRef"),
    "livenessProbe": PROBE,
    "metrics": METRIC,
    "postStart": HOOK,
    "preStop": HOOK,
    "readinessProbe": PROBE,
    "sources": (
        "clusterTrustBundle",
        "configMap",
        "downwardAPI",
        "podCertificate",
        "secret",
        "serviceAccountToken",
    ),
    "startupProbe": PROBE,
    "valueFrom": ("configMapKeyRef", "fieldRef", "fileKeyRef", "resourceFieldRef", "secretKeyRef"),
}
# Of a list's entries, no two have the same value of these fields.
UNIQUE = {
    "containers": ("name",),
    "env": ("name",),
    "initContainers": ("name",),
    "ports": ("containerPort", "port", "protocol"),
    "topologySpreadConstraints": ("topologyKey", "whenUnsatisfiable"),
    "volumeDevices": ("devicePath",),
    "volumeMounts": ("mountPath",),
    "volumes": ("name",),
}
# The words that a field takes, where a schema knows it only as text.
WORDS = {
    "accessModes": ("ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod"),
    "completionMode": ("Indexed", "NonIndexed"),
    "concurrencyPolicy": ("Allow", "Forbid", "Replace"),
    "dnsPolicy": ("ClusterFirst", "ClusterFirstWithHostNet", "Default", "None"),
    "effect": ("NoExecute", "NoSchedule", "PreferNoSchedule"),
    "imagePullPolicy": ("Always", "IfNotPresent", "Never"),
    "operator": ("DoesNotExist", "Equal", "Exists", "Gt", "In", "Lt", "NotIn"),
    "podManagementPolicy": ("OrderedReady", "Parallel"),
    "podReplacementPolicy": ("Failed", "TerminatingOrFailed"),
    "protocol": ("SCTP", "TCP", "UDP"),
    "restartPolicy": ("Always", "Never", "OnFailure"),
    "scheme": ("HTTP", "HTTPS"),
    "sessionAffinity": ("ClientIP", "None"),
    "unhealthyPodEvictionPolicy": ("AlwaysAllow", "IfHealthyBudget"),
    "whenUnsatisfiable": ("DoNotSchedule", "ScheduleAnyway"),
}
# The same for some objects alone: the field's path in them.
TYPES = {
    "DaemonSet": ("spec.updateStrategy.type", ("OnDelete", "RollingUpdate")),
    "Deployment": ("spec.strategy.type", ("Recreate", "RollingUpdate")),
    "Service": ("spec.type", ("ClusterIP", "ExternalName", "LoadBalancer", "NodePort")),
    "StatefulSet": ("spec.updateStrategy.type", ("OnDelete", "RollingUpdate")),
}
# The least and the most of a number.
MOST = 2**31 - 1
NUMBERS = {
    **dict.fromkeys(("containerPort", "endPort", "nodePort", "port"), (1, 65535)),
    **dict.fromkeys(("backoffLimit", "completions", "parallelism"), (0, MOST)),
    **dict.fromkeys(("failedJobsHistoryLimit", "successfulJobsHistoryLimit"), (0, MOST)),
    **dict.fromkeys(("minReadySeconds", "replicas", "revisionHistoryLimit", "seconds"), (0, MOST)),
    **dict.fromkeys(("failureThreshold", "initialDelaySeconds", "periodSeconds"), (0, MOST)),
    **dict.fromkeys(("startingDeadlineSeconds", "terminationGracePeriodSeconds"), (0, MOST)),
    **dict.fromkeys(("successThreshold", "timeoutSeconds"), (0, MOST)),
    "ttlSecondsAfterFinished": (0, MOST),
    **dict.fromkeys(("activeDeadlineSeconds", "maxSkew", "minReplicas"), (1, MOST)),
    **dict.fromkeys(("fsGroup", "runAsGroup", "runAsUser"), (0, MOST)),
    **dict.fromkeys(("defaultMode", "mode"), (0, 0o777)),
    "weight": (1, 100),
}
# The fields below which the keys are people's own, and those of them that hold labels.
LABELS = "labels", "matchLabels", "nodeSelector"
OWN = {*LABELS, "annotations", "binaryData", "data", "volumeAttributes"}
LABEL = re.compile(r"([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?")
KEY = re.compile(rf"([-a-z0-9.]{{1,253}}/)?(?!\Z){LABEL.pattern}")
HOST = re.compile(r"(\*\.)?[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
NAME = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
NAMED = "containers", "initContainers", "volumes"
HASH = re.compile("-[2456789bcdfghkmt]{10}$")
SPECIFIED = (
    *("CronJob", "DaemonSet", "Deployment", "HorizontalPodAutoscaler", "Ingress", "Job"),
    *("NetworkPolicy", "Pod", "PodDisruptionBudget", "Service", "StatefulSet"),
)
DEFAULTS = {"protocol": "TCP"}
RESOURCES = "cpu", "ephemeral-storage", "memory", "storage"
AMOUNTS = "default", "defaultRequest", "hard", "limits", "max", "min", "requests"


def schema(item: Manifest, versions: list[str]) -> Iterator[str]:
    if item["kind"] in OPERATORS:
        return
    if item["kind"] in SPECIFIED and "spec" not in item:
        yield "has no spec: give it"
        return
    for version in versions:
        try:
            kubernetes_validate.validate(item, version, strict=True)
        except kubernetes_validate.ValidationError as error:
            path = ".".join(map(str, error.path))
            yield f"{path or 'it'} is not as in Kubernetes {version}: {error.message[-150:]}"
            return
        except kubernetes_validate.SchemaNotFoundError:
            yield f"{item['apiVersion']} has no such kind in Kubernetes {version}: correct it"
            return


def walk(value: Any, path: str = "") -> Iterator[tuple[str, str, Any]]:
    """The path, the field and the value of everything in an object."""
    yield path, re.sub(r".*\.|\[\d+\]$", "", path), value
    if isinstance(value, dict):
        for key, item in value.items():
            yield from walk(item, f"{path}.{key}" if path else key)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from walk(item, f"{path}[{index}]")


def values(item: Manifest, path: str, field: str, value: Any) -> Iterator[str]:
    """A word, a number or a name that the field does not take."""
    if field in (*LABELS, "annotations") and isinstance(value, dict):
        for key, text in value.items():
            if not KEY.fullmatch(key.lower() if field == "annotations" else key):
                yield f"{path} has the key {key[:80]!r}: use letters, digits and '-_.'"
            if field in LABELS and not LABEL.fullmatch(text):
                yield f"{path} has the value {text[:80]!r}: use letters, digits, '-_.'"
    if OWN & set(path.split(".")[:-1]):
        return
    place, types = TYPES.get(item["kind"], ("of no type", ()))
    words = types if path == place else WORDS.get(field, ())
    if isinstance(value, str) and value and words and value not in words:
        yield f"{path} is {value}: use {', '.join(words)}"
    if field in NUMBERS and isinstance(value, int):
        least, most = NUMBERS[field]
        if not least <= value <= most:
            yield f"{path} is {value}: use {least} to {most}"
    name = value.get("name") if isinstance(value, dict) else None
    if field in NAMED and isinstance(name, str) and not NAME.fullmatch(name):
        yield f"{path} has the name {name[:80]!r}: use at most 63 of a-z, 0-9, '-'"
    if field in ("host", "hostnames") and isinstance(value, str) and not HOST.fullmatch(value):
        yield f"{path} is {value[:80]!r}, which is no host: write it like www.example.com"
    if field in ("cidr", "except") and isinstance(value, str) and not ranged(value):
        yield f"{path} is {value}, which is no range of addresses: write it like 10.0.0.0/8"


def ranged(value: str) -> bool:
    try:
        return "/" in value and bool(ip_network(value))
    except ValueError:
        return False


def repeated(path: str, field: str, entries: list[Any]) -> Iterator[str]:
    keys = [[entry.get(each, DEFAULTS.get(each)) for each in UNIQUE[field]] for entry in entries]
    for key in [key for index, key in enumerate(keys) if key in keys[:index]]:
        yield f"{path} has {' '.join(str(part) for part in key if part)} twice: take one out"


def unions(path: str, field: str, value: Manifest) -> Iterator[str]:
    """Fields that a merge has brought together."""
    given = sorted(key for key, item in value.items() if item is not None)
    if field in ONE_OF and len(found := [key for key in given if key in ONE_OF[field]]) != 1:
        yield f"{path} has {' and '.join(found) or 'none'} of {', '.join(ONE_OF[field])}: give one"
    if field == "volumes" and len(found := [key for key in given if key != "name"]) > 1:
        yield f"{path} has {' and '.join(found)}: give one source"
    if field == "env" and value.get("value") and "valueFrom" in given:
        yield f"{path} has value and valueFrom: give one"
    if field in ("from", "to") and "ipBlock" in given and len(given) > 1:
        yield f"{path} has {' and '.join(given)}: give the ipBlock an entry of its own"
    local = "localhostProfile" in given, value.get("type") == "Localhost"
    if field in ("seccompProfile", "appArmorProfile") and local[0] != local[1]:
        yield f"{path} has a localhostProfile with the type Localhost alone: correct one"
    if field in AMOUNTS and not path.endswith("]"):
        for name, amount in value.items():
            if not QUANTITY.fullmatch(str(amount)) or quantity(amount) < 0:
                yield f"{path}.{name} is {amount}, which is no quantity: write it like 128Mi or 1.5"
    if field == "resources":
        yield from resources(path, value)
    if field == "rules" and {"onExitCodes", "onPodConditions"} <= set(given):
        yield f"{path} has onExitCodes and onPodConditions: give each a rule of its own"
    if field == "tolerations" and value.get("operator") == "Exists" and value.get("value"):
        yield f"{path} has the operator Exists with a value: take the value out"


def resources(path: str, value: Manifest) -> Iterator[str]:
    requests, limits = (value.get(part) or {} for part in ("requests", "limits"))
    if any(not QUANTITY.fullmatch(str(each)) for each in (*requests.values(), *limits.values())):
        return
    for name in [name for name in requests | limits if name not in RESOURCES]:
        if "/" not in name and not name.startswith("hugepages-"):
            yield f"{path} has {name}: use {', '.join(RESOURCES)} or a device like example.com/gpu"
    for name in [name for name in requests if name not in limits]:
        if "/" in name or name.startswith("hugepages-"):
            yield f"{path} requests {name} without a limit: give the same as its limit"
    for name in [name for name in requests if name in limits]:
        least, most = quantity(requests[name]), quantity(limits[name])
        if least > most or (least < most and ("/" in name or name.startswith("hugepages-"))):
            given = f"{requests[name]} of {name}, with a limit of {limits[name]}"
            yield f"{path} requests {given}: correct one"


def together(path: str, spec: Manifest, claims: list[Manifest]) -> Iterator[str]:
    """What an API server or a kubelet asks of the parts of a pod together."""
    volumes = {volume["name"] for volume in spec.get("volumes") or []}
    volumes |= {claim["metadata"]["name"] for claim in claims}
    before = spec.get("initContainers") or []
    names = [container["name"] for container in [*before, *spec["containers"]]]
    for name in [name for index, name in enumerate(names) if name in names[:index]]:
        yield f"{path} has two containers {name}: give each its own name"
    if spec.get("dnsPolicy") == "None" and not (spec.get("dnsConfig") or {}).get("nameservers"):
        yield f"{path} has the dnsPolicy None without nameservers: give them in dnsConfig"
    for container in [*before, *spec["containers"]]:
        where = f"{path}: {container['name']}"
        if container in before and container.get("restartPolicy") != "Always":
            for field in [field for field in (*PROBES, "lifecycle") if container.get(field)]:
                yield f"{where} ends before the next one starts, and has a {field}: take it out"
        for mount in [
            *(container.get("volumeMounts") or []),
            *(container.get("volumeDevices") or []),
        ]:
            if mount["name"] not in volumes:
                yield f"{where} mounts {mount['name']}, which is no volume: correct it"
            if mount.get("subPath") and mount.get("subPathExpr"):
                yield f"{where} mounts {mount['name']} by subPath and subPathExpr: take one out"
        yield from handlers(where, container, spec.get("terminationGracePeriodSeconds", 30))


def handlers(where: str, container: Manifest, grace: int) -> Iterator[str]:
    """Probes and hooks of a container, and the ports that they name."""
    ports = [port["name"] for port in container.get("ports") or [] if port.get("name")]
    for port in [port for index, port in enumerate(ports) if port in ports[:index]]:
        yield f"{where} has two ports {port}: give each its own name"
    hooks = container.get("lifecycle") or {}
    asked = {field: container.get(field) or {} for field in PROBES}
    called = {field: hooks.get(field) or {} for field in ("postStart", "preStop")}
    for field, handler in (asked | called).items():
        for action in ("httpGet", "tcpSocket"):
            port = (handler.get(action) or {}).get("port")
            if isinstance(port, str) and port not in ports:
                known = ", ".join(ports) or "which it has none"
                yield f"{where}: {field} asks port {port}, not one of {known}: correct it"
    for field in ("livenessProbe", "startupProbe"):
        if asked[field].get("successThreshold", 1) != 1:
            yield f"{where} has a {field} with a successThreshold: it is 1"
    if "terminationGracePeriodSeconds" in asked["readinessProbe"]:
        yield f"{where} has a readinessProbe that would end it: take out its seconds to terminate"
    seconds = ((hooks.get("preStop") or {}).get("sleep") or {}).get("seconds", 0)
    if seconds > grace:
        yield f"{where} sleeps {seconds} s, its pod ends after {grace} s: correct one"


def workload(item: Manifest) -> Iterator[str]:
    kind, spec = item["kind"], item["spec"]
    labels = spec["template"].get("metadata", {}).get("labels") or {}
    if spec["selector"].get("matchLabels", {}).items() - labels.items():
        yield f"spec.selector is not in the labels of its pods, {labels}: correct it"
    strategy = spec.get("strategy") or spec.get("updateStrategy") or {}
    rolling = strategy.get("rollingUpdate") or {}
    if rolling and kind != "DaemonSet" and strategy.get("type", "RollingUpdate") != "RollingUpdate":
        yield f"rollingUpdate is beside type {strategy['type']}: take one out, in values by null"
    if (policy := spec["template"]["spec"].get("restartPolicy", "Always")) != "Always":
        yield f"restartPolicy is {policy}: pods of a {kind} take Always alone"
    if "activeDeadlineSeconds" in spec["template"]["spec"]:
        yield f"has activeDeadlineSeconds: pods of a {kind} do not end"
    ready, time = spec.get("minReadySeconds", 0), spec.get("progressDeadlineSeconds", 600)
    if kind == "Deployment" and ready >= time:
        yield f"minReadySeconds {ready} is no less than progressDeadlineSeconds {time}: correct one"
    if kind != "StatefulSet" and strategy.get("type", "RollingUpdate") == "RollingUpdate":
        surge, down = ("25%", "25%") if kind == "Deployment" else (0, 1)
        steps = rolling.get("maxSurge", surge), rolling.get("maxUnavailable", down)
        none = [re.fullmatch("0+%?", str(step)) is not None for step in steps]
        if all(none) or (kind == "DaemonSet" and not any(none)):
            given = f"maxSurge is {steps[0]}, maxUnavailable is {steps[1]}"
            yield f"{given}: one of them is {'not 0' if all(none) else '0'}"


def others(item: Manifest, objects: list[Manifest]) -> Iterator[str]:
    spec = item.get("spec") or {}
    if item["kind"] == "HorizontalPodAutoscaler":
        low, high = spec.get("minReplicas", 1), spec["maxReplicas"]
        if low > high:
            yield f"minReplicas {low} is more than maxReplicas {high}: correct one"
        target = spec["scaleTargetRef"]["kind"], spec["scaleTargetRef"]["name"]
        for other in objects:
            scaled = (other["kind"], other["metadata"]["name"]) == target
            if scaled and "replicas" in other["spec"]:
                yield f"moves the replicas that {'/'.join(target)} sets: take them out there"
    if item["kind"] == "PodDisruptionBudget" and {"minAvailable", "maxUnavailable"} <= spec.keys():
        yield "has minAvailable and maxUnavailable: give one, in values the other by null"
    if item["kind"] in ("Service", "PodDisruptionBudget"):
        yield from selected(item, objects)
    job = (spec.get("jobTemplate") or item).get("spec") or {}
    if item["kind"] in ("Job", "CronJob"):
        policy = job["template"]["spec"].get("restartPolicy")
        known = ("Never",) if job.get("podFailurePolicy") else ("Never", "OnFailure")
        if policy not in known:
            yield f"restartPolicy is {policy}: use {' or '.join(known)}"
        if job.get("completionMode") == "Indexed" and not job.get("completions"):
            yield "is Indexed without completions: give them"
        yield from judged(job)
        for field in ("backoffLimitPerIndex", "maxFailedIndexes", "successPolicy"):
            if field in job and job.get("completionMode") != "Indexed":
                yield f"has a {field} and is not Indexed: correct one"
        if "maxFailedIndexes" in job and "backoffLimitPerIndex" not in job:
            yield "has maxFailedIndexes without a backoffLimitPerIndex: give both"
        if job.get("podFailurePolicy") and job.get("podReplacementPolicy", "Failed") != "Failed":
            yield "has a podFailurePolicy, so that its podReplacementPolicy is Failed: correct one"


def judged(job: Manifest) -> Iterator[str]:
    """The containers and exit codes that a Job's failure policy names."""
    spec = job["template"]["spec"]
    names = [each["name"] for each in [*(spec.get("initContainers") or []), *spec["containers"]]]
    for rule in (job.get("podFailurePolicy") or {}).get("rules") or []:
        codes = rule.get("onExitCodes") or {}
        if codes.get("containerName", names[0]) not in names:
            name = codes["containerName"]
            yield f"podFailurePolicy names {name}, not one of {', '.join(names)}: correct it"
        if codes.get("operator") == "In" and 0 in (codes.get("values") or []):
            yield "podFailurePolicy has the exit code 0, which is no failure: take it out"


def selected(item: Manifest, objects: list[Manifest]) -> Iterator[str]:
    """The pods that an object is for, and the ports by which it names them."""
    spec = item["spec"]
    labels = spec.get("selector") or {}
    if item["kind"] == "PodDisruptionBudget":
        labels = labels.get("matchLabels") or {}
    if not labels:
        return
    templates = [other["spec"].get("template") or {} for other in objects if other.get("spec")]
    found = [
        each
        for each in templates
        if labels.items() <= (each.get("metadata", {}).get("labels") or {}).items()
    ]
    if not found:
        yield f"selects the pods with {labels}, which no workload has: correct it"
        return
    pods = [each["spec"] for each in found]
    containers = [
        each for pod in pods for each in pod["containers"] + pod.get("initContainers", [])
    ]
    ports = {port.get("name") for each in containers for port in each.get("ports") or []}
    names = [port.get("name") for port in spec.get("ports") or []]
    for name in [name for index, name in enumerate(names) if name in names[:index]]:
        yield f"has two ports {name or 'without a name'}: give each its own name"
    for port in spec.get("ports") or []:
        if isinstance(target := port.get("targetPort"), str) and target not in ports:
            yield f"leads to port {target}, which no container of its pods has: correct it"


def faults(item: Manifest, objects: list[Manifest], versions: list[str]) -> Iterator[str]:
    """What is wrong with an object. What its fields mean is asked only where they are right."""
    wrong = list(schema(item, versions))
    if item["kind"] == "HTTPRoute":
        for path, field, value in walk(item["spec"].get("hostnames") or [], "spec.hostnames"):
            wrong += values(item, path, field, value)
    if not wrong and item["kind"] not in OPERATORS:
        for path, field, value in walk(item):
            if isinstance(value, list) and field in UNIQUE and item["kind"] != "NetworkPolicy":
                wrong += repeated(path, field, value)
            if isinstance(value, dict):
                wrong += unions(path, field, value)
            if isinstance(value, dict) and "containers" in value:
                wrong += together(path, value, item["spec"].get("volumeClaimTemplates") or [])
            wrong += values(item, path, field, value)
        if item["kind"] in ("DaemonSet", "Deployment", "StatefulSet"):
            wrong += workload(item)
        wrong += others(item, objects)
    for line in wrong:
        yield f"{item['kind']}/{item['metadata']['name']}: {line}"


def idle(environment: str, objects: list[Manifest]) -> Iterator[str]:
    """Entries of an overlay that hit nothing, of which Kustomize says nothing."""
    file = DEPLOY / "overlays" / environment / "kustomization.yaml"
    overlay = read(file)
    there = [(item["kind"], item["metadata"]["name"]) for item in objects]
    there += [(kind, HASH.sub("", name)) for kind, name in there]
    for patch in overlay.get("patches") or []:
        target = patch.get("target") or {}
        kind, name = (re.compile(str(target.get(field, ".*"))) for field in ("kind", "name"))
        if target.keys() - {"kind", "name"} or "$patch" in str(patch):
            continue
        if not any(kind.fullmatch(each[0]) and name.fullmatch(each[1]) for each in there):
            yield f"{shown(file)} has a patch for {target}, which hits nothing: correct its target"
    text = kustomize("base", ".")
    for image in [str(entry.get("name")) for entry in overlay.get("images") or []]:
        if not re.search(rf"^ *(- )?image: [\"']?{re.escape(image)}(?=[:@\"'\s])", text, re.M):
            yield f"{shown(file)} has an image {image}, which no container runs: correct its name"


def check(environment: str, versions: list[str], nodes: int) -> Iterator[str]:
    left = load(kustomize("environments", environment), "kubectl kustomize")
    right = load(helm(environment, namespace_of(left)), "helm template")
    layer = DEPLOY / "overlays" / environment / "platform"
    part = ("overlays", f"{environment}/platform") if layer.exists() else ("platform", environment)
    platform = load(kustomize(*part), "kubectl kustomize")
    renderings = {"kustomize": left, "helm": right}
    found = {
        name: [line for item in objects for line in faults(item, objects, versions)]
        for name, objects in (renderings | {"platform": platform}).items()
    }
    if not any(found.values()):
        yield from (f"  {line}" for line in idle(environment, left))
        found = {
            name: [*forbidden(objects, platform), *exceeded(objects, platform, nodes)]
            for name, objects in renderings.items()
        }
    for line in dict.fromkeys(line for lines in found.values() for line in lines):
        yield f"  {', '.join(name for name, lines in found.items() if line in lines)}: {line}"


def supported(wanted: list[str]) -> list[str]:
    """The wanted versions, the newest that is known here in place of newer ones."""
    newest = str(utils.major_minor(kubernetes_validate.latest_version()))
    known = [min(each, newest, key=minor) for each in wanted or [newest]]
    return list(dict.fromkeys(known))


def minor(version: str) -> int:
    return int(version.split(".")[1])


def main() -> None:
    parser = argparse.ArgumentParser(description="Check what an API server would refuse.")
    parser.add_argument("environments", nargs="*", metavar="ENV")
    parser.add_argument("--kubernetes", action="append", default=[], metavar="VERSION")
    parser.add_argument("--nodes", type=int, default=1, help="at most, for a DaemonSet's quota")
    given = parser.parse_args()
    versions = supported(given.kubernetes)
    found = partial(check, versions=versions, nodes=given.nodes)
    good = f"valid in Kubernetes {' and '.join(versions)}"
    each_environment(given.environments, found, good, "invalid")


# Each schema is read once, and the list of versions.
utils.schema_contents = cache(utils.schema_contents)
utils.all_versions = cache(utils.all_versions)

if __name__ == "__main__":
    main()
