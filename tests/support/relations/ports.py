"""Rules about ports: each name and number is one that the pods, or the Service meant, really have."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from support.objects import Manifest, Workload, at, labels, matches
from support.relations.scene import Scene, violation

if TYPE_CHECKING:
    from collections.abc import Iterator

DNS = frozenset({("UDP", 53), ("TCP", 53)})
"""DNS answers over UDP, and over TCP what is too long for UDP."""


def service_ports_reach_containers(scene: Scene) -> Iterator[str]:
    """A Service's targetPort, by name or number, is a declared port of the pods behind it."""
    for service in scene.of_kind("Service"):
        for index, port in enumerate(at(service, "spec", "ports", default=[])):
            target = port.get("targetPort", port["port"])
            for workload in _behind(scene, service):
                if not workload.find_port(target, port.get("protocol", "TCP")):
                    field = f"spec.ports[{index}].targetPort"
                    yield violation(service, field, f"{target!r} is no port of {workload.key}")


def probes_reach_containers(scene: Scene) -> Iterator[str]:
    """A probe or hook asks a port of its own container, never another host. A number need not be declared."""
    for workload in scene.workloads:
        for container in workload.containers():
            known = {port.get("name") for port in container.get("ports", [])}
            for field, action in _network_actions(container):
                if action.get("host"):
                    yield violation(workload.manifest, field, f"asks another host: {action['host']}")
                if isinstance(action.get("port"), str) and action["port"] not in known:
                    yield violation(workload.manifest, field, f"port {action.get('port')!r} is not declared")


def _network_actions(container: Manifest) -> Iterator[tuple[str, Manifest]]:
    handlers = {name: container.get(name) for name in ("startupProbe", "livenessProbe", "readinessProbe")}
    handlers |= {f"lifecycle.{name}": hook for name, hook in container.get("lifecycle", {}).items()}
    for name, handler in handlers.items():
        for action in ("httpGet", "tcpSocket", "grpc"):
            if handler and action in handler:
                yield f"containers[{container['name']}].{name}.{action}", handler[action]


def network_policy_ports_are_pod_ports(scene: Scene) -> Iterator[str]:
    """A NetworkPolicy admits the pods' ports. It matches after the Service has translated its own."""
    for policy in scene.of_kind("NetworkPolicy"):
        for workload in scene.picked(at(policy, "spec", "podSelector", default={})):
            for rule, number, port in _policy_ports(policy, "ingress"):
                wanted = port.get("port")
                if wanted is None or "endPort" in port or workload.find_port(wanted, port.get("protocol", "TCP")):
                    continue
                owner = _service_with(scene, wanted)
                hint = f" (it is a port of {owner}: a NetworkPolicy matches the pods' ports)" if owner else ""
                field = f"spec.ingress[{rule}].ports[{number}].port"
                yield violation(policy, field, f"{wanted!r} is no port of {workload.key}{hint}")


def _policy_ports(policy: Manifest, direction: str) -> Iterator[tuple[int, int, Manifest]]:
    for index, rule in enumerate(at(policy, "spec", direction, default=[])):
        for number, port in enumerate(rule.get("ports", [])):
            yield index, number, port


def _service_with(scene: Scene, wanted: Any) -> str | None:
    for service in scene.of_kind("Service"):
        for port in at(service, "spec", "ports", default=[]):
            if wanted in (port["port"], port.get("name")):
                return f"Service/{service['metadata']['name']}"
    return None


def network_policy_denies_by_default(scene: Scene) -> Iterator[str]:
    """A NetworkPolicy closes both directions, opens nothing to everybody, and leaves DNS open."""
    for policy in scene.of_kind("NetworkPolicy"):
        spec = policy["spec"]
        if sorted(spec.get("policyTypes", [])) != ["Egress", "Ingress"]:
            yield violation(policy, "spec.policyTypes", "does not close both directions")
        for direction in ("ingress", "egress"):
            if {} in spec.get(direction, []):
                yield violation(policy, f"spec.{direction}", "opens everything")
        open_ports = {
            (port.get("protocol", "TCP"), port.get("port")) for _, _, port in _policy_ports(policy, "egress")
        }
        if not open_ports >= DNS:
            yield violation(policy, "spec.egress", "does not open DNS (port 53, UDP and TCP)")


