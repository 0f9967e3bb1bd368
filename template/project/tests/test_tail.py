from pathlib import Path

import pytest
from prometheus_client import REGISTRY

from app.tail import Tail, source_of

START = "2026-01-02T03:04:05.678901234Z"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "0.log"


def texts(tail: Tail) -> list[str]:
    return [text for _, _, text in tail.messages()]


def write(path: Path, *lines: str) -> None:
    with path.open("a") as file:
        file.writelines(f"{START} {line}\n" for line in lines)


def test_a_file_is_of_the_container_that_its_path_names() -> None:
    uid = "0b1c2d3e-0000-4000-8000-000000000000"
    source = source_of(Path(f"/var/log/pods/shop_web-1_{uid}/main/0.log"))

    assert source == {"namespace": "shop", "pod": "web-1", "container": "main"}


def test_the_parts_of_a_long_line_are_joined_within_their_stream(path: Path) -> None:
    write(path, "stdout P in ", "stderr F other", "stdout P two", "stdout F  parts")
    with path.open("rb") as file:
        assert list(Tail(file, {}).messages()) == [
            (START, "stderr", "other"),
            (START, "stdout", "in two parts"),
        ]


def test_a_line_is_read_when_it_is_complete(path: Path) -> None:
    path.write_text(f"{START} stdout F ha")
    with path.open("rb") as file:
        tail = Tail(file, {})
        assert texts(tail) == []
        with path.open("a") as more:
            more.write("lf\n")
        assert texts(tail) == ["half"]
        assert tail.drained


def test_what_no_container_runtime_writes_is_counted(path: Path) -> None:
    before = REGISTRY.get_sample_value("log_malformed_lines_total") or 0
    write(path, "no stream", "stdout X no tag", "")
    with path.open("rb") as file:
        assert texts(Tail(file, {})) == []
    assert REGISTRY.get_sample_value("log_malformed_lines_total") == before + 3


def test_a_turn_ends_so_that_others_have_theirs(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.tail.LINES_A_TURN", 2)
    write(path, "stdout F 1", "stdout F 2", "stdout F 3")
    with path.open("rb") as file:
        tail = Tail(file, {})
        assert (texts(tail), tail.drained) == (["1", "2"], False)
        assert (texts(tail), tail.drained) == (["3"], True)
