"""Which answers are believed, and what is noted of them."""

import base64
import json
import struct
import zlib

import pytest

from inference_proxy.eventstream import MEDIA_TYPE
from inference_proxy.inspection import inspect, note_headers
from inference_proxy.models import Outcome, UpstreamAnswer
from inference_proxy.upstream_errors import UpstreamProtocolError

SENT = "text/event-stream"
JSON = "application/json"
EITHER = f"{JSON}, {SENT}"
PROMPT = "the prompt: XP-CANARY words"


def frame(kind: str, document: object, message_type: str = "event") -> bytes:
    named = {":event-type": kind} if message_type == "event" else {":exception-type": kind, ":error-code": kind}
    headers = b"".join(
        bytes([len(name)]) + name.encode() + b"\7" + struct.pack(">H", len(value)) + value.encode()
        for name, value in {**named, ":message-type": message_type}.items()
    )
    payload = json.dumps(document).encode()
    prelude = struct.pack(">II", 16 + len(headers) + len(payload), len(headers))
    message = prelude + struct.pack(">I", zlib.crc32(prelude)) + headers + payload
    return message + struct.pack(">I", zlib.crc32(message))


def chunk(document: object) -> bytes:
    return frame("chunk", {"bytes": base64.b64encode(json.dumps(document).encode()).decode()})


def sent(*documents: object) -> bytes:
    return b"".join(b"data: %b\n\n" % json.dumps(document).encode() for document in documents)


def looked_at(body: bytes, media_type: str, acceptable: str, status: int = 200, **headers: str) -> Outcome:
    outcome = Outcome()
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    answer = UpstreamAnswer(status, {"content-type": media_type, **given}, body)
    note_headers(answer, outcome)
    inspect(answer, acceptable, outcome)
    return outcome


START = {"type": "message_start", "message": {"usage": {"input_tokens": 7, "output_tokens": 1}}}
DELTA = {"type": "content_block_delta", "delta": {"text": "a"}}
END = {"type": "message_delta", "usage": {"output_tokens": 9, "cache_read_input_tokens": 2}}


@pytest.mark.parametrize(
    ("body", "media_type", "acceptable"),
    [
        (sent(START, DELTA), SENT, EITHER),
        (sent({"choices": [{"delta": {}, "finish_reason": None}]}), SENT, EITHER),
        (sent({"type": "response.output_text.delta", "delta": "a"}), SENT, EITHER),
        (b"", SENT, EITHER),
        (b"<html>", SENT, EITHER),
        (b": a comment\n\n", SENT, EITHER),
        (frame("messageStart", {}) + frame("contentBlockDelta", {}), MEDIA_TYPE, MEDIA_TYPE),
        (frame("messageStop", {})[:-2], MEDIA_TYPE, MEDIA_TYPE),
        (b"", MEDIA_TYPE, MEDIA_TYPE),
        (frame("chunk", {"bytes": "!"}), MEDIA_TYPE, MEDIA_TYPE),
        (b"{}", JSON, MEDIA_TYPE),
        (b'{"a": ', JSON, JSON),
        (b"<html>", "text/html", "*/*"),
        (b"png", "image/png", JSON),
    ],
)
def test_what_only_looks_like_a_success_is_refused(body: bytes, media_type: str, acceptable: str) -> None:
    with pytest.raises(UpstreamProtocolError):
        looked_at(body, media_type, acceptable)


