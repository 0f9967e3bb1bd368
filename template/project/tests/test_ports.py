import errno
import socket
from ipaddress import ip_address
from typing import Any

import pytest

from app.ports import bind


def has_ipv6() -> bool:
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6):
            return True
    except OSError:
        return False


def reaches(host: str, listener: socket.socket) -> bool:
    try:
        with socket.create_connection((host, listener.getsockname()[1]), timeout=5):
            return True
    except OSError:
        return False


@pytest.mark.parametrize(
    ("address", "reached"),
    [
        ("127.0.0.1", {"127.0.0.1"}),
        ("0.0.0.0", {"127.0.0.1"}),  # noqa: S104 (what is tested)
        ("::", {"127.0.0.1", "::1"} if has_ipv6() else {"127.0.0.1"}),
    ],
)
def test_an_address_is_served_in_its_families(address: str, reached: set[str]) -> None:
    with bind(ip_address(address), 0) as listener:
        assert {host for host in ("127.0.0.1", "::1") if reaches(host, listener)} == reached


@pytest.mark.parametrize("trouble", [errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL])
def test_all_addresses_are_those_of_ipv4_where_ipv6_is_off(
    trouble: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    create = socket.create_server

    def without_ipv6(address: Any, *, family: int = socket.AF_INET, **more: Any) -> socket.socket:
        if family == socket.AF_INET6:
            raise OSError(trouble, "IPv6 is off")
        return create(address, family=family, **more)

    monkeypatch.setattr(socket, "create_server", without_ipv6)
    with bind(ip_address("::"), 0) as listener:
        assert reaches("127.0.0.1", listener)


@pytest.mark.parametrize("address", ["127.0.0.1", "::"])
def test_a_port_that_is_taken_ends_the_program_with_one_line(address: str) -> None:
    with bind(ip_address(address), 0) as listener:
        port = listener.getsockname()[1]
        with pytest.raises(SystemExit) as ended:
            bind(ip_address(address), port)

    assert ended.value.code == f"cannot listen on {address}, port {port}: Address already in use"
