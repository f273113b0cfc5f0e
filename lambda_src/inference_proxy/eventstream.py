"""Frames of ``application/vnd.amazon.eventstream``, fed as they come ("Amazon Event Stream Specification" of Smithy).

A frame is: total length, headers' length, CRC-32 of those eight bytes; headers; payload; CRC-32 of everything before.
"""

import struct
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

MEDIA_TYPE = "application/vnd.amazon.eventstream"
_PRELUDE = struct.Struct(">III")
_CRC = struct.Struct(">I")
_MOST_BYTES = 25_165_824  # 24 MB, the specification's limit of a frame
_STRING = 7  # the type of header values that Bedrock sends; the others are skipped by their sizes
_SIZES = {0: 0, 1: 0, 2: 1, 3: 2, 4: 4, 5: 8, 8: 8, 9: 16}
_VARIABLE_SIZE = (6, _STRING)


class EventStreamError(Exception):
    """Bytes that are not frames, or not the frames that were sent."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One message: its headers of type string, and its payload."""

    headers: Mapping[str, str]
    payload: bytes


class EventStreamDecoder:
    """Turns bytes into frames."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    @property
    def between_frames(self) -> bool:
        """Whether everything that was fed has come out; a stream that ends elsewhere is truncated."""
        return not self._buffer

    def feed(self, data: bytes) -> Iterator[Frame]:
        """The frames that are complete with these bytes; raises EventStreamError for a broken one.

        A generator: the bytes are taken in when it is iterated.
        """
        self._buffer += data
        start = 0
        try:
            while len(self._buffer) - start >= _PRELUDE.size:
                total_bytes, headers_bytes, crc = _PRELUDE.unpack_from(self._buffer, start)
                if zlib.crc32(self._buffer[start : start + 8]) != crc:
                    raise EventStreamError("the checksum of a frame's prelude is wrong")
                if not _PRELUDE.size + headers_bytes + _CRC.size <= total_bytes <= _MOST_BYTES:
                    raise EventStreamError("a frame's lengths make no sense")
                if len(self._buffer) - start < total_bytes:
                    return
                yield _frame(bytes(self._buffer[start : start + total_bytes]), headers_bytes)
                start += total_bytes
        finally:
            del self._buffer[:start]


def _frame(data: bytes, headers_bytes: int) -> Frame:
    body_end = len(data) - _CRC.size
    if zlib.crc32(data[:body_end]) != _CRC.unpack_from(data, body_end)[0]:
        raise EventStreamError("the checksum of a frame is wrong")
    headers_end = _PRELUDE.size + headers_bytes
    try:
        headers = dict(_headers(data[_PRELUDE.size : headers_end]))
    except (struct.error, IndexError, KeyError, UnicodeDecodeError):
        raise EventStreamError("the headers of a frame are broken") from None
    return Frame(headers, data[headers_end:body_end])


def _headers(data: bytes) -> Iterator[tuple[str, str]]:
    position = 0
    while position < len(data):
        name_end = position + 1 + data[position]
        name = data[position + 1 : name_end].decode()
        kind = data[name_end]
        position = name_end + 1
        if kind in _VARIABLE_SIZE:
            size = struct.unpack_from(">H", data, position)[0]
            position += 2
        else:
            size = _SIZES[kind]
        if position + size > len(data):
            raise IndexError("a header is longer than all of them")
        if kind == _STRING:
            yield name, data[position : position + size].decode()
        position += size
