"""Kubernetes objects as the checkers see them: parsed manifests and the questions that are asked of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from support.strict_yaml import parse_printed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

Manifest = dict[str, Any]

POD_TEMPLATES: dict[str, tuple[str, ...]] = {
    "Deployment": ("spec", "template"),
    "StatefulSet": ("spec", "template"),
    "DaemonSet": ("spec", "template"),
    "ReplicaSet": ("spec", "template"),
    "Job": ("spec", "template"),
    "CronJob": ("spec", "jobTemplate", "spec", "template"),
}
"""Where each workload kind keeps its pod template."""

CLUSTER_SCOPED = frozenset(
    {
        "Namespace",
        "ClusterRole",
        "ClusterRoleBinding",
        "CustomResourceDefinition",
        "APIService",
        "PriorityClass",
        "RuntimeClass",
        "ValidatingAdmissionPolicy",
        "ValidatingAdmissionPolicyBinding",
    }
)


@dataclass(frozen=True, order=True)
class Key:
    """What makes an object the same object in two renderings."""

    kind: str
    name: str
    namespace: str = ""

    def __str__(self) -> str:
        """Kind/name, as kubectl prints it, with the namespace where there is one."""
        return f"{self.kind}/{self.name}" + (f" in {self.namespace}" if self.namespace else "")


def load(text: str, name: str = "rendering") -> list[Manifest]:
    """Every object of a rendering, read strictly."""
    return parse_printed(text, name)


def key(manifest: Manifest) -> Key:
    """The identity of an object."""
    metadata = manifest.get("metadata", {})
    return Key(manifest.get("kind", "?"), metadata.get("name", "?"), metadata.get("namespace", ""))


def namespace(manifest: Manifest) -> str:
    """The namespace that an object declares, empty for none."""
    declared: str = manifest["metadata"].get("namespace", "")
    return declared


def labels(manifest: Manifest) -> dict[str, str]:
    """The labels of an object or of a pod template."""
    found: dict[str, str] = manifest.get("metadata", {}).get("labels") or {}
    return found


def at(value: Any, *path: str | int, default: Any = None) -> Any:
    """The value under a path of keys and indices, or `default` where a step is missing."""
    for step in path:
        try:
            value = value[step]
        except (KeyError, IndexError, TypeError):
            return default
    return value


def of_kind(objects: Sequence[Manifest], *kinds: str) -> Iterator[Manifest]:
    """The objects of these kinds."""
    return (manifest for manifest in objects if manifest.get("kind") in kinds)


@dataclass(frozen=True)
class Workload:
    """An object that makes pods, with the template of those pods. A Pod is a workload of itself."""

    manifest: Manifest
    template: Manifest

    @property
    def key(self) -> Key:
        """The identity of the object that makes the pods."""
        return key(self.manifest)

    @property
    def spec(self) -> Manifest:
        """The pods' spec."""
        spec: Manifest = self.template.get("spec", {})
        return spec

    @property
    def labels(self) -> dict[str, str]:
        """The pods' labels."""
        return labels(self.template)

    @property
    def is_test(self) -> bool:
        """Whether `helm test` makes this pod, and nothing else does."""
        return is_test_hook(self.manifest)

    def containers(self) -> list[Manifest]:
        """Init containers, sidecars and containers, in the order in which they start."""
        return [*self.spec.get("initContainers", []), *self.spec.get("containers", [])]

    def ports(self) -> list[Manifest]:
        """The ports of containers that keep running: containers and native sidecars."""
        running = [
            container
            for container in self.containers()
            if container in self.spec.get("containers", []) or container.get("restartPolicy") == "Always"
        ]
        return [port for container in running for port in container.get("ports", [])]

    def find_port(self, wanted: str | int, protocol: str = "TCP") -> Manifest | None:
        """The container port of this name or number, or None."""
        field = "name" if isinstance(wanted, str) else "containerPort"
        return next(
            (port for port in self.ports() if port.get(field) == wanted and port.get("protocol", "TCP") == protocol),
            None,
        )


def is_test_hook(manifest: Manifest) -> bool:
    """Whether an object exists only while `helm test` runs."""
    hook = at(manifest, "metadata", "annotations", "helm.sh/hook", default="")
    return "test" in [part.strip() for part in hook.split(",")]


def workloads(objects: Sequence[Manifest]) -> list[Workload]:
    """Everything that makes pods."""
    pods = [Workload(manifest, manifest) for manifest in of_kind(objects, "Pod")]
    makers = of_kind(objects, *POD_TEMPLATES)
    return pods + [Workload(maker, at(maker, *POD_TEMPLATES[maker["kind"]], default={})) for maker in makers]


def matches(selector: Mapping[str, Any], candidate: Mapping[str, str]) -> bool:
    """Whether a LabelSelector (matchLabels and matchExpressions) picks these labels. An empty one picks all."""
    if any(candidate.get(name) != value for name, value in selector.get("matchLabels", {}).items()):
        return False
    return all(_holds(expression, candidate) for expression in selector.get("matchExpressions", []))


def _holds(expression: Mapping[str, Any], candidate: Mapping[str, str]) -> bool:
    name, operator, values = expression["key"], expression["operator"], expression.get("values", [])
    match operator:
        case "In":
            return candidate.get(name) in values
        case "NotIn":
            return candidate.get(name) not in values
        case "Exists":
            return name in candidate
        case "DoesNotExist":
            return name not in candidate
        case _:
            raise ValueError(f"unknown operator {operator!r} in a label selector")


def walk(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every value below an object with its path, written as `spec.containers[0].name`."""
    yield path, value
    if isinstance(value, dict):
        for name, item in value.items():
            yield from walk(item, f"{path}.{name}" if path else str(name))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from walk(item, f"{path}[{index}]")
