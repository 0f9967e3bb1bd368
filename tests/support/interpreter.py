"""The Python that generated repositories are tried with here.

They ask for the one that their image has, which uv fetches for its owner. Tests take what this machine has instead,
expressly: the sandbox sets UV_PYTHON, and a repository is made to ask for it as if its image had it.
"""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

HERE = f"{sys.version_info.major}.{sys.version_info.minor}"


def pin(repository: Path, version: str = HERE) -> None:
    """Let a repository with code ask for this Python, in the two places that say so."""
    pinned, project = repository / ".python-version", repository / "pyproject.toml"
    if pinned.exists():
        pinned.write_text(f"{version}\n", encoding="utf-8")
        asked, text = f'requires-python = ">={version}"', project.read_text(encoding="utf-8")
        project.write_text(re.sub(r"^requires-python = .*$", asked, text, flags=re.MULTILINE), encoding="utf-8")
