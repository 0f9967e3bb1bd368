"""Values on a volume, which survive a kill of the process and a loss of power."""

import os
from pathlib import Path
from threading import Lock
from urllib.parse import quote, unquote

from prometheus_client import Gauge, Histogram

KEYS = Gauge("datastore_keys", "Keys stored here.")
FSYNC = Histogram("datastore_fsync_duration_seconds", "Time for the volume to sync.")


class Store:
    """A file for each key: written beside, synced, renamed into place, and the rename synced.

    So a kill leaves the old value or the new one, and all that is acknowledged. What remains of a
    write that was cut short is the draft, which `recover` drops.
    """

    def __init__(self, root: Path) -> None:
        self._draft, self._values = root / "draft", root / "values"
        self._values.mkdir(parents=True, exist_ok=True)
        sync(root)
        self._writing = Lock()
        self.recovered = False

    def recover(self) -> list[str]:
        """Make the store ready, and return its keys."""
        with self._writing:
            self._draft.unlink(missing_ok=True)
            keys = [unquote(file.stem) for file in self._values.iterdir()]
            KEYS.set(len(keys))
            self.recovered = True
        return keys

    def get(self, key: str) -> bytes | None:
        try:
            return self._file(key).read_bytes()
        except FileNotFoundError:
            return None

    def put(self, key: str, value: bytes) -> None:
        file = self._file(key)
        with self._writing:
            self._draft.write_bytes(value)
            sync(self._draft)
            KEYS.inc(not file.exists())
            self._draft.rename(file)
            sync(self._values)

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
