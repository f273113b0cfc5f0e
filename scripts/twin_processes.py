"""The processes of a twin: started in groups of their own, noted in a file, stopped by process id from any shell."""

import contextlib
import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from deployment import REPOSITORY

_START_SECONDS = 60.0
_STOP_SECONDS = 10.0


class Processes:
    """What runs for the twin in a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._file = folder / "processes.json"
        self._children: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, side: str, command: list[str], environ: Mapping[str, str]) -> None:
        """Start one side; its output goes to a log file of its own."""
        # A clean environ: the emulator hands its own on to the Lambda processes.
        inherited = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        with (self._folder / f"{side}.log").open("wb") as log:
            process = subprocess.Popen(
                command,
                cwd=REPOSITORY,
                env={**inherited, "TMPDIR": str(self._folder / "tmp"), "PYTHONDONTWRITEBYTECODE": "1", **environ},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._children[side] = process
        self.note(process.pid)

    def wait_for(self, ready: Callable[[], bool], side: str) -> None:
        """Wait until a side is ready; exits with the end of its log if it is not."""
        give_up_at = time.monotonic() + _START_SECONDS
        process = self._children[side]
        # Whether it lives comes first: on a port that was taken, somebody else would answer.
        while process.poll() is not None or not ready():
            if process.poll() is not None or time.monotonic() > give_up_at:
                log = (self._folder / f"{side}.log").read_text(errors="replace")[-2000:]
                raise SystemExit(f"error: the {side} side of the twin did not start; its log ends with:\n{log}")
            time.sleep(0.05)

    def stop(self) -> None:
        """Stop all that were noted, and wait until they are gone."""
        for pid in self.alive():
            with contextlib.suppress(ProcessLookupError):
                os.killpg(pid, signal.SIGTERM)  # each was started as the leader of a group: deploy.sh with Terraform
        give_up_at = time.monotonic() + _STOP_SECONDS
        while self.alive() and time.monotonic() < give_up_at:
            time.sleep(0.05)
        for pid in self.alive():
            with contextlib.suppress(ProcessLookupError):
                os.killpg(pid, signal.SIGKILL)
        for child in self._children.values():
            child.wait()
        self._children.clear()
        self._file.unlink(missing_ok=True)

    def note(self, pid: int) -> None:
        """Remember a process, for `stop`."""
        self._file.write_text(json.dumps({**self.alive(), pid: _started_at(pid)}))

    def alive(self) -> dict[int, str]:
        """Process ids that were noted and that still are what was started."""
        try:
            noted = json.loads(self._file.read_text())
        except FileNotFoundError:
            return {}
        return {int(pid): started for pid, started in noted.items() if started and _started_at(int(pid)) == started}


def _started_at(pid: int) -> str:
    """When a process started, by ps: a process id alone may have been given to another one since."""
    command = ["ps", "-o", "stat=", "-o", "lstart=", "-p", str(pid)]
    state, _, started = (
        subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip().partition(" ")
    )
    return "" if state.startswith("Z") else started.strip()
