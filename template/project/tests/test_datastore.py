import asyncio
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import httpx2
import pytest
from conftest import Program, eventually
from prometheus_client import REGISTRY
from starlette.testclient import TestClient

from app.datastore import MAX_VALUE_BYTES, DatastoreSettings, create_app
from app.settings import load
from app.store import Store

Start = Callable[..., Program]


def client_of(root: Path, settings: DatastoreSettings) -> TestClient:
    return TestClient(create_app(settings, Store(root), asyncio.Event()))


@pytest.fixture
def client(tmp_path: Path) -> TestClient:
    return client_of(tmp_path, load(DatastoreSettings))


def start_store(start: Start, root: Path) -> Program:
    pod = {"POD_NAME": "shop-0", "DRAIN_SECONDS": "0"}
    program = start("-m", "app.datastore", DATA_DIR=str(root), **pod)
    eventually(lambda: program.get("/readyz", program.http_port).status_code == 200)
    return program


@pytest.mark.parametrize("key", ["a", "Grüezi \U0001f9c0", "..", "x" * 240])
def test_a_value_is_put_read_and_deleted(client: TestClient, key: str) -> None:
    path = "/keys/" + key.replace(".", "%2E")
    assert client.get(path).status_code == 404
    assert client.put(path, content=b"old").status_code == 204
    assert client.put(path, content=b"\0new").status_code == 204
    assert client.get(path).content == b"\0new"
    assert REGISTRY.get_sample_value("datastore_keys") == 1
    for _ in range(2):
        assert client.delete(path).status_code == 204
    assert client.get(path).status_code == 404
    assert REGISTRY.get_sample_value("datastore_keys") == 0


def test_what_is_too_long_is_refused(client: TestClient, tmp_path: Path) -> None:
    assert client.put("/keys/" + "é" * 41, content=b"").status_code == 414
    assert client.put("/keys/a", content=bytes(MAX_VALUE_BYTES + 1)).status_code == 413
    assert [path.name for path in tmp_path.iterdir()] == ["values"]
    assert not list((tmp_path / "values").iterdir())


def test_a_large_value_is_read_as_it_was_put(client: TestClient) -> None:
    value = bytes(range(256)) * (MAX_VALUE_BYTES // 256)
    assert client.put("/keys/a", content=value).status_code == 204

    answer = client.get("/keys/a")
    assert answer.headers["Content-Length"] == str(MAX_VALUE_BYTES)
    assert answer.content == value
    assert client.head("/keys/a").content == b""


def test_after_a_kill_every_acknowledged_write_is_there_and_a_torn_one_is_not(
    start: Start, tmp_path: Path
) -> None:
    program = start_store(start, tmp_path)
    base, acknowledged = f"http://127.0.0.1:{program.http_port}/keys/", 0
    with httpx2.Client(trust_env=False) as client, suppress(httpx2.TransportError):
        while client.put(f"{base}{acknowledged}", content=b"x" * 1000).status_code == 204:
            acknowledged += 1
            if acknowledged == 50:
                program.process.kill()
    (tmp_path / "draft").write_bytes(b"torn")

    program = start_store(start, tmp_path)

    assert acknowledged >= 50
    base = f"http://127.0.0.1:{program.http_port}/keys/"
    with httpx2.Client(trust_env=False) as client:
        for number in range(acknowledged):
            assert client.get(f"{base}{number}").content == b"x" * 1000
    assert [path.name for path in tmp_path.iterdir()] == ["values"]
    program.process.terminate()
    code, events, stderr = program.wait()
    assert (code, stderr) == (0, "")
    recovered = next(event for event in events if event["message"] == "recovered")
    assert recovered["keys"] in (acknowledged, acknowledged + 1)


def test_it_is_ready_when_it_has_recovered(client: TestClient) -> None:
    assert client.get("/readyz").status_code == 503
    assert client.get("/healthz").status_code == 200
    client.app.state.store.recover()  # type: ignore[attr-defined]
    assert client.get("/readyz").status_code == 200


def test_each_key_belongs_to_one_pod_and_the_others_name_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REPLICAS", "3")
    monkeypatch.setenv("PEERS_SERVICE", "shop-peers")
    clients, owners = [], set()
    for name in ("shop-0", "shop-1", "shop-2"):
        monkeypatch.setenv("POD_NAME", name)
        clients.append(client_of(tmp_path / name, load(DatastoreSettings)))
    for key in "abcdefgh":
        answers = [client.put(f"/keys/{key}", content=b"value") for client in clients]
        owner = next(n for n, answer in enumerate(answers) if answer.status_code == 204)
        others = [answer for answer in answers if answer.status_code == 421]
        assert [answer.json() for answer in others] == [{"owner": f"shop-{owner}.shop-peers"}] * 2
        owners.add(owner)

    assert owners == {0, 1, 2}
    assert clients[2].get("/").json()["shard"] == {"ordinal": 2, "replicas": 3}


@pytest.mark.parametrize(
    ("key", "value", "allowed"),
    [
        ("REPLICAS", "1", "the number of replicas, more than this pod's ordinal 1"),
        ("PEERS_SERVICE", "", "the name of the headless Service, as REPLICAS is above 1"),
        ("DATA_DIR", "/dev/null", "a directory that this user may write to"),
    ],
)
def test_a_bad_setting_ends_the_program(start: Start, key: str, value: str, allowed: str) -> None:
    good = {"REPLICAS": "2", "PEERS_SERVICE": "peers"}
    code, events, stderr = start("-m", "app.datastore", **good | {key: value}).wait()

    assert (code, events) == (2, [])
    assert stderr == f"settings: {key} is not allowed, use {allowed}\n"
