# /// script
# requires-python = ">=3.11"
# dependencies = ["kubernetes-validate==1.37.0", "pyyaml==6.0.3"]
# ///
"""Check what an API server would refuse, without one, in each environment or in some.

Both renderings and the platform's objects: their fields, by the schemas of the given versions of
Kubernetes; words that a field does not take; fields that exclude each other, which a deep merge or
a patch can bring together; what leads nowhere; and whether the quota admits the peak. Kinds that
Kubernetes does not come with have no schema here.
"""

import argparse
import re
from collections.abc import Iterator
from functools import cache, partial
from typing import Any

import kubernetes_validate
from kubernetes_validate import utils
from quota import QUANTITY, exceeded, quantity
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

OWN_KIND = re.compile(r"[\w/]+|((?!autoscaling|metrics)\w+|rbac\.authorization)\.k8s\.io/\w+")
PROBES = "livenessProbe", "readinessProbe", "startupProbe"
PROBE = "exec", "grpc", "httpGet", "tcpSocket"
HOOK = "exec", "httpGet", "sleep", "tcpSocket"
METRIC = "containerResource", "external", "object", "pods", "resource"
# Of a field's entries or fields, exactly one is given.
ONE_OF = {
    **dict.fromkeys(PROBES, PROBE),
    **dict.fromkeys(("postStart", "preStop"), HOOK),
    "backend": ("resource", "service"),
    "envFrom": ("configMapRef", "secretRef"),
    "metrics": METRIC,
    "sources": (
        *("clusterTrustBundle", "configMap", "downwardAPI"),
        *("podCertificate", "secret", "serviceAccountToken"),
    ),
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
# The words that a field takes, where a schema knows it only as text; below OWN are people's own.
WORDS = {
    "accessModes": ("ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod"),
    "concurrencyPolicy": ("Allow", "Forbid", "Replace"),
    "dnsPolicy": ("ClusterFirst", "ClusterFirstWithHostNet", "Default", "None"),
    "effect": ("NoExecute", "NoSchedule", "PreferNoSchedule"),
    "imagePullPolicy": ("Always", "IfNotPresent", "Never"),
    "operator": ("DoesNotExist", "Equal", "Exists", "Gt", "In", "Lt", "NotIn"),
    "podManagementPolicy": ("OrderedReady", "Parallel"),
    "protocol": ("SCTP", "TCP", "UDP"),
    "restartPolicy": ("Always", "Never", "OnFailure"),
    "scheme": ("HTTP", "HTTPS"),
    "whenUnsatisfiable": ("DoNotSchedule", "ScheduleAnyway"),
}
OWN = {"annotations", "binaryData", "data", "labels", "matchLabels", "nodeSelector"}
SPECIFIED = (
    *("CronJob", "DaemonSet", "Deployment", "HorizontalPodAutoscaler", "Ingress", "Job"),
    *("NetworkPolicy", "Pod", "PodDisruptionBudget", "Service", "StatefulSet"),
)
DEFAULTS = {"protocol": "TCP"}
AMOUNTS = "default", "defaultRequest", "hard", "limits", "max", "min", "requests"


def schema(item: Manifest, versions: list[str]) -> Iterator[str]:
    if not OWN_KIND.fullmatch(item["apiVersion"]):
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
            if not QUANTITY.fullmatch(str(amount)):
                yield f"{path}.{name} is {amount}, which is no quantity: write it like 128Mi or 1.5"
    if field == "resources":
        yield from resources(path, value)
    if field == "tolerations" and value.get("operator") == "Exists" and value.get("value"):
        yield f"{path} has the operator Exists with a value: take the value out"


def resources(path: str, value: Manifest) -> Iterator[str]:
    requests, limits = (value.get(part) or {} for part in ("requests", "limits"))
    if any(not QUANTITY.fullmatch(str(each)) for each in (*requests.values(), *limits.values())):
        return
    for name in [name for name in requests if name in limits]:
        least, most = quantity(requests[name]), quantity(limits[name])
        if least > most or (least < most and ("/" in name or name.startswith("hugepages-"))):
            given = f"{requests[name]} of {name}, with a limit of {limits[name]}"
            yield f"{path} requests {given}: correct one"


def pod(path: str, spec: Manifest, claims: list[Manifest]) -> Iterator[str]:
    volumes = {volume["name"] for volume in spec.get("volumes") or []}
    volumes |= {claim["metadata"]["name"] for claim in claims}
    grace = spec.get("terminationGracePeriodSeconds", 30)
    for container in [*(spec.get("initContainers") or []), *spec["containers"]]:
        where = f"{path}: {container['name']}"
        for mount in (container.get("volumeMounts") or []) + (container.get("volumeDevices") or []):
            if mount["name"] not in volumes:
                yield f"{where} mounts {mount['name']}, which is no volume: correct it"
            if mount.get("subPath") and mount.get("subPathExpr"):
                yield f"{where} mounts {mount['name']} by subPath and subPathExpr: take one out"
        named = [port.get("name") for port in container.get("ports") or []]
        for name in PROBES:
            probe = container.get(name) or {}
            if probe.get("successThreshold", 1) != 1 and name != "readinessProbe":
                yield f"{where} has a {name} with a successThreshold: it is 1"
            port = (probe.get("httpGet") or probe.get("tcpSocket") or {}).get("port")
            if isinstance(port, str) and port not in named:
                yield f"{where}: {name} asks port {port}, which it has not: correct it"
        hook = (container.get("lifecycle") or {}).get("preStop") or {}
        if (seconds := (hook.get("sleep") or {}).get("seconds", 0)) > grace:
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
    job = (spec.get("jobTemplate") or item).get("spec") or {}
    if item["kind"] in ("Job", "CronJob"):
        policy = job["template"]["spec"].get("restartPolicy")
        known = ("Never",) if job.get("podFailurePolicy") else ("Never", "OnFailure")
        if policy not in known:
            yield f"restartPolicy is {policy}: use {' or '.join(known)}"
        if job.get("completionMode") == "Indexed" and not job.get("completions"):
            yield "is Indexed without completions: give them"
        if "backoffLimitPerIndex" in job and job.get("completionMode") != "Indexed":
            yield "has a backoffLimitPerIndex and is not Indexed: correct one"


def faults(item: Manifest, objects: list[Manifest], versions: list[str]) -> Iterator[str]:
    """What is wrong with an object. What its fields mean is asked only where they are right."""
    wrong = list(schema(item, versions))
    if not wrong and OWN_KIND.fullmatch(item["apiVersion"]):
        for path, field, value in walk(item):
            if isinstance(value, list) and field in UNIQUE and item["kind"] != "NetworkPolicy":
                wrong += repeated(path, field, value)
            if isinstance(value, dict):
                wrong += unions(path, field, value)
            known = WORDS.get(field) if OWN.isdisjoint(path.split(".")) else None
            if isinstance(value, str) and value and known and value not in known:
                wrong.append(f"{path} is {value}: use {', '.join(known)}")
            if isinstance(value, dict) and "containers" in value:
                wrong += pod(path, value, item["spec"].get("volumeClaimTemplates") or [])
        if item["kind"] in ("DaemonSet", "Deployment", "StatefulSet"):
            wrong += workload(item)
        wrong += others(item, objects)
    for line in wrong:
        yield f"{item['kind']}/{item['metadata']['name']}: {line}"


def idle(environment: str, objects: list[Manifest]) -> Iterator[str]:
    """Entries of an overlay that hit nothing, of which Kustomize says nothing."""
    file = DEPLOY / "overlays" / environment / "kustomization.yaml"
    overlay, base = read(file), kustomize("base", ".")
    names = [f"{item['kind']}/{item['metadata']['name']}" for item in objects]
    names += [re.sub("-[2456789bcdfghkmt]{10}$", "", name) for name in names]
    for patch in [each for each in overlay.get("patches") or [] if "$patch" not in str(each)]:
        target = patch.get("target") or {}
        wanted = re.compile(f"{target.get('kind', '.*')}/{target.get('name', '.*')}")
        if target.keys() <= {"kind", "name"} and not any(map(wanted.fullmatch, names)):
            yield f"  {shown(file)} has a patch for {target}, which hits nothing: correct it"
    for image in [str(entry.get("name")) for entry in overlay.get("images") or []]:
        if not re.search(rf"^ *(- )?image: [\"']?{re.escape(image)}(?=[:@\"'\s])", base, re.M):
            yield f"  {shown(file)} has an image {image}, which no container runs: correct it"


def check(environment: str, versions: list[str], nodes: int) -> Iterator[str]:
    left = load(kustomize("environments", environment), "kubectl kustomize")
    right = load(helm(environment, namespace_of(left)), "helm template")
    layer = DEPLOY / "overlays" / environment / "platform"
    part = ("overlays", f"{environment}/platform") if layer.exists() else ("platform", environment)
    platform = load(kustomize(*part), "kubectl kustomize")
    # What the owner of another's namespace admits, by the answers.
    platform += map(read, (DEPLOY / "platform" / environment).glob("[lq]*.yaml"))
    renderings = {"kustomize": left, "helm": right}
    found = {
        name: [line for item in objects for line in faults(item, objects, versions)]
        for name, objects in (renderings | {"platform": platform}).items()
    }
    if not any(found.values()):
        yield from idle(environment, left)
        found = {name: list(exceeded(each, platform, nodes)) for name, each in renderings.items()}
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
