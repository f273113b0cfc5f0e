"""What a body carries is seen, in whatever it is packed; and no body makes the reading of it raise or drag."""

import base64
import hashlib
import json
import random
import string
import time
from collections.abc import Callable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference_proxy.content import Content, JsonObject
from inference_proxy.text_units import is_file

TEXT = "a text of\nseveral lines, \u00e9"
ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be")
SIZE_BYTES = 1_000_000  # of the 4,500,000 that a policy may let through: what is not linear takes minutes all the same
DEEP = 200_000  # levels: no parser goes so deep


def encoded(text: str, encoding: str = "utf-8") -> str:
    return base64.b64encode(text.encode(encoding)).decode()


def compressed(size_bytes: int) -> bytes:
    """What looks like the bytes of an image."""
    return hashlib.shake_128(b"").digest(size_bytes)


def wrapped(characters: str, width: int, end: str = "\n") -> str:
    return end.join(characters[start : start + width] for start in range(0, len(characters), width))


def texts(body: str | bytes) -> list[str]:
    return list(Content(body.encode() if isinstance(body, str) else body).texts())


@pytest.mark.parametrize(
    ("body", "values"),
    [
        ('{"label": "a"}', ["a"]),
        ('{"label": "a", "x": "b", "label": "c"}', ["a", "c"]),
        ('{"LABEL": "a", "Label": "b", "la\\u0062el": "c"}', ["a", "b", "c"]),
        ('{"label": null, "label": true, "label": []}', [None, True, []]),
        ('{"x": {"label": "a"}}', []),
        ('[{"label": "a"}]', []),
        ('"label"', []),
        ("label", []),
        ("", []),
        ("{", []),
        # What cannot be read may be read by somebody else, and who knows how deep a name stands.
        ('{"label": "a"', ["a"]),
        ('{"x": {"LABEL": "a"}, "la\\u0062el" : {"y": 1},}', ["a", None]),
        ('{"label": "a", "x": "label", "y": label: "b"', ["a"]),
        ('{"label": "a', ["a"]),
        ('x{"label": "a"', []),
        ('{"label": "a"} and more', ["a"]),  # Jackson, among others, does not look behind a document
        (' \r\n\t{"label": "a"}\n', ["a"]),
        ('{"x": NaN, "y": -Infinity, "label": "a"}', ["a"]),
        (f'{{"x": {"9" * 5000}, "label": "a"}}', ["a"]),
        ('{"label": "line\nend"}', ["line\nend"]),
        ('{"label": "\\ud800"}', ["\ud800"]),
        (f'{{"label": "a", "x": {"[" * DEEP}{"]" * DEEP}}}', ["a"]),
        (f'{{"x": {"[" * 2_000}{"]" * 2_000}, "label": "a"}}', ["a"]),
    ],
)
def test_members(body: str, values: list[object]) -> None:
    assert Content(body.encode()).members("label") == values
    assert Content(body.encode()).members("LABEL") == values


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_members_in_any_encoding_of_json(encoding: str) -> None:
    assert Content('{"label": "\u00e9"}'.encode(encoding)).members("label") == ["\u00e9"]


def test_members_of_members() -> None:
    body = b'{"requestMetadata": {"label": "a", "LABEL": "b"}, "requestmetadata": {"label": "c", "x": [{"y": 1}]}}'
    first, second = Content(body).members("requestMetadata")
    assert isinstance(first, JsonObject)
    assert isinstance(second, JsonObject)
    assert first.members("label") == ["a", "b"]
    assert second.members("Label") == ["c"]
    assert second.members("x") == [[JsonObject([("y", 1.0)])]]


NAME = encoded(f"{TEXT}, {TEXT}").rstrip("=")
assert NAME.isidentifier()


