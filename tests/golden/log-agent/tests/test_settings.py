import pytest

from app.settings import Settings, load

Captured = pytest.CaptureFixture[str]


def test_a_known_key_is_read_and_an_unknown_key_is_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOG_LEVEL", "WARNING")
    monkeypatch.setenv("log_level", "another key")
    monkeypatch.setenv("FEATURES", '["a"]')

    assert load(Settings).log_level == "warning"


@pytest.mark.parametrize(
    ("key", "value", "allowed"),
    [
        ("LOG_LEVEL", "loud\n", "debug, info, warning or error"),
        ("METRICS_PORT", "70000", "a port from 1 to 65535"),
        ("GRACE_SECONDS", "soon", "whole seconds from 0 to 3600"),
        ("BIND_ADDRESS", "localhost", "an IP address, 0.0.0.0 or :: for all"),
    ],
)
def test_a_bad_value_ends_the_program_with_one_line(
    key: str, value: str, allowed: str, monkeypatch: pytest.MonkeyPatch, capfd: Captured
) -> None:
    monkeypatch.setenv(key, value)

    with pytest.raises(SystemExit, match="2"):
        load(Settings)

    assert capfd.readouterr().err == f"settings: {key}={value!r} is not allowed, use {allowed}\n"
