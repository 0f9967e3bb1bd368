"""Jobs and CronJobs: they complete, share their work, and run anew."""

import json
from itertools import chain
from typing import Any

from e2e.environment import Environment, Topic, deploy, look
from e2e.promises import PATIENCE, Report, check, refused

SIDECAR = {
    "name": "companion",
    "command": ["python", "-c", "import signal; signal.signal(signal.SIGTERM, lambda *_: exit()); signal.pause()"],
}
SELDOM = "0 4 29 2 *"  # runs are started by hand
ITEMS = 9
FILL = f"""
import json, os
os.makedirs('/queue/todo')
for number in range({ITEMS}):
    open(f'/queue/todo/item-{{number}}', 'w').write(json.dumps({{"seconds": 1}}))
"""
LEFT = "import os; print([file for _, _, files in os.walk('/queue') for file in files])"
# What the programs share is built once: the same image, and the same text in pyproject.toml.
COMMON = {"workload_kind": "job", "image_repository": "registry.example.com/e2e/jobs", "description": "A job"}


def finish(report: Report, it: Environment) -> None:
    """Put the task to the test, beside a sidecar that would run for ever."""
    with report.step(f"the Job completes after `make {it.tool}`", it) as measured:
        it.roll_out()
        first = completed(it)
        measured.append(f"{len(steps(it))} steps")
    look(report, it)
    with report.step("the sidecar has run beside it, and was ended by it", it):
        (pod,) = it.pods().values()
        (sidecar,) = pod["status"]["initContainerStatuses"]
        check(sidecar["state"].get("terminated", {}).get("exitCode") == 0, sidecar)
    with report.step(f"a Job that cannot succeed is tried once, and `make {it.tool}` fails with it", it):
        it.configure({"STEPS": "many"})
        complaint = refused(it.roll_out)
        check(it.tool in complaint, complaint)
        failed = it.get(f"job/{it.app}")["status"]
        reasons = {each["reason"] for each in failed["conditions"] if each["type"] == "Failed"}
        check(reasons == {"PodFailurePolicy"} and failed["failed"] == 1, failed)
        log = it.kubectl("logs", f"job/{it.app}", f"--container={it.app}")
        check("STEPS is not allowed" in log and "many" not in log, log)
    with report.step(f"`make {it.tool}` of a changed Job runs it anew", it) as measured:
        it.roll_out({"STEPS": "3"})
        check(completed(it)["metadata"]["uid"] != first["metadata"]["uid"], "it is the former Job")
        check(steps(it) == ["0", "1", "2"], f"steps {steps(it)}")
        measured.append("3 steps")
    with report.step(f"`make {it.tool}` of a Job that has not changed runs it anew as well", it):
        before = completed(it)["metadata"]["uid"]
        it.roll_out()
        check(completed(it)["metadata"]["uid"] != before, "it is the former Job")


def share(report: Report, it: Environment) -> None:
    """Put the Indexed Job to the test."""
    with report.step(f"every index completes after `make {it.tool}`", it) as measured:
        it.roll_out()
        job = completed(it)
        spec, status, last = job["spec"], job["status"], job["spec"]["completions"] - 1
        check(spec["completionMode"] == "Indexed" and status["completedIndexes"] == f"0-{last}", status)
        measured.append(f"indexes 0 to {last}")
    with report.step("the indexes have shared the steps, each done once", it) as measured:
        done = {index: steps(it, f"batch.kubernetes.io/job-completion-index={index}") for index in range(last + 1)}
        check(all(done.values()), f"an index had nothing to do: {done}")
        check(sorted(chain.from_iterable(done.values()), key=int) == [str(step) for step in range(10)], done)
        measured.append(", ".join("+".join(each) for each in done.values()))


def drain(report: Report, it: Environment) -> None:
    """Put the pods that empty one queue to the test."""
    claim: dict[str, Any] = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "e2e-queue"}}
    claim["spec"] = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "64Mi"}}}
    # Enough where all pods are on one node, as those of a local volume are.
    with report.step("a queue is filled", it):
        it.kubectl("create", "--filename=-", stdin=json.dumps(claim))
        it.start_client(volumes=QUEUE["volumes"], volumeMounts=QUEUE["volume_mounts"])
        it.python("client", FILL)
    with report.step(f"the Job completes after `make {it.tool}`, with an empty queue", it) as measured:
        it.roll_out()
        job = completed(it)
        left = it.python("client", LEFT)
        check(left == "[]", f"{left} are left")
        measured.append(f"{job['status']['succeeded']} pods")
    with report.step("each item was taken by one pod, several pods had some", it) as measured:
        names = [name for name in it.pods() if name != "client"]
        done = {name: taken(it.entries(name)) for name in names}
        check(sorted(chain.from_iterable(done.values())) == [f"item-{number}" for number in range(ITEMS)], done)
        check(sum(map(bool, done.values())) > 1, done)
        measured.append(" + ".join(str(len(each)) for each in done.values()) + " items")


def schedule(report: Report, it: Environment) -> None:
    """Put the CronJob to the test."""
    deploy(report, it)
    with report.step("`make run-now` runs it to its end, and shows its log", it) as measured:
        said = it.make("run-now")
        (job,) = it.get("jobs")
        check(any(each["type"] == "Complete" for each in job["status"]["conditions"]), job["status"])
        check(f"job/{job['metadata']['name']} " in said and '"message": "ended"' in said, said)
        measured.append(said.strip().splitlines()[-1])
    with report.step("`make suspend` and `make resume` stop and start the schedule", it):
        it.make("suspend")
        check(it.get(f"cronjob/{it.app}")["spec"]["suspend"] is True, "it is not suspended")
        it.make("resume")
        check(it.get(f"cronjob/{it.app}")["spec"]["suspend"] is False, "it is suspended")


def completed(it: Environment) -> Any:
    """Return the Job, which has to be complete."""
    it.kubectl("wait", "--for=condition=Complete", f"job/{it.app}", f"--timeout={PATIENCE}s")
    return it.get(f"job/{it.app}")


def steps(it: Environment, selector: str = "") -> list[str]:
    """Return the steps that the Job's pods have finished, or those of a pod."""
    job = f"batch.kubernetes.io/job-name={it.app}"
    return taken(it.entries("--selector=" + ",".join(filter(None, [job, selector])), "--max-log-requests=20"))


def taken(log: list[dict[str, Any]]) -> list[str]:
    """Return what was finished, by the log."""
    return [entry["job"] for entry in log if entry["message"] == "job" and entry["outcome"] == "finished"]


QUEUE: dict[str, Any] = {
    "volumes": [{"name": "queue", "persistentVolumeClaim": {"claimName": "e2e-queue"}}],
    "volume_mounts": [{"name": "queue", "mountPath": "/queue"}],
    "config": {"LOG_LEVEL": "info", "QUEUE_DIR": "/queue"},
}
TOPICS = {
    "task": Topic(COMMON | {"preset": "task", "sidecars": [SIDECAR]}, finish),
    "parallel": Topic(COMMON | {"preset": "parallel"}, share),
    "work-queue": Topic(COMMON | {"preset": "work-queue"} | QUEUE, drain),
    "cronjob": Topic(COMMON | {"workload_kind": "cronjob", "schedule": SELDOM}, schedule),
}