@pytest.mark.parametrize(
    "body",
    [
        json.dumps({"messages": [{"content": [{"text": TEXT}]}]}),
        json.dumps([[[[TEXT]]]]),
        json.dumps(TEXT),
        json.dumps({TEXT: 1}),
        json.dumps({"a": TEXT})[:-1] + ', "a": "b"}',
        json.dumps({"a": "b"})[:-1] + f', "a": {json.dumps(TEXT)}}}',
        json.dumps({"a": TEXT}, ensure_ascii=False),
        json.dumps({"a": json.dumps({"b": TEXT})}),
        json.dumps({"a": json.dumps([json.dumps({TEXT: 1})])}),
        json.dumps({"a": f"\ufeff {json.dumps([TEXT])}\n"}),
        json.dumps({"a": f'{{"deep": {"[" * DEEP}{json.dumps(TEXT)}'}),
        json.dumps({"a": encoded(TEXT)}),
        json.dumps({"a": encoded(f"x{TEXT}").rstrip("=")}),
        json.dumps({"a": encoded(TEXT) + "A"}),
        json.dumps({"a": f"data:text/plain;base64,{encoded(TEXT)}"}),
        json.dumps({"a": base64.urlsafe_b64encode(f"~~~???{TEXT}".encode()).decode()}),  # has both - and _
        json.dumps({"a": base64.encodebytes(f"{'x' * 200}{TEXT}".encode()).decode()}),
        json.dumps({"a": f"\n  {encoded(TEXT)[:9]}\r\n  {encoded(TEXT)[9:]}\n"}),
        json.dumps({"a": base64.b64encode(f"caf\u00e9, {TEXT[:-1]}".encode("latin-1") + TEXT[-1].encode()).decode()}),
        json.dumps({"a": encoded(f"\0{TEXT}")}),
        # What CountTokens is asked of an InvokeModel request, in an envelope.
        json.dumps({"body": json.dumps({"input": {"invokeModel": {"body": encoded(json.dumps({"prompt": TEXT}))}}})}),
        # JSON that is not all of a text.
        json.dumps({"a": f'{json.dumps({"b": TEXT})}\n{{"c": "d"}}'}),
        json.dumps({"a": encoded(f'{{"c": "d"}}\n{json.dumps({"b": TEXT})}\n')}),
        json.dumps({"a": json.dumps({"b": TEXT})[:-2]}),
        json.dumps({"a": f"{json.dumps({'b': TEXT})[:-2]}... (cut off)"}),
        json.dumps({"a": f"The tool said:\n{json.dumps({'b': [1, TEXT]}, indent=1)}\nand no more."}),
        json.dumps({"a": f"```json\n{json.dumps([{'b': TEXT}])}\n```"}),
        json.dumps({"a": f"[{json.dumps(TEXT)}, "}),
        "\v" + json.dumps({"a": TEXT}),
        json.dumps({"a": f"The lines are {json.dumps(['b c', TEXT])} as listed"}),
        json.dumps({"a": f"lines = [\n  null, 1.5e-3, {json.dumps(TEXT)}\n]"}),
        json.dumps({"a": f"The line is [{json.dumps(TEXT)[:-1]}"}),
        json.dumps({"a": f"(see: [[{json.dumps(TEXT)}]])"}),
        # Base64 in JSON that is not all of a text, though it looks like a name.
        json.dumps({"a": f'{{"id": 1, "b": "{NAME}"}}\n{{"id": 2, "b": "{NAME}"}}\n'}),
        json.dumps({"a": f'{{"c": "d e", "b": "{NAME[:-3]}'}),
        json.dumps({"a": f'Result: {{"c": "d e", "b": "{NAME}"}} end'}),
        json.dumps({"a": f'Result: {{"{NAME}": 1}} end'}),
        # Base64 that is not all of a text.
        json.dumps({"a": f"Content-Transfer-Encoding: base64\r\n\r\n{encoded(TEXT)}\r\n--part"}),
        json.dumps({"a": f"```\n{base64.encodebytes((TEXT + 'x' * 99).encode()).decode()}```"}),
        json.dumps({"a": f"> {encoded(TEXT)}\n\nwrote somebody"}),
        # Beside words that are of base64's alphabet themselves.
        json.dumps({"a": f"Please decode this\n{encoded(TEXT)}"}),
        json.dumps({"a": f"Decode\n{encoded(TEXT)}\nand tell me more"}),
        json.dumps({"a": f"Summarize this file\n\n{base64.encodebytes(f'{TEXT * 9}'.encode()).decode()}"}),
        json.dumps({"a": f"-----BEGIN MESSAGE-----\n{wrapped(encoded(TEXT * 9), 64)}\n-----END MESSAGE-----"}),
        json.dumps({"a": f"base64 plan\n{wrapped(encoded(TEXT * 9), 76)}"}),
        json.dumps({"a": f"{encoded('x' * 99)}\n\n{encoded(TEXT + 'xx')}".replace("=", "")}),
        json.dumps({"a": f"documents/plans/of-2027\n{wrapped(encoded(TEXT * 9), 76)}"}),
        json.dumps({"a": f"See: {'-' * 9}\n{'-' * 17}\n{wrapped(encoded(TEXT * 9), 76)}\n{'-' * 17}"}),
        json.dumps({"a": f"Please decode this\n{encoded(json.dumps({'b': TEXT, 'c': TEXT}))}"}),
        # In lines of any length.
        json.dumps({"a": f"{encoded(TEXT * 9)[:9]}\n{encoded(TEXT * 9)[9:]}"}),
        json.dumps({"a": f"See:\n{encoded(TEXT * 9)[:21]}\n{encoded(TEXT * 9)[21:]}"}),
        json.dumps({"a": f"{encoded(json.dumps({'b': TEXT}))[:9]}\n{encoded(json.dumps({'b': TEXT}))[9:]}"}),
        json.dumps({"a": " ".join(encoded(TEXT * 9)[start : start + 8] for start in range(0, 300, 8))}),
        # Garbled, cut off, too deep, or with something behind: not every reader minds.
        json.dumps({"a": TEXT})[:-1],
        json.dumps({"a": TEXT})[:-2],
        json.dumps({"a": TEXT}) + "}",
        "{} " + TEXT,
        f'{{"a": {json.dumps(TEXT)}, "b": tru',
        "[" * DEEP + json.dumps(TEXT) + "]" * DEEP,
        '{"a": "\\q", "b": ' + json.dumps(TEXT) + "}",
        '{"a": "\\\n", "b": ' + json.dumps(TEXT) + "}",
        TEXT,
        f"x\0\n{TEXT}",  # no UTF-16
        f'{{\0"a": {json.dumps(TEXT)}}}',
        encoded(f"{TEXT}, by itself"),
    ],
)
def test_texts_are_found_in_whatever_they_are_packed(body: str) -> None:
    assert any(TEXT in text for text in texts(body))


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_texts_are_found_in_any_encoding_of_json(encoding: str) -> None:
    assert TEXT in texts(json.dumps({"a": TEXT}, ensure_ascii=False).encode(encoding))
    assert TEXT in texts(json.dumps([encoded(TEXT, encoding)]))
    assert texts(TEXT.encode(encoding))[0].removeprefix("\ufeff") == TEXT


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b'{"name": ["value", {"inner": 7}], "x": null}', ["name", "value", "inner", "x"]),
        (b'{"a": "The mark \\"SECRET//\\" is a banner."}', ["a", 'The mark "SECRET//" is a banner.']),
        # It begins and ends as JSON, but is prose: what it quotes is no text of its own.
        (b'{"a": "\\"SECRET//\\" and \\"CUI//\\""}', ["a", '"SECRET//" and "CUI//"']),
        (b'{"a": "[1] see \\"SECRET//\\" [2]"}', ["a", '[1] see "SECRET//" [2]']),
        (b'{"a": "[]"}', ["a", "[]"]),
        (b'{"a": "four more long words with some more text"}', ["a", "four more long words with some more text"]),
        (b'{"a": "tooluse_kZJMlvQmRJ6eAyJE5GIl7Q"}', ["a", "tooluse_kZJMlvQmRJ6eAyJE5GIl7Q"]),
        (b'{"a": "chatcmpl-abcdefghijklmnopqrstuvwxyz"}', ["a", "chatcmpl-abcdefghijklmnopqrstuvwxyz"]),
        (b'{"a": "%b"}' % (b"word" * 8), ["a", "word" * 8]),
        # In code, single words are names.
        (b'{"a": "x = {\\"SECRET\\": y[\\"CUI\\"]}"}', ["a", 'x = {"SECRET": y["CUI"]}']),
        (
            b'{"a": "x = {\\"a_name_of_several_words\\": y[\\"TheNameOfAClassOfTests\\"], z: [\\"NOFORN\\"]}"}',
            ["a", 'x = {"a_name_of_several_words": y["TheNameOfAClassOfTests"], z: ["NOFORN"]}'],
        ),
        (b'{"a": "x[\\"a b\\"], f()[\\"c d\\"] = [y, z[0]]"}', ["a", 'x["a b"], f()["c d"] = [y, z[0]]']),
        (b'{"a": "U0VD ABCD Read"}', ["a", "U0VD ABCD Read"]),
        (b'{"a": ["Read", "Task", "Write", "WebFetch", "TOOL"]}', ["a", "Read", "Task", "Write", "WebFetch", "TOOL"]),
        (b'{"a": "------------------\\nwords\\n__________________"}', ["a", f"{'-' * 18}\nwords\n{'_' * 18}"]),
        (b'{"a": "b"} "c', ["a", "b", "c", "\nc"]),
        (b'{"a": "\\q"}', ["a", "\\q", "{\na\n: \n\\q\n}"]),
        (b'he said "this"', ['he said "this"']),
        (b"\xff\xfeh\0i\0", ["hi", "\ufffd\ufffdh\0i\0"]),
        (b"a\xffb", ["a\ufffdb"]),
        (b"", [""]),
        (b"\0", ["\0"]),
    ],
)
def test_nothing_else_is_made_up(body: bytes, expected: list[str]) -> None:
    assert texts(body) == expected