def network_policy_admits_what_is_served(scene: Scene) -> Iterator[str]:
    """What a Service offers, a monitor scrapes or a `helm test` calls is admitted by the pods' NetworkPolicy."""
    for workload in scene.lasting:
        for source, port, protocol in _served(scene, workload):
            if _governed(scene, workload) and not _admitted(scene, workload, port, protocol):
                yield violation(source, f"port {port!r}", f"is not admitted by the NetworkPolicy of {workload.key}")


def _served(scene: Scene, workload: Workload) -> Iterator[tuple[Manifest, Any, str]]:
    for service in scene.of_kind("Service"):
        if workload in _behind(scene, service):
            for port in at(service, "spec", "ports", default=[]):
                yield service, port.get("targetPort", port["port"]), port.get("protocol", "TCP")
    for monitor in scene.of_kind("PodMonitor"):
        if workload in scene.picked(at(monitor, "spec", "selector", default={})):
            for endpoint in at(monitor, "spec", "podMetricsEndpoints", default=[]):
                yield monitor, endpoint.get("port"), "TCP"


def _governed(scene: Scene, workload: Workload) -> list[Manifest]:
    policies = scene.of_kind("NetworkPolicy")
    return [policy for policy in policies if workload in scene.picked(policy["spec"].get("podSelector", {}))]


def _admitted(scene: Scene, workload: Workload, wanted: Any, protocol: str) -> bool:
    target = workload.find_port(wanted, protocol)
    names = {wanted} if target is None else {target.get("name"), target["containerPort"]} - {None}
    for policy in _governed(scene, workload):
        for rule in policy["spec"].get("ingress", []):
            ports = rule.get("ports")
            if ports is None:
                return True
            if any(p.get("port", wanted) in names and p.get("protocol", "TCP") == protocol for p in ports):
                return True
    return False


def pods_with_names_reach_each_other(scene: Scene) -> Iterator[str]:
    """A StatefulSet's pods, and an indexed Job's, may call each other on their ports: so they have names."""
    for workload in scene.lasting:
        policies = _governed(scene, workload)
        if not policies or not _has_named_pods(workload):
            continue
        ports = [port for port in workload.spec["containers"][0].get("ports", []) if port.get("name") != "metrics"]
        for direction, field in (("egress", "to"), ("ingress", "from")):
            rules = [rule for policy in policies for rule in policy["spec"].get(direction, [])]
            to_itself = [rule for rule in rules if any(_picks(peer, workload) for peer in rule.get(field, []))]
            for port in ports or [{}]:
                if not any(_opens(rule, port) for rule in to_itself):
                    number = port.get("containerPort", "(any)")
                    yield violation(policies[0], f"spec.{direction}", f"closes port {number} among {workload.key}")


def _has_named_pods(workload: Workload) -> bool:
    spec = workload.manifest["spec"]
    job = at(spec, "jobTemplate", "spec", default=spec)
    return workload.key.kind == "StatefulSet" or job.get("completionMode") == "Indexed"


def _picks(peer: Manifest, workload: Workload) -> bool:
    return set(peer) == {"podSelector"} and matches(peer["podSelector"], workload.labels)


def _opens(rule: Manifest, port: Manifest) -> bool:
    named = {port.get("containerPort"), port.get("name")} - {None}
    protocol = port.get("protocol", "TCP")
    return "ports" not in rule or any(
        each.get("port") in named and each.get("protocol", "TCP") == protocol for each in rule["ports"]
    )


def test_pods_are_admitted(scene: Scene) -> Iterator[str]:
    """The pod of `helm test` calls the application, so the NetworkPolicy must admit it by its labels."""
    tests = [workload for workload in scene.workloads if workload.is_test]
    policies = list(scene.of_kind("NetworkPolicy"))
    for pod in tests:
        peers = [
            peer
            for policy in policies
            for rule in policy["spec"].get("ingress", [])
            for peer in rule.get("from", [{"podSelector": {}}])
        ]
        same_namespace = [peer["podSelector"] for peer in peers if set(peer) == {"podSelector"}]
        if policies and not any(matches(selector, pod.labels) for selector in same_namespace):
            yield violation(pod.manifest, "metadata.labels", "are admitted by no NetworkPolicy")


