"""What a migration does in the repository that is updated, so that nothing of its owner's is lost in silence.

Copier merges by path. A file that the template no longer writes is deleted, edited or not; what its owner keeps is
never rewritten, not even when it no longer fits; and a choice that is gone falls back to the default. All of that
without a word. So a migration runs in the repository twice: before copier writes anything, when it only
looks, because copier may still refuse; and after it has written all.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from difflib import SequenceMatcher
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping


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


def look(folder: Path) -> None:
    """Write down how the repository differs from the former one, without its owner's edits, in `folder`."""
    known = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
    # With `w`, Git keeps the text, as the base of a conflict.
    kept = _git("hash-object", "-w", "--no-filters", "--stdin-paths", given="\n".join(map(str, known.values())))
    blobs = dict(zip(known, kept.split(), strict=True))
    edited = [name for name, path in known.items() if Path(name).is_file() and _differ(Path(name), path)]
    deleted = [name for name in known if not Path(name).exists()]
    _notes().write_text(json.dumps({"blobs": blobs, "edited": edited, "deleted": deleted}))


def settle(gone: Mapping[str, str], converted: Mapping[str, Callable[[str, str], str]], answers_file: str) -> None:
    """Bring back what was edited, as a conflict, take away again what was deleted, and convert what is the owner's.

    `gone` tells where the content of a path is now; ENV in both stands for an environment. `converted` has a function
    for each pattern of files, in which * stands for one: from the text that there is, and what it was before it was
    edited, to the new text.
    """
    seen = json.loads(_notes().read_text())
    yours = yaml.safe_load(Path(answers_file).read_text())["your_files"]
    for name in seen["edited"]:
        if not Path(name).exists():
            _bring_back(name, seen["blobs"][name], gone)
    for name in seen["deleted"]:
        Path(name).unlink(missing_ok=True)
    for pattern, convert in converted.items():
        names = {name: blob for name, blob in seen["blobs"].items() if _environment(name, pattern)}
        known = {name: _git("cat-file", "blob", blob) for name, blob in names.items()}
        for path in sorted(Path().glob(pattern)):
            name, text = path.as_posix(), path.read_text()
            base = known.get(name) or (_likeliest(text, name, pattern, known) if known and name in yours else "")
            if base:
                path.write_text(convert(text, base))
    _notes().unlink()


def change_answers(answers_file: str, renamed: Mapping[str, str], replaced: Mapping[str, Mapping[Any, Any]]) -> None:
    """Bring what was recorded to today's names and choices, before copier reads it again."""
    path = Path(answers_file)
    recorded = {renamed.get(name, name): value for name, value in yaml.safe_load(path.read_text()).items()}
    for name, values in replaced.items():
        if name in recorded:
            recorded[name] = values.get(recorded[name], recorded[name])
    path.write_text(yaml.safe_dump(recorded, sort_keys=False, allow_unicode=True))


def _bring_back(name: str, base: str, gone: Mapping[str, str]) -> None:
    """Have Git show a file as edited here and deleted by the template."""
    _git("checkout", "HEAD", "--", name)
    entry, path = _git("ls-files", "--stage", "--full-name", "--", name).rstrip("\n").split("\t")
    mode, ours, _ = entry.split()
    stages = f"0 {'0' * 40}\t{path}\n{mode} {base} 1\t{path}\n{mode} {ours} 2\t{path}\n"
    _git("update-index", "--index-info", given=stages)
    place = next((place for each, there in gone.items() if (place := _place(name, each, there))), "")
    remedy = f"move your lines to {place}, then `git rm` it" if place else "`git add` it to keep it, else `git rm` it"
    sys.stderr.write(f"{name}: has edits of yours, and the template no longer writes it: {remedy}\n")


def _likeliest(text: str, name: str, pattern: str, known: Mapping[str, str]) -> str:
    """What an environment's file began as whose name is new: another's, by the new name where the text has it."""
    lines, own = set(text.split("\n")), _environment(name, pattern)
    other = max(known, key=lambda each: SequenceMatcher(None, text, known[each]).ratio())
    former = _environment(other, pattern)
    renamed = ((line, line.replace(former, own)) for line in known[other].split("\n"))
    return "\n".join(new if new in lines else line for line, new in renamed)


def _environment(name: str, pattern: str) -> str:
    """What the * of a pattern stands for in a path, or nothing if it is another path."""
    match = re.fullmatch(re.escape(pattern).replace(r"\*", "([^/]+)"), name)
    return match[1] if match else ""


def _place(name: str, path: str, place: str) -> str:
    """Where the content of a file is now, or nothing if it is another path."""
    match = re.fullmatch(re.escape(path).replace("ENV", "([^/]+)"), name)
    return re.sub("ENV", lambda _: match[1], place) if match else ""


def _differ(one: Path, other: Path) -> bool:
    """Whether two files differ in more than the ends of their lines."""
    return one.read_bytes().replace(b"\r\n", b"\n") != other.read_bytes().replace(b"\r\n", b"\n")


def _notes() -> Path:
    """Where what was seen before an update waits for its end: in Git's own folder, so that no tree holds it."""
    return Path(_git("rev-parse", "--git-path", "k8s-app-template.json").strip())


def _git(*arguments: str, given: str | None = None) -> str:
    command = ["git", *arguments]
    return subprocess.run(command, input=given, stdout=subprocess.PIPE, text=True, check=True).stdout
