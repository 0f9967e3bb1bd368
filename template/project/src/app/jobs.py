"""Where jobs come from: a protocol, a spool directory that fulfils it, and how a job is tried."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from math import inf
from pathlib import Path
from typing import Protocol

from app.settings import Positive, Settings

logger = logging.getLogger(__name__)


class JobSettings(Settings):
    job_timeout_seconds: Positive = 60
    max_attempts: Positive = 3

    @property
    def lease_seconds(self) -> int:
        return self.job_timeout_seconds + 60  # clocks differ


@dataclass(frozen=True)
class Job:
    name: str
    attempt: int
    read: Callable[[], bytes]


Handler = Callable[[Job], Awaitable[None]]


class BadInputError(Exception):
    """Raised by a handler where another attempt cannot help."""


class WorkSource(Protocol):
    """Hands out each job at least once. What is taken is finished, given back or rejected."""

    def take(self) -> Job | None: ...

    def finish(self, job: Job) -> None: ...

    def give_back(self, job: Job, *, failed: bool) -> None: ...

    def reject(self, job: Job) -> None: ...


async def attempt(job: Job, source: WorkSource, handle: Handler, settings: JobSettings) -> str:
    """Try the job once, settle it with its source, and return the outcome."""
    if job.attempt > settings.max_attempts:  # the last attempt took the process down
        source.reject(job)
        return "rejected"
    try:
        async with asyncio.timeout(settings.job_timeout_seconds):
            await handle(job)
    except asyncio.CancelledError:  # the grace is over
        source.give_back(job, failed=False)
        return "given_back"
    except Exception as error:
        logger.exception("job failed", extra={"job": job.name, "attempt": job.attempt})
        if job.attempt < settings.max_attempts and not isinstance(error, BadInputError):
            source.give_back(job, failed=True)
            return "retried"
        source.reject(job)
        return "rejected"
    source.finish(job)
    return "finished"


class Spool:
    """A job is a file in `todo/`, with a name never used before, moved there when it is complete.

    A worker claims it by renaming it to `claimed/WORKER/NAME~ATTEMPT`. Only one rename of a file
    succeeds, so workers may share the directory. What failed returns to `todo/` as `NAME~ATTEMPT`,
    behind new jobs; what is rejected waits in `rejected/RUN/` for a human. A claim that is older
    than the lease belongs to a worker that is gone, and returns as well.

    A run is a Job, whose pods share what has been rejected. Work without an end has none.
    """

    def __init__(self, root: Path, worker: str, lease_seconds: float = inf, run: str = "") -> None:
        self._todo = root / "todo"
        self._claims = root / "claimed"
        self._claimed = self._claims / worker
        self._rejected = root / "rejected" / run
        self._lease_seconds = lease_seconds
        for directory in (self._todo, self._claimed, root / "rejected"):
            directory.mkdir(parents=True, exist_ok=True)
        # Without a run, what lies there is of earlier ones.
        self._rejected_before = set() if run else set(self._rejects())
        # Claims of a container that was killed. The attempt counts: the job may be what killed it.
        for claim in self._claimed.iterdir():
            claim.rename(self._todo / claim.name)

    def take(self) -> Job | None:
        self._end_leases()
        for failures, name, path in sorted((*_parse(path.name), path) for path in self._waiting()):
            claim = self._claimed / f"{name}~{failures + 1}"
            try:
                path.rename(claim)
            except FileNotFoundError:  # another worker was faster
                continue
            return Job(name, failures + 1, claim.read_bytes)
        return None

    def finish(self, job: Job) -> None:
        self._claim(job).unlink(missing_ok=True)

    def give_back(self, job: Job, *, failed: bool) -> None:
        failures = job.attempt if failed else job.attempt - 1
        self._settle(job, self._todo / (f"{job.name}~{failures}" if failures else job.name))

    def reject(self, job: Job) -> None:
        self._rejected.mkdir(exist_ok=True)
        self._settle(job, self._rejected / job.name)

    def empty(self) -> bool:
        """Whether nothing is left to do, nor in the hands of any worker who may yet fail."""
        return not (any(self._claims.glob("*/*")) or any(self._waiting()))

    def rejects(self) -> bool:
        """Whether anything has been rejected in this run."""
        return any(path not in self._rejected_before for path in self._rejects())

    def _waiting(self) -> Iterator[Path]:
        """The files to do. A directory is none: whoever puts jobs there may prepare them in it."""
        return (path for path in self._todo.iterdir() if path.is_file())

    def _rejects(self) -> Iterator[Path]:
        return (path for path in self._rejected.glob("*") if path.is_file())

    def _claim(self, job: Job) -> Path:
        return self._claimed / f"{job.name}~{job.attempt}"

    def _settle(self, job: Job, path: Path) -> None:
        with suppress(FileNotFoundError):  # the lease ended before the job did
            self._claim(job).rename(path)

    def _end_leases(self) -> None:
        for claim in self._claims.glob("*/*"):
            with suppress(FileNotFoundError):  # it has just been settled
                # A rename sets this time, of all that a file has.
                if claim.stat().st_ctime < time.time() - self._lease_seconds:
                    claim.rename(self._todo / claim.name)


def _parse(file: str) -> tuple[int, str]:
    name, mark, failures = file.rpartition("~")
    return (int(failures), name) if mark and failures.isdecimal() else (0, file)
