"""Runs the helm-unittest suites: all templates in a chart of their own, and the charts that are rendered.

The suites are YAML, one per kind of object, beside this file.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from support import golden
from support.commands import attempt
from support.sandbox import ROOT

if TYPE_CHECKING:
    from support.render import Renderer

HERE = Path(__file__).parent
TEMPLATES = ROOT / "template/project/deploy/chart/templates"
EVERYTHING = {
    "app_name": "sample",
    "monitoring": "prometheus-operator",
    "config_files": [{"name": "settings", "mountPath": "/etc/settings", "data": {"a.ini": "b"}}],
    "secrets": [{"name": "credentials", "envFrom": True}],
    "secrets_backend": "external-secrets",
    "shared_claims": [
        {
            "metadata": {"name": "uploads"},
            "spec": {"accessModes": ["ReadWriteMany"], "resources": {"requests": {"storage": "1Gi"}}},
        }
    ],
    "volumes": [{"name": "uploads", "persistentVolumeClaim": {"claimName": "uploads"}}],
    "volume_mounts": [{"name": "uploads", "mountPath": "/uploads"}],
    "services": [{"metadata": {"name": "leader"}, "spec": {"clusterIP": "None"}}],
    "vertical_autoscaling": True,
    "workloads": [
        *(
            {"name": kind, "kind": kind, **({"schedule": "0 3 * * *"} if kind == "cronjob" else {})}
            for kind in ("statefulset", "daemonset", "job", "cronjob")
        ),
        {
            "name": "first",
            "kind": "job",
            "before_rollout": True,
            "image": "registry.example.com/first:1",
            "init_containers": [{"name": "prepare"}],
        },
    ],
}
"""Answers from which no branch of a template is left out, though a route is either a gateway's or an ingress'."""

SUITES = {
    "static": EVERYTHING,
    "routed": EVERYTHING | {"routes": [{"kind": "Ingress", "metadata": {"name": "rest"}}]},
}
"""The suites of templates, and the answers that give their schema: `routes` takes the place of `expose`."""


def unittest(chart: Path, suites: Path) -> None:
    """Put a folder of suites into a chart and run them."""
    shutil.copytree(suites, chart / "tests")
    done = attempt("helm-unittest", "--strict", "--file=tests/*_test.yaml", chart)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("suites", SUITES)
def test_templates_alone(suites: str, render: Renderer, tmp_path: Path) -> None:
    """The chart's templates hold no name: beside any Chart.yaml and values they are a chart in their own right."""
    repository = render.loose(SUITES[suites], tmp_path / "everything")
    chart = tmp_path / "sample"
    shutil.copytree(HERE / "sample", chart)
    shutil.copytree(repository.chart / "templates", chart / "templates")
    for path in TEMPLATES.glob("**/*.yaml"):
        copied = chart / "templates" / path.relative_to(TEMPLATES)
        copied.write_text(path.read_text().replace('include "app.', 'include "sample.'))
    shutil.copy2(repository.chart / "values.schema.json", chart)
    unittest(chart, HERE / suites)


def test_every_template_has_a_suite() -> None:
    """A template that is added cannot go untested. The one that merges has tests/generated/test_own_manifests.py."""
    suites = "".join(path.read_text() for folder in SUITES for path in (HERE / folder).glob("*_test.yaml"))
    sources = [path.relative_to(TEMPLATES).as_posix() for path in TEMPLATES.glob("**/*.yaml*")]
    templates = {source.removesuffix(".jinja") for source in sources}
    assert "objects.yaml" in templates
    assert [name for name in sorted(templates - {"objects.yaml"}) if name not in suites] == []


@pytest.mark.parametrize("name", golden.ANSWERS)
def test_rendered_chart(name: str, render: Renderer, tmp_path: Path) -> None:
    """The chart of a default repository makes what its preset promises."""
    repository = render.loose(golden.ANSWERS[name], tmp_path / name)
    unittest(repository.chart, HERE / name)
