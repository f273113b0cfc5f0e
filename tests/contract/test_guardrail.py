"""The guardrail before egress: what it lets through, masks and blocks; and that no odd answer lets anything through."""

import base64
import hashlib
import time
from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from inference_proxy.clock import Clock
from inference_proxy.guardrail import GuardrailClient, GuardrailError, Screening, TooMuchTextError
from inference_proxy.models import Deadline
from inference_proxy.settings import AwsKeys
from inference_proxy.signing import SigV4Signer
from inference_proxy.transport import Transport
from tests.contract.faulty_aws import seconds_of
from tests.contract.scripted_guardrail import (
    ACCESS_KEY_ID,
    BLOCKED_WORD,
    MOST_CHARACTERS,
    REGION,
    REPORTED_WORD,
    SECRET_ACCESS_KEY,
    ScriptedGuardrail,
)

NUMBER = "XP-CANARY-12345"  # is masked
ARN = "arn:aws-us-gov:bedrock:us-gov-west-1:123456789012:guardrail/abc123"


class Screener:
    """A client of the scripted guardrail."""

    def __init__(self, server: ScriptedGuardrail) -> None:
        self.server = server
        self.transport = Transport()
        self.client = self.with_keys(AwsKeys(ACCESS_KEY_ID, SECRET_ACCESS_KEY))

    def with_keys(self, keys: AwsKeys) -> GuardrailClient:
        clock = Clock()
        return GuardrailClient(self.transport, self.server.url, SigV4Signer(keys, REGION, "bedrock", clock), clock)

    def screen(self, *texts: str, identifier: str = "abc123", seconds: float = 10.0) -> Screening:
        return self.client.screen(identifier, "1", texts, Deadline.after(seconds))

    def code(self, *texts: str, seconds: float = 10.0) -> str:
        """The code of the error that screening raises, which shows nothing of the texts or of the answer."""
        with pytest.raises(GuardrailError) as raised:
            self.screen(*(texts or ("XP-CANARY",)), seconds=seconds)
        assert "XP-CANARY" not in f"{raised.value!s} {raised.value!r} {raised.value.__cause__}"
        return raised.value.code


@pytest.fixture
def screener() -> Iterator[Screener]:
    with ScriptedGuardrail().running() as server:
        screener = Screener(server)
        yield screener
        screener.transport.close()
    assert server.refused == []


def intervention(*actions: Any, outputs: Sequence[object] = ()) -> dict[str, Any]:
    """An answer that intervenes, with these findings."""
    entities = [{"type": "EMAIL", "match": "XP-CANARY", "action": action} for action in actions]
    policies = {"sensitiveInformationPolicy": {"piiEntities": entities, "regexes": []}}
    return {"action": "GUARDRAIL_INTERVENED", "outputs": list(outputs), "assessments": [policies]}


def test_clean_texts_pass_unchanged_in_one_call(screener: Screener) -> None:
    screening = screener.screen("one", "two", "three")
    assert (screening.action, list(screening.texts)) == ("NONE", ["one", "two", "three"])
    assert screener.server.calls == [["one", "two", "three"]]
    assert screener.server.paths == ["/guardrail/abc123/version/1/apply"]


def test_an_arn_is_one_segment_of_the_path(screener: Screener) -> None:
    assert screener.screen("one", identifier=ARN).action == "NONE"
    assert screener.server.paths == [f"/guardrail/{ARN.replace(':', '%3A').replace('/', '%2F')}/version/1/apply"]


@pytest.mark.parametrize("texts", [(), ("",), (" \n", "\t")])
def test_without_text_nothing_is_called(screener: Screener, texts: tuple[str, ...]) -> None:
    screening = screener.screen(*texts)
    assert (screening.action, screening.texts) == ("NONE", list(texts))
    assert screener.server.calls == []


def test_masked_texts_are_in_their_places(screener: Screener) -> None:
    screening = screener.screen("one", f"my number is {NUMBER}", "", f"{NUMBER} again")
    assert (screening.action, screening.texts) == ("MASKED", ["one", "my number is {number}", "", "{number} again"])
    assert len(screener.server.calls) == 1


def test_what_is_only_reported_passes(screener: Screener) -> None:
    assert screener.screen(REPORTED_WORD).action == "NONE"
    screening = screener.screen(f"{REPORTED_WORD} {NUMBER}")
    assert (screening.action, screening.texts) == ("MASKED", [f"{REPORTED_WORD} {{number}}"])


