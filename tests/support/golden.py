"""The golden repositories: what some sets of answers give, kept in full so that a change shows its effect on users.

python -m support.golden renders them anew (`make golden`).
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import plumbum

from support import render, sandbox

if TYPE_CHECKING:
    from support.render import Answers

FOLDER = sandbox.ROOT / "tests" / "golden"

# Redis syncs by files, and the image's own folder is not this user's.
LEAD = ["--dir", "/tmp"]  # noqa: S108 (in the pod, where it is an emptyDir)
FOLLOW = ["--replicaof", "guestbook-leader", "6379", *LEAD]


def _redis(name: str, **answers: Any) -> dict[str, Any]:
    """A further workload that serves Redis."""
    return {
        "name": name,
        "image": "docker.io/library/redis:8.0.3",
        "preset": "web",
        "autoscaling": False,
        "ports": [{"name": "redis", "containerPort": 6379}],
        **answers,
    }


ANSWERS: dict[str, Answers] = {
    "web": {"app_name": "shop"},
    "worker": {"app_name": "mailer", "preset": "worker"},
    "statefulset": {"app_name": "ledger", "workload_kind": "statefulset"},
    "daemonset": {"app_name": "watcher", "workload_kind": "daemonset"},
    "log-agent": {"app_name": "reader", "workload_kind": "daemonset", "preset": "log-agent"},
    "job": {"app_name": "importer", "workload_kind": "job"},
    "cronjob": {"app_name": "reporter", "workload_kind": "cronjob"},
    "guestbook": {
        "app_name": "guestbook",
        "language": "none",
        "image": "us-docker.pkg.dev/google-samples/containers/gke/gb-frontend:v5",
        "ports": [{"name": "http", "containerPort": 80}],
        "workloads": [_redis("leader", replicas=1, args=LEAD), _redis("followers", replicas=2, args=FOLLOW)],
    },
}
"""The default of each kind, presets that differ much from it, and a repository of several workloads, by folder."""


def main() -> None:
    """Render every golden repository from the working tree into its place."""
    with tempfile.TemporaryDirectory() as folder:
        staged = Path(folder, "template")
        os.environ.update(sandbox.enter(Path(folder, "sandbox"), staged, None))
        plumbum.local.env.update(os.environ)
        render.stage(staged, *render.COPIED_FROM)
        for name, answers in ANSWERS.items():
            shutil.rmtree(FOLDER / name, ignore_errors=True)
            render.copy(answers, FOLDER / name)
            sys.stdout.write(
                f"tests/golden/{name}: {sum(1 for p in (FOLDER / name).rglob('*') if p.is_file())} files\n"
            )


if __name__ == "__main__":
    main()
