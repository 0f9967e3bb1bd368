"""Takes jobs from a source, one after the other, until told to stop."""

import asyncio
import logging
import time

from prometheus_client import Counter, Histogram

from app.health import Health, listen
from app.jobs import Handler, JobSettings, WorkSource, attempt
from app.settings import Positive
from app.work import pause, with_grace

logger = logging.getLogger(__name__)

JOBS = Counter("jobs_total", "Jobs taken, by what became of them.", ["outcome"])
for outcome in ("finished", "retried", "rejected", "given_back"):
    JOBS.labels(outcome)  # a rate needs the zero
DURATION = Histogram("job_duration_seconds", "Time spent on a job.")


class ConsumerSettings(JobSettings):
    poll_seconds: Positive = 5


async def consume(
    source: WorkSource, handle: Handler, settings: ConsumerSettings, stopping: asyncio.Event
) -> None:
    """Work until told to stop. Then finish the job in hand, or give it back when grace ends."""
    health = Health(settings.poll_seconds + settings.job_timeout_seconds + 10, stopping)
    listen(health, settings)
    logger.info("working")
    working = work(source, handle, settings, health, stopping)
    await with_grace(working, stopping, settings.grace_seconds)
    logger.info("stopped")


async def work(
    source: WorkSource,
    handle: Handler,
    settings: ConsumerSettings,
    health: Health,
    stopping: asyncio.Event,
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
