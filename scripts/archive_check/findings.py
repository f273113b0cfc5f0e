"""What a check of the archive found: each break in one line, under a name; beside them, what is only worth knowing."""

from collections import Counter

_LINES_OF_A_KIND = 20  # one missing object makes a thousand records incomplete


class Findings:
    """Collects breaks and notes."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._kinds: Counter[str] = Counter()
        self._notes: Counter[str] = Counter()

    def add(self, kind: str, text: str) -> None:
        """A break: its name ("removed object") and what it is about."""
        self._kinds[kind] += 1
        if self._kinds[kind] <= _LINES_OF_A_KIND:
            self._lines.append(f"{kind}: {_plain(text)}")

    def note(self, number: int, text: str) -> None:
        """Something that is no break, with how often it was met; nothing if it never was."""
        self._notes[_plain(text)] += number

    @property
    def notes(self) -> list[str]:
        """What is no break, in the order in which it was met first."""
        return [f"note: {number:,} {text}" for text, number in self._notes.items() if number]

    @property
    def lines(self) -> list[str]:
        """The breaks in the order in which they were found."""
        more = [
            f"{kind}: {count - _LINES_OF_A_KIND:,} more"
            for kind, count in self._kinds.items()
            if count > _LINES_OF_A_KIND
        ]
        return self._lines + more

    @property
    def summary(self) -> str:
        """How many breaks of which kind; "" if there are none."""
        return ", ".join(f"{count:,} {kind}" for kind, count in self._kinds.items())


def _plain(text: str) -> str:
    """A text fit for a terminal, which somebody else may have chosen a part of."""
    return text if text.isascii() and text.isprintable() else ascii(text)[1:-1]
