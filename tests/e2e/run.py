"""Prove on a real cluster that the generated applications build, deploy, change and stop as they promise.

    python tests/e2e/run.py --kubeconfig FILE [--image-command PROGRAM] [-- BUILD_ARGUMENT…]

The cluster is that of FILE, never the current one. `web` and `worker` are rendered, set up and built; `dev` is
deployed by Kustomize and `staging` by Helm. Their namespaces must not exist before, and are deleted at the end.

PROGRAM builds an image and makes it pullable; it is called as `PROGRAM CONTEXT REFERENCE BUILD_ARGUMENT…`. Without
it the images have to be pullable already. After `kind create cluster --kubeconfig FILE` these lines will do:

    #!/bin/sh -e
    context=$1 reference=$2; shift 2
    docker build --tag "$reference" "$@" "$context"
    kind load docker-image "$reference"

minicluster.py, beside this file, runs it on a cluster of its own; `make e2e` calls one of the two. git, make and
pre-commit are taken from PATH, helm and kubectl are those of tools/toolbox.py.

Not proven: that a NetworkPolicy stops anything, unless the cluster enforces it; that the autoscaler follows the load
(only its bounds are used, which needs no metrics); what a Gateway does with the HTTPRoute.
"""

import argparse
import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 180
CLIENT = Path(__file__).with_name("client.py").read_text(encoding="utf-8")
# An answer longer than what the buffers between two pods hold. (More than 128 KiB are too much for a variable.)
GREETING = " ".join(["Hello again"] * 9_000)
CHANGES = {"web": {"GREETING": GREETING}, "worker": {"GRACE_SECONDS": "2"}}
IDENTITY = "import os; print(os.getuid(), os.getgid(), bool(os.statvfs('/').f_flag & os.ST_RDONLY))"
TAKE_JOB = """
import os, sys, time
open('/tmp/work/e2e', 'w').write('{"seconds": %s}' % sys.argv[1])
os.rename('/tmp/work/e2e', '/tmp/work/todo/e2e')
while os.path.exists('/tmp/work/todo/e2e'): time.sleep(0.1)
"""
SAY_SOMETHING = "import time; time.sleep(2); print('Hello')"  # kubectl needs a moment to attach itself
DIAGNOSIS = """\
get all,resourcequotas --output=wide
get events --sort-by=.lastTimestamp
describe pods
logs --selector=app.kubernetes.io/name --all-containers --prefix --tail=30"""


class BrokenPromiseError(Exception):
    """What was expected did not come true; the message says what was seen instead."""


EXPECTED = (BrokenPromiseError, OSError, LookupError, ValueError, subprocess.SubprocessError)


def check(holds: object, otherwise: object) -> None:
    """Raise BrokenPromiseError unless something holds."""
    if not holds:
        raise BrokenPromiseError(otherwise)


