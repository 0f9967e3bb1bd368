"""The task: `python -m app.task`. Runs to its end, and may be stopped at any point."""

import asyncio
import json

from app.batch import BatchSettings, open_source, run
from app.jobs import BadInputError, Job
from app.lifecycle import stop_on_signal
from app.settings import Positive, Seconds, load
from app.telemetry import configure_logging


class TaskSettings(BatchSettings):
    # The work, unless INPUT_FILE or QUEUE_DIR says what it is: steps that each take so long.
    steps: Positive = 10
    step_seconds: Seconds = 1


def inputs(settings: TaskSettings) -> list[bytes]:
    return [json.dumps({"seconds": settings.step_seconds}).encode()] * settings.steps


async def handle(job: Job) -> None:
    """Do the work: here, spend the time that the job asks for by `{"seconds": 2}`.

    A job may run twice, so running it again must do no harm. Call what blocks by
    `asyncio.to_thread`, or the time limit and SIGTERM go unnoticed meanwhile.
    """
    try:
        seconds = float(json.loads(job.read())["seconds"])
    except (KeyError, TypeError, ValueError) as error:
        raise BadInputError from error
    await asyncio.sleep(seconds)


async def main() -> int:
    settings, stopping = load(TaskSettings), stop_on_signal()
    configure_logging(settings)
    source = open_source(settings, inputs(settings))
    return await run(source, handle, settings, stopping)


if __name__ == "__main__":
    raise SystemExit(asyncio.run(main()))