BANNER = "SECRET//NOFORN"
RUSSIAN = "\u042d\u0442\u043e \u043f\u043b\u0430\u043d. "
JAPANESE = "\u3053\u308c\u306f\u8a08\u753b\u3067\u3059\u3002"


@pytest.mark.parametrize(
    "octets",
    [
        f"{BANNER}\n{RUSSIAN * 9}".encode("cp1251"),
        f"{RUSSIAN * 9}\r\n{BANNER} {RUSSIAN}".encode("cp1251"),
        f"{BANNER}\n{JAPANESE * 9}".encode("shift-jis"),
        BANNER.encode() + b"\n" + b"\xe9" * 40,
        BANNER.encode() + b"\n" + b"\x01" * 4,
        f"\u201cPlan\u201d\n{BANNER}\n".encode("utf-16-le"),
        b"%PDF-1.7\n" + compressed(500) + f"\n{BANNER}\n".encode() + compressed(500),
    ],
)
def test_lines_in_ascii_are_found_whatever_is_around_them(octets: bytes) -> None:
    body = json.dumps({"bytes": base64.b64encode(octets).decode()})
    assert any(line.startswith(BANNER) for text in texts(body) for line in text.splitlines())


@pytest.mark.parametrize("text", ["SECRET", "CUI", "SECRET//X", "TOP SECRET", "SECRET\n"])
def test_a_short_document_is_read(text: str) -> None:
    assert text in texts(json.dumps({"bytes": encoded(text)}))


