"""The environment that every test runs in: nothing of the user's is read, nothing of the user's is touched."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from support.interpreter import HERE

ROOT = Path(__file__).resolve().parents[2]
"""The working tree of this project."""

GOLDEN_PATH = ROOT / "tests" / "fixtures" / "golden-path.yml"
"""What the tests are rendered with in place of golden-path.yml, so that an organisation may edit its own."""

TEMPLATE_URL = "https://git.example.com/platform/k8s-app-template.git"
"""Where generated repositories believe their template lives. Git is told to look for it on this machine."""

GIT_CONFIG = """\
[user]
	name = Tester
	email = tester@example.com
[init]
	defaultBranch = main
[advice]
	detachedHead = false
[url "{template}"]
	insteadOf = {url}
"""


def enter(folder: Path, template: Path, tools: Path | None) -> dict[str, str]:
    """The variables of a sandbox below `folder`: own Git identity, own caches, tools first, and no cluster.

    KUBECONFIG names an empty file, so that a command which forgets to say which cluster it means fails
    instead of finding the user's. A `make` above the tests must not talk to the makes that they start.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "gitconfig").write_text(GIT_CONFIG.format(template=template, url=TEMPLATE_URL))
    (folder / "copier.yml").write_text("{}\n")
    (folder / "kubeconfig").touch()
    paths = [Path(sys.executable).parent, *([tools] if tools else [])]
    return {
        "GIT_CONFIG_GLOBAL": str(folder / "gitconfig"),
        "GIT_CONFIG_NOSYSTEM": "1",
        "COPIER_SETTINGS_PATH": str(folder / "copier.yml"),
        "COPIER_CACHE_DIR": str(folder / "copier-cache"),
        "HELM_CACHE_HOME": str(folder / "helm/cache"),
        "HELM_CONFIG_HOME": str(folder / "helm/config"),
        "HELM_DATA_HOME": str(folder / "helm/data"),
        "KUBECONFIG": str(folder / "kubeconfig"),
        # Helm, kubectl and the linters end before it pays to collect their garbage, a fifth of their time.
        "GOGC": "off",
        "MAKEFLAGS": "",
        "MAKELEVEL": "0",
        "UV_PYTHON": HERE,
        "PATH": os.pathsep.join([*map(str, paths), os.environ["PATH"]]),
    }
