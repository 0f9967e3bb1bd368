"""Works through jobs to their end. A pod may be stopped at any point, and another one goes on.

Exit codes, which the Job's podFailurePolicy knows:

    0    all is done
    1    something failed that may succeed next time
    2    no further attempt can help: a bad setting, bad input, a rejected job
    143  stopped by SIGTERM, with work left
"""

import asyncio
import logging
from collections.abc import Sequence
from pathlib import Path
from uuid import uuid4

from pydantic import Field

from app.jobs import Handler, JobSettings, Spool, attempt
from app.settings import Positive, refuse
from app.steps import Steps
from app.work import pause, with_grace

logger = logging.getLogger(__name__)

DONE, FAILED, HOPELESS, STOPPED = 0, 1, 2, 143
EXIT_CODES = {"finished": DONE, "retried": FAILED, "rejected": HOPELESS, "given_back": STOPPED}


class BatchSettings(JobSettings):
    # Names the run: its pods share what is done, and the next run of the Job starts anew.
    job_uid: str = Field(default_factory=lambda: uuid4().hex)
    # Where it is noted what has been done.
    state_dir: Path = Path("/tmp/state")  # noqa: S108 (the pod's own emptyDir)
    # This pod's share of the work, in an Indexed Job.
    job_completion_index: int = 0
    completions: Positive = 1
    # Instead of the program's own work: the lines of a file.
    input_file: Path | None = None
    # Or else: a spool that several pods empty together.
    queue_dir: Path | None = None


def open_source(settings: BatchSettings, inputs: Sequence[bytes]) -> Steps | Spool:
    if settings.job_completion_index >= settings.completions:
        index = settings.job_completion_index
        refuse("COMPLETIONS", f"the Job's completions, more than this pod's index {index}")
    if settings.queue_dir:
        try:
            pod, lease = settings.pod_name, settings.lease_seconds
            return Spool(settings.queue_dir, pod, lease, settings.job_uid)
        except OSError:
            refuse("QUEUE_DIR", "a directory that this user may write to")
    if settings.input_file:
        try:
            inputs = settings.input_file.read_bytes().splitlines()
        except OSError:
            refuse("INPUT_FILE", "a file that this user may read")
    share = range(settings.job_completion_index, len(inputs), settings.completions)
    try:
        return Steps(inputs, share, settings.state_dir / settings.job_uid)
    except OSError:
        refuse("STATE_DIR", "a directory that this user may write to")


async def run(
    source: Steps | Spool, handle: Handler, settings: BatchSettings, stopping: asyncio.Event
) -> int:
    """Work until nothing is left, or until the grace after a signal ends. Return the exit code."""
    logger.info("working")
    working = work(source, handle, settings, stopping)
    code = await with_grace(working, stopping, settings.grace_seconds)
    logger.info("ended", extra={"exit_code": code})
    return code


async def work(
    source: Steps | Spool, handle: Handler, settings: BatchSettings, stopping: asyncio.Event
) -> int:
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
