"""Prove on a real cluster that the generated applications build, deploy, change and stop as they promise.

    export PYTHONPATH=tests
    python -m e2e.run --kubeconfig FILE [--image-command PROGRAM] [--only TOPIC]… [-- BUILD_ARGUMENT…]

The cluster is that of FILE, never the current one. For each topic a repository is rendered, set up and built; `dev`
is deployed by Kustomize and `staging` by Helm, both through the generated Makefile. Their namespaces must not exist
before, and are deleted at the end, with the policies that belong to them.

PROGRAM builds an image and makes it pullable; it is called as `PROGRAM CONTEXT REFERENCE BUILD_ARGUMENT…`. Without
it the images have to be pullable already. After `kind create cluster --kubeconfig FILE` these lines will do:

    #!/bin/sh -e
    context=$1 reference=$2; shift 2
    docker build --tag "$reference" "$@" "$context"
    kind load docker-image "$reference"

Images that are not built from a generated repository are never pulled: those in `stand_ins/` take their places, under
their names. They do the same job, with the same arguments, but they are not the originals.

minicluster.py, beside this file, runs it on a cluster of its own; `make e2e` calls one of the two. git, make and
pre-commit are taken from PATH, helm and kubectl are those of tools/toolbox.py.

Not proven: that a NetworkPolicy stops anything, unless the cluster enforces it; that the autoscaler follows the load
(only its bounds are used, which needs no metrics); what a Gateway does with the HTTPRoute; that a CronJob starts at
its time; how pods are spread over nodes, if there is but one.
"""

import argparse
import os
import shlex
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import yaml
from e2e import agents, batch, datastore, deployments, guestbook, several
from e2e.environment import Environment, Topic, occupied
from e2e.promises import EXPECTED, Report, call, check, print_line
from support import interpreter

ROOT = Path(__file__).resolve().parents[2]
STAND_INS = Path(__file__).with_name("stand_ins")
MODULES = (deployments, datastore, agents, batch, guestbook, several)
TOPICS = {name: topic for module in MODULES for name, topic in module.TOPICS.items()}


def prove(report: Report, name: str, topic: Topic, repository: Path, given: argparse.Namespace) -> None:
    """Put a topic to the test, in both renderings."""
    generate(report, name, topic, repository)
    environments = [Environment(given.kubeconfig.resolve(), repository, stage) for stage in ("dev", "staging")]
    images = {image: STAND_INS / folder for image, folder in topic.stand_ins.items()}
    if (repository / "Dockerfile").exists():
        images[environments[0].image] = repository
    if given.image_command:
        for image, context in images.items():
            what = "its Dockerfile" if context == repository else f"the stand-in for {image}"
            with report.step(f"{name}: {what} builds"):
                program, *arguments = given.image_command
                call(program, context, image, *arguments, *given.build_arguments)
    for environment in environments:
        with occupied(report, environment, topic.level):
            topic.prove(report, environment)


def generate(report: Report, name: str, topic: Topic, repository: Path) -> None:
    """Make a repository."""
    with report.step(f"{name}: is rendered and set up, by `make setup`"):
        answers = repository.with_name(f"{name}.answers.yml")
        answers.write_text(yaml.safe_dump(topic.answers), encoding="utf-8")
        options = ["--defaults", "--quiet", "--vcs-ref=HEAD", f"--data-file={answers}"]
        call(sys.executable, "-m", "copier", "copy", *options, ROOT, repository)
        for file, (text, other) in topic.patches.items():
            before = (repository / file).read_text(encoding="utf-8")
            check(text in before, f"{file} has no {text!r}")
            (repository / file).write_text(before.replace(text, other), encoding="utf-8")
        interpreter.pin(repository)  # uv locks with it, and the images built here may have no newer one
        call("make", "setup", cwd=repository)
        locked = (repository / "uv.lock").exists()
        check(locked == (repository / "pyproject.toml").exists(), "packages are not locked")


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
    parser.add_argument("--only", action="append", choices=TOPICS, metavar="TOPIC", help=f"of {', '.join(TOPICS)}")
    parser.add_argument("build_arguments", nargs="*", metavar="BUILD_ARGUMENT")
    given = parser.parse_args()
    if not given.kubeconfig.is_file():
        parser.error(f"there is no kubeconfig {given.kubeconfig}")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that the namespaces go in this case too
    toolbox = [sys.executable, str(ROOT / "tools/toolbox.py")]
    programs = call(*toolbox, "build", "helm", "kubectl").strip()
    os.environ["PATH"] = os.pathsep.join([programs, str(Path(sys.executable).parent), os.environ["PATH"]])
    for name in [name for name in os.environ if name.startswith(("KUBECONFIG", "HELM_KUBE", "MAKE", "MFLAGS"))]:
        del os.environ[name]  # nothing but the argument names a cluster; a make above does not reach those below
    if missing := [name for name in ("git", "make", "pre-commit", "uv") if not shutil.which(name)]:
        parser.error(f"not on PATH: {', '.join(missing)}")
    report, definition = Report(), f"{call(*toolbox, 'assets').strip()}/crds/HTTPRoute.yaml"
    with tempfile.TemporaryDirectory(prefix="e2e-") as scratch, routes(given.kubeconfig, definition):
        for name, topic in {name: TOPICS[name] for name in given.only or TOPICS}.items():
            try:
                prove(report, name, topic, Path(scratch, topic.answers.get("app_name", f"e2e-{name}")), given)
            except EXPECTED as error:
                report.failed += 1
                print_line(f"{type(error).__name__}: {error}")
    print_line(f"{report.passed} passed, {report.failed} failed")
    return 1 if report.failed else 0


if __name__ == "__main__":
    sys.exit(main())
