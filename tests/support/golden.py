"""The golden repositories: what some sets of answers give, kept in full so that a change shows its effect on users.

Each is one page of Markdown, with a section for each file in the colours of its language. As folders they would be
half of this repository's files, and every copy and update of a user clones them all.

python -m support.golden renders them anew (`make golden`).
"""

from __future__ import annotations

import json
import os
import re
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import plumbum

from support import render, sandbox
from support.trees import differences, tree

if TYPE_CHECKING:
    from collections.abc import Mapping

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
"""The default of each kind, presets that differ much from it, and a repository of several workloads, by name."""

LANGUAGES = {
    "py": "python",
    "md": "markdown",
    "yml": "yaml",
    "Makefile": "makefile",
    "Dockerfile": "dockerfile",
    **{name: name for name in ("json", "toml", "yaml")},
}
"""What a fence calls the language of a file, by the end of its name."""

FENCE = "~" * 5
SECTION = re.compile(rf"^## (.+)\n\n{FENCE}.*\n((?:.*\n)*?){FENCE}\n", re.MULTILINE)


def page(name: str, files: Mapping[str, str]) -> str:
    """A repository as one page. Raises ValueError for a file that a page cannot hold."""
    for path, text in files.items():
        if FENCE in text or (text and not text.endswith("\n")):
            raise ValueError(f"{path} has a fence in it, or no newline at its end")
    sections = (f"\n## {path}\n\n{FENCE}{_language(path)}\n{text}{FENCE}\n" for path, text in files.items())
    return f"# {name}\n\nFrom the answers `{json.dumps(ANSWERS[name])}`.\n" + "".join(sections)


def _language(path: str) -> str:
    return LANGUAGES.get(re.split(r"[./]", path)[-1], "")


def kept(name: str) -> dict[str, str]:
    """The files of a golden repository, by path, in the words of `trees.tree`; none if it was never rendered."""
    file = FOLDER / f"{name}.md"
    return dict(SECTION.findall(file.read_text())) if file.exists() else {}


def main() -> None:
    """Render every golden repository from the working tree into its place, and show what has changed."""
    with tempfile.TemporaryDirectory() as folder:
        staged = Path(folder, "template")
        os.environ.update(sandbox.enter(Path(folder, "sandbox"), staged, None))
        plumbum.local.env.update(os.environ)
        render.stage(staged, *render.COPIED_FROM)
        for name, answers in ANSWERS.items():
            files = tree(render.copy(answers, Path(folder, name)))
            sys.stdout.write(differences(kept(name), files))
            (FOLDER / f"{name}.md").write_text(page(name, files))
            sys.stdout.write(f"tests/golden/{name}.md: {len(files)} files\n")


if __name__ == "__main__":
    main()
