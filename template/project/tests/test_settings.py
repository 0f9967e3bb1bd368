from datetime import timedelta
from enum import Enum
from typing import Annotated, Any, Literal, Self
from uuid import UUID

import pytest
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    Field,
    FilePath,
    HttpUrl,
    Json,
    PostgresDsn,
    SecretStr,
    create_model,
    model_validator,
)

from app.settings import Settings, load, refuse

Captured = pytest.CaptureFixture[str]

HIDDEN = "s3cr3t"


class Colour(Enum):
    RED = "red"


class Nested(BaseModel):
    number: int


class Together(Settings):
    word: str = ""

    @model_validator(mode="after")
    def _never(self) -> Self:
        raise ValueError(f"no {self.word}")


def _refuse_it(value: str) -> str:
    raise ValueError(f"no {value}")


def _break_on_it(value: str) -> str:
    raise KeyError(value)


def refusal(kind: type[Settings], capfd: Captured) -> str:
    with pytest.raises(SystemExit, match="2"):
        load(kind)
    return capfd.readouterr().err


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

    assert refusal(Settings, capfd) == f"settings: {key} is not allowed, use {allowed}\n"


@pytest.mark.parametrize("value", [HIDDEN, f'{{"{HIDDEN}": "{HIDDEN}"}}', f'["{HIDDEN}"]'])
@pytest.mark.parametrize(
    ("kind", "what"),
    [
        (Annotated[SecretStr, Field(min_length=99)], "too short"),
        (Annotated[SecretStr, Field(min_length=99, description="a token")], "a token"),
        (Annotated[str, Field(pattern="^a")], "string pattern mismatch"),
        (Annotated[str, AfterValidator(_refuse_it)], "value error"),
        (Annotated[str, BeforeValidator(_break_on_it)], "KeyError in _break_on_it, line "),
        (Literal["a", "b"], "literal error"),
        (Colour, "enum"),
        (int, "int parsing"),
        (bool | None, "bool parsing"),
        (timedelta, "time delta parsing"),
        (UUID, "uuid parsing"),
        (FilePath, "path not file"),
        (HttpUrl, "url parsing"),
        (PostgresDsn, "url parsing"),
        (list[int], ""),
        (dict[str, int], ""),
        (Nested, ""),
        (Json[int], ""),
    ],
)
def test_no_part_of_a_value_is_shown(
    kind: Any, what: str, value: str, monkeypatch: pytest.MonkeyPatch, capfd: Captured
) -> None:
    monkeypatch.setenv("TOKEN", value)

    line = refusal(create_model("Own", __base__=Settings, token=(kind, ...)), capfd)

    assert line.count("\n") == 1
    assert line.startswith(("settings: TOKEN ", "settings: Own cannot be read: KeyError"))
    assert what in line
    assert HIDDEN not in line


def test_a_value_is_not_shown_by_whoever_judges_all_of_them(
    monkeypatch: pytest.MonkeyPatch, capfd: Captured
) -> None:
    monkeypatch.setenv("WORD", HIDDEN)

    assert refusal(Together, capfd) == "settings: Together cannot be read: value error\n"


def test_a_key_that_is_not_set_is_named(capfd: Captured) -> None:
    own = create_model("Own", __base__=Settings, token=(SecretStr, ...))

    line = "settings: TOKEN is not set, and Own has no default for it\n"
    assert refusal(own, capfd) == line


@pytest.mark.parametrize("before", [(), (HIDDEN,)], ids=["now", "earlier"])
def test_a_refusal_names_the_key_and_what_is_allowed(
    before: tuple[str, ...], capfd: Captured
) -> None:
    with pytest.raises(SystemExit, match="2"):
        refuse("TOKEN", *before, "a token")

    assert capfd.readouterr().err == "settings: TOKEN is not allowed, use a token\n"
