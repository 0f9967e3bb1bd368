"""The released versions, recreated once for all tests of a run."""

from __future__ import annotations

import fcntl
from typing import TYPE_CHECKING

import plumbum
import pytest
from support.releases import Released

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="session")
def released(_sandbox: None, shared_folder: Path) -> Iterator[Released]:
    """A clone with every release as a tag and the working tree as a newer one, where Git finds it by its URL."""
    made = Released(shared_folder / "released")
    with (shared_folder / "released.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not made.folder.exists():
            unfinished = Released(shared_folder / "released.unfinished")
            unfinished.stage()
            unfinished.folder.rename(made.folder)
    with pytest.MonkeyPatch.context() as patch, plumbum.local.env(**made.variables()):
        for name, value in made.variables().items():
            patch.setenv(name, value)
        yield made
