"""The ports that a program listens on."""

import errno
import os
import socket
from ipaddress import IPv4Address, IPv6Address


def bind(address: IPv4Address | IPv6Address, port: int) -> socket.socket:
    """Listen on a port, or end the program with one line.

    `::` serves IPv4 and IPv6 by one socket, so that a sidecar finds it under 127.0.0.1 and ::1. On
    a node without IPv6 it serves IPv4.
    """
    try:
        if address.version == 4:
            return socket.create_server((str(address), port))
        both = address.is_unspecified and socket.has_dualstack_ipv6()
        try:
            return socket.create_server(
                (str(address), port), family=socket.AF_INET6, dualstack_ipv6=both
            )
        except OSError as error:
            if not address.is_unspecified or error.errno == errno.EADDRINUSE:
                raise
            return socket.create_server(("", port))
    except OSError as error:
        reason = os.strerror(error.errno or 0)
        raise SystemExit(f"cannot listen on {address}, port {port}: {reason}") from error