def test_a_blocked_text_blocks_all_and_nothing_is_sent_on(screener: Screener) -> None:
    screening = screener.screen("one", f"say {BLOCKED_WORD}", NUMBER)
    assert (screening.action, screening.texts) == ("BLOCKED", [])


def test_a_screening_does_not_show_its_texts(screener: Screener) -> None:
    assert "XP-CANARY" not in repr(screener.screen("XP-CANARY"))


def test_the_time_of_all_calls_is_measured(screener: Screener) -> None:
    screener.server.faults = [503]
    begun = time.monotonic()
    screening = screener.screen("a" * 20_000, "b" * 20_000)
    assert 0 < screening.latency_ms <= seconds_of(begun) * 1000 + 1


@pytest.mark.parametrize(
    ("lengths", "calls"),
    [
        ([MOST_CHARACTERS], 1),
        ([MOST_CHARACTERS - 1000, 1000], 1),
        ([MOST_CHARACTERS - 1000, 1001], 2),
        ([1] * 26, 1),
        ([200] * 100, 1),
        ([1000] * 26, 2),
        ([20_000, 5001, 20_000, 5000], 3),
    ],
)
def test_calls_are_as_full_as_the_service_takes_them(screener: Screener, lengths: list[int], calls: int) -> None:
    texts = [f"{place % 10}" * length for place, length in enumerate(lengths)]
    screening = screener.screen(*texts)
    assert (screening.action, screening.texts) == ("NONE", texts)
    assert len(screener.server.calls) == calls
    assert [text for call in screener.server.calls for text in call] == texts


@pytest.mark.parametrize("code", ["ValidationException", "ThrottlingException"])
def test_where_each_text_is_a_unit_calls_are_more(screener: Screener, code: str) -> None:
    tries = 1 if code == "ValidationException" else 2
    screener.server.faults = [code] * tries
    texts = ["one"] * 24 + [NUMBER, "two", "x" * 1001]
    screening = screener.screen(*texts)
    assert (screening.action, screening.texts) == ("MASKED", [*texts[:24], "{number}", *texts[25:]])
    assert [len(call) for call in screener.server.calls] == [27] * tries + [25, 2]


def test_what_is_refused_in_any_way_is_an_error(screener: Screener) -> None:
    screener.server.faults = ["ValidationException"] * 2
    assert screener.code(*["one"] * 26) == "ValidationException"
    assert [len(call) for call in screener.server.calls] == [26, 25]


@pytest.mark.parametrize("prefix", ["", "data:image/png;base64,"])
def test_base64_of_a_file_is_not_screened(screener: Screener, prefix: str) -> None:
    image = prefix + base64.b64encode(b"\x89PNG\r\n\x1a\n" + hashlib.shake_128(b"").digest(1_500_000)).decode()
    screening = screener.screen("one", image, NUMBER)
    assert (screening.action, screening.texts) == ("MASKED", ["one", image, "{number}"])
    assert screener.server.calls == [["one", NUMBER]]


@pytest.mark.parametrize(
    "text",
    [
        base64.b64encode(b"a text that is long enough. " * 20).decode(),
        "several words without a mark " * 20,
        "OneWordWithoutAnEnd" * 20,
        "one2Three4" * 20 + " and more",
        base64.b64encode(hashlib.shake_128(b"").digest(3_000)).decode(),
        "\n".join(f"Quentin\tUnderwood\t{year}-01-02\tDC" for year in range(1900, 2000)),
    ],
)
def test_whatever_might_be_text_is_screened(screener: Screener, text: str) -> None:
    assert screener.screen(text).action == "NONE"
    assert screener.server.calls == [[text]]


def test_masks_of_several_calls_come_together(screener: Screener) -> None:
    filler = "x" * 20_000
    screening = screener.screen(NUMBER, filler, f"{filler} {NUMBER}", "clean")
    assert (screening.action, screening.texts) == ("MASKED", ["{number}", filler, f"{filler} {{number}}", "clean"])
    assert len(screener.server.calls) == 2


def test_a_block_in_a_later_call_blocks_all(screener: Screener) -> None:
    filler = "x" * 20_000
    screening = screener.screen(f"{filler} {NUMBER}", f"{filler} {BLOCKED_WORD}", filler)
    assert (screening.action, screening.texts) == ("BLOCKED", [])
    assert len(screener.server.calls) == 2


