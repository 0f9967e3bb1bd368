"""The task: `python -m app.task`. Runs to its end, and may be stopped and run again at any point.

Exit codes, which the Job's podFailurePolicy knows:

    0    all is done
    1    something failed that may succeed next time
    2    no further attempt can help: a bad setting, bad input, a rejected job
    143  stopped by SIGTERM, with work left
"""

import asyncio
import json
import logging
from pathlib import Path

from app.jobs import BadInputError, Job, JobSettings, Spool, attempt
from app.lifecycle import stop_on_signal
from app.settings import Positive, Seconds, load, refuse
from app.steps import Steps
from app.telemetry import configure_logging
from app.work import pause, with_grace

logger = logging.getLogger("app.task")

DONE, FAILED, HOPELESS, STOPPED = 0, 1, 2, 143
EXIT_CODES = {"finished": DONE, "retried": FAILED, "rejected": HOPELESS, "given_back": STOPPED}


class TaskSettings(JobSettings):
    # What the work is: the lines of a file, or so many steps that each take so long.
    input_file: Path | None = None
    steps: Positive = 10
    step_seconds: Seconds = 1
    # Where it is noted what has been done. A run of another name starts from the beginning.
    state_dir: Path = Path("/tmp/state")  # noqa: S108 (the pod's own emptyDir)
    job_name: str = "local"
    # This pod's share of it, in an Indexed Job.
    job_completion_index: int = 0
    completions: Positive = 1
    # Or else: a spool that several pods empty together.
    queue_dir: Path | None = None


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


async def work(source: Steps | Spool, settings: TaskSettings, stopping: asyncio.Event) -> int:
    """Take one job after the other until none is left, and return the exit code.

    A failed step ends the program, and the Job's backoff decides when it is tried again. A spool
    counts the attempts itself. It is empty only when no other pod holds a job either: after the
    first pod that ends well, Kubernetes replaces none that fails.
    """
    while not source.empty():
        if stopping.is_set():
            return STOPPED
        outcome = "waiting"
        if job := source.take():
            outcome = await attempt(job, source, handle, settings)
            logger.info("job", extra={"job": job.name, "outcome": outcome})
            if isinstance(source, Steps) and outcome != "finished":
                return EXIT_CODES[outcome]
        if outcome in ("waiting", "retried"):
            await pause(stopping, 1)
    return HOPELESS if source.rejects() else DONE


def open_source(settings: TaskSettings) -> Steps | Spool:
    if settings.job_completion_index >= settings.completions:
        index = settings.job_completion_index
        allowed = f"the Job's completions, more than this pod's index {index}"
        refuse("COMPLETIONS", str(settings.completions), allowed)
    if settings.queue_dir:
        try:
            return Spool(settings.queue_dir, settings.pod_name, settings.lease_seconds)
        except OSError:
            refuse("QUEUE_DIR", str(settings.queue_dir), "a directory that this user may write to")
    inputs = [json.dumps({"seconds": settings.step_seconds}).encode()] * settings.steps
    if settings.input_file:
        try:
            inputs = settings.input_file.read_bytes().splitlines()
        except OSError:
            refuse("INPUT_FILE", str(settings.input_file), "a file that this user may read")
    share = range(settings.job_completion_index, len(inputs), settings.completions)
    try:
        return Steps(inputs, share, settings.state_dir / settings.job_name)
    except OSError:
        refuse("STATE_DIR", str(settings.state_dir), "a directory that this user may write to")


async def main() -> int:
    settings, stopping = load(TaskSettings), stop_on_signal()
    configure_logging(settings)
    source = open_source(settings)
    logger.info("working")
    code = await with_grace(work(source, settings, stopping), stopping, settings.grace_seconds)
    logger.info("ended", extra={"exit_code": code})
    return code


if __name__ == "__main__":
    raise SystemExit(asyncio.run(main()))