def call(*command: str | Path, stdin: str = "", cwd: Path | None = None) -> str:
    """Run a program that must succeed, helm even without a warning; its standard output."""
    done = subprocess.run(command, input=stdin, capture_output=True, text=True, check=False, cwd=cwd, timeout=900)
    clean = done.returncode == 0 and (command[0] != "helm" or "warn" not in done.stderr.lower())
    check(clean, f"{shlex.join(map(str, command))} ended with {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def until(condition: Callable[[], object], what: str) -> None:
    """Wait for what takes the cluster a while."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        check(time.monotonic() < deadline, f"not so after {PATIENCE} s: {what}")
        time.sleep(0.5)


def parse(text: str | bytes) -> Any:
    """Return what is written in JSON."""
    try:
        return json.loads(text)
    except ValueError:
        raise BrokenPromiseError(f"this is no JSON: {text!r}") from None


def find(kind: str, text: str) -> Any:
    """Return the one object of a kind in a text of YAML documents."""
    (found,) = (each for each in yaml.safe_load_all(text) if each["kind"] == kind)
    return found


def edit(path: Path, **change: Any) -> None:
    """Set keys in a YAML file."""
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    path.write_text(yaml.safe_dump(content | change), encoding="utf-8")


class Environment:
    """A namespace of an application. What deployers do is done with the rights of their group, and no others."""

    def __init__(self, kubeconfig: Path, repository: Path, name: str) -> None:
        """Read the names from the repository."""
        self.name = name
        self.deploy = repository / "deploy"
        self.overlay = self.deploy / "overlays" / name
        deployment = find("Deployment", call("kubectl", "kustomize", self.overlay))
        self.app: str = deployment["metadata"]["name"]
        self.namespace: str = deployment["metadata"]["namespace"]
        self.image: str = deployment["spec"]["template"]["spec"]["containers"][0]["image"]
        binding = find("RoleBinding", call("kubectl", "kustomize", self.deploy / "platform" / name))
        self.deployers: str = binding["subjects"][0]["name"]
        self.target = [f"--kubeconfig={kubeconfig}", f"--namespace={self.namespace}"]

    def kubectl(self, *arguments: str | Path, stdin: str = "") -> str:
        """Run kubectl as an administrator; a warning is a failure."""
        return call("kubectl", *self.target, "--warnings-as-errors", *arguments, stdin=stdin)

    def deployer(self, *arguments: str | Path) -> str:
        """Run kubectl as one of the deployers."""
        return self.kubectl("--as=someone", f"--as-group={self.deployers}", *arguments)

    def helm(self, *arguments: str | Path) -> str:
        """Run helm as one of the deployers."""
        who = ["--kube-as-user=someone", f"--kube-as-group={self.deployers}", f"--timeout={PATIENCE}s"]
        return call("helm", *self.target, *who, *arguments)

    def get(self, what: str, *arguments: str) -> Any:
        """Return an object, or the items of a list."""
        found = parse(self.kubectl("get", what, *arguments, "--output=json"))
        return found.get("items", found)

    def pods(self) -> dict[str, Any]:
        """Return the application's pods by name, without those that are on their way out."""
        found = self.get("pods", f"--selector=app.kubernetes.io/name={self.app}")
        return {pod["metadata"]["name"]: pod for pod in found if "deletionTimestamp" not in pod["metadata"]}

    def roll_out(self, config: dict[str, str] | None = None) -> None:
        """Deploy and wait; before, change keys of the configuration as the README says."""
        if self.name == "dev":
            if config:
                literals = [f"{key}={value}" for key, value in config.items()]
                generator = {"name": self.app, "behavior": "merge", "literals": literals}
                edit(self.overlay / "kustomization.yaml", configMapGenerator=[generator])
            self.deployer("apply", "--kustomize", self.overlay)
        else:
            values = self.deploy / f"chart/values-{self.name}.yaml"
            if config:
                edit(values, config=config)
            self.helm("upgrade", "--install", self.app, self.deploy / "chart", "--values", values, "--wait")
        self.await_rollout()

    def await_rollout(self) -> None:
        """Wait until the latest pods are ready and the others are on their way out."""
        self.deployer("rollout", "status", f"deployment/{self.app}", f"--timeout={PATIENCE}s")

    def python(self, pod: str, code: str, *arguments: str) -> str:
        """Run Python in a pod; what it prints."""
        return self.kubectl("exec", pod, "--", "python", "-c", code, *arguments).strip()

    def fetch(self, pod: str, url: str) -> str:
        """Return what a pod gets from a URL."""
        return self.python(pod, f"import urllib.request as u; print(u.urlopen('{url}', timeout=10).read().decode())")

    def greeting(self) -> Any:
        """Return what the Service answers to a pod that the NetworkPolicy admits."""
        return parse(self.fetch("client", f"http://{self.app}/"))

    def start_client(self) -> None:
        """Start that pod: labelled as the pod of `helm test`, and secured as the application."""
        spec = next(iter(self.pods().values()))["spec"]
        container = {key: spec["containers"][0][key] for key in ("image", "resources", "securityContext")}
        container |= {"name": "client", "command": ["python", "-c", "import time; time.sleep(3600)"]}
        spec = {"securityContext": spec["securityContext"], "containers": [container]}
        labels = {f"app.kubernetes.io/{key}": self.app for key in ("part-of", "instance")}
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "client", "labels": labels}}
        pod |= {"spec": spec | {"terminationGracePeriodSeconds": 1}}
        self.kubectl("apply", "--filename=-", stdin=json.dumps(pod))
        self.kubectl("wait", "--for=condition=Ready", "pod/client", f"--timeout={PATIENCE}s")

    @contextmanager
    def client(self, mode: str, host: str) -> Iterator[subprocess.Popen[bytes]]:
        """Run client.py in that pod."""
        command = ["kubectl", *self.target, "exec", "--stdin", "client", "--", "python", "-c", CLIENT, mode, host]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0) as process:
            try:
                yield process
            finally:
                process.kill()

    def stop(self, pod: str) -> list[dict[str, Any]]:
        """Delete a pod; what it logs from SIGTERM to its last word."""
        command = ["kubectl", *self.target, "logs", "--follow", f"pod/{pod}"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, bufsize=0) as log:
            check(log.stdout and log.stdout.readline(), f"{pod} logs nothing")  # from now on nothing is missed
            self.deployer("delete", "pod", pod, "--wait=false")
            entries = [parse(line) for line in log.communicate(timeout=PATIENCE)[0].splitlines()]
        messages = [entry["message"] for entry in entries]
        check("stopping" in messages and messages[-1] == "stopped", f"{pod} logs {entries}")
        return entries[messages.index("stopping") :]

    def diagnose(self) -> None:
        """Print what helps to find out why a step failed."""
        for question in DIAGNOSIS.splitlines():
            print_line(f"--- kubectl {question}")
            subprocess.run(["kubectl", *self.target, *question.split()], check=False)