def test_no_banner_is_seen_in_noise() -> None:
    """A word alone may be there by chance: of 4 MB of random bytes a few lines come through, and none so short."""
    found = texts(json.dumps({"bytes": base64.b64encode(compressed(4_000_000)).decode()}))[2:]
    assert sum(map(len, found)) < 2_000
    assert all(len(line) >= 6 for text in found for line in text.split("\n"))


@pytest.mark.parametrize("octets", [compressed(5000), bytes(range(1, 128)) * 40, bytes(range(128, 256)) * 40])
@pytest.mark.parametrize("alphabet", [base64.b64encode, base64.urlsafe_b64encode])
def test_what_is_no_text_is_not_made_one(octets: bytes, alphabet: Callable[[bytes], bytes]) -> None:
    image = alphabet(octets).decode()
    assert texts(json.dumps({"bytes": image})) == ["bytes", image]


NOISE = compressed(3_000)
# How files begin that Bedrock takes as images, documents, films and sounds.
FILES = {
    "png": b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR",
    "jpeg": b"\xff\xd8\xff\xe0\0\x10JFIF\0",
    "gif": b"GIF89a",
    "webp": b"RIFF\x10\x27\0\0WEBPVP8 ",
    "pdf": b"%PDF-1.7\n",
    "docx": b"PK\3\4\x14\0\6\0",
    "xls": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
    "mp4": b"\0\0\0\x20ftypisom",
    "mkv": b"\x1a\x45\xdf\xa3\x01",
    "flv": b"FLV\1\5",
    "mpeg": b"\0\0\1\xba\x44",
    "wmv": b"\x30\x26\xb2\x75\x8e\x66\xcf\x11",
    "mp3": b"ID3\3\0\0",
    "wav": b"RIFF\x10\x27\0\0WAVEfmt ",
    "flac": b"fLaC\0\0",
    "ogg": b"OggS\0\2",
}


