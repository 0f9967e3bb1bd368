"""The worker: `python -m app.worker`."""

import asyncio
import json
import logging
import time
from contextlib import suppress
from pathlib import Path

from prometheus_client import Counter, Histogram

from app.health import Health, listen
from app.jobs import Job, Spool, WorkSource
from app.lifecycle import stop_on_signal
from app.settings import Positive, Settings, load, refuse
from app.telemetry import configure_logging

logger = logging.getLogger("app.worker")

JOBS = Counter("jobs_total", "Jobs taken, by what became of them.", ["outcome"])
for outcome in ("finished", "retried", "rejected", "given_back"):
    JOBS.labels(outcome)  # a rate needs the zero
DURATION = Histogram("job_duration_seconds", "Time spent on a job.")


class WorkerSettings(Settings):
    work_dir: Path = Path("/tmp/work")  # noqa: S108 (the pod's own emptyDir)
    poll_seconds: Positive = 5
    job_timeout_seconds: Positive = 60
    max_attempts: Positive = 3


async def handle(job: Job) -> None:
    """Do the work: here, spend the time that the job asks for by `{"seconds": 2}`.

    A job may run twice, so running it again must do no harm. Call what blocks by
    `asyncio.to_thread`, or the time limit and SIGTERM go unnoticed meanwhile.
    """
    await asyncio.sleep(json.loads(job.read())["seconds"])


async def attempt(job: Job, source: WorkSource, settings: WorkerSettings) -> str:
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
    except Exception:
        logger.exception("job failed", extra={"job": job.name, "attempt": job.attempt})
        if job.attempt < settings.max_attempts:
            source.give_back(job, failed=True)
            return "retried"
        source.reject(job)
        return "rejected"
    source.finish(job)
    return "finished"


async def work(
    source: WorkSource, settings: WorkerSettings, health: Health, stopping: asyncio.Event
) -> None:
    """Take one job after the other. With none left, or after a failure, pause."""
    while not stopping.is_set():
        health.beat()
        outcome = "idle"
        if job := source.take():
            started = time.perf_counter()
            outcome = await attempt(job, source, settings)
            seconds = time.perf_counter() - started
            JOBS.labels(outcome).inc()
            DURATION.observe(seconds)
            what = {"job": job.name, "attempt": job.attempt, "outcome": outcome}
            logger.info("job", extra=what | {"seconds": round(seconds, 4)})
        if outcome != "finished":
            with suppress(TimeoutError):
                await asyncio.wait_for(stopping.wait(), settings.poll_seconds)


async def serve(source: WorkSource, settings: WorkerSettings, stopping: asyncio.Event) -> None:
    """Work until told to stop. Then finish the job in hand, or give it back when grace ends."""
    health = Health(settings.poll_seconds + settings.job_timeout_seconds + 10, stopping)
    listen(health, settings)
    working = asyncio.create_task(work(source, settings, health, stopping))

    async def end_grace() -> None:
        await stopping.wait()
        await asyncio.sleep(settings.grace_seconds)
        working.cancel()

    grace = asyncio.create_task(end_grace())
    logger.info("working", extra={"work_dir": str(settings.work_dir)})
    await working
    grace.cancel()
    logger.info("stopped")


async def main() -> None:
    settings, stopping = load(WorkerSettings), stop_on_signal()
    configure_logging(settings)
    try:
        spool = Spool(settings.work_dir, settings.pod_name)
    except OSError:
        refuse("WORK_DIR", str(settings.work_dir), "a directory that this user may write to")
    await serve(spool, settings, stopping)


if __name__ == "__main__":
    asyncio.run(main())
