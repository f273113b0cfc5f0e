"""From a host name to a connected socket, all of it within one deadline."""

import socket
import threading
from typing import Any

from inference_proxy.models import Deadline

Addresses = list[tuple[Any, ...]]  # as socket.getaddrinfo returns them


def seconds_left(deadline: Deadline) -> float:
    """Seconds until the deadline; raises TimeoutError once it has passed."""
    remaining = deadline.remaining_seconds()
    if remaining <= 0:
        raise TimeoutError
    return remaining


def resolve(host: str, port: int, deadline: Deadline) -> Addresses:
    """The addresses of a host; raises OSError.

    In a thread, because the resolver takes no timeout and may hang for half a minute.
    """
    result: list[Addresses | OSError] = []

    def look_up() -> None:
        try:
            result.append(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
        except OSError as error:
            result.append(error)
        except UnicodeError:  # a label that is too long or empty
            result.append(socket.gaierror(socket.EAI_NONAME, "not a host name"))

    thread = threading.Thread(target=look_up, daemon=True)
    thread.start()
    thread.join(seconds_left(deadline))
    if not result:
        raise TimeoutError
    if isinstance(result[0], OSError):
        raise result[0]
    return result[0]


def connect(addresses: Addresses, deadline: Deadline) -> socket.socket:
    """A connection to the first address that answers; none may use up the time of the others. Raises OSError."""
    failure: OSError = ConnectionError("no address")
    for number, (family, kind, protocol, _, address) in enumerate(addresses):
        connection = socket.socket(family, kind, protocol)
        try:
            connection.settimeout(seconds_left(deadline) / (len(addresses) - number))
            connection.connect(address)
        except OSError as error:
            connection.close()
            failure = error
            continue
        return connection
    raise failure