class TestTextsLongerThanACall:
    """They go in pieces that overlap, whole in neither call nor mask."""

    @pytest.mark.parametrize(("length", "calls"), [(25_001, 2), (49_000, 2), (49_001, 3), (73_000, 3)])
    def test_every_character_is_screened(self, screener: Screener, length: int, calls: int) -> None:
        text = "".join(f"{place:07} " for place in range(length // 8 + 1))[:length]
        screening = screener.screen("before", text, "after")
        assert (screening.action, screening.texts) == ("NONE", ["before", text, "after"])
        before, *pieces, after = screener.server.calls
        assert (before, after) == (["before"], ["after"])
        assert len(pieces) == calls
        rebuilt = ""
        for (piece,) in pieces:
            assert piece[:1000] == rebuilt[-1000:] or not rebuilt
            rebuilt += piece if not rebuilt else piece[1000:]
        assert rebuilt == text

    @pytest.mark.parametrize("place", [0, 12_000, 23_995, 24_995, 25_000, 48_000, 59_980])
    def test_what_is_blocked_is_found_wherever_it_is(self, screener: Screener, place: int) -> None:
        text = "x" * place + BLOCKED_WORD + "x" * (60_000 - place)
        assert screener.screen(text).action == "BLOCKED"

    def test_what_would_be_masked_blocks(self, screener: Screener) -> None:
        screening = screener.screen("x" * 30_000 + NUMBER)
        assert (screening.action, screening.texts) == ("BLOCKED", [])


class TestOutputsThatDoNotMatchTheTexts:
    """Whose they are is asked text by text."""

    def test_each_text_gets_its_own_mask(self, screener: Screener) -> None:
        screener.server.joins_outputs = True
        screening = screener.screen("one", NUMBER, f"{NUMBER} {NUMBER}")
        assert (screening.action, screening.texts) == ("MASKED", ["one", "{number}", "{number} {number}"])
        assert len(screener.server.calls) == 1 + 2 + 2

    def test_few_masks_among_many_texts_are_few_calls(self, screener: Screener) -> None:
        screener.server.joins_outputs = True
        screening = screener.screen(*(NUMBER if place in (7, 70) else f"text {place}" for place in range(100)))
        assert (screening.action, screening.texts[7], screening.texts[70]) == ("MASKED", "{number}", "{number}")
        assert len(screener.server.calls) < 30

    def test_one_text_with_two_outputs_is_an_error(self, screener: Screener) -> None:
        screener.server.faults = [intervention("ANONYMIZED", outputs=[{"text": "a"}, {"text": "b"}])]
        assert screener.code() == "Garbled"

    def test_what_is_found_only_together_blocks(self, screener: Screener) -> None:
        screener.server.faults = [intervention("ANONYMIZED", "ANONYMIZED", outputs=[{"text": "a"}])]
        assert screener.screen("one", NUMBER).action == "BLOCKED"

    def test_a_text_that_alone_is_blocked_blocks(self, screener: Screener) -> None:
        screener.server.faults = [intervention("ANONYMIZED", outputs=[{"text": "a"}])]
        assert screener.screen(f"{NUMBER} {BLOCKED_WORD}", NUMBER).action == "BLOCKED"


@pytest.mark.parametrize(
    "answer",
    [
        intervention("BLOCKED", outputs=[{"text": "a"}]),
        intervention("ANONYMIZED", "BLOCKED", outputs=[{"text": "a"}]),
        intervention("NONE", outputs=[{"text": "a"}]),
        intervention(outputs=[{"text": "a"}]),
        {"action": "GUARDRAIL_INTERVENED", "outputs": [{"text": "a"}]},
        {
            **intervention("ANONYMIZED", outputs=[{"text": "a"}]),
            "assessments": [
                {"policyOfTomorrow": {"finds": [{"deeper": {"action": "BLOCKED"}}, {"action": "ANONYMIZED"}]}}
            ],
        },
    ],
    ids=["blocked", "masked and blocked", "only reported", "nothing found", "no assessment", "a policy yet unknown"],
)
def test_an_intervention_is_a_block_unless_all_of_it_is_masking(screener: Screener, answer: dict[str, Any]) -> None:
    screener.server.faults = [answer]
    screening = screener.screen("one")
    assert (screening.action, screening.texts) == ("BLOCKED", [])


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        ("{}", "UnknownAction"),
        ({"action": None}, "UnknownAction"),
        ({"action": ["NONE"]}, "UnknownAction"),
        ({"action": "none"}, "UnknownAction"),
        ({"action": "XP-CANARY"}, "UnknownAction"),
        ({"Output": {"__type": "InternalServerException"}}, "UnknownAction"),  # errors have come with a 200
        ({**intervention("XP-CANARY"), "action": "NONE"}, "UnknownAction"),
        (intervention("ANONYMIZED", {"a": 1}, outputs=[{"text": "a"}]), "UnknownAction"),
        ({**intervention("ANONYMIZED"), "action": "NONE"}, "Garbled"),
        ({**intervention("BLOCKED"), "action": "NONE"}, "Garbled"),
        (intervention("ANONYMIZED"), "Garbled"),
        (intervention("ANONYMIZED", outputs=["XP-CANARY"]), "Garbled"),
        (intervention("ANONYMIZED", outputs=[{}]), "Garbled"),
        (intervention("ANONYMIZED", outputs=[{"text": 7}]), "Garbled"),
        ({**intervention("ANONYMIZED"), "outputs": None}, "Garbled"),
        ({**intervention("ANONYMIZED"), "outputs": "X"}, "Garbled"),
    ],
)
def test_an_answer_that_is_not_understood_is_an_error(
    screener: Screener, answer: str | dict[str, Any], code: str
) -> None:
    screener.server.faults = [answer]
    assert screener.code() == code
    assert len(screener.server.calls) == 1


