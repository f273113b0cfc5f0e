"""Somebody who follows a guide: runs its `sh` blocks, one after the other, in a copy of the repository."""

import re
import shutil
import subprocess
import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from deployment import REPOSITORY

_NOT_COPIED = (".git", ".local", ".terraform", "__pycache__", ".pytest_cache", ".mypy_cache", ".ruff_cache")
_VIRTUAL_ENVIRONMENTS = ("venv", "twin-venv", "clients-venv", "analysis-venv")
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
_BLOCK = re.compile(r"^( *)```(\w+)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    """A fenced block of a guide and the heading it stands under."""

    heading: str
    language: str
    code: str


def blocks(guide: Path) -> Iterator[Block]:
    """The fenced blocks of a guide, in order."""
    text = guide.read_text()
    headings = [(found.start(), found[1]) for found in _HEADING.finditer(_BLOCK.sub(_blanked, text))]
    for found in _BLOCK.finditer(text):
        heading = next((name for start, name in reversed(headings) if start < found.start()), "")
        yield Block(heading, found[2], textwrap.dedent(found[3]))


def _blanked(found: re.Match[str]) -> str:
    # A comment in a block looks like a heading.
    return re.sub(r"[^\n]", " ", found[0])


class Stranger:
    """Has a clone, the prerequisites and two AWS profiles."""

    def __init__(self, clone: Path, environ: Mapping[str, str]) -> None:
        self.clone = clone
        self.environ = dict(environ)
        self.printed = ""
        shutil.copytree(REPOSITORY, clone, ignore=shutil.ignore_patterns(*_NOT_COPIED), symlinks=True)
        (clone / ".local").mkdir()
        for name in _VIRTUAL_ENVIRONMENTS:  # installed once for all
            (clone / ".local" / name).symlink_to((REPOSITORY / ".local" / name).resolve())

    def run(self, code: str, **environ: str) -> str:
        """Run a block with bash; what it printed. It must succeed."""
        with self._bash(code, environ) as process:
            printed = process.stdout.read() if process.stdout else ""
        self.printed += printed
        assert process.returncode == 0, f"{code}\n{printed[-6000:]}"
        return printed

    def run_until(self, command: str, line: str, **environ: str) -> None:
        """Run one command and kill it as soon as it prints a line with this text."""
        printed = ""
        with self._bash(f"exec {command}", environ) as process:
            for text in process.stdout or ():
                printed += text
                if line in text:
                    process.kill()
                    break
        self.printed += printed
        assert line in printed, printed

    def _bash(self, code: str, environ: Mapping[str, str]) -> subprocess.Popen[str]:
        return subprocess.Popen(
            ["bash", "-euo", "pipefail", "-c", code],
            cwd=self.clone,
            env={**self.environ, **environ},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