@pytest.mark.parametrize("begin", FILES.values(), ids=FILES)
def test_a_guardrail_need_not_read_files(begin: bytes) -> None:
    for more in range(3):
        file = base64.b64encode(begin + NOISE + b"\xff" * more).decode()
        assert is_file(file)
        assert is_file(f"data:image/png;base64,{file}")
        for width, end in ((64, "\n"), (76, "\r\n")):
            assert is_file(wrapped(file, width, end))
            assert is_file(wrapped(file, width, end) + end)


PNG = base64.b64encode(FILES["png"] + NOISE).decode()


@pytest.mark.parametrize(
    "text",
    [
        base64.b64encode(NOISE).decode(),
        encoded("a text of several words. " * 40),
        PNG[:64],
        PNG[:-1],
        PNG.rstrip("=") + "===",
        PNG[:400] + "=" + PNG[400:],
        PNG + "\n\n",
        f" {PNG}",
        f"x{PNG}",
        f"data:My name is Bob;base64,{PNG}",
        f"data:image/png,{PNG}",
        wrapped(PNG, 60),
        wrapped(PNG, 64) + "\nAAAA",
        wrapped(PNG[:760], 76) + "\n" + wrapped(PNG[760:], 64),
        wrapped(PNG, 76, "\t"),
    ],
)
def test_a_guardrail_reads_what_is_not_certain_to_be_a_file(text: str) -> None:
    assert not is_file(text)


LETTERS = string.ascii_letters + string.digits
LISTS: dict[str, Callable[[random.Random], str]] = {
    "persons": lambda some: f"{word(some)}\t{word(some)}\t{some.randint(1940, 2010)}-01-02\t{word(some)[:2].upper()}",
    "names": lambda some: f"{word(some)}_{word(some)}",
    "paths": lambda some: f"/home/{word(some)}/{word(some)}/Report_{some.randint(1, 999)}",
    "ids": lambda some: "".join(some.choices(LETTERS, k=11)),
    "secret keys": lambda some: "".join(some.choices(LETTERS + "+/", k=40)),
    "keys as wide as base64 is": lambda some: "".join(some.choices(LETTERS + "+/", k=64)),
}


def word(some: random.Random) -> str:
    return "".join(some.choices(string.ascii_letters, k=some.randint(2, 12)))


@pytest.mark.parametrize("line", LISTS.values(), ids=LISTS)
@given(st.randoms(use_true_random=False), st.integers(5, 100), st.sampled_from(["\n", "\r\n", "\t", "/"]))
def test_a_guardrail_reads_every_list(
    line: Callable[[random.Random], str], some: random.Random, length: int, end: str
) -> None:
    assert not is_file(end.join(line(some) for _ in range(length)))


def test_layers_are_many() -> None:
    packed = TEXT
    for _ in range(8):
        packed = encoded(json.dumps([json.dumps([packed])]))
    assert TEXT in texts(packed)


def strings(document: object) -> Iterator[str]:
    if isinstance(document, str):
        yield document
    elif isinstance(document, list):
        for element in document:
            yield from strings(element)
    elif isinstance(document, dict):
        for name, value in document.items():
            yield from (name, *strings(value))


DOCUMENTS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
)


@given(DOCUMENTS, st.sampled_from(ENCODINGS), st.booleans(), st.sampled_from([None, 1]))
def test_every_string_of_any_document_is_found(
    document: object, encoding: str, ensure_ascii: bool, indent: int | None
) -> None:
    body = json.dumps({"x": document}, ensure_ascii=ensure_ascii, indent=indent).encode(encoding)
    assert set(strings(document)) <= set(texts(body))


PACKERS: tuple[Callable[[str], str], ...] = (
    lambda text: json.dumps({"a": ["b", text]}),
    lambda text: json.dumps({text: None}),
    lambda text: f'{{"a": {json.dumps(text)}, "a": "b", "A": 1}}',
    lambda text: json.dumps([text], ensure_ascii=False),
    lambda text: encoded(text),
    lambda text: encoded(text, "utf-16"),
    lambda text: base64.encodebytes(text.encode()).decode(),
    lambda text: base64.urlsafe_b64encode(text.encode()).decode().rstrip("="),
    lambda text: f"data:text/plain;charset=utf-8;base64,{encoded(text)}",
)


@given(st.lists(st.sampled_from(PACKERS), max_size=8), st.sampled_from(ENCODINGS))
def test_texts_are_found_in_all_that_may_hold_each_other(packers: list[Callable[[str], str]], encoding: str) -> None:
    packed = TEXT
    for packer in packers:
        packed = packer(packed)
    assert TEXT in texts(json.dumps({"x": packed}).encode(encoding))


