"""Several workloads in one repository, a sidecar of the catalogue, and an init container that fails."""

import re
import uuid

import yaml
from e2e.batch import SELDOM
from e2e.environment import Environment, Topic, deploy, is_ready
from e2e.guestbook import REDIS, talk
from e2e.promises import Report, check, until
from support.sandbox import ROOT

CHECK_SCHEMA = '[ "$SCHEMA" = 2 ] || { echo "the schema is $SCHEMA, not 2"; exit 3; }'
GOOD, BAD = {"LOG_LEVEL": "info", "SCHEMA": "2"}, {"LOG_LEVEL": "info", "SCHEMA": "1"}
COMPLAINT = "the schema is 1, not 2"
LOGGING = "    configure_logging(settings)\n"
TO_FILE = "    import logging\n    logging.root.handlers[0].setStream(open('/var/log/app/web.log', 'w'))\n"
ANSWERS = {
    "config": GOOD,
    "sidecars": ["log-shipper"],
    "init_containers": [
        {"name": "first", "command": ["echo", "ready"]},
        {"name": "schema", "command": ["sh", "-c", CHECK_SCHEMA]},
    ],
    "workloads": [
        {"name": "mail", "preset": "worker", "replicas": 1},
        {
            "name": "cache",
            "kind": "statefulset",
            "image": REDIS,
            "replicas": 1,
            "ports": [{"name": "redis", "containerPort": 6379}],
        },
        {"name": "clean-up", "kind": "cronjob", "schedule": SELDOM},
    ],
}
CATALOGUE = yaml.safe_load((ROOT / "golden-path.yml").read_text(encoding="utf-8"))["catalogue"]
SHIPPER = CATALOGUE["sidecars"]["log-shipper"]["container"]["image"]


def prove(report: Report, it: Environment) -> None:
    """Put the workloads to the test."""
    deploy(report, it)
    with report.step("web service, worker and cache are ready, the CronJob runs", it):
        for name in (it.app, f"{it.app}-mail", f"{it.app}-cache"):
            check(it.pods(name) and all(map(is_ready, it.pods(name).values())), f"{name} is not ready")
        said = it.make("run-now")
        check(f"job/{it.app}-clean-up-" in said and '"message": "ended"' in said, said)
    with report.step("the cache is reached under the name of its Service, and may write to its volume", it):
        it.start_client()
        said = talk(it, f"{it.app}-cache", "SAVE")
        check(said.startswith("+OK"), said)
    with report.step("the sidecar ships the application's log lines", it) as measured:
        path = f"/{uuid.uuid4()}"
        status, _ = it.ask("GET", f"http://{it.app}{path}")
        check(status == 404, f"{path} answers {status}")
        until(lambda: [line for line in shipped(it) if path in line], f"the sidecar ships the line with {path}")
        (line,) = (line for line in shipped(it) if path in line)
        check('"message": "request"' in line or '\\"message\\": \\"request\\"' in line, line)
        measured.append("1 line for 1 request")
    with report.step("`make debug-init` names an init container that fails, and why", it):
        it.configure(BAD)
        if it.tool == "apply":
            differences = it.make("diff")
            check("\ndiff " in differences and '+  SCHEMA: "1"' in differences, differences)
        submit(it)
        until(lambda: failing(it), "the init container has failed twice")
        said = it.make("debug-init")
        shipper, first, schema = sections(said)
        check(shipper.startswith("log-shipper, 0 restarts") and '"running"' in shipper, said)
        check(first.startswith("first, 0 restarts") and '"exitCode":0' in first, said)
        check(re.match(r"schema, [1-9]\d* restarts", schema) and COMPLAINT in schema.splitlines(), said)
        check('"exitCode":3' in schema and '"reason":"Error"' in schema, said)
    with report.step("the former pods serve meanwhile, and the repaired ones after", it):
        check(it.ask("GET", f"http://{it.app}/")[0] == 200, "the Service does not answer")
        it.roll_out(GOOD)
        check(it.ask("GET", f"http://{it.app}/")[0] == 200, "the Service does not answer")


def shipped(it: Environment) -> list[str]:
    """Return what the sidecars have written."""
    return [line for pod in it.pods() for line in it.kubectl("logs", pod, "--container=log-shipper").splitlines()]


def submit(it: Environment) -> None:
    """Deploy what will not become ready, and do not wait."""
    if it.tool == "apply":
        it.deployer("apply", "--server-side", "--force-conflicts", "--kustomize", it.folder)
    else:
        chart = it.repository / "deploy/chart"
        derived = it.folder / "values.yaml"
        values = [f"--values={file}" for file in (derived, chart / f"values-{it.name}.yaml") if file.exists()]
        it.helm("upgrade", it.app, chart, "--force-conflicts", *values)


def failing(it: Environment) -> bool:
    """Whether an init container has failed, and failed again."""
    statuses = [each for pod in it.pods().values() for each in pod["status"].get("initContainerStatuses", [])]
    return any(each["name"] == "schema" and each["restartCount"] and each["lastState"] for each in statuses)


def sections(said: str) -> list[str]:
    """Return what `make debug-init` says about each container, in order."""
    return said.split("\n== ")[1:]


# The generated code logs to its output; an application that wants a shipper logs to a file.
PATCHES = {"src/app/web.py": (LOGGING, LOGGING + TO_FILE)}
TOPICS = {"several": Topic(ANSWERS, prove, stand_ins={SHIPPER: "log-shipper", REDIS: "redis"}, patches=PATCHES)}
