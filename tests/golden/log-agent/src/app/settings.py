"""Settings, read from the environment: the ConfigMap's keys and the pod's identity."""

import os
import sys
from ipaddress import IPv4Address
from typing import Annotated, Literal, NoReturn, TypeVar

from pydantic import BeforeValidator, Field, IPvAnyAddress, ValidationError
from pydantic_settings import BaseSettings

LogLevel = Annotated[
    Literal["debug", "info", "warning", "error"],
    BeforeValidator(str.lower),
    Field(description="debug, info, warning or error"),
]
Address = Annotated[IPvAnyAddress, Field(description="an IP address, 0.0.0.0 or :: for all")]
Port = Annotated[int, Field(ge=1, le=65535, description="a port from 1 to 65535")]
Seconds = Annotated[int, Field(ge=0, le=3600, description="whole seconds from 0 to 3600")]
Positive = Annotated[int, Field(ge=1, le=3600, description="a whole number from 1 to 3600")]


class Settings(BaseSettings):
    """What every program reads: the field `log_level` is the key `LOG_LEVEL`, and so on."""

    # People add keys for their own code to the ConfigMap, so an unknown key is no error.
    model_config = {"alias_generator": str.upper, "case_sensitive": True, "extra": "ignore"}

    log_level: LogLevel = "info"
    bind_address: Address = IPv4Address("0.0.0.0")  # noqa: S104 (the NetworkPolicy guards the pod)
    metrics_port: Port = 9090
    # Together with the preStop sleep and the drain, less than terminationGracePeriodSeconds.
    grace_seconds: Seconds = 20
    pod_name: str = "local"
    pod_namespace: str = "local"
    node_name: str = "local"

    @property
    def pod(self) -> dict[str, str]:
        return {"name": self.pod_name, "namespace": self.pod_namespace, "node": self.node_name}


S = TypeVar("S", bound=Settings)


def load(kind: type[S]) -> S:
    try:
        return kind()
    except ValidationError as error:
        problem = error.errors()[0]
        key = ".".join(map(str, problem["loc"]))
        field = kind.model_fields.get(key.lower())
        refuse(key, os.environ.get(key), (field and field.description) or problem["msg"])


def refuse(key: str, value: object, allowed: str) -> NoReturn:
    """End the program with the one line that says what to change."""
    sys.stderr.write(f"settings: {key}={value!r} is not allowed, use {allowed}\n")
    raise SystemExit(2)
