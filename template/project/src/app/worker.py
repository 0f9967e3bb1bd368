"""The worker: `python -m app.worker`."""

import asyncio
import json
from pathlib import Path

from app.consumer import ConsumerSettings, consume
from app.jobs import Job, Spool
from app.lifecycle import stop_on_signal
from app.settings import load, refuse
from app.telemetry import configure_logging


class WorkerSettings(ConsumerSettings):
    work_dir: Path = Path("/tmp/work")  # noqa: S108 (the pod's own emptyDir)


async def handle(job: Job) -> None:
    """Do the work: here, spend the time that the job asks for by `{"seconds": 2}`.

    A job may run twice, so running it again must do no harm. Call what blocks by
    `asyncio.to_thread`, or the time limit and SIGTERM go unnoticed meanwhile.
    """
    await asyncio.sleep(json.loads(job.read())["seconds"])


async def main() -> None:
    settings, stopping = load(WorkerSettings), stop_on_signal()
    configure_logging(settings)
    try:
        spool = Spool(settings.work_dir, settings.pod_name, settings.lease_seconds)
    except OSError:
        refuse("WORK_DIR", "a directory that this user may write to")
    await consume(spool, handle, settings, stopping)


if __name__ == "__main__":
    asyncio.run(main())
