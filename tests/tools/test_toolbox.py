"""The toolbox rebuilds what changed, and its schemas refuse what a kube-apiserver would drop in silence."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import toolbox

SERVICE = """\
apiVersion: v1
kind: Service
metadata:
  name: web
spec:
  ports:
    - port: 80
      targetPort: http
"""

SERVICE_MONITOR = """\
apiVersion: monitoring.coreos.com/v1
kind: ServiceMonitor
metadata:
  name: web
spec:
  selector: {}
  endpoints:
    - port: http
"""


@pytest.fixture(scope="module")
def assets() -> toolbox.Assets:
    """Schemas and definitions."""
    return toolbox.assets()


def judge(assets: toolbox.Assets, version: str, manifest: str) -> subprocess.CompletedProcess[str]:
    """Ask kubeconform."""
    command = [str(toolbox.program("kubeconform")), *assets.kubeconform_arguments(version)]
    return subprocess.run(command, input=manifest, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("manifest", [SERVICE, SERVICE_MONITOR], ids=["built in", "custom"])
def test_schemas_accept_what_is_right_and_refuse_what_is_misspelt(assets: toolbox.Assets, manifest: str) -> None:
    """Both for Kubernetes' own kinds and for custom resources, for both ends of the supported range."""
    for version in (assets.oldest, assets.newest):
        assert judge(assets, version, manifest).returncode == 0
        wrong = judge(assets, version, manifest.replace("port:", "prot:"))
        assert wrong.returncode == 1
        assert "'prot' not allowed" in wrong.stdout


def test_schemas_accept_every_definition_that_is_installed(assets: toolbox.Assets) -> None:
    """A definition's schema refers to itself, and still ends."""
    for definition in assets.crds.values():
        done = judge(assets, assets.oldest, definition.read_text())
        assert (done.returncode, done.stdout) == (0, "")


def test_a_tool_is_rebuilt_when_its_own_module_changes(tmp_path: Path) -> None:
    """And not when another tool's does."""
    helm = toolbox.tools()["helm"]
    copy = replace(helm, module=tmp_path)
    for name in ("go.mod", "go.sum"):
        (tmp_path / name).write_text((helm.module / name).read_text())
    assert copy.key == helm.key
    (tmp_path / "go.mod").write_text((helm.module / "go.mod").read_text().replace(helm.version, "v4.999.0"))
    assert copy.key != helm.key


def run_toolbox(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the program as a user does."""
    program = Path(toolbox.__file__)
    return subprocess.run(
        [sys.executable, str(program), *arguments],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_programs_of_kubebuilder_assets_are_used(tmp_path: Path) -> None:
    """They are linked beside the ones that are built here."""
    for name in toolbox.FROM_KUBEBUILDER:
        (tmp_path / name).touch(mode=0o755)
    cache = tmp_path / "cache"
    done = run_toolbox("build", "etcd", KUBEBUILDER_ASSETS=str(tmp_path), K8S_APP_TEMPLATE_CACHE=str(cache))
    assert done.returncode == 0
    assert (Path(done.stdout.strip()) / "etcd").readlink() == tmp_path / "etcd"


@pytest.mark.parametrize(
    ("arguments", "environment", "message"),
    [
        (["build", "hlem"], {}, "unknown tool: hlem; there are: helm,"),
        (["build", "etcd"], {"KUBEBUILDER_ASSETS": "/nowhere"}, "unset KUBEBUILDER_ASSETS"),
        (["build", "helm"], {"K8S_APP_TEMPLATE_CACHE": "/dev/null/cache"}, "set K8S_APP_TEMPLATE_CACHE"),
    ],
)
def test_an_error_is_one_line_with_a_remedy(arguments: list[str], environment: dict[str, str], message: str) -> None:
    """No traceback reaches the user."""
    done = run_toolbox(*arguments, **environment)
    assert done.returncode == 1
    assert message in done.stderr
    assert done.stderr.count("\n") == 1
