"""What a release had and today's template has not, is named in a migration; and migrations do what they promise."""

from __future__ import annotations

import importlib.util
import re
import sys
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest
from support import parity, releases, render
from support.commands import attempt, run
from support.questionnaire import questions, settings
from support.releases import MissingReleaseError, Release
from support.repository import Repository
from support.sandbox import ROOT
from support.trees import tree

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from support.releases import Released

HOOKS = ROOT / "hooks"

each_release = pytest.mark.parametrize("release", releases.released(), ids=str)


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(map(int, re.findall(r"\d+", version)))


@cache
def migrations() -> dict[str, Any]:
    """The modules of hooks/ by the version that they migrate to."""
    sys.path.insert(0, str(HOOKS))
    try:
        return {path.stem.replace("_", "."): _loaded(path) for path in sorted(HOOKS.glob("v*_*_*.py"))}
    finally:
        sys.path.remove(str(HOOKS))


def _loaded(path: Path) -> Any:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def named(release: Release, table: str) -> dict[Any, Any]:
    """What the migrations that a repository of a release crosses have in a table."""
    crossed = [module for version, module in migrations().items() if _numbers(version) > _numbers(release.version)]
    return {key: value for module in crossed for key, value in getattr(module, table, {}).items()}


def where(table: str) -> str:
    """Where a migration is missing, to be read by who has just made it necessary."""
    return f"name it in {table} of the module in hooks/ for the next version, and in `_migrations` of copier.yml"


def gone(release: Release, old: Mapping[str, str], new: Mapping[str, str], moved: Mapping[str, str]) -> list[str]:
    """Paths that a release wrote and today's template does not write for the same answers."""
    known = [re.escape(path).replace("ENV", "[^/]+") for path in moved]
    return [
        f"{path}, which {release.version} wrote, is gone, and edits in it with it: {where('GONE')}"
        for path in sorted(set(old) - set(new))
        if not any(re.fullmatch(each, path) for each in known)
    ]


def dropped(
    release: Release, old: Mapping[str, tuple[Any, ...]], new: Mapping[str, tuple[Any, ...]]
) -> Iterator[str]:
    """Questions and choices of a release that today's questionnaire has no more."""
    renamed, replaced = named(release, "RENAMED"), named(release, "REPLACED")
    for name, choices in old.items():
        today = renamed.get(name, name)
        if today not in new:
            yield f"the question {name} of {release.version} is gone, with the answers to it: {where('RENAMED')}"
        elif new[today]:
            for choice in choices:
                if choice not in new[today] and choice not in replaced.get(today, {}):
                    yield (
                        f"{name}: the choice {choice!r} of {release.version} is gone, and the default "
                        f"takes its place: {where('REPLACED')}"
                    )


def asked(root: Path) -> dict[str, tuple[Any, ...]]:
    """The questions of a version, and what can be chosen."""
    return {name: question.choices for name, question in questions(root).items()}


@each_release
def test_questions_and_choices_are_there_or_migrated(release: Release, released: Released) -> None:
    """An answer that a release recorded means something today."""
    assert list(dropped(release, asked(released.source(release)), asked(ROOT))) == []


@pytest.mark.slow
@each_release
@pytest.mark.parametrize("answers", [{}, {"ci": "gitlab", "monitoring": "prometheus-operator", "expose": "ingress"}])
def test_files_are_there_or_migrated(
    release: Release, answers: dict[str, Any], released: Released, tmp_path: Path
) -> None:
    """A file that a release wrote has its path today, or a migration says where its content is."""
    old = render.copy({"app_name": "shop", **answers}, tmp_path / "old", version=release.version, url=releases.URL)
    new = render.copy(releases.recorded(old), tmp_path / "new", version=releases.NEXT, url=releases.URL)
    assert released.template.exists()
    assert gone(release, tree(old), tree(new), named(release, "GONE")) == []


def test_what_is_gone_is_told() -> None:
    """A renamed file, a dropped question and a dropped choice end in a sentence that says what is missing."""
    release = releases.released()[0]
    (moved,) = gone(release, {"docs/a.md": "", "b": ""}, {"docs/c.md": "", "b": ""}, {})
    assert moved == (
        "docs/a.md, which v0.1.0 wrote, is gone, and edits in it with it: "
        "name it in GONE of the module in hooks/ for the next version, and in `_migrations` of copier.yml"
    )
    assert gone(release, {"deploy/platform/qa/quota.yaml": ""}, {}, named(release, "GONE")) == []
    found = dropped(release, {"ci": ("github", "jenkins"), "tier": ()}, {"ci": ("github",)})
    assert [line.split(",")[0] for line in found] == [
        "ci: the choice 'jenkins' of v0.1.0 is gone",
        "the question tier of v0.1.0 is gone",
    ]


