"""The AWS config file, changed line by line: whatever this did not add stays as it is, to the byte.

What is added to a section is named in a comment below the section's header, so that it can be found and removed again.
The file's form: "Using shared config and credentials files" in the AWS SDKs and Tools Reference Guide.
"""

import configparser
import os
import re
import shlex
import stat
import tempfile
from collections.abc import Mapping
from pathlib import Path

import botocore.configloader
from botocore.exceptions import ConfigNotFound, ConfigParseError

_MARK = "# added by make client-profile: "
_HEADER = "header"  # stands in the mark for the section itself
_OPTION = re.compile(r"([^\s=:#;\[][^=:]*?)\s*[=:]")


class AwsConfigFile:
    """The text of a config file; nothing is written before `write`. Exits if the AWS SDKs cannot read the file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            botocore.configloader.load_config(str(path))
            # With its line ends, and whatever its characters are.
            self.text = path.read_bytes().decode(errors="surrogateescape")
        except ConfigNotFound:
            if path.exists():
                raise SystemExit(f"error: {path} is not a file") from None
            self.text = ""
        except ConfigParseError as error:  # whose words may quote a secret
            line = re.search(r"\bline:? +(\d+)", str(error.kwargs["error"]))
            where = f"line {line[1]}" if line else "its nested settings and its characters"
            raise SystemExit(f"error: the AWS SDKs cannot read {path}: see {where}. Nothing was changed") from None

    def section(self, header: str) -> dict[str, str] | None:
        """The options of a section, such as ``profile dev``; nested ones as lines. None if there is no such section."""
        parser = configparser.RawConfigParser()
        parser.read_string(self.text)
        names = [name for name in parser.sections() if _same(name, header)]
        return dict(parser[names[0]]) if names else None

    def add(self, header: str, options: Mapping[str, str]) -> None:
        """Add what a section lacks of these options, and the section; exits if it says otherwise about one of them.

        Nested options are lines of the value, below an empty first one.
        """
        present = self.section(header)
        for name, value in options.items():
            said = (present or {}).get(name, value)
            if said != value:
                raise SystemExit(
                    f"error: [{header}] in {self._path} has {name} = {said.strip()}, and not {value.strip()}; "
                    "nothing was changed. Choose another PROFILE, or remove that line"
                )
        missing = [name for name in options if name not in (present or {})]
        if not missing:
            return
        end = "\r\n" if "\r\n" in self.text else "\n"
        if self.text and not self.text.endswith("\n"):
            self.text += end
        names = missing if present is not None else [_HEADER, *missing]
        added = [_MARK + " ".join(names), *(_as_lines(name, options[name]) for name in missing)]
        block = "\n".join([*added, ""]).replace("\n", end)
        if present is None:
            self.text += f"{end if self.text else ''}[{header}]{end}{block}"
        else:
            lines, below_header = self._lines(), self._span(header)[0] + 1
            self.text = "".join([*lines[:below_header], block, *lines[below_header:]])

    def remove(self, header: str) -> list[str]:
        """Remove what `add` added to a section, and the section if nothing else is in it; what it was."""
        if self.section(header) is None:
            return []
        lines = self._lines()
        start, stop = self._span(header)
        names = [name for line in lines[start:stop] if line.startswith(_MARK) for name in line[len(_MARK) :].split()]
        kept, dropping = [], False
        for line in lines[start + 1 : stop]:
            option = _OPTION.match(line)
            if option or not line.strip() or not line[0].isspace():  # else it goes on with the option above
                dropping = line.startswith(_MARK) or (option is not None and option[1].lower() in names)
            if not dropping:
                kept.append(line)
        if _HEADER not in names or any(line.strip() for line in kept):
            kept = [lines[start], *kept]
        elif start and not lines[start - 1].strip():
            start -= 1
        self.text = "".join([*lines[:start], *kept, *lines[stop:]])
        return names

    def write(self) -> None:
        """Put the text in the file's place in one step; the file keeps its mode, a new one is its user's alone."""
        target = self._path.resolve()  # a link stays a link
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        mode = stat.S_IMODE(target.stat().st_mode) if target.exists() else 0o600
        with tempfile.NamedTemporaryFile(dir=target.parent, prefix=f".{target.name}-", delete=False) as file:
            try:
                file.write(self.text.encode(errors="surrogateescape"))
                file.flush()
                os.fchmod(file.fileno(), mode)
                os.fsync(file.fileno())
                Path(file.name).replace(target)
            except BaseException:
                Path(file.name).unlink()
                raise

    def _lines(self) -> list[str]:
        return re.findall(r"[^\n]*\n|[^\n]+", self.text)

    def _span(self, header: str) -> tuple[int, int]:
        lines = self._lines()
        headers = [at for at, line in enumerate(lines) if line.lstrip().startswith("[")]
        start = next(at for at in headers if _same(lines[at].strip()[1:].partition("]")[0], header))
        return start, next((at for at in headers if at > start), len(lines))


def _as_lines(name: str, value: str) -> str:
    first, *nested = value.split("\n")
    return "\n  ".join([f"{name} = {first}".rstrip(), *nested])


def _same(name: str, header: str) -> bool:
    # [profile "a"] and [profile  a] are the same to the SDKs.
    try:
        return shlex.split(name) == header.split()
    except ValueError:
        return False
