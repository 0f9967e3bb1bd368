"""The golden repositories: what two sets of answers give, kept in full, so that a change shows what it does to users.

python -m support.golden renders them anew (`make golden`).
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import plumbum

from support import render, sandbox

if TYPE_CHECKING:
    from support.render import Answers

FOLDER = sandbox.ROOT / "tests" / "golden"

ANSWERS: dict[str, Answers] = {
    "web": {"app_name": "shop"},
    "worker": {"app_name": "mailer", "preset": "worker"},
}
"""The default of each preset, under the names of the folders."""


def main() -> None:
    """Render every golden repository from the working tree into its place."""
    with tempfile.TemporaryDirectory() as folder:
        staged = Path(folder, "template")
        os.environ.update(sandbox.enter(Path(folder, "sandbox"), staged, None))
        plumbum.local.env.update(os.environ)
        render.stage(staged)
        for name, answers in ANSWERS.items():
            shutil.rmtree(FOLDER / name, ignore_errors=True)
            render.copy(answers, FOLDER / name)
            sys.stdout.write(
                f"tests/golden/{name}: {sum(1 for p in (FOLDER / name).rglob('*') if p.is_file())} files\n"
            )


if __name__ == "__main__":
    main()
