import os
import resource
from pathlib import Path

import pytest
from prometheus_client import REGISTRY

from app.store import Store


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path)


@pytest.mark.parametrize("key", ["a", "Grüezi \U0001f9c0", "..", "x" * 240])
def test_a_value_is_put_read_replaced_and_deleted(store: Store, key: str) -> None:
    assert store.get(key) is None
    store.put(key, b"old")
    store.put(key, b"\0new")
    assert store.get(key) == b"\0new"
    assert store.recover() == [key]
    for _ in range(2):
        store.delete(key)
    assert store.get(key) is None
    assert REGISTRY.get_sample_value("datastore_keys") == 0


def test_a_write_is_synced_before_it_is_acknowledged(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[tuple[str, list[str]]] = []

    def fsync(descriptor: int) -> None:
        names = {path.stat().st_ino: path.name for path in tmp_path.iterdir()}
        values = [file.name for file in (tmp_path / "values").iterdir()]
        synced.append((names[os.fstat(descriptor).st_ino].partition("-")[0], values))

    monkeypatch.setattr(os, "fsync", fsync)
    store.put("a", b"value")
    store.delete("a")

    assert synced == [("draft", []), ("values", ["a.value"]), ("values", [])]


def test_a_value_is_whole_for_whoever_reads_it_while_it_is_replaced(store: Store) -> None:
    store.put("a", b"old")
    reader = store.open("a")
    assert reader
    store.put("a", b"new")
    with reader:
        assert reader.read() == b"old"


def test_drafts_do_not_meet_and_what_is_dropped_leaves_nothing(
    store: Store, tmp_path: Path
) -> None:
    first, second = store.draft(), store.draft()
    first.write(b"first")
    second.write(b"second")
    store.keep("a", first)
    for draft in (first, second):
        store.drop(draft)

    assert store.get("a") == b"first"
    assert [path.name for path in tmp_path.iterdir()] == ["values"]


def test_what_finds_no_room_leaves_nothing(store: Store, tmp_path: Path) -> None:
    store.put("a", b"old")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))
    try:
        for size in (2000, 100_000):
            with pytest.raises(OSError, match="File too large"):
                store.put("a", bytes(size))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)

    assert store.get("a") == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["values"]


def test_the_next_start_drops_what_was_cut_short(tmp_path: Path) -> None:
    Store(tmp_path).draft().close()
    (tmp_path / "draft").write_bytes(b"of an earlier version")

    assert Store(tmp_path).recover() == []
    assert [path.name for path in tmp_path.iterdir()] == ["values"]
