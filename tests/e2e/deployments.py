"""Deployments: a web service and a worker, how they change, and how their pods stop."""

import json
from typing import Any

from e2e.environment import Environment, Topic, deploy, helm_test, identify
from e2e.promises import PATIENCE, Report, check, parse, until

# An answer longer than what the buffers between two pods hold. (More than 128 KiB are too much for a variable.)
GREETING = " ".join(["Hello again"] * 9_000)
SAY_SOMETHING = "import time; time.sleep(2); print('Hello')"  # kubectl needs a moment to attach itself
TAKE_JOB = """
import os, sys, time
open('/tmp/work/e2e', 'w').write('{"seconds": %s}' % sys.argv[1])
os.rename('/tmp/work/e2e', '/tmp/work/todo/e2e')
while os.path.exists('/tmp/work/todo/e2e'): time.sleep(0.1)
"""


def serve(report: Report, it: Environment) -> None:
    """Put the web service to the test."""
    deploy(report, it)
    identify(report, it)
    with report.step("the Service answers", it):
        it.start_client()
        pod = greeting(it)["pod"]
        check(pod["name"] in it.pods(), f"{pod} is a stranger")
    helm_test(report, it)
    with report.step("a changed key of the configuration replaces the pods, and is served", it):
        reconfigure(it, {"GREETING": GREETING})
        # Old pods are still sent requests for a moment, and answer them.
        until(lambda: greeting(it)["greeting"] == GREETING, "the new greeting is served")
    with report.step("the quota lets all pods be replaced at full size, no request fails", it) as measured:
        size = it.get(f"hpa/{it.app}")["spec"]["maxReplicas"]
        it.deployer("patch", f"hpa/{it.app}", "--patch", json.dumps({"spec": {"minReplicas": size}}))
        with it.client("load", it.app) as load:
            replace(it, size)
            seen = parse(load.communicate(timeout=PATIENCE)[0])
        check(seen["sent"] and not seen["failures"], seen)
        measured.append(f"{size} pods, {seen['sent']} requests")
    with report.step("a request in flight at SIGTERM is finished", it) as measured:
        name, pod = next(iter(it.pods().items()))
        with it.client("slow", pod["status"]["podIP"]) as client:
            check(client.stdout and client.stdout.readline(), "the client cannot connect")
            until(lambda: "requests_in_progress 1.0" in it.fetch(name, "http://localhost:9090/metrics"), "in flight")
            log = it.stop(name)
            answers = parse(client.communicate(timeout=PATIENCE)[0])
        finished = [entry for entry in log if entry["message"] == "request"]
        check(finished and all(entry["status"] == 200 for entry in finished), f"after SIGTERM {name} logs {log}")
        check(all(answer["whole"] and " 200 " in answer["status"] for answer in answers), answers)
        measured.append(f"{len(answers)} whole answers, the last after {finished[-1]['seconds']:.1f} s")
    debug(report, it)


def work(report: Report, it: Environment) -> None:
    """Put the worker to the test."""
    deploy(report, it)
    identify(report, it)
    with report.step("a job in hand at SIGTERM is finished", it) as measured:
        measured.append(f"after {settle(it, 5, 'finished')} s")
    with report.step("a changed key of the configuration replaces the pods, which know it", it):
        reconfigure(it, {"GRACE_SECONDS": "2"})
    with report.step("a job that outlasts the grace is given back at SIGTERM", it) as measured:
        measured.append(f"after {settle(it, 60, 'given_back')} s")
    with report.step("the quota lets all pods be replaced", it) as measured:
        size = it.get(f"deployment/{it.app}")["spec"]["replicas"]
        replace(it, size)
        measured.append(f"{size} pods")
    debug(report, it)


def greeting(it: Environment) -> Any:
    """Return what the Service answers to a pod that the NetworkPolicy admits."""
    return parse(it.fetch("client", f"http://{it.app}/"))


def debug(report: Report, it: Environment) -> None:
    """Look into a pod."""
    with report.step("an ephemeral container joins a pod for debugging", it):
        options = ["--profile=restricted", f"--target={it.app}", f"--image={it.image}", "--attach", "--quiet"]
        said = it.deployer("debug", min(it.pods()), *options, "--", "python", "-c", SAY_SOMETHING)
        check("Hello" in said, f"it says {said!r}")


def reconfigure(it: Environment, config: dict[str, str]) -> None:
    """Change the configuration; all pods must be new, and know it."""
    before = it.pods()
    it.roll_out(config)
    check(not before.keys() & it.pods().keys(), "some pods were not replaced")
    for key, value in config.items():
        seen = {pod: it.python(pod, f"import os; print(os.environ['{key}'])") for pod in it.pods()}
        check(set(seen.values()) == {value}, seen)


def replace(it: Environment, size: int) -> None:
    """Replace all pods when there are as many as there may be; none may be refused meanwhile."""
    until(lambda: it.get(f"deployment/{it.app}")["status"].get("readyReplicas") == size, f"{size} pods are ready")
    before = it.pods()
    it.make("restart")
    after = it.pods()
    check(len(after) == size and not before.keys() & after.keys(), f"{sorted(before)} became {sorted(after)}")
    refused = it.get("events", "--field-selector=reason=FailedCreate")
    check(not refused, "\n".join(event["message"] for event in refused))


def settle(it: Environment, seconds: int, outcome: str) -> Any:
    """Stop a pod that has a job in hand, and see what becomes of the job; the seconds it was in hand."""
    name = min(it.pods())
    it.python(name, TAKE_JOB, str(seconds))
    log = it.stop(name)
    jobs = [entry for entry in log if entry["message"] == "job"]
    check([job["outcome"] for job in jobs] == [outcome], f"after SIGTERM {name} logs {log}")
    return jobs[0]["seconds"]


TOPICS = {
    "web": Topic({"preset": "web"}, serve),
    "worker": Topic({"preset": "worker"}, work),
}
