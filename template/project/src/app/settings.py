"""Settings, read from the environment: the ConfigMap's keys and the pod's identity."""

import os
import sys
from ipaddress import IPv4Address
from typing import Annotated, Literal, NoReturn, TypeVar

from pydantic import BeforeValidator, Field, IPvAnyAddress, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

LogLevel = Annotated[
    Literal["debug", "info", "warning", "error"],
    BeforeValidator(str.lower),
    Field(description="debug, info, warning or error"),
]
Address = Annotated[IPvAnyAddress, Field(description="an IP address, 0.0.0.0 or :: for all")]
Port = Annotated[int, Field(ge=1, le=65535, description="a port from 1 to 65535")]
Seconds = Annotated[int, Field(ge=0, le=3600, description="whole seconds from 0 to 3600")]
Count = Annotated[int, Field(ge=1, le=3600, description="a whole number from 1 to 3600")]


class Settings(BaseSettings):
    """What every program reads: the field `log_level` is the key `LOG_LEVEL`, and so on."""

    # Other keys of the environment are no concern of ours, so they are ignored.
    model_config = SettingsConfigDict(
        alias_generator=str.upper,
        case_sensitive=True,
        validate_by_name=True,
        extra="ignore",
        frozen=True,
    )

    log_level: LogLevel = "info"
    bind_address: Address = IPv4Address("0.0.0.0")  # noqa: S104 (the pod's network decides)
    metrics_port: Port = 9090
    # With the preStop sleep and the drain, less than terminationGracePeriodSeconds.
    grace_seconds: Seconds = 20
    pod_name: str = "local"
    pod_namespace: str = "local"
    node_name: str = "local"


S = TypeVar("S", bound=Settings)


def load(kind: type[S]) -> S:
    """Read the settings, or end the program with one line that says which value to change."""
    try:
        return kind()
    except ValidationError as error:
        first = error.errors()[0]
        key = str(first["loc"][0])
        field = kind.model_fields.get(key.lower())
        refuse(key, os.environ.get(key), (field and field.description) or first["msg"])


def refuse(key: str, value: object, allowed: str) -> NoReturn:
    sys.stderr.write(f"settings: {key}={value!r} is not allowed, use {allowed}\n")
    raise SystemExit(2)
