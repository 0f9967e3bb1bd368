import pytest

from app.settings import Settings, load


def test_keys_of_the_environment_reach_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOG_LEVEL", "WARNING")
    monkeypatch.setenv("POD_NAME", "pod-1")

    settings = load(Settings)

    assert (settings.log_level, settings.pod_name) == ("warning", "pod-1")


def test_unknown_keys_are_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FEATURE_X", '{"any": "thing"}')
    monkeypatch.setenv("log_level", "not ours")

    assert load(Settings) == Settings()


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
    key: str,
    value: str,
    allowed: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv(key, value)

    with pytest.raises(SystemExit) as exit_:
        load(Settings)

    assert exit_.value.code == 2
    assert capsys.readouterr().err == f"settings: {key}={value!r} is not allowed, use {allowed}\n"
