"""What a migration does in the repository that is updated, so that nothing of its owner's is lost in silence.

Copier merges by path. A file that the template no longer writes is deleted, edited or not, and an answer that is no
longer allowed falls back to its default; both without a word. A migration runs in the repository, twice: before copier
has written anything, and after it has written all.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


@contextmanager
def former(version: str, answers_file: str) -> Iterator[Path]:
    """The repository as the version that it comes from makes it of its answers, without its owner's edits."""
    recorded = yaml.safe_load(_git("show", f"HEAD:./{answers_file}"))
    with tempfile.TemporaryDirectory() as folder:
        answers, made = Path(folder, "answers.yml"), Path(folder, "former")
        answers.write_text(yaml.safe_dump({name: recorded[name] for name in recorded if not name.startswith("_")}))
        options = ["--defaults", "--quiet", f"--vcs-ref={version}", f"--data-file={answers}"]
        command = [sys.executable, "-m", "copier", "copy", *options, recorded["_src_path"], str(made)]
        subprocess.run(command, check=True)
        yield made


def remember_edits(folder: Path) -> None:
    """Write down what its owner has edited, and what each of these files was: `folder` is the former repository."""
    known = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
    edited = {name: path for name, path in known.items() if Path(name).is_file() and _differ(Path(name), path)}
    # With `w`, Git keeps what a conflict shows as the base.
    blobs = {name: _git("hash-object", "-w", "--no-filters", str(path)).strip() for name, path in edited.items()}
    _notes().write_text(json.dumps(blobs))


def keep_edits(gone: Mapping[str, str]) -> None:
    """Bring back what was edited and is gone, as a conflict. `gone` tells where the content of a path is now."""
    for name, base in json.loads(_notes().read_text()).items():
        if not Path(name).exists():
            _git("checkout", "HEAD", "--", name)
            _conflict(name, base)
            where = next((moved for path, place in gone.items() if (moved := _place(name, path, place))), "")
            remedy = f"move your lines to {where}, then `git rm` it" if where else "`git add` it to keep it, or `git rm` it"
            sys.stderr.write(f"{name}: has edits of yours, and the template no longer writes it: {remedy}\n")
    _notes().unlink()


def change_answers(answers_file: str, renamed: Mapping[str, str], replaced: Mapping[str, Mapping[Any, Any]]) -> None:
    """Bring what was recorded to today's names and choices; copier reads it again after it was changed."""
    path = Path(answers_file)
    recorded = {renamed.get(name, name): value for name, value in yaml.safe_load(path.read_text()).items()}
    for name, values in replaced.items():
        if recorded.get(name) in values:
            recorded[name] = values[recorded[name]]
    path.write_text(yaml.safe_dump(recorded, sort_keys=False, allow_unicode=True))


def _place(name: str, path: str, place: str) -> str:
    """Where the content of a file is now, if it is the path; ENV in both stands for an environment."""
    match = re.fullmatch(re.escape(path).replace("ENV", "([^/]+)", 1), name)
    return place.replace("ENV", match[1]) if match and match.groups() else place if match else ""


def _differ(one: Path, other: Path) -> bool:
    """Whether two files differ in more than the ends of their lines."""
    return one.read_bytes().replace(b"\r\n", b"\n") != other.read_bytes().replace(b"\r\n", b"\n")


def _conflict(name: str, base: str) -> None:
    """Have Git show a file as edited here and deleted by the template."""
    entry, path = _git("ls-files", "--stage", "--full-name", "--", name).rstrip("\n").split("\t")
    mode, ours, _ = entry.split()
    stages = f"0 {'0' * 40}\t{path}\n{mode} {base} 1\t{path}\n{mode} {ours} 2\t{path}\n"
    _git("update-index", "--index-info", given=stages)


def _notes() -> Path:
    """Where what was seen before an update waits for its end: in Git's own folder, so that no tree holds it."""
    return Path(_git("rev-parse", "--git-path", "k8s-app-template-edits.json").strip())


def _git(*arguments: str, given: str | None = None) -> str:
    command = ["git", *arguments]
    return subprocess.run(command, input=given, stdout=subprocess.PIPE, text=True, check=True).stdout
