"""Renders the default application, shows what came out, checks it, and says what to do next (`make demo`)."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import toolbox

from support import linters, parity, relations
from support.relations import environments
from support.repository import Repository
from support.sandbox import ROOT

CHECKS = {
    "Kustomize and Helm make equal objects, for every environment": parity.check,
    "every selector, port and reference resolves": relations.check_repository,
    "quotas admit the peak, deployers may deploy": environments.check,
    "helm lint": linters.helm_lint,
    "yamllint": linters.yamllint,
    "kube-score": linters.kube_score,
}


ENOUGH = {
    "helm": ("version --template={{.Version}}", (4, 0)),
    "kubectl": ("version --client --output=json", (1, 34)),
    "kube-score": ("version", (1, 20)),
}
"""What the checks run, how each tells its version, and the oldest that does."""


def is_new_enough(name: str) -> bool:
    """Whether a program on PATH need not be built, which takes minutes."""
    arguments, least = ENOUGH[name]
    if shutil.which(name) is None:
        return False
    told = subprocess.run([name, *arguments.split()], capture_output=True, text=True, check=False).stdout
    found = re.search(r"\bv?(\d+)\.(\d+)\.\d+", told)
    return found is not None and (int(found[1]), int(found[2])) >= least


def main(destination: Path) -> None:
    """Copy the working tree's template to a fresh folder, and show it."""
    if missing := [name for name in ENOUGH if not is_new_enough(name)]:
        toolbox.build(missing)
    os.environ["PATH"] = os.pathsep.join(
        [str(toolbox.bin_dir()), str(Path(sys.executable).parent), os.environ["PATH"]]
    )
    shutil.rmtree(destination, ignore_errors=True)
    say(f"$ copier copy --defaults --vcs-ref=HEAD --data app_name=shop . {destination}")
    command = ["copier", "copy", "--quiet", "--defaults", "--vcs-ref=HEAD", "--data", "app_name=shop"]
    subprocess.run([*command, str(ROOT), str(destination)], check=True)
    repository = Repository(destination.resolve())
    say(f"\n{destination}/", *tree(repository.path, "  "), "")
    broken = False
    for name, check in CHECKS.items():
        found = check(repository)
        say(f"{'FAILED' if found else 'ok    '}  {name}", *(f"        {line}" for line in found))
        broken |= bool(found)
    say(
        "",
        "What next:",
        f"  less {destination}/README.md                    what was made, and what to do with it",
        f"  less {destination}/deploy/base/deployment.yaml  the heart of it",
        "  copier copy . ../my-app                      answer the questions for an application of your own",
        "  make test                                    prove all of it on a real API server (under 15 minutes)",
    )
    sys.exit(broken)


def tree(folder: Path, indent: str) -> list[str]:
    """The files below a folder, those of one folder side by side."""
    files = [path.name for path in sorted(folder.iterdir()) if path.is_file()]
    lines = textwrap.wrap(
        "  ".join(files), 100, initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False
    )
    for path in sorted(path for path in folder.iterdir() if path.is_dir()):
        lines += [f"{indent}{path.name}/", *tree(path, f"{indent}  ")]
    return lines


def say(*lines: str) -> None:
    """Write lines at once, so that they stand between those of the programs that are called."""
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    sys.stdout.flush()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
