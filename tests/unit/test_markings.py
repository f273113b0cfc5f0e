"""Which lines are banners and portion marks, which only look so, and that nothing hides one."""

import base64
import json
import string
import time
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference_proxy.content import Content
from inference_proxy.markings import Markings

PATTERNS = (
    *("TOP SECRET//*", "SECRET//*", "CONFIDENTIAL//*", "CUI//*", "CONTROLLED//*"),
    *("TOP SECRET", "SECRET", "CONFIDENTIAL", "CUI"),
    *("(TS//*", "(S//*", "(C//*", "(CUI//*", "(TS)*", "(S)*", "(CUI)*"),
)
MARKINGS = Markings(PATTERNS)


@pytest.mark.parametrize(
    ("text", "pattern"),
    [
        # Banners, with and without control markings.
        ("SECRET//NOFORN", "SECRET//*"),
        ("SECRET//", "SECRET//*"),
        ("SECRET//REL TO USA, GBR", "SECRET//*"),
        ("TOP SECRET//SI/TK//NOFORN", "TOP SECRET//*"),
        ("CONFIDENTIAL//20301231", "CONFIDENTIAL//*"),
        ("CUI//SP-CTI//FED ONLY", "CUI//*"),
        ("CONTROLLED//PRVCY", "CONTROLLED//*"),
        ("TOP SECRET", "TOP SECRET"),
        ("SECRET", "SECRET"),
        ("CUI", "CUI"),
        ("CUI\n", "CUI"),
        ("first\nSECRET//NOFORN\nlast", "SECRET//*"),
        ("first\n\n\nCUI\n\n\nlast", "CUI"),
        ("first\nCUI\nSECRET", "CUI"),
        # Blanks.
        ("  \t SECRET//NOFORN", "SECRET//*"),
        ("SECRET // NOFORN", "SECRET//*"),
        ("SECRET   //   NOFORN", "SECRET//*"),
        ("SECRET //NOFORN", "SECRET//*"),
        ("SECRET// NOFORN", "SECRET//*"),
        ("SECRET// noted", "SECRET//*"),
        ("TOP   SECRET", "TOP SECRET"),
        ("TOP\tSECRET // SI", "TOP SECRET//*"),
        ("TOP\u00a0SECRET\u3000", "TOP SECRET"),
        ("TOP\u1680SECRET", "TOP SECRET"),
        ("TOP\u2800SECRET", "TOP SECRET"),
        ("CUI   ", "CUI"),
        # Quoting, mark-up, lists and comments.
        ("> > SECRET//NOFORN", "SECRET//*"),
        ("## **CUI**", "CUI"),
        ("***TOP SECRET***", "TOP SECRET"),
        ("=== SECRET ===", "SECRET"),
        ("--- CUI//SP-CTI ---", "CUI//*"),
        ("__SECRET//NOFORN__", "SECRET//*"),
        ("~~CUI~~", "CUI"),
        ("`CUI`", "CUI"),
        ('"SECRET"', "SECRET"),
        ("'SECRET//NOFORN'", "SECRET//*"),
        ("\u201cCUI\u201d", "CUI"),
        ("\u00abSECRET//NF\u00bb", "SECRET//*"),
        ("- SECRET//NOFORN", "SECRET//*"),
        ("\u2022 CUI", "CUI"),
        ("\u2013 CUI \u2013", "CUI"),
        ("\uf0b7 CUI", "CUI"),  # a bullet of Word's
        ("\U0001f512 SECRET//NOFORN", "SECRET//*"),
        ("| CUI |", "CUI"),
        ("CUI,,,", "CUI"),
        ("<b>SECRET</b>", "SECRET"),
        ("<p class='mark'>&nbsp;SECRET//NOFORN</p>", "SECRET//*"),
        ("<html><body><h1>Title</h1><div align=center>CUI</div><p>words</p>", "CUI"),
        ("words<BR/>SECRET//NOFORN", "SECRET//*"),
        ("<p>words</p>SECRET//NOFORN", "SECRET//*"),
        ("a <p and\nSECRET//NOFORN\nb > c", "SECRET//*"),
        ("<a and\nSECRET//NOFORN\nb > c", "SECRET//*"),
        ("<!-- CUI -->", "CUI"),
        ("// SECRET//NOFORN", "SECRET//*"),
        ("/* CUI */", "CUI"),
        ("/** CUI **/", "CUI"),
        ("# CUI//SP-CTI", "CUI//*"),
        ("-- CUI", "CUI"),
        ("; CUI", "CUI"),
        ("%% SECRET//NOFORN", "SECRET//*"),
        ("+SECRET//NOFORN", "SECRET//*"),
        # Portion marks, after the number of their paragraph.
        ("(S) The plan is", "(S)*"),
        ("(S//NF) The plan is", "(S//*"),
        ("(C//REL TO USA, GBR) The plan is", "(C//*"),
        ("(TS//SI//NF) The plan is", "(TS//*"),
        ("(TS) The plan is", "(TS)*"),
        ("(CUI) The plan is", "(CUI)*"),
        ("(CUI//SP-CTI) The plan is", "(CUI//*"),
        ("(S // NF) The plan is", "(S//*"),
        ("(C//NF)", "(C//*"),
        ("(S//NF", "(S//*"),
        ("(S// REL TO USA, FVEY) The plan is", "(S//*"),
        ("(S//**NF**) The plan is", "(S//*"),
        ("<b>(S//</b><i>NF</i>) The plan is", "(S//*"),
        ("(TS // SI // NF) The plan is", "(TS//*"),
        ("(C // GROUPS)", "(C//*"),  # code, too, looks so
        ("1. (S) The plan is", "(S)*"),
        ("12) (S) The plan is", "(S)*"),
        ("1.2.3 (S//NF) The plan is", "(S//*"),
        ("a. (S//NF) The plan is", "(S//*"),
        ("(a) (S) The plan is", "(S)*"),
        ("iv. (S) The plan is", "(S)*"),
        ("1.a.(2) **(S//NF)** The plan is", "(S//*"),
        ("- **(CUI)** The plan is", "(CUI)*"),
        # Numbers of lines, as tools of coding agents show them.
        ("     1\tSECRET//NOFORN\n     2\tThe plan", "SECRET//*"),
        ("     1\u2192SECRET//NOFORN", "SECRET//*"),
        ("104321\u2502 SECRET//NOFORN", "SECRET//*"),
        ("1:SECRET//NOFORN", "SECRET//*"),
        ("docs/plan-2.txt:12:SECRET//NOFORN", "SECRET//*"),
        ("12-SECRET//NOFORN", "SECRET//*"),
        ("1. SECRET//NOFORN", "SECRET//*"),
        ("12: # SECRET//NOFORN", "SECRET//*"),
        ("plan.txt-13-SECRET//NOFORN", "SECRET//*"),
        ("docs/plan-2-b.txt-13-(S//NF) The plan is", "(S//*"),
        ("plan.txt:13:5:SECRET//NOFORN", "SECRET//*"),
        ("my plan.txt:13:SECRET//NOFORN", "SECRET//*"),
        ("my plan (1).txt:13: SECRET//NOFORN", "SECRET//*"),
        ("C:\\docs\\plan.txt:13:SECRET//NOFORN", "SECRET//*"),
        ("plan.txt:12 SECRET//NOFORN", "SECRET//*"),
        ("1234: (S//NF) The plan is", "(S//*"),
        ("plan.txt:12:(S//NF) The plan is", "(S//*"),
        # Brackets, and mark-up within.
        ("[CUI//SP-PRVCY] Budget", "CUI//*"),
        ("(SECRET//NOFORN)", "SECRET//*"),
        ("7\t[SECRET//NOFORN]", "SECRET//*"),
        ("<b>SECRET</b>//NOFORN", "SECRET//*"),
        ("**SECRET**//NOFORN", "SECRET//*"),
        ("**SECRET** // NOFORN", "SECRET//*"),
        ("<b>SECRET // NOFORN</b>", "SECRET//*"),
        ("**TOP** <i>SECRET</i>//SI", "TOP SECRET//*"),
        ("TOP&nbsp;SECRET//SI", "TOP SECRET//*"),
        ("TOP&#160;SECRET", "TOP SECRET"),
        ("SECRET&#47;&#x2f;NOFORN", "SECRET//*"),
        ("&#83;ECRET&sol;&sol;NOFORN", "SECRET//*"),
        ("first&#10;SECRET//NOFORN", "SECRET//*"),
    ],
)
def test_found(text: str, pattern: str) -> None:
    assert MARKINGS.find([text]) == pattern


