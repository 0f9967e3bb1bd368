"""Secrets that are kept in the repository: encrypted with the real SOPS, and decrypted on their way to a cluster."""

from __future__ import annotations

import base64
import re
import shutil
from typing import TYPE_CHECKING

import pytest
import toolbox
import yaml
from support.apiserver import complaints
from support.commands import attempt, run
from support.verdict import expect_none, findings

if TYPE_CHECKING:
    from pathlib import Path

    from support.cluster import Cluster
    from support.render import Answers, Renderer
    from support.repository import Repository

pytestmark = pytest.mark.slow

ANSWERS: Answers = {
    "secrets_backend": "sops",
    "secrets": [
        {"name": "shop-db", "env": {"DB_TYPED": "password"}},
        {"name": "shop-tls", "mountPath": "/run/tls", "items": [{"key": "tls.crt", "path": "cert.pem"}]},
    ],
    "environments": ["dev", "prod"],
}

TYPED = "a password of nobody"


@pytest.fixture
def repository(render: Renderer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repository:
    """A repository whose `.sops.yaml` names a new key for each environment, and an editor that types the password."""
    made = render.loose(ANSWERS, tmp_path / "shop")
    key = tmp_path / "key.txt"
    run(toolbox.program("age-keygen"), "-o", key)
    recipient = re.search(r"age1\w+", key.read_text())
    assert recipient
    rules = made.path / ".sops.yaml"
    rules.write_text(rules.read_text().replace('age: ""', f"age: {recipient[0]}"))
    editor = tmp_path / "editor"
    editor.write_text(f'#!/bin/sh\nsed -i \'s/""/{TYPED}/\' "$1"\n')
    editor.chmod(0o755)
    for name, value in {"SOPS_AGE_KEY_FILE": key, "EDITOR": editor, "KUBECONFIG": tmp_path / "none"}.items():
        monkeypatch.setenv(name, str(value))
    return made


def test_repository_is_sound(render: Renderer) -> None:
    """Neither rendering holds a Secret; the pods refer to them by name."""
    expect_none(findings(render(ANSWERS)), ANSWERS)


def test_secret_is_encrypted_at_once(repository: Repository) -> None:
    """`make edit-secret` begins with the keys that the answers name, and writes no value in clear."""
    run("make", "edit-secret", "ENV=dev", "SECRET=shop-db", cwd=repository.path)
    text = (repository.path / "deploy/secrets/dev/shop-db.yaml").read_text()
    written = yaml.safe_load(text)
    assert (written["kind"], written["metadata"]) == ("Secret", {"name": "shop-db"})
    assert TYPED not in text
    assert written["stringData"]["password"].startswith("ENC[")
    run("make", "lint-sealed", cwd=repository.path)
    expect_none(findings(repository, ["yamllint"]), ANSWERS)


def test_no_keys_no_file(repository: Repository) -> None:
    """Without anybody who could decrypt it, a Secret is refused, and nothing is left behind."""
    rules = repository.path / ".sops.yaml"
    rules.write_text(re.sub(r"age: \S+", 'age: ""', rules.read_text()))
    done = attempt("make", "edit-secret", "ENV=dev", "SECRET=shop-db", cwd=repository.path)
    assert done.returncode != 0
    assert "empty key group" in done.stderr
    assert not list((repository.path / "deploy/secrets/dev").iterdir())


def test_plain_secret_is_caught(repository: Repository) -> None:
    """`make lint-sealed` names a file that somebody has written by hand."""
    (repository.path / "deploy/secrets/prod").mkdir(parents=True)
    (repository.path / "deploy/secrets/prod/shop-db.yaml").write_text(f"stringData: {{password: {TYPED}}}\n")
    done = attempt("make", "lint-sealed", cwd=repository.path)
    assert done.returncode != 0
    assert "deploy/secrets/prod/shop-db.yaml is not encrypted" in done.stderr


def test_unknown_secret_is_refused(repository: Repository) -> None:
    """A name that the answers do not have is no file's name."""
    done = attempt("make", "edit-secret", "ENV=dev", "SECRET=other", cwd=repository.path)
    assert "set SECRET to one of: shop-db shop-tls" in done.stderr
    assert not (repository.path / "deploy/secrets").exists()


def test_secrets_arrive(repository: Repository, cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    """`make apply-secrets` asks for the one that is missing before it applies any; then all are in the namespace."""
    monkeypatch.setenv("KUBECONFIG", str(cluster.kubeconfig))
    assert complaints(cluster.kubectl("create", "namespace", "shop-dev")) == []
    try:
        run("make", "edit-secret", "ENV=dev", "SECRET=shop-db", cwd=repository.path)
        done = attempt("make", "apply-secrets", "ENV=dev", cwd=repository.path)
        assert done.returncode != 0
        assert "run make edit-secret ENV=dev SECRET=shop-tls" in done.stderr
        assert "serverside-applied" not in done.stdout
        run("make", "edit-secret", "ENV=dev", "SECRET=shop-tls", cwd=repository.path)
        run("make", "apply-secrets", "ENV=dev", cwd=repository.path)
        for name, key in (("shop-db", "password"), ("shop-tls", "tls.crt")):
            found = run("kubectl", "--namespace=shop-dev", "get", "secret", name, "--output=yaml")
            assert base64.b64decode(yaml.safe_load(found)["data"][key]).decode() == TYPED
    finally:
        cluster.kubectl("delete", "namespace", "shop-dev", "--wait=false")


def test_missing_tool_is_named(repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without SOPS the target fails and says which version to install."""
    for program in ("make", "bash", "sed", "awk"):
        (tmp_path / program).symlink_to(str(shutil.which(program)))
    monkeypatch.setenv("PATH", str(tmp_path))
    done = attempt("make", "edit-secret", "ENV=dev", "SECRET=shop-db", cwd=repository.path)
    assert "sops 3.13.3 is not on PATH" in done.stderr