@pytest.mark.parametrize(
    "fault", [500, 503, "reset", "ThrottlingException", "garbled XP-CANARY", '["XP-CANARY"]', '"XP-CANARY"']
)
def test_a_call_that_failed_is_made_once_more(screener: Screener, fault: int | str) -> None:
    screener.server.faults = [fault]
    assert screener.screen("one").action == "NONE"
    assert len(screener.server.calls) == 2


@pytest.mark.parametrize(
    ("fault", "code", "calls"),
    [
        (503, "Http503", 2),
        ("reset", "TransportReceiveError", 2),
        ("ThrottlingException", "ThrottlingException", 2),
        ("garbled XP-CANARY", "TransportGarbled", 2),
        ("AccessDeniedException", "AccessDeniedException", 1),
        ("ResourceNotFoundException", "ResourceNotFoundException", 1),
        ("ValidationException", "ValidationException", 1),
        ("ServiceQuotaExceededException", "ServiceQuotaExceededException", 1),
        ("XP-CANARY is not a name but an Exception", "Http400", 1),
        (302, "Http302", 1),
        (201, "Http201", 1),
    ],
)
def test_a_service_that_fails_is_an_error(screener: Screener, fault: int | str, code: str, calls: int) -> None:
    screener.server.faults = [fault] * 3
    assert screener.code() == code
    assert len(screener.server.calls) == calls


@pytest.mark.parametrize("named_in", ["header", "body"])
def test_an_error_is_known_by_its_name_wherever_it_stands(screener: Screener, named_in: str) -> None:
    screener.server.error_named_in = named_in
    screener.server.faults = ["AccessDeniedException"]
    assert screener.code() == "AccessDeniedException"


def test_a_failure_in_a_later_call_is_an_error(screener: Screener) -> None:
    texts = ["x" * 20_000, "y" * 20_000]
    screener.server.faults = [screener.server.answer(texts[:1]), "AccessDeniedException"]
    assert screener.code(*texts) == "AccessDeniedException"


def test_a_hanging_guardrail_ends_with_the_deadline(screener: Screener) -> None:
    screener.server.faults = ["hang"]
    begun = time.monotonic()
    assert screener.code(seconds=0.5) == "DeadlineExceeded"
    assert seconds_of(begun) < 3.0


def test_more_text_than_can_be_screened_in_time_is_told_from_an_outage(screener: Screener) -> None:
    screener.server.delay_seconds = 0.4
    texts = [character * 25_000 for character in "abcdefgh"]
    with pytest.raises(TooMuchTextError):
        screener.screen(*texts, seconds=1.5)
    assert screener.screen(*texts[:2], seconds=5.0).action == "NONE"


def test_the_deadline_is_that_of_all_calls(screener: Screener) -> None:
    screener.server.faults = [screener.server.answer(["x"]), "hang"]
    begun = time.monotonic()
    assert screener.code("x" * 20_000, "y" * 20_000, seconds=0.5) == "DeadlineExceeded"
    assert seconds_of(begun) < 3.0


def test_a_wrong_signature_is_refused(screener: Screener) -> None:
    screener.client = screener.with_keys(AwsKeys(ACCESS_KEY_ID, "another"))
    assert screener.code() == "InvalidSignatureException"
    assert screener.server.calls == []
    assert len(screener.server.refused) == 1
    screener.server.refused.clear()