@pytest.mark.parametrize(
    "text",
    [
        # Prose about markings, and words that begin as they do.
        "A line that begins with SECRET// is a banner.",
        "The banner is SECRET//NOFORN.",
        "SECRET is the second level.",
        "SECRET, CONFIDENTIAL and TOP SECRET are levels.",
        "TOP SECRETS",
        "TOP SECRET CLEARANCE REQUIRED",
        "SECRETARY//",
        "SECRETS//x",
        "CUISINE//",
        "CUI is a program of the National Archives",
        "CUI.",
        "CUI:",
        "CUI, FOUO",
        "CONFIDENTIALITY",
        "COMPANY CONFIDENTIAL",
        "CONFIDENTIAL AND PROPRIETARY",
        "CONTROLLED",
        "UNCLASSIFIED//FOUO",
        "NOT SECRET//NOFORN",
        "TOPSECRET",
        "TOP\nSECRETS",
        "Classification: SECRET//NOFORN",
        # Other cases.
        "secret",
        "Secret",
        "secret//key",
        "Secret//NOFORN",
        "Top Secret//SI",
        "cui//sp-cti",
        "(s) plural",
        "(s//nf)",
        "(ts) time series",
        # Code, configuration, links.
        "https://SECRET//x",
        "//host/SECRET//x",
        "MY_SECRET//",
        "export SECRET",
        "const SECRET = 1",
        "SECRET = 'x'",
        "SECRET: x",
        "SECRET=x",
        "SECRET,",
        "CONFIDENTIAL;",
        "CONFIDENTIAL(1),",
        "    # (C // 16, H, W)",
        "    (C//8, H, W)",
        "x = (\n    (S//2) + 1)",
        "(C//r, 1)",
        "(C // n_groups)",
        "(S//N)",
        "(S//P)*P, 1",
        "(S//",
        "SECRET // 16",
        "CUI // 2 + 1",
        "SECRET // who may see it",
        "SECRET // To be removed",
        "SECRET //TODO rotate",
        "SECRET //TODO",
        "SECRET // OK to log",
        "SECRET // FIXME",
        "SECRET // AWS gives it",
        "TOP_SECRET // A",
        "TOP_SECRET//X",
        "**SECRET** // see below",
        "SECRET /* who may see it */",
        "{SECRET}",
        "{{CUI}}",
        "[SECRET]",
        "<SECRET>",
        "%SECRET%",
        "%CUI",
        ";CUI",
        "$SECRET",
        "/SECRET",
        "./CUI",
        "CUI/README",
        "CUI.txt",
        "CUI,NAME,DATE",
        "| CUI | NAME |",
        "print('SECRET//NOFORN')",
        '{"level": "SECRET"}',
        "a SECRET",
        "key -> SECRET",
        "<a href='x'>more</a> and SECRET//x",
        # Numbers and brackets before words alone.
        "1. SECRET",
        "     1\tSECRET",
        "12:CUI",
        "[CUI]",
        "(SECRET)",
        "1SECRET//NOFORN",
        "1,SECRET//NOFORN",
        "a:1: a SECRET//NOFORN",
        "my plan:SECRET//NOFORN",
        "plan-1 SECRET//NOFORN",
        "2027-01-15 SECRET//NOFORN",
        "12:30:45 the SECRET//NOFORN",
        "plan-13-CUI",
        "print('a:13:SECRET//NOFORN')",
        "<b>SECRET</b> is a level",
        "&#1114112;&#x110000;",
        # What stands in parentheses.
        "(C) 2024 ACME",
        "(SI) units",
        "(S",
        "(TSA) rules",
        "(CUIs) are",
        "file(S) and more",
        "Controlled Unclassified Information (CUI) is",
        "Words. (S) words",
        "Hello (S//NF)",
        "f(S)",
        "1. and (S)",
        "",
        "\n\n",
        "***",
    ],
)
def test_not_found(text: str) -> None:
    assert MARKINGS.find([text, f"words\n{text}\nwords"]) is None


