"""The log agent: `python -m app.logs`. Counts the node's log lines, and repeats what matters.

It remembers nothing between two starts: it begins at the end of each file that is there.
"""

import asyncio
import logging
import os
import re
from pathlib import Path
from typing import Annotated

from prometheus_client import Counter, Gauge
from pydantic import Field

from app.health import Health, listen
from app.lifecycle import stop_on_signal
from app.settings import Positive, Settings, load, refuse
from app.tail import Tail, source_of
from app.telemetry import configure_logging
from app.work import pause

logger = logging.getLogger("app.logs")
repeated = logger.getChild("repeated")
repeated.setLevel(logging.INFO)  # whatever LOG_LEVEL says of our own events

# Not by pod: pods come and go, and each would leave its time series behind.
LABELS = ["namespace", "stream"]
LINES = Counter("log_lines_total", "Lines that containers wrote.", LABELS)
MATCHES = Counter("log_matches_total", "Lines among them that match PATTERN.", LABELS)
FILES = Gauge("log_files", "Log files, by whether they can be read.", ["readable"])

# What the kubelet has rotated is `0.log.20260102-030405`, later compressed.
NAME = re.compile(r"\d+\.log(\.\d{8}-\d{6})?")


class LogsSettings(Settings):
    log_dir: Path = Path("/var/log/pods")
    poll_seconds: Positive = 2
    from_start: bool = False
    pattern: Annotated[re.Pattern[str], Field(description="a regular expression")] = re.compile(
        r"(?i)\b(error|exception|fatal|panic)\b"
    )


class Logs:
    def __init__(self, settings: LogsSettings) -> None:
        self._settings = settings
        self._tails: dict[int, Tail] = {}
        self._unreadable = 0
        self.turn(at_end=not settings.from_start)

    def turn(self, *, at_end: bool = False) -> None:
        """Open what is new, read what was added, and close what is gone."""
        found = self._open(at_end=at_end)
        for inode, tail in list(self._tails.items()):
            for time, stream, text in tail.messages():
                self._take(tail.source, time, stream, text)
            if tail.drained and inode not in found:
                self._tails.pop(inode).file.close()

    def close(self) -> None:
        for tail in self._tails.values():
            tail.file.close()

    def _open(self, *, at_end: bool) -> set[int]:
        found, unreadable = set(), 0
        for path in self._settings.log_dir.glob("*_*_*/*/*.log*"):
            if not NAME.fullmatch(path.name) or self._own(path):
                continue
            try:
                inode = path.stat().st_ino
                if inode not in self._tails:
                    file = path.open("rb")
                    file.seek(0, os.SEEK_END if at_end else os.SEEK_SET)
                    inode = os.fstat(file.fileno()).st_ino  # the path may have changed hands
                    self._tails[inode] = Tail(file, source_of(path))
                found.add(inode)
            except FileNotFoundError:  # deleted just now
                continue
            except OSError:
                unreadable += 1
        if unreadable > self._unreadable:
            logger.warning("unreadable files", extra={"files": unreadable})
        self._unreadable = unreadable
        FILES.labels("yes").set(len(found))
        FILES.labels("no").set(unreadable)
        return found

    def _own(self, path: Path) -> bool:
        """Whether a pod of this DaemonSet wrote it: to repeat that would never end."""
        source, settings = source_of(path), self._settings
        names = (source["pod"], settings.pod_name)
        mine, other = (name.rpartition("-")[0] or name for name in names)
        return mine == other and source["namespace"] == settings.pod_namespace

    def _take(self, source: dict[str, str], time: str, stream: str, text: str) -> None:
        LINES.labels(source["namespace"], stream).inc()
        if self._settings.pattern.search(text):
            MATCHES.labels(source["namespace"], stream).inc()
            origin = source | {"stream": stream, "time": time}
            repeated.info("match", extra={"from": origin, "line": text})


async def main() -> None:
    settings, stopping = load(LogsSettings), stop_on_signal()
    configure_logging(settings)
    if not os.access(settings.log_dir, os.R_OK | os.X_OK):
        refuse("LOG_DIR", "a directory that this user may read")
    health = Health(settings.poll_seconds + 60, stopping)
    listen(health, settings)
    logger.info("reading", extra={"log_dir": str(settings.log_dir)})
    logs = Logs(settings)
    while not stopping.is_set():
        await pause(stopping, settings.poll_seconds)
        logs.turn()
        health.beat()
    logs.close()
    logger.info("stopped")


if __name__ == "__main__":
    asyncio.run(main())
