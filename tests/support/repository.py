"""A generated repository on disk, and what its two renderings say."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

from support.commands import run
from support.objects import Manifest, load, of_kind
from support.strict_yaml import read

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

Result = TypeVar("Result")


@dataclass(frozen=True)
class Repository:
    """A generated repository. Nothing is cached that a test may change by editing files."""

    path: Path

    @property
    def deploy(self) -> Path:
        """Everything that is applied to a cluster."""
        return self.path / "deploy"

    @property
    def chart(self) -> Path:
        """The Helm chart."""
        return self.deploy / "chart"

    @cached_property
    def name(self) -> str:
        """The application's name: chart, release and every object bear it."""
        name: str = read(self.chart / "Chart.yaml")[0]["name"]
        return name

    def environments(self) -> list[str]:
        """The environments, as their folders tell them."""
        return sorted(path.name for path in (self.deploy / "environments").iterdir() if path.is_dir())

    def outside(self) -> dict[str, list[str]]:
        """The names of what others make in the namespaces, by kind."""
        path = self.deploy / "outside.yaml"
        return read(path)[0] if path.exists() else {}

    def unguarded(self) -> list[str]:
        """The workloads whose recorded answers take away the PodDisruptionBudget."""
        answers = read(self.path / ".copier-answers.yml")[0]
        named = {self.name: answers, **{f"{self.name}-{each['name']}": each for each in answers.get("workloads", [])}}
        return [name for name, given in named.items() if given.get("disruption_budget") is False]

    def platform_text(self, environment: str) -> str:
        """What a cluster operator applies for an environment."""
        return run("kubectl", "kustomize", self.deploy / "platform" / environment)

    def platform(self, environment: str) -> list[Manifest]:
        """The objects that a cluster operator applies for an environment."""
        return load(self.platform_text(environment), f"platform {environment}")

    def namespace(self, environment: str) -> str:
        """The namespace of an environment, as its platform objects make it, or else as its overlay names it."""
        if self.is_of_others(environment):
            path = self.deploy / "environments" / environment / "kustomization.yaml"
            return str(read(path)[0]["namespace"])
        names = [manifest["metadata"]["name"] for manifest in of_kind(self.platform(environment), "Namespace")]
        assert len(names) == 1, f"deploy/platform/{environment} makes {len(names)} namespaces, not one"
        name: str = names[0]
        return name

    def is_of_others(self, environment: str) -> bool:
        """Whether the answers say that somebody else makes the namespace."""
        answers = read(self.path / ".copier-answers.yml")[0]
        entries = [each for each in answers.get("environments", []) if isinstance(each, dict)]
        return any(each["name"] == environment and not each.get("create_namespace", True) for each in entries)

    def namespace_of_others(self, environment: str) -> list[Manifest]:
        """The namespace that somebody else makes, as strict as those that the repository would make."""
        if not self.is_of_others(environment):
            return []
        platform = self.platform(environment)
        level = "privileged" if [*of_kind(platform, "ValidatingAdmissionPolicy")] else "restricted"
        labels = dict(platform[0]["metadata"]["labels"])
        labels |= {f"pod-security.kubernetes.io/{mode}": level for mode in ("enforce", "warn")}
        metadata = {"name": self.namespace(environment), "labels": labels}
        return [{"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}]

    def kustomize_text(self, environment: str | None = None) -> str:
        """What `kubectl apply -k` would send for an environment, or the base.

        The base names no version: every environment does. Its placeholder stands for the image of `values.yaml`.
        """
        if environment is not None:
            return run("kubectl", "kustomize", self.deploy / "environments" / environment)
        image = read(self.chart / "values.yaml")[0]["image"]
        tag = read(self.chart / "Chart.yaml")[0].get("appVersion")
        version = f"@{image['digest']}" if "digest" in image else f":{tag}"
        text = run("kubectl", "kustomize", self.deploy / "base")
        return text.replace("image: APPLICATION\n", f"image: {image['repository']}{version}\n")

    def values(self, environment: str) -> list[Path]:
        """The values files of an environment, later ones over earlier ones: from the answers, and the user's."""
        derived = self.deploy / "environments" / environment / "values.yaml"
        return [derived] * derived.exists() + [self.chart / f"values-{environment}.yaml"]

    def helm_text(self, environment: str | None = None, *settings: str, release: str = "") -> str:
        """The chart with `values.yaml`, and with an environment's values over it, as Helm would send it."""
        command: list[str | Path] = ["helm", "template", release or self.name, self.chart, *settings]
        if environment is not None:
            command += ["--namespace", self.namespace(environment)]
            for values in self.values(environment):
                command += ["--values", values]
        return run(*command)

    def kustomize(self, environment: str | None = None) -> list[Manifest]:
        """The objects of the base or of an overlay."""
        return load(self.kustomize_text(environment), f"kustomize {environment or 'base'}")

    def helm(self, environment: str | None = None, *settings: str, release: str = "") -> list[Manifest]:
        """The objects of the chart, for its own values or for an environment, test hooks included."""
        return load(self.helm_text(environment, *settings, release=release), f"helm {environment or 'values.yaml'}")


@dataclass(frozen=True)
class Snapshot(Repository):
    """A repository that nobody edits: each rendering is made and parsed once, and nobody edits that either."""

    _made: dict[tuple[Any, ...], Any] = field(default_factory=dict, compare=False, repr=False)

    def platform_text(self, environment: str) -> str:
        """What a cluster operator applies for an environment."""
        return self._once(super().platform_text, environment)

    def platform(self, environment: str) -> list[Manifest]:
        """The objects that a cluster operator applies for an environment."""
        return self._once(super().platform, environment)

    def kustomize_text(self, environment: str | None = None) -> str:
        """What Kustomize makes of the base or of an overlay."""
        return self._once(super().kustomize_text, environment)

    def helm_text(self, environment: str | None = None, *settings: str, release: str = "") -> str:
        """What Helm makes of the chart, for its own values or for an environment."""
        return self._once(super().helm_text, environment, *settings, release=release)

    def kustomize(self, environment: str | None = None) -> list[Manifest]:
        """The objects of the base or of an overlay."""
        return self._once(super().kustomize, environment)

    def helm(self, environment: str | None = None, *settings: str, release: str = "") -> list[Manifest]:
        """The objects of the chart, for its own values or for an environment."""
        return self._once(super().helm, environment, *settings, release=release)

    def _once(self, make: Callable[..., Result], *arguments: str | None, **named: str) -> Result:
        key = (make.__name__, *arguments, *named.values())
        if key not in self._made:
            self._made[key] = make(*arguments, **named)
        result: Result = self._made[key]
        return result