@pytest.mark.parametrize(
    "text",
    [
        "\uff33\uff25\uff23\uff32\uff25\uff34\uff0f\uff0f\uff2e\uff26",  # full width
        "".join(chr(0x1D400 + ord(letter) - 65) for letter in "SECRET") + "//NF",  # bold
        "".join(chr(0x24B6 + ord(letter) - 65) for letter in "SECRET") + "//NF",  # in circles
        "".join(chr(0x1F150 + ord(letter) - 65) for letter in "SECRET") + "//NF",  # white on black
        "".join(chr(0x1F170 + ord(letter) - 65) for letter in "SECRET") + "//NF",
        "".join(chr(0x1F1E6 + ord(letter) - 65) for letter in "SECRET") + "//NF",  # of flags
        "\ua731\u1d07\u1d04\u0280\u1d07\u1d1b//\u0274\ua730",  # small capitals
        "\u0405\u0415\u0421R\u0415\u0422//NF",  # Cyrillic
        "S\u0395\u03f9R\u0395\u03a4//NF",  # Greek
        "\u13da\u13ac\u13df\u13a1\u13ac\u13a2//NF",  # Cherokee
        "\ua4e2\ua4f0\ua4da\ua4e3\ua4f0\ua4d4//NF",  # Lisu
        "\u054fECRET//NF",  # Armenian
        *(f"SECRET{slash * 2}NF" for slash in "\u2044\u2215\u2571\u27cb\u29f8\uff0f\u1735\u2041"),
        "SE\u2ca4RE\u2ca6//NF",  # Coptic
        "SECRET\u2afdNF",
        "S\u200bE\u200cC\u200dR\u2060E\ufeffT//NF",  # of no width
        "\u202eSECRET//NF",  # a direction
        "SE\u00adCRET//NF",  # a soft hyphen
        "SE\ufe0fCRET//NF",  # a variation selector
        "S\U000e0041ECRET//NF",  # a tag
        "S\u0336E\u0336C\u0336R\u0336E\u0336T\u0336//NF",  # struck through
        "S\u00c9CR\u00caT//NF",  # with accents
        "S\u3164E\uffa0C\u115fRET//NF",  # fillers
        "S\0E\x07C\x1fR\x7fET//NF",  # control characters
        "SE\ud800CRET//NF",  # half a pair
        "\x1bSECRET//NF",
        "SECRET\u2002//\u2003NF",  # typographic blanks
    ],
    ids=ascii,
)
def test_disguises_do_not_hide(text: str) -> None:
    assert MARKINGS.find([text]) == "SECRET//*"
    assert MARKINGS.find([f"words{text}"]) is None