def route_backends_resolve(scene: Scene) -> Iterator[str]:
    """A route's backend in its own namespace is a Service of the application, and a port of that Service."""
    for route, name, field, value in _backends(scene):
        service = scene.named("Service", name)
        if service is None:
            yield violation(route, "backend", f"leads to Service/{name}, which is not here")
        elif not any(port.get(field) == value for port in service["spec"]["ports"]):
            yield violation(route, "backend", f"{value!r} is no port of Service/{name}")


def routes_are_admitted(scene: Scene) -> Iterator[str]:
    """The NetworkPolicy of the pods that a route leads to opens that port to somebody outside of the release."""
    for route, name, field, value in _backends(scene):
        service = scene.named("Service", name)
        for port in service["spec"].get("ports", []) if service else []:
            for workload in _behind(scene, service or {}) if port.get(field) == value else []:
                target = workload.find_port(port.get("targetPort", port["port"]), port.get("protocol", "TCP")) or {}
                known = (target.get("name"), target.get("containerPort"))
                if not any(opened in known for opened in _open_to_others(scene, workload)):
                    yield violation(
                        route, "backend", f"{value!r} of Service/{name} is closed to it by a NetworkPolicy"
                    )


def _open_to_others(scene: Scene, workload: Workload) -> Iterator[Any]:
    for policy in _governed(scene, workload):
        for rule in policy["spec"].get("ingress", []):
            if any(set(peer) != {"podSelector"} for peer in rule.get("from", [])):
                yield from (port.get("port") for port in rule.get("ports", []))


def _backends(scene: Scene) -> Iterator[tuple[Manifest, str, str, Any]]:
    """Every backend of this namespace: its route, the Service's name, and the field and value of its port."""
    for route in scene.of_kind("HTTPRoute", "GRPCRoute", "TLSRoute"):
        for rule in at(route, "spec", "rules", default=[]):
            backends = rule.get("backendRefs", [])
            filters = [*rule.get("filters", []), *(each for one in backends for each in one.get("filters", []))]
            mirrors = [each["requestMirror"]["backendRef"] for each in filters if "requestMirror" in each]
            for backend in backends + mirrors:
                if "namespace" not in backend and backend.get("kind", "Service") == "Service":
                    yield route, backend["name"], "port", backend.get("port")
    for ingress in scene.of_kind("Ingress"):
        services = [at(ingress, "spec", "defaultBackend", "service")]
        for rule in at(ingress, "spec", "rules", default=[]):
            services += [at(path, "backend", "service") for path in at(rule, "http", "paths", default=[])]
        for service in filter(None, services):
            (field, value), *_ = service["port"].items()
            yield ingress, service["name"], "name" if field == "name" else "port", value


def monitor_endpoints_resolve(scene: Scene) -> Iterator[str]:
    """A monitor scrapes a named port of the Service, or of the pods, that it picks."""
    for monitor in scene.of_kind("ServiceMonitor"):
        selector = at(monitor, "spec", "selector", default={})
        for service in (each for each in scene.of_kind("Service") if matches(selector, labels(each))):
            if at(service, "spec", "clusterIP") == "None":
                continue
            known = {port.get("name") for port in service["spec"]["ports"]}
            yield from _endpoints(monitor, "endpoints", known, f"Service/{service['metadata']['name']}")
    for monitor in scene.of_kind("PodMonitor"):
        for workload in scene.picked(at(monitor, "spec", "selector", default={})):
            known = {port.get("name") for port in workload.ports()}
            yield from _endpoints(monitor, "podMetricsEndpoints", known, str(workload.key))


def _endpoints(monitor: Manifest, field: str, known: set[Any], owner: str) -> Iterator[str]:
    for index, endpoint in enumerate(at(monitor, "spec", field, default=[])):
        if endpoint.get("port") not in known:
            yield violation(monitor, f"spec.{field}[{index}].port", f"{endpoint.get('port')!r} is no port of {owner}")


def _behind(scene: Scene, service: Manifest) -> list[Workload]:
    selector = at(service, "spec", "selector")
    return scene.picked({"matchLabels": selector}) if selector else []


RULES = (
    service_ports_reach_containers,
    probes_reach_containers,
    network_policy_ports_are_pod_ports,
    network_policy_denies_by_default,
    network_policy_admits_what_is_served,
    pods_with_names_reach_each_other,
    test_pods_are_admitted,
    route_backends_resolve,
    routes_are_admitted,
    monitor_endpoints_resolve,
)
