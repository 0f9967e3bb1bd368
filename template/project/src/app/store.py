"""Values on a volume, which survive a kill of the process and a loss of power."""

import os
from pathlib import Path
from threading import Lock
from typing import BinaryIO
from urllib.parse import quote, unquote
from uuid import uuid4

from prometheus_client import Gauge, Histogram

KEYS = Gauge("datastore_keys", "Keys stored here.")
FSYNC = Histogram("datastore_fsync_duration_seconds", "Time for the volume to sync.")


class Store:
    """A file for each key: drafted beside, synced, renamed into place, and the rename synced.

    So a kill leaves the old value or the new one, and all that is acknowledged. What remains of
    writes that were cut short are drafts, which the next start drops. Values are never in memory
    as a whole: they are read and written piece by piece, however many at a time.
    """

    def __init__(self, root: Path) -> None:
        self._root, self._values = root, root / "values"
        self._values.mkdir(parents=True, exist_ok=True)
        for draft in root.glob("draft*"):
            draft.unlink()
        sync(root)
        self._writing = Lock()
        self.recovered = False

    def recover(self) -> list[str]:
        """Make the store ready, and return its keys."""
        with self._writing:
            keys = [unquote(file.stem) for file in self._values.iterdir()]
            KEYS.set(len(keys))
            self.recovered = True
        return keys

    def open(self, key: str) -> BinaryIO | None:
        try:
            return self._file(key).open("rb")
        except FileNotFoundError:
            return None

    def draft(self) -> BinaryIO:
        """Return a file to write a value to: then `keep` it, and `drop` it in any case."""
        return (self._root / f"draft-{uuid4().hex}").open("xb")

    def keep(self, key: str, draft: BinaryIO) -> None:
        file = self._file(key)
        draft.flush()
        with FSYNC.time():
            os.fsync(draft.fileno())
        with self._writing:
            KEYS.inc(not file.exists())
            Path(draft.name).rename(file)
            sync(self._values)

    def drop(self, draft: BinaryIO) -> None:
        Path(draft.name).unlink(missing_ok=True)
        draft.close()  # last, as it fails on a full volume that lacks the room for its end

    def get(self, key: str) -> bytes | None:
        found = self.open(key)
        if found is None:
            return None
        with found:
            return found.read()

    def put(self, key: str, value: bytes) -> None:
        draft = self.draft()
        try:
            draft.write(value)
            self.keep(key, draft)
        finally:
            self.drop(draft)

    def delete(self, key: str) -> None:
        file = self._file(key)
        with self._writing:
            KEYS.dec(file.exists())
            file.unlink(missing_ok=True)
            sync(self._values)

    def _file(self, key: str) -> Path:
        return self._values / f"{quote(key, safe='')}.value"


def sync(path: Path) -> None:
    """Return when the volume holds the content of the file, or the entries of the directory."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        with FSYNC.time():
            os.fsync(descriptor)
    finally:
        os.close(descriptor)