def test_each_migration_is_run() -> None:
    """Each module is run by one entry of `_migrations`, before and after, and nothing else is."""
    entries = settings()["_migrations"]
    run_by = {entry["version"]: entry["command"][1].rsplit("/", 1)[1] for entry in entries}
    assert run_by == {version: f"{version.replace('.', '_')}.py" for version in migrations()}
    assert [entry["when"] for entry in entries] == ["true"] * len(entries)


def test_answers_are_brought_to_todays_words(tmp_path: Path) -> None:
    """A renamed question and a dropped choice, by the function that a migration calls before answers are read."""
    answers = tmp_path / "answers.yml"
    answers.write_text("_commit: v0.1.0\nci: jenkins\ntier: gold\n")
    loaded = migrations()
    assert loaded
    sys.modules["repository"].change_answers(str(answers), {"tier": "team"}, {"ci": {"jenkins": "github"}})
    assert answers.read_text() == "_commit: v0.1.0\nci: github\nteam: gold\n"


OVERLAY = """\
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
namespace: shop-prod
resources:
  - ../../base
images:
  - name: registry.example.com/platform/shop
    newTag: "0.1.0"
# A patch names its target, so that it does nothing (and breaks nothing) when the object goes away.
patches:
  - target:
      kind: HTTPRoute
      name: shop
    patch: |
      - op: replace
        path: /spec/hostnames
        value: [www.example.org]
"""

EDITED = """\
# Production.
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
namespace: shop-prod
resources:
  - ../../base
  - ours.yaml
images:
  # Promoted by hand.
  - name: registry.example.com/platform/shop
    newTag: 1.2.3
  - name: docker.io/library/redis
    newTag: "8"
# A patch names its target, so that it does nothing (and breaks nothing) when the object goes away.
patches:
  - target:
      kind: HTTPRoute
      name: shop
    patch: |
      - op: replace
        path: /spec/hostnames
        value: [www.example.org]
  - path: ours-patch.yaml
replicas:
  - name: shop
    count: 3
# The end.
"""

CONVERTED = """\
# Production.
apiVersion: kustomize.config.k8s.io/v1alpha1
kind: Component
resources:
  - ours.yaml
images:
  # Promoted by hand.
  - name: APPLICATION
    newTag: 1.2.3
  - name: docker.io/library/redis
    newTag: "8"
# A patch names its target, so that it does nothing (and breaks nothing) when the object goes away.
patches:
  - path: ours-patch.yaml
replicas:
  - name: shop
    count: 3
# The end.
"""


def test_an_overlay_becomes_a_component() -> None:
    """What follows from the answers goes; what its owner wrote stays, comments and order included."""
    overlay = migrations()["v0.3.0"].overlay
    assert overlay(EDITED, OVERLAY) == CONVERTED
    assert overlay(CONVERTED, OVERLAY) == CONVERTED
    other = EDITED.replace("platform/shop", "sales/shop").replace(
        '  - name: docker.io/library/redis\n    newTag: "8"\n', ""
    )
    assert "  - name: APPLICATION\n    newTag: 1.2.3\n" in overlay(other, OVERLAY)


def test_values_keep_what_was_edited() -> None:
    """A value that follows from the answers goes unless somebody has changed it."""
    values = migrations()["v0.3.0"].values
    base = 'image:\n  tag: "0.1.0"\nautoscaling:\n  maxReplicas: 2\nroute:\n  host: a.example.org\n'
    edited = base.replace("0.1.0", "1.2.3").replace("maxReplicas: 2", "maxReplicas: 5") + "# Ours.\nextra: 1\n"
    assert values(edited, base) == 'image:\n  tag: "1.2.3"\nautoscaling:\n  maxReplicas: 5\n# Ours.\nextra: 1\n'
    assert values(base, base) == 'image:\n  tag: "0.1.0"\n'


@pytest.mark.slow
@pytest.mark.parametrize("version", ["v0.1.0", "v0.2.0"])
@pytest.mark.usefixtures("released")
def test_an_environment_that_is_renamed_in_the_same_update(version: str, tmp_path: Path) -> None:
    """Its overlay and values, moved by hand, are converted as if they had had the new name before."""
    repository = releases.start({"app_name": "shop"}, tmp_path / "shop", version)
    for path in ("deploy/overlays/{}/kustomization.yaml", "deploy/chart/values-{}.yaml"):
        new = repository / path.format("qa")
        new.parent.mkdir(exist_ok=True)
        text = (repository / path.format("staging")).read_text()
        new.write_text(text.replace('ag: "0.1.0"', "ag: 7.7.7").replace("shop-staging\n", "shop-qa\n") + "# Ours.\n")
        (repository / path.format("staging")).unlink()
    render.commit(repository, "Our staging is called qa")
    releases.update(repository, answers={"environments": ["dev", "qa", "prod"]})
    assert (repository / "deploy/overlays/qa/kustomization.yaml").read_text() == (
        "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\n"
        "images:\n  - name: APPLICATION\n    newTag: 7.7.7\n# Ours.\n"
    )
    assert (repository / "deploy/chart/values-qa.yaml").read_text() == "image:\n  tag: 7.7.7\n# Ours.\n"
    assert parity.check(Repository(repository)) == []


