"""Jobs that are known from the start: a share of a list, of which each run does what is left."""

from collections.abc import Sequence
from pathlib import Path

from app.jobs import Job


class Steps:
    """A step that is done leaves a mark: an empty file, named after its place in the list."""

    def __init__(self, inputs: Sequence[bytes], share: range, marks: Path) -> None:
        marks.mkdir(parents=True, exist_ok=True)
        self._inputs = inputs
        self._marks = marks
        self._left = [str(step) for step in share if not (marks / str(step)).exists()]

    def take(self) -> Job | None:
        step = self._left[0]
        return Job(step, 1, lambda: self._inputs[int(step)])

    def finish(self, job: Job) -> None:
        (self._marks / job.name).touch()
        self._left.remove(job.name)

    def give_back(self, job: Job, *, failed: bool) -> None:
        """Do nothing: a step without a mark is still to do."""

    def reject(self, job: Job) -> None:
        """Do nothing: the exit code tells."""

    def empty(self) -> bool:
        return not self._left

    def rejects(self) -> bool:
        return False
