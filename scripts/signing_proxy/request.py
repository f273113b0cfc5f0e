"""What a client of the signing proxy asks: whether it may, and its path, headers and body as the API gets them.

The proxy lends its user's credentials to whoever reaches it. So it answers programs on this machine only, and no
foreign web page: it names a foreign Origin, and one that came by DNS rebinding a foreign Host.
"""

import hmac
import re
from collections.abc import Callable
from email.message import Message
from io import BufferedIOBase
from urllib.parse import unquote, urlsplit

from signing_proxy.errors import RelayError
from signing_proxy.target import is_loopback

MAX_BODY_BYTES = 10_000_000  # "Quotas for configuring and running a REST API in API Gateway"
_MAX_LINE_BYTES = 8192
_CHUNK_SIZE = re.compile(rb"([0-9a-fA-F]{1,8})[ \t]*(?:;.*)?\r?\n")
_TARGET = re.compile(r"/[!-\"$-~]*")  # every visible ASCII character but "#"
HOP_BY_HOP = frozenset(
    {"connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "proxy-connection"}
    | {"te", "trailer", "transfer-encoding", "upgrade"}
)
# Credentials of the client's own, and what belongs to its request to the proxy or to a signature that is replaced.
_NOT_FORWARDED = HOP_BY_HOP | {
    *("api-key", "authorization", "cookie", "x-api-key"),
    *("content-length", "date", "expect", "host"),
}


def check_client(headers: Message, key: str | None) -> None:
    """Raise a RelayError unless the request comes from a program of this machine, with the key if there is one."""
    check_host(headers)
    origins = headers.get_all("Origin", [])
    # A page's images and scripts come without an Origin, but browsers say that a page asked.
    asked_by_page = not origins and headers.get("Sec-Fetch-Site", "none") not in ("none", "same-origin")
    if asked_by_page or not all(is_loopback(_hostname(origin)) for origin in origins):
        raise RelayError(403, "ForeignOrigin", "Web pages may not use the credentials of this machine's user.")
    if key and not any(hmac.compare_digest(key.encode(), given) for given in _keys(headers)):
        raise RelayError(401, "WrongKey", "Send the value of CONNECT_KEY as a bearer token or as x-api-key.")


def check_host(headers: Message) -> None:
    """Raise a RelayError unless the request was sent to this machine by a name that can only be its own."""
    hosts = headers.get_all("Host", [])
    if len(hosts) != 1 or not is_loopback(_hostname(f"//{hosts[0]}")):
        raise RelayError(403, "ForeignHost", "The Host header does not name this machine; use http://127.0.0.1.")


def target_of(request_line: str) -> str:
    """Path and query as the client spelled them, without a signature of its own in the query.

    Raises a RelayError if no signature could be right for them.
    """
    target = request_line.split()[1]
    if not _TARGET.fullmatch(target):
        raise RelayError(400, "BadPath", "A path begins with a slash and is percent-encoded.")
    path, mark, query = target.partition("?")
    # Two spellings on which signers disagree give way to their equals: ";" in a path, "+" in a query.
    path, parameters = path.replace(";", "%3B"), query.replace("+", "%20").split("&")
    # "Authentication methods" in the IAM User Guide: a presigned URL has its signature in parameters X-Amz-...
    kept = [parameter for parameter in parameters if not unquote(parameter).lower().startswith("x-amz-")]
    return path + mark + "&".join(kept) if kept else path


def forwarded(headers: Message) -> dict[str, str]:
    """The headers for the API; those that came several times are joined by commas."""
    per_connection = {name.strip().lower() for name in ",".join(headers.get_all("Connection", [])).split(",")}
    kept: dict[str, str] = {}
    for name, value in headers.items():
        name = name.lower()
        if name in _NOT_FORWARDED or name in per_connection or name.startswith("x-amz-"):
            continue
        kept[name] = f"{kept[name]}, {value}" if name in kept else value
    # API Gateway goes by it when it hands out event streams, and AWS SDKs send none.
    kept.setdefault("accept", "*/*")
    return kept


def read_body(headers: Message, stream: BufferedIOBase, expect: Callable[[], None]) -> bytes:
    """The body, by Content-Length or in chunks; raises a RelayError if it is too large or malformed.

    ``expect`` is called before the first byte is read: the client may wait to hear that its body is wanted.
    """
    lengths, encodings = headers.get_all("Content-Length", []), headers.get_all("Transfer-Encoding", [])
    if encodings:
        if lengths or [encoding.lower() for encoding in encodings] != ["chunked"]:
            raise _malformed("it has either a Content-Length or the Transfer-Encoding chunked")
        expect()
        return _read_chunks(stream)
    if len(lengths) > 1 or not all(re.fullmatch(r"[0-9]{1,18}", length) for length in lengths):
        raise _malformed("its Content-Length must be one number")
    size = _allowed(int(lengths[0])) if lengths else 0
    if size:
        expect()
    return _read_exactly(stream, size)


def _read_chunks(stream: BufferedIOBase) -> bytes:
    body = bytearray()
    while True:
        size_line = _CHUNK_SIZE.fullmatch(stream.readline(_MAX_LINE_BYTES))
        if not size_line:
            raise _malformed("a chunk begins with its size in hexadecimal digits")
        size = int(size_line[1], 16)
        if not size:
            break
        body += _read_exactly(stream, _allowed(len(body) + size) - len(body))
        if stream.readline(_MAX_LINE_BYTES) not in (b"\r\n", b"\n"):
            raise _malformed("a chunk is longer than its size")
    while stream.readline(_MAX_LINE_BYTES) not in (b"\r\n", b"\n", b""):
        pass  # trailers
    return bytes(body)


def _read_exactly(stream: BufferedIOBase, size: int) -> bytes:
    body = stream.read(size)
    if len(body) < size:
        raise ConnectionAbortedError("the client hung up in the middle of its body")
    return body


def _allowed(size: int) -> int:
    if size > MAX_BODY_BYTES:
        raise RelayError(413, "BodyTooLarge", f"API Gateway takes bodies of up to {MAX_BODY_BYTES} bytes.")
    return size


def _malformed(reason: str) -> RelayError:
    return RelayError(400, "MalformedBody", f"The body cannot be read: {reason}.")


def _hostname(url: str) -> str | None:
    try:
        return urlsplit(url).hostname
    except ValueError:
        return None


def _keys(headers: Message) -> list[bytes]:
    scheme, _, token = headers.get("Authorization", "").partition(" ")
    given = [headers.get("x-api-key", "")] + [token.strip()] * (scheme.lower() == "bearer")
    return [key.encode("latin-1", "replace") for key in given]
