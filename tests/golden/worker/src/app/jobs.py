"""Where jobs come from: a protocol, and a spool directory that fulfils it."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True)
class Job:
    name: str
    attempt: int
    read: Callable[[], bytes]


class WorkSource(Protocol):
    """Hands out each job at least once. What is taken is finished, given back or rejected."""

    def take(self) -> Job | None: ...

    def finish(self, job: Job) -> None: ...

    def give_back(self, job: Job, *, failed: bool) -> None: ...

    def reject(self, job: Job) -> None: ...


class Spool:
    """A job is a file in `todo/`, with a name never used before, moved there when it is complete.

    A worker claims it by renaming it to `claimed/WORKER/NAME~ATTEMPT`. Only one rename of a file
    succeeds, so workers may share the directory. What failed returns to `todo/` as `NAME~ATTEMPT`,
    behind new jobs; what is rejected waits in `rejected/` for a human.
    """

    def __init__(self, root: Path, worker: str) -> None:
        self._todo = root / "todo"
        self._claimed = root / "claimed" / worker
        self._rejected = root / "rejected"
        for directory in (self._todo, self._claimed, self._rejected):
            directory.mkdir(parents=True, exist_ok=True)
        # Claims of a container that was killed. The attempt counts: the job may be what killed it.
        for claim in self._claimed.iterdir():
            claim.rename(self._todo / claim.name)

    def take(self) -> Job | None:
        files = (path for path in self._todo.iterdir() if path.is_file())
        for failures, name, path in sorted((*_parse(path.name), path) for path in files):
            claim = self._claimed / f"{name}~{failures + 1}"
            try:
                path.rename(claim)
            except FileNotFoundError:  # another worker was faster
                continue
            return Job(name, failures + 1, claim.read_bytes)
        return None

    def finish(self, job: Job) -> None:
        self._claim(job).unlink()

    def give_back(self, job: Job, *, failed: bool) -> None:
        failures = job.attempt if failed else job.attempt - 1
        self._claim(job).rename(self._todo / (f"{job.name}~{failures}" if failures else job.name))

    def reject(self, job: Job) -> None:
        self._claim(job).rename(self._rejected / job.name)

    def _claim(self, job: Job) -> Path:
        return self._claimed / f"{job.name}~{job.attempt}"


def _parse(file: str) -> tuple[int, str]:
    name, mark, failures = file.rpartition("~")
    return (int(failures), name) if mark and failures.isdecimal() else (0, file)