class Report:
    """Counts the steps, and prints each with its time."""

    passed = failed = 0

    @contextmanager
    def step(self, what: str, environment: Environment | None = None) -> Iterator[list[str]]:
        """Do a step, which may add to the list what it measured. If it fails, print what helps to find out why."""
        started, measured = time.monotonic(), list[str]()
        try:
            yield measured
        except EXPECTED:
            print_line(f"FAILED {time.monotonic() - started:5.1f} s  {what}")
            if environment:
                environment.diagnose()
            raise
        self.passed += 1
        print_line(f"ok {time.monotonic() - started:9.1f} s  {'; '.join([what, *measured])}")


def print_line(text: str) -> None:
    """Print at once, so that the output of programs stands where it belongs."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def make(report: Report, preset: str, repository: Path, image_command: Sequence[str]) -> None:
    """Make a repository and, if told how, its image."""
    with report.step(f"{preset}: is rendered, and `make setup` locks its packages"):
        options = ["--defaults", "--quiet", "--vcs-ref=HEAD", f"--data=preset={preset}"]
        call(sys.executable, "-m", "copier", "copy", *options, ROOT, repository)
        call("make", "setup", cwd=repository)
        check((repository / "uv.lock").exists(), "there is no uv.lock")
    if image_command:
        with report.step(f"{preset}: its Dockerfile builds"):
            program, *arguments = image_command
            call(program, repository, Environment(Path(), repository, "dev").image, *arguments)


def prove(report: Report, preset: str, it: Environment) -> None:
    """Put one environment to the test."""
    title = f"{preset}, {it.name}:"
    tool = "kubectl apply -k" if it.name == "dev" else "helm upgrade --install"
    with report.step(f"{title} namespace with quota and deployers, enforces `restricted`", it):
        it.kubectl("apply", "--server-side", "--kustomize", it.deploy / "platform" / it.name)
        labels = it.get(f"namespace/{it.namespace}")["metadata"]["labels"]
        check(labels["pod-security.kubernetes.io/enforce"] == "restricted", labels)
    with report.step(f"{title} Ready after `{tool}` with no more than the deployers' rights", it):
        it.roll_out()
    with report.step(f"{title} runs as 10001:10001 on a read-only root", it):
        seen = {pod: it.python(pod, IDENTITY) for pod in it.pods()}
        check(set(seen.values()) == {"10001 10001 True"}, seen)
    (serve if preset == "web" else work)(report, title, it)
    with report.step(f"{title} an ephemeral container joins a pod for debugging", it):
        options = ["--profile=restricted", f"--target={it.app}", f"--image={it.image}", "--attach", "--quiet"]
        said = it.deployer("debug", min(it.pods()), *options, "--", "python", "-c", SAY_SOMETHING)
        check("Hello" in said, f"it says {said!r}")


def serve(report: Report, title: str, it: Environment) -> None:
    """Put the web service to the test."""
    with report.step(f"{title} the Service answers", it):
        it.start_client()
        pod = it.greeting()["pod"]
        check(pod["name"] in it.pods(), f"{pod} is a stranger")
    if it.name != "dev":
        with report.step(f"{title} `helm test` passes", it):
            it.helm("test", it.app)
    with report.step(f"{title} a changed key of the configuration replaces the pods, and is served", it):
        reconfigure(it, CHANGES["web"])
        # Old pods are still sent requests for a moment, and answer them.
        until(lambda: it.greeting()["greeting"] == GREETING, "the new greeting is served")
    with report.step(f"{title} the quota lets all pods be replaced at full size, no request fails", it) as measured:
        size = it.get(f"hpa/{it.app}")["spec"]["maxReplicas"]
        it.deployer("patch", f"hpa/{it.app}", "--patch", json.dumps({"spec": {"minReplicas": size}}))
        with it.client("load", it.app) as load:
            replace(it, size)
            seen = parse(load.communicate(timeout=PATIENCE)[0])
        check(seen["sent"] and not seen["failures"], seen)
        measured.append(f"{size} pods, {seen['sent']} requests")
    with report.step(f"{title} a request in flight at SIGTERM is finished", it) as measured:
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


def work(report: Report, title: str, it: Environment) -> None:
    """Put the worker to the test."""
    with report.step(f"{title} a job in hand at SIGTERM is finished", it) as measured:
        measured.append(f"after {settle(it, 5, 'finished')} s")
    with report.step(f"{title} a changed key of the configuration replaces the pods, which know it", it):
        reconfigure(it, CHANGES["worker"])
    with report.step(f"{title} a job that outlasts the grace is given back at SIGTERM", it) as measured:
        measured.append(f"after {settle(it, 60, 'given_back')} s")
    with report.step(f"{title} the quota lets all pods be replaced", it) as measured:
        size = it.get(f"deployment/{it.app}")["spec"]["replicas"]
        replace(it, size)
        measured.append(f"{size} pods")


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
    it.deployer("rollout", "restart", f"deployment/{it.app}")
    it.await_rollout()
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


@contextmanager
def occupied(it: Environment) -> Iterator[None]:
    """Have a namespace for a while. It must not exist before: it might be somebody's."""
    it.kubectl("create", "namespace", it.namespace)
    try:
        yield
    finally:
        it.kubectl("delete", "namespace", it.namespace, f"--timeout={PATIENCE}s")