@given(st.binary() | st.text(alphabet='{}[]":,\\u019ad \ud800', max_size=40).map(lambda t: t.encode(errors="replace")))
def test_no_body_raises(body: bytes) -> None:
    content = Content(body)
    assert isinstance(content.members("a"), list)
    assert all(isinstance(text, str) for text in content.texts())


def filled(unit: str, before: str = '{"a": "', behind: str = '"}') -> str:
    return before + unit * (SIZE_BYTES // len(unit)) + behind


def within_itself(text: str) -> str:
    for _ in range(17):
        text = json.dumps(text)
    return text


def lines_within_strings() -> str:
    """Layers of which each might be seen twice: base64 in lines of its own, within a string of JSON within a text."""
    text = "several words"
    while len(text) < SIZE_BYTES * 2 // 3:
        text = f'x {{"a b": "\n{base64.encodebytes(text.encode()).decode()}\n"}}'
    return json.dumps([text])


def lines_beside_words(words: str) -> str:
    """Layers of which each might be seen twice: lines of base64, with and without words of its alphabet."""
    text = "several words"
    while len(text) < SIZE_BYTES * 2 // 3:
        text = f"{words}\n{base64.encodebytes(text.encode()).decode()}"
    return json.dumps([text])


HOSTILE = {
    "lines within strings": lines_within_strings(),
    **{
        f"lines beside {words}": lines_beside_words(words)
        for words in ("Data", "Text", "QUJD", "a", "long/path/without/blanks")
    },
    "prose": filled("several words, "),
    "letters": filled("a"),
    "letters and blanks": filled(" ", '{"a": "aaaabbbbccccdddd', '!"}'),
    "lines of base64": filled("a" * 76 + "\\n"),
    "small strings": json.dumps(["a small string of some forty characters."] * 25_000),
    "image": json.dumps({"a": base64.b64encode(compressed(SIZE_BYTES * 3 // 4)).decode()}),
    "document": json.dumps({"a": encoded("several words, " * (SIZE_BYTES // 20))}),
    "numbers": filled("1,", "[", "1]"),
    "digits": filled("9", "[", "]"),
    "arrays": "[" * SIZE_BYTES,
    "objects": '{"a":' * (SIZE_BYTES // 5),
    "arrays in a string": filled("["),
    "escapes": filled("\\n"),
    "quotes": filled('\\"'),
    "backslashes": filled("\\"),
    "no end": filled('\\"', behind=""),
    "quotes behind a document": '{"a": 1} "' + '\\"' * (SIZE_BYTES // 2),
    "data": filled("data:"),
    "objects in a string": filled('x{\\"a\\":'),
    "strings in a string": filled('x{\\"a b\\":\\"c d\\",'),
    "arrays of words in a string": filled("x[a, b, "),
    "arrays of strings in a string": filled('x [\\"a b\\"] '),
    "names in a string": filled('{\\"aaaabbbbccccddddeeee\\":'),
    "commas in a string": filled(',\\"x y', before='{"a": "{\\"x\\":'),
    "blocks of base64": filled("aaaabbbbccccdddd\\nb c\\n"),
    "short words of base64": json.dumps(["Summ"] * (SIZE_BYTES // 8)),
    "names": '{"c' + '": "c' * (SIZE_BYTES // 5) + '"',
    "layers": within_itself("several words, " * (SIZE_BYTES // 20)),
}


def test_long_numbers_are_whole_ones_that_are_no_text() -> None:
    body = '{"a": [1234567, -7654321, 1234567], "b \\" 2345678": "3456789", "c": 1.2345678, "d": 123456} 4567890'
    assert Content(body.encode()).long_numbers().split("\n") == ["1234567", "7654321", "4567890"]
    assert Content(b"no JSON, 1234567").long_numbers() == ""


@pytest.mark.parametrize("body", HOSTILE.values(), ids=HOSTILE)
def test_a_large_body_is_read_in_time(body: str) -> None:
    octets = body.encode()
    started = time.process_time()
    content = Content(octets)
    assert content.members("b") == []
    assert all(len(text) <= len(octets) for text in content.texts())
    assert len(content.long_numbers()) <= len(octets)
    assert time.process_time() - started < 2