@pytest.mark.slow
def test_a_repository_in_a_folder_of_another(released: Released, tmp_path: Path) -> None:
    """What is edited and gone is a conflict by its full path, and what was deleted stays deleted."""
    top, repository = tmp_path, tmp_path / "apps/shop"
    render.copy({"app_name": "shop"}, repository, version="v0.1.0", url=releases.URL)
    assert released.template.exists()
    quota = repository / "deploy/platform/prod/quota.yaml"
    quota.write_text(quota.read_text() + "# Ours.\n")
    (repository / "tests/test_web.py").unlink()
    run("git", "init", "--quiet", cwd=top)
    render.commit(top, "Ours")
    releases.update(repository)
    assert "apps/shop/deploy/platform/prod/quota.yaml" in releases.unmerged(top)
    assert quota.read_text().endswith("# Ours.\n")
    assert not (repository / "tests/test_web.py").exists()


@pytest.mark.slow
def test_migrations_alone_need_trust(released: Released, tmp_path: Path) -> None:
    """An update that crosses a migration says that it runs code, and changes nothing without `--trust`."""
    repository = releases.start({"app_name": "shop"}, tmp_path / "shop", "v0.2.0")
    refused = attempt("copier", "update", "--defaults", repository)
    assert refused.returncode != 0
    assert "--trust" in refused.stderr
    assert run("git", "status", "--porcelain", cwd=repository) == ""
    done = attempt("copier", "update", "--defaults", "--trust", repository)
    assert done.returncode == 0, done.stderr
    render.commit(repository, "An update")
    assert released.template.exists()
    again = attempt("copier", "update", "--defaults", "--vcs-ref=:current:", "--data=team=sales", repository)
    assert again.returncode == 0, again.stderr


@pytest.mark.slow
def test_a_fork_crosses_migrations_too(released: Released, tmp_path: Path) -> None:
    """Its tags are those of this template with a number behind, as docs/how-to/golden-path.md says."""
    fork = tmp_path / "fork"
    run("git", "clone", "--quiet", released.template, fork)
    for merged, own in (("v0.2.0", "v0.2.0.post1"), (releases.NEXT, "v0.3.0.post1")):
        run("git", "checkout", "--quiet", merged, cwd=fork)
        decided = fork / "golden-path.yml"
        decided.write_text(decided.read_text().replace("domain: example.com", "domain: example.org"))
        render.commit(fork, "Our defaults", tag=own)
    run("git", "tag", "--delete", releases.NEXT, *(each.version for each in releases.released()), cwd=fork)
    repository = tmp_path / "shop"
    render.copy({"app_name": "shop"}, repository, version="v0.2.0.post1", url=str(fork))
    run("git", "init", "--quiet", cwd=repository)
    render.commit(repository, "A copy")
    run("copier", "update", "--defaults", "--trust", repository)
    assert "_commit: v0.3.0.post1\n" in (repository / ".copier-answers.yml").read_text()
    assert "kind: Component" in (repository / "deploy/overlays/prod/kustomization.yaml").read_text()
    assert "shop.example.org" in (repository / "deploy/base/httproute.yaml").read_text()


def test_a_shallow_clone_is_told_apart(tmp_path: Path) -> None:
    """Without the history there is a sentence, not a traceback of Git's."""
    run("git", "clone", "--quiet", "--depth=1", f"file://{ROOT}", tmp_path / "shallow")
    with pytest.raises(MissingReleaseError, match=r"v0\.1\.0 at da51aed.* `git fetch --unshallow --tags`"):
        releases.extract(releases.released()[0], tmp_path / "release", tmp_path / "shallow")


def test_tags_are_the_releases() -> None:
    """Every version tag of this repository is a release, at the commit that is named; each is part of the history."""
    commits = {release.version: release.commit for release in releases.released()}
    tagged = run("git", "tag", "--list", "v[0-9]*", "--format=%(refname:short) %(*objectname)%(objectname)", cwd=ROOT)
    for line in tagged.splitlines():
        version, _, commit = line.partition(" ")
        assert commits.get(version) == commit[:40]
    for version, commit in commits.items():
        past = attempt("git", "merge-base", "--is-ancestor", commit, "HEAD", cwd=ROOT)
        assert past.returncode == 0, f"{version} at {commit} is not part of the history"
