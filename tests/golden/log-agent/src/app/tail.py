"""Follows a container's log, as the container runtime writes it."""

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from prometheus_client import Counter

MALFORMED = Counter("log_malformed_lines_total", "Lines that no container runtime writes.")

LINES_A_TURN = 1000
MESSAGE_LIMIT = 64 * 1024


def source_of(path: Path) -> dict[str, str]:
    """Read `NAMESPACE_POD_UID/CONTAINER/0.log`."""
    namespace, pod, _ = path.parts[-3].split("_", 2)
    return {"namespace": namespace, "pod": pod, "container": path.parts[-2]}


class Tail:
    """One open file. Rotated or deleted, it stays open until its end has been read."""

    def __init__(self, file: BinaryIO, source: dict[str, str]) -> None:
        self.file = file
        self.source = source
        self.drained = False
        self._parts = {"stdout": "", "stderr": ""}

    def messages(self) -> Iterator[tuple[str, str, str]]:
        """Yield time, stream and text from lines `TIME stdout|stderr F|P TEXT`.

        `P` marks a part, whose rest follows until an `F`. A turn ends after so many lines, so that
        no container keeps the agent from the others.
        """
        for _ in range(LINES_A_TURN):
            start, line = self.file.tell(), self.file.readline()
            self.drained = not line.endswith(b"\n")
            if self.drained:
                self.file.seek(start)
                return
            words = line[:-1].decode(errors="replace").split(" ", 3)
            time, stream, tag, text = [*words, "", "", ""][:4]
            if stream not in self._parts or tag[:1] not in ("F", "P"):
                MALFORMED.inc()
                continue
            self._parts[stream] = (self._parts[stream] + text)[:MESSAGE_LIMIT]
            if tag[0] == "F":
                yield time, stream, self._parts[stream]
                self._parts[stream] = ""
