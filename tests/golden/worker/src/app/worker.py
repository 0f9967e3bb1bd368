"""The worker: `python -m app.worker`."""

import asyncio
import json
import logging
import time
from pathlib import Path

from prometheus_client import Counter, Histogram

from app.health import Health, listen
from app.jobs import Job, JobSettings, Spool, WorkSource, attempt
from app.lifecycle import stop_on_signal
from app.settings import Positive, load, refuse
from app.telemetry import configure_logging
from app.work import pause, with_grace

logger = logging.getLogger("app.worker")

JOBS = Counter("jobs_total", "Jobs taken, by what became of them.", ["outcome"])
for outcome in ("finished", "retried", "rejected", "given_back"):
    JOBS.labels(outcome)  # a rate needs the zero
DURATION = Histogram("job_duration_seconds", "Time spent on a job.")


class WorkerSettings(JobSettings):
    work_dir: Path = Path("/tmp/work")  # noqa: S108 (the pod's own emptyDir)
    poll_seconds: Positive = 5


async def handle(job: Job) -> None:
    """Do the work: here, spend the time that the job asks for by `{"seconds": 2}`.

    A job may run twice, so running it again must do no harm. Call what blocks by
    `asyncio.to_thread`, or the time limit and SIGTERM go unnoticed meanwhile.
    """
    await asyncio.sleep(json.loads(job.read())["seconds"])


async def work(
    source: WorkSource, settings: WorkerSettings, health: Health, stopping: asyncio.Event
) -> None:
    """Take one job after the other. With none left, or after a failure, pause."""
    while not stopping.is_set():
        health.beat()
        outcome = "idle"
        if job := source.take():
            started = time.perf_counter()
            outcome = await attempt(job, source, handle, settings)
            seconds = time.perf_counter() - started
            JOBS.labels(outcome).inc()
            DURATION.observe(seconds)
            what = {"job": job.name, "attempt": job.attempt, "outcome": outcome}
            logger.info("job", extra=what | {"seconds": round(seconds, 4)})
        if outcome != "finished":
            await pause(stopping, settings.poll_seconds)


async def serve(source: WorkSource, settings: WorkerSettings, stopping: asyncio.Event) -> None:
    """Work until told to stop. Then finish the job in hand, or give it back when grace ends."""
    health = Health(settings.poll_seconds + settings.job_timeout_seconds + 10, stopping)
    listen(health, settings)
    logger.info("working", extra={"work_dir": str(settings.work_dir)})
    await with_grace(work(source, settings, health, stopping), stopping, settings.grace_seconds)
    logger.info("stopped")


async def main() -> None:
    settings, stopping = load(WorkerSettings), stop_on_signal()
    configure_logging(settings)
    try:
        spool = Spool(settings.work_dir, settings.pod_name, settings.lease_seconds)
    except OSError:
        refuse("WORK_DIR", str(settings.work_dir), "a directory that this user may write to")
    await serve(spool, settings, stopping)


if __name__ == "__main__":
    asyncio.run(main())