@pytest.mark.parametrize(
    ("body", "media_type", "tokens"),
    [
        (sent(START, DELTA, END, {"type": "message_stop"}), SENT, (7, 9, 2)),
        (sent(START, END, {"type": "message_stop"}).replace(b"\n", b"\r\n"), SENT, (7, 9, 2)),
        (
            b"event: message_start\ndata: {\ndata:  %b\n\n" % json.dumps(START).encode()[1:]
            + sent(END)
            + b'data: {"type":"message_stop"}',
            SENT,
            (7, 9, 2),
        ),
        (
            sent({"choices": [], "usage": {"prompt_tokens": 7, "completion_tokens": 9}}) + b"data: [DONE]\n\n",
            SENT,
            (7, 9, None),
        ),
        (
            sent(
                {
                    "type": "response.completed",
                    "response": {
                        "error": None,
                        "usage": {
                            "input_tokens": 7,
                            "output_tokens": 9,
                            "input_tokens_details": {"cached_tokens": 2},
                        },
                    },
                }
            ),
            SENT,
            (5, 9, 2),
        ),
        (
            frame("messageStart", {})
            + frame("messageStop", {})
            + frame("metadata", {"usage": {"inputTokens": 7, "outputTokens": 9, "cacheReadInputTokens": 2}}),
            MEDIA_TYPE,
            (7, 9, 2),
        ),
        (
            chunk({"a": 1})
            + chunk(
                {
                    "amazon-bedrock-invocationMetrics": {
                        "inputTokenCount": 7,
                        "outputTokenCount": 9,
                        "cacheReadInputTokenCount": 2,
                    }
                }
            ),
            MEDIA_TYPE,
            (7, 9, 2),
        ),
        (json.dumps({"usage": {"inputTokens": 7, "outputTokens": 9}}).encode(), JSON, (7, 9, None)),
        (b'{"usage": {"inputTokens": 7, "outputTokens": %b}}' % (b"9" * 5000), JSON, (7, None, None)),
        (b'{"inputTokens": 7}', JSON, (None, None, None)),  # CountTokens: nothing was used
    ],
)
def test_tokens_are_counted_wherever_they_are(body: bytes, media_type: str, tokens: tuple[int | None, ...]) -> None:
    outcome = looked_at(body, media_type, MEDIA_TYPE if media_type == MEDIA_TYPE else EITHER)
    assert (outcome.input_tokens, outcome.output_tokens, outcome.cache_read_input_tokens) == tokens
    assert outcome.success


def openai_usage(family: str, tokens: int, **details: int) -> dict[str, object]:
    return {f"{family}_tokens": tokens, f"{family}_tokens_details": details}


CACHED = openai_usage("prompt", 1000, cached_tokens=900, cache_write_tokens=60)


@pytest.mark.parametrize(
    ("body", "media_type", "tokens"),
    [
        (json.dumps({"usage": openai_usage("prompt", 1000, cached_tokens=900)}).encode(), JSON, (100, 900, None)),
        (json.dumps({"usage": openai_usage("input", 1000, cached_tokens=900)}).encode(), JSON, (100, 900, None)),
        (json.dumps({"usage": openai_usage("prompt", 1000, cached_tokens=0)}).encode(), JSON, (1000, 0, None)),
        (json.dumps({"usage": openai_usage("prompt", 9, cached_tokens=10)}).encode(), JSON, (0, 10, None)),
        (json.dumps({"usage": {"prompt_tokens": 1000, "cached_tokens": 900}}).encode(), JSON, (100, 900, None)),
        (json.dumps({"usage": {"prompt_tokens_details": {"cached_tokens": 9}}}).encode(), JSON, (None, 9, None)),
        (json.dumps({"usage": CACHED}).encode(), JSON, (40, 900, 60)),
        # With usage in every chunk, the last one without details.
        (
            sent({"usage": CACHED}, {"choices": [], "usage": {"prompt_tokens": 1000}}) + b"data: [DONE]\n\n",
            SENT,
            (40, 900, 60),
        ),
        # The same count once more, by Bedrock; and one of Bedrock's without the cache.
        (
            chunk({"usage": CACHED, "amazon-bedrock-invocationMetrics": {"inputTokenCount": 1000}}),
            MEDIA_TYPE,
            (40, 900, 60),
        ),
        (
            chunk({"usage": CACHED, "amazon-bedrock-invocationMetrics": {"inputTokenCount": 40}}),
            MEDIA_TYPE,
            (40, 900, 60),
        ),
        # Anthropic's counts are apart from each other as they come.
        (
            json.dumps(
                {
                    "usage": {
                        "input_tokens": 100,
                        "cache_read_input_tokens": 900,
                        "cache_creation_input_tokens": 60,
                    }
                }
            ).encode(),
            JSON,
            (100, 900, 60),
        ),
    ],
)
def test_input_tokens_are_those_that_no_cache_had_to_do_with(
    body: bytes, media_type: str, tokens: tuple[int | None, ...]
) -> None:
    """OpenAI's counts of the prompt have those of the cache within them."""
    outcome = looked_at(body, media_type, MEDIA_TYPE if media_type == MEDIA_TYPE else EITHER)
    found = (outcome.input_tokens, outcome.cache_read_input_tokens, outcome.cache_write_input_tokens)
    assert found == tokens