# All that str.splitlines knows.
@pytest.mark.parametrize("end", ["\n", "\r", "\r\n", "\v", "\f", "\x1c", "\x1d", "\x1e", "\x85", "\u2028", "\u2029"])
def test_ends_of_lines(end: str) -> None:
    assert len(f"a{end}b".splitlines()) == 2
    assert MARKINGS.find([f"first{end}SECRET//NF"]) == "SECRET//*"
    assert MARKINGS.find([f"first{end}CUI{end}last"]) == "CUI"


def test_the_first_marking_counts_then_the_first_pattern() -> None:
    assert MARKINGS.find(iter(["words", "CUI", "SECRET"])) == "CUI"
    assert MARKINGS.find(["words\n(S) a\nSECRET//NF"]) == "(S)*"
    assert Markings(["SECRET*", "SECRET//*"]).find(["SECRET//NF"]) == "SECRET*"
    assert Markings(["SECRET//*", "SECRET*"]).find(["SECRET//NF"]) == "SECRET//*"
    assert MARKINGS.find([]) is None
    assert Markings([]).find(["SECRET", "", "\n"]) is None


@pytest.mark.parametrize(
    ("pattern", "found", "not_found"),
    [
        ("S E C R E T*", "S E C R E T  SECTION 01", "SECRET"),
        ("//COSMIC TOP SECRET*", "//COSMIC TOP SECRET//BOHEMIA", "TOP SECRET//SI"),
        ("//COSMIC TOP SECRET*", "COSMIC TOP SECRET", "TOP SECRET//SI"),
        ("== SECRET ==", "== SECRET ==", "SECRET"),
        ("SECRET // NOFORN", "SECRET//NOFORN", "SECRET//REL"),
        ("SECRET//NOFORN", "SECRET  //  NOFORN", "SECRET//NOFORN//X"),
        ("CUI//SP-CTI", "CUI//SP\u2011CTI", "CUI//SP CTI"),
        ("CUI//SP-CTI*", "CUI//SP\u2013CTI//FED ONLY", "CUI//SP-PRVCY"),
        ("NATO  SECRET*", "NATO SECRET//X", "NATOSECRET"),
        ("ACME (INTERNAL).*", "ACME (INTERNAL).", "ACME INTERNAL"),
        ("FOR OFFICIAL USE ONLY", "**FOR OFFICIAL USE ONLY**", "FOR OFFICIAL USE ONLY."),
        ("[X]*", "[X] words", "X words"),
    ],
)
def test_patterns_are_literal_text(pattern: str, found: str, not_found: str) -> None:
    assert Markings([pattern]).find(["words", found]) == pattern
    assert Markings([pattern]).find([not_found]) is None


