"""Claims that workloads of one repository share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from support import parity
from support.objects import of_kind

if TYPE_CHECKING:
    from support.render import Renderer


def claim(name: str, mode: str, **metadata: Any) -> dict[str, Any]:
    """A PersistentVolumeClaim of 1Gi."""
    spec = {"accessModes": [mode], "resources": {"requests": {"storage": "1Gi"}}}
    return {"metadata": {"name": name, **metadata}, "spec": spec}


def mounted(name: str, claim_name: str, **source: Any) -> dict[str, Any]:
    """The answers by which a workload has a claim at /NAME."""
    return {
        "volumes": [{"name": name, "persistentVolumeClaim": {"claimName": claim_name, **source}}],
        "volume_mounts": [{"name": name, "mountPath": f"/{name}"}],
    }


def test_claim_is_in_both_renderings(render: Renderer) -> None:
    """With what was answered about it, and kept by Helm unless that was answered too."""
    claims = [
        claim("uploads", "ReadWriteMany", labels={"example.com/backup": "daily"}),
        claim("cache", "ReadWriteMany", annotations={"helm.sh/resource-policy": "delete"}),
    ]
    volumes = [
        {"name": name, "persistentVolumeClaim": {"claimName": f"shop-{name}"}} for name in ("uploads", "cache")
    ]
    mounts = [{"name": name, "mountPath": f"/{name}"} for name in ("uploads", "cache")]
    repository = render({"shared_claims": claims, "volumes": volumes, "volume_mounts": mounts})
    assert parity.check(repository) == []
    found = {each["metadata"]["name"]: each for each in of_kind(repository.helm("prod"), "PersistentVolumeClaim")}
    assert found["shop-uploads"]["metadata"]["labels"]["example.com/backup"] == "daily"
    policies = [each["metadata"]["annotations"]["helm.sh/resource-policy"] for each in found.values()]
    assert sorted(policies) == ["delete", "keep"]
