"""How the parts of a pod go together, and what the namespace's Pod Security Standard admits."""

from collections.abc import Iterator
from typing import Any

from quota import pod_of
from renderings import Manifest

PROBES = "livenessProbe", "readinessProbe", "startupProbe"
HOOKS = "postStart", "preStop"
# The volumes that the standard "restricted" admits, and what it lets a container add.
VOLUMES = {
    *("configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "image"),
    *("persistentVolumeClaim", "projected", "secret"),
}
CAPABILITIES = {"NET_BIND_SERVICE"}
PROFILES = "Localhost", "RuntimeDefault"


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
    for field, handler in (asked | {field: hooks.get(field) or {} for field in HOOKS}).items():
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


def forbidden(objects: list[Manifest], platform: list[Manifest]) -> Iterator[str]:
    """What keeps pods out of a namespace that enforces the standard "restricted"."""
    labels = [item["metadata"].get("labels") or {} for item in platform]
    if all(each.get("pod-security.kubernetes.io/enforce") != "restricted" for each in labels):
        return
    for item in objects:
        if spec := pod_of(item):
            for line in restricted(spec):
                owner = f"{item['kind']}/{item['metadata']['name']}"
                yield f"{owner}: {line}, which the namespace's Pod Security Standard forbids"


def restricted(spec: Manifest) -> Iterator[str]:
    for field in [field for field in ("hostIPC", "hostNetwork", "hostPID") if spec.get(field)]:
        yield f"{field} is true"
    for volume in spec.get("volumes") or []:
        for kind in sorted(volume.keys() - VOLUMES - {"name"}):
            yield f"volume {volume['name']} is a {kind}"
    pod = spec.get("securityContext") or {}
    yield from identity("the pod", pod)
    for container in [*(spec.get("initContainers") or []), *spec["containers"]]:
        own, name = container.get("securityContext") or {}, container["name"]
        yield from identity(name, own)
        yield from privileges(name, own)
        if not own.get("runAsNonRoot", pod.get("runAsNonRoot")):
            yield f"{name} has no runAsNonRoot: true"
        if not own.get("seccompProfile", pod.get("seccompProfile")):
            yield f"{name} has no seccompProfile"
        for port in [port for port in container.get("ports") or [] if port.get("hostPort")]:
            yield f"{name} opens the hostPort {port['hostPort']}"


def identity(name: str, context: dict[str, Any]) -> Iterator[str]:
    """What a pod and a container may both say."""
    if context.get("runAsNonRoot") is False or context.get("runAsUser") == 0:
        yield f"{name} may run as root"
    profile = (context.get("seccompProfile") or {}).get("type", PROFILES[0])
    if profile not in PROFILES:
        yield f"{name} has the seccompProfile {profile}"


def privileges(name: str, context: dict[str, Any]) -> Iterator[str]:
    capabilities = context.get("capabilities") or {}
    if context.get("privileged"):
        yield f"{name} is privileged"
    if context.get("allowPrivilegeEscalation") is not False:
        yield f"{name} has no allowPrivilegeEscalation: false"
    if "ALL" not in (capabilities.get("drop") or []):
        yield f"{name} does not drop ALL capabilities"
    for added in sorted(set(capabilities.get("add") or []) - CAPABILITIES):
        yield f"{name} adds the capability {added}"