@contextmanager
def routes(kubeconfig: Path, definition: str) -> Iterator[None]:
    """Teach the cluster for a while what an HTTPRoute is, unless it knows."""
    kubectl, file = ["kubectl", f"--kubeconfig={kubeconfig}"], f"--filename={definition}"
    known = call(*kubectl, "get", file, "--ignore-not-found")
    if not known:
        call(*kubectl, "apply", "--server-side", file)
        call(*kubectl, "wait", "--for=condition=Established", file)
    try:
        yield
    finally:
        if not known:
            call(*kubectl, "delete", file)


def main() -> int:
    """Run the command line and return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kubeconfig", type=Path, required=True)
    parser.add_argument("--image-command", type=shlex.split, default=[], metavar="PROGRAM")
    parser.add_argument("build_arguments", nargs="*", metavar="BUILD_ARGUMENT")
    given = parser.parse_args()
    if not given.kubeconfig.is_file():
        parser.error(f"there is no kubeconfig {given.kubeconfig}")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that the namespaces go in this case too
    toolbox = [sys.executable, str(ROOT / "tools/toolbox.py")]
    programs = call(*toolbox, "build", "helm", "kubectl").strip()
    os.environ["PATH"] = os.pathsep.join([programs, str(Path(sys.executable).parent), os.environ["PATH"]])
    for name in [name for name in os.environ if name.startswith(("KUBECONFIG", "HELM_KUBE"))]:
        del os.environ[name]  # nothing but the argument names a cluster
    if missing := [name for name in ("git", "make", "pre-commit", "uv") if not shutil.which(name)]:
        parser.error(f"not on PATH: {', '.join(missing)}")
    image_command = given.image_command and [*given.image_command, *given.build_arguments]
    report, definition = Report(), f"{call(*toolbox, 'assets').strip()}/crds/HTTPRoute.yaml"
    with tempfile.TemporaryDirectory(prefix="e2e-") as scratch, routes(given.kubeconfig, definition):
        for preset in CHANGES:
            repository = Path(scratch, f"e2e-{preset}")
            try:
                make(report, preset, repository, image_command)
                for name in ("dev", "staging"):
                    environment = Environment(given.kubeconfig, repository, name)
                    with occupied(environment):
                        prove(report, preset, environment)
            except EXPECTED as error:
                report.failed += 1
                print_line(f"{type(error).__name__}: {error}")
    print_line(f"{report.passed} passed, {report.failed} failed")
    return 1 if report.failed else 0


if __name__ == "__main__":
    sys.exit(main())
