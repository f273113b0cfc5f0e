"""Puts texts that a guardrail has masked back in their places in a request's body."""

import json
from collections.abc import Mapping
from typing import Any

from inference_proxy.content import Content


def masked(body: bytes, masks: Mapping[str, str]) -> bytes | None:
    """The body with these texts replaced; None where one of them stands encoded, and so cannot be taken out.

    JSON is written anew, so its spelling may change; anything else is one text. What nests too deep to be written is
    None, too.
    """
    if not any(original != mask for original, mask in masks.items()):
        return body
    try:
        changed = _changed(body, masks)
    except (UnicodeEncodeError, RecursionError):
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
        return {masks.get(name, name): _replaced(member, masks) for name, member in value.items()}
    return value