@pytest.mark.parametrize(("said", "tokens"), [("1000", 40), ("40", 40), ("7", 7)])
def test_a_header_that_says_the_same_as_openais_count_has_the_cache_within_it(said: str, tokens: int) -> None:
    body = json.dumps({"usage": CACHED}).encode()
    assert looked_at(body, JSON, JSON, x_amzn_bedrock_input_token_count=said).input_tokens == tokens


def test_a_header_counts_more_than_the_body() -> None:
    body = json.dumps({"usage": {"inputTokens": 1}}).encode()
    outcome = looked_at(body, JSON, JSON, x_amzn_bedrock_input_token_count="7")
    assert outcome.input_tokens == 7
    for senseless in ("-1", "7.0", "\u0667", "9" * 5000):
        assert looked_at(b"{}", JSON, JSON, x_amzn_bedrock_input_token_count=senseless).input_tokens is None


@pytest.mark.parametrize(
    ("body", "media_type", "name"),
    [
        (frame("modelStreamErrorException", {}, "exception"), MEDIA_TYPE, "ModelStreamErrorException"),
        (frame(PROMPT, {}, "exception"), MEDIA_TYPE, "exception"),
        (frame("throttled", {}, "error"), MEDIA_TYPE, "throttled"),
        (frame(PROMPT, {}, "error"), MEDIA_TYPE, "error"),
        (
            sent(START, {"type": "error", "error": {"type": "overloaded_error", "message": PROMPT}}),
            SENT,
            "overloaded_error",
        ),
        (sent({"error": {"message": PROMPT, "code": 500}}), SENT, "error"),
        (sent({"error": {"message": "m", "code": PROMPT, "type": PROMPT}}), SENT, "error"),
        (sent({"type": "response.failed", "response": {"error": {"code": "server_error"}}}), SENT, "server_error"),
        (json.dumps({"status": "failed", "error": {"code": "server_error"}}).encode(), JSON, "server_error"),
    ],
)
def test_a_failure_within_an_answer_is_no_success(body: bytes, media_type: str, name: str) -> None:
    outcome = looked_at(body, media_type, MEDIA_TYPE if media_type == MEDIA_TYPE else EITHER)
    assert (outcome.state, outcome.status_code, outcome.error_code) == ("COMPLETED", 200, name)
    assert not outcome.success


@pytest.mark.parametrize(
    ("headers", "body", "name"),
    [
        ({"x_amzn_errortype": "ns#ThrottlingException:http://x"}, b"{}", "ThrottlingException"),
        ({"x_amzn_errortype": PROMPT}, b"{}", "Http429"),
        ({}, b'{"error": {"type": "rate_limit_error"}}', "rate_limit_error"),
        ({}, json.dumps({"error": {"type": PROMPT}}).encode(), "error"),
        ({}, b"<html>", "Http429"),
    ],
)
def test_an_errors_name_is_a_name(headers: dict[str, str], body: bytes, name: str) -> None:
    assert looked_at(body, JSON, JSON, 429, **headers).error_code == name