@pytest.mark.parametrize("pattern", ["---", "*", "# *", ""])
def test_a_pattern_of_decoration_is_refused(pattern: str) -> None:
    with pytest.raises(ValueError, match="nothing but decoration"):
        Markings([pattern])


BANNERS = st.sampled_from(["SECRET//NOFORN", "TOP SECRET // SI", "CUI", "(S//NF) The plan", "\u0421UI", "C\u200bUI//X"])
DECORATION = st.text(" \t>*#_~=|\"'`+-\u2022\u201c\u00a0", max_size=8)
LINES = st.text(st.characters(exclude_categories=["Cc", "Cs"], exclude_characters="\ufffd"), max_size=30)


@st.composite
def marked(draw: st.DrawFn) -> str:
    """Lines, one of which is a banner."""
    end = draw(st.sampled_from(["\n", "\r\n", "\u2028"]))
    line = draw(DECORATION) + draw(BANNERS) + draw(DECORATION)
    return end.join([draw(LINES), line, f"{draw(LINES)} and so on"])


@st.composite
def bodies(draw: st.DrawFn) -> bytes:
    """JSON that holds a marked text somewhere, as it is or packed."""
    ensure_ascii = draw(st.booleans())

    def string(text: str) -> str:
        return json.dumps(text, ensure_ascii=ensure_ascii)

    def in_base64(text: str) -> str:
        return string(base64.b64encode(text.encode(draw(st.sampled_from(["utf-8", "utf-16"])))).decode())

    document = draw(st.sampled_from([string, in_base64]))(draw(marked()))
    for packing in draw(
        st.lists(st.sampled_from(["list", "member", "duplicate", "name", "json", "base64"]), max_size=3)
    ):
        match packing:
            case "list":
                document = f"[1, {document}, null]"
            case "member":
                document = f'{{"a": 0, {string(draw(LINES))}: {document}}}'
            case "duplicate":
                document = f'{{"x": {document}, "x": "harmless"}}'
            case "name":
                document = f"{{{string(document)}: []}}"
            case "json":
                document = string(document)
            case _:
                document = in_base64(document)
    return document.encode(draw(st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32"])))


@given(bodies())
def test_a_banner_is_found_in_any_body(body: bytes) -> None:
    assert MARKINGS.find(Content(body).texts()) in PATTERNS


@given(marked(), st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-32"]))
def test_a_banner_is_found_in_a_body_that_is_no_json(text: str, encoding: str) -> None:
    assert MARKINGS.find(Content(text.encode(encoding)).texts()) in PATTERNS


WORDS = st.text("abcdexyzABCDEXYZ019+/-_ \n", max_size=40)  # of base64's alphabet


@given(st.data(), st.sampled_from([20, 60, 64, 76, 1_000]), st.booleans(), st.booleans())
def test_a_banner_is_found_in_lines_of_base64(data: st.DataObject, width: int, is_padded: bool, is_json: bool) -> None:
    plan = "SECRET//NOFORN\nThe plan is to attack at dawn, and to return before noon."
    packed = base64.b64encode((json.dumps({"a": plan}) if is_json else plan).encode()).decode()
    packed = packed if is_padded else packed.rstrip("=")
    lines = [packed[start : start + width] for start in range(0, len(packed), width)]
    # Among lines without a blank that are as long, those of base64 cannot be told.
    before, behind = ([line[: width - 1] for line in data.draw(WORDS).split("\n")] for _ in range(2))
    text = "\n".join([*before, *lines, *behind])
    assert MARKINGS.find(Content(json.dumps([text]).encode()).texts()) == "SECRET//*"


INVISIBLE = "\u200b\u00ad\u0301\ufe0f\u2060\x00\U000e0020"


@given(st.data())
def test_invisible_characters_do_not_hide(data: st.DataObject) -> None:
    hidden = data.draw(st.lists(st.sampled_from(INVISIBLE), min_size=14, max_size=14))
    text = "".join(f"{letter}{other}" for letter, other in zip("SECRET//NOFORN", hidden, strict=True))
    assert MARKINGS.find([f"{data.draw(LINES)}\n{text}"]) in PATTERNS


@given(
    st.lists(
        st.text(string.ascii_lowercase + string.punctuation + " \u00e9\u4e2d\u200b\u0301", max_size=12)
        | BANNERS.map(str.lower).map(lambda banner: unicodedata.normalize("NFKC", banner))
    ).map("\n".join)
)
def test_texts_without_capitals_are_never_found(text: str) -> None:
    assert MARKINGS.find([text]) is None
    assert MARKINGS.find(Content(json.dumps({"a": text}).encode()).texts()) is None


SIZE_BYTES = 1_000_000  # of the 4,500,000 that a policy may let through: what is not linear takes minutes all the same
UNITS = (
    *(">", "<", "T", " ", "\n", "/", "-", ",", "&", "1", "a)", "(", "\0", "\u200b", "\u0301", "\u0421", "\U0001d412"),
    *(
        "\n1:",
        "\n1\t",
        "\na:",
        "\na/1:",
        "-1",
        "\na-1-",
        "\na:1:1:",
        "\na b ",
        "\n[",
        "\nSECRET // x",
        "\nSECRET*a",
        "&#47;",
        "&#",
        "\nSECRET<b>a",
        "\n(S//<b>",
        "\n(S//*",
        "\nSECRET // A<",
    ),
    *("<a", "<a>", "<p", "<p>", "</", "<!--", "&nbsp;", "% ", "SECRET ", "SECRET// ", "TOP SECRET ", "(S "),
    *("\nT", "\n>", "\n(", "\n(S", "\n1.", "\n<a", "<a\n>", "<p\n>", "\n/*", "\nTOP ", "\nSECRETS", "\r\n", "\u2028"),
    f"\n{'1' * 20}",
)
HOSTILE = {
    **{ascii(unit): f"x{unit * (SIZE_BYTES // len(unit.encode()))}" for unit in UNITS},
    "blanks": f"SECRET{' ' * SIZE_BYTES}x",
    "blanks between": f"TOP{' ' * SIZE_BYTES}x",
    "tags": f"SECRET{'<a>' * (SIZE_BYTES // 3)}x",
    "rest of a banner": f"SECRET // AB{'<b>' * (SIZE_BYTES // 3)}x",
    "rest of a portion mark": f"(S//{'<a>' * (SIZE_BYTES // 3)}x",
    "file's name": f"\n{'a' * SIZE_BYTES}",
    "many characters": "".join(chr(code) for code in range(0x80, 0x40000) if not 0xD800 <= code < 0xE000),
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_text_is_searched_in_time(text: str) -> None:
    for searched in (text, f"{text}\n//"):  # with slashes more is looked for
        started = time.process_time()
        assert MARKINGS.find([searched]) is None
        assert time.process_time() - started < 2
