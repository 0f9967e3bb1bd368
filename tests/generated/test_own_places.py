"""What people add has places that no update touches: targets of make, and a layer over the platform's objects."""

from __future__ import annotations

from typing import TYPE_CHECKING

from support.commands import attempt, run

if TYPE_CHECKING:
    from pathlib import Path

    from support.render import Renderer

LAYER = """\
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
resources:
  - ../../../platform/prod
patches:
  - target:
      kind: ResourceQuota
    patch: |
      - op: replace
        path: /spec/hard/pods
        value: "99"
"""


def test_own_targets_are_listed_and_run(render: Renderer, tmp_path: Path) -> None:
    """`own.mk` holds them; without it make works as well."""
    repository = render.loose({}, tmp_path / "shop")
    assert attempt("make", "help", cwd=repository.path).returncode == 0
    (repository.path / "own.mk").write_text("hello: ## Say hello\n\t@echo hello from $(APP)\n")
    assert "hello           Say hello" in run("make", "help", cwd=repository.path)
    assert run("make", "hello", cwd=repository.path) == "hello from shop\n"


def test_own_layer_over_the_platform(render: Renderer, tmp_path: Path) -> None:
    """It is applied and checked in place of the template's, and the overlay beside it builds as before."""
    repository = render.loose({}, tmp_path / "shop")
    layer = repository.deploy / "overlays/prod/platform"
    layer.mkdir()
    (layer / "kustomization.yaml").write_text(LAYER)
    assert 'pods: "99"' in run("kubectl", "kustomize", layer)
    assert "kind: Deployment" in repository.kustomize_text("prod")
    for environment, folder in (("prod", "deploy/overlays/prod/platform"), ("dev", "deploy/platform/dev")):
        applied = attempt("make", "--dry-run", "platform-apply", f"ENV={environment}", cwd=repository.path)
        assert f"--kustomize {folder}\n" in applied.stdout
