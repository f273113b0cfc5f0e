"""Puts texts that a guardrail has masked back in their places in a request's body."""

import json
from collections.abc import Mapping
from typing import Any

from inference_proxy.content import Content


class _NamesCollideError(Exception):
    """Two names of an object are masked alike, and one of their values would be lost."""


def masked(body: bytes, masks: Mapping[str, str]) -> bytes | None:
    """The body with these texts replaced; None where one of them stands encoded, and so cannot be taken out.

    JSON is written anew, so its spelling may change; anything else is one text. What nests too deep to be written is
    None, too, and so is an object of which two members would get one name.
    """
    if not any(original != mask for original, mask in masks.items()):
        return body
    try:
        changed = _changed(body, masks)
    except (UnicodeEncodeError, RecursionError, _NamesCollideError):
        return None
    if changed is None or any(masks.get(text, text) != text for text in Content(changed).texts()):
        return None
    return changed


def _changed(body: bytes, masks: Mapping[str, str]) -> bytes | None:
    try:
        document = json.loads(body)
    except ValueError:
        return masks.get(body.decode(errors="replace"), "").encode() or None
    document = _replaced(document, masks)
    try:
        return json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode()
    except UnicodeEncodeError:  # half a character, as clients cut it off: only an escape can spell it
        return json.dumps(document, separators=(",", ":")).encode()


def _replaced(value: Any, masks: Mapping[str, str]) -> Any:
    if isinstance(value, str):
        return masks.get(value, value)
    if isinstance(value, list):
        return [_replaced(item, masks) for item in value]
    if isinstance(value, dict):
        replaced = {masks.get(name, name): _replaced(member, masks) for name, member in value.items()}
        if len(replaced) < len(value):
            raise _NamesCollideError
        return replaced
    return value
