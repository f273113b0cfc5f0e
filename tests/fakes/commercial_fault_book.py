"""The faults that were asked for and have not happened yet; commercial_faults.py has the faults themselves."""

from __future__ import annotations

import inspect
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

from tests.fakes.commercial_faults import BROKEN, RESET_ON_ACCEPT, SPOILED


@dataclass
class Fault:
    name: str
    remaining: int = 1
    match: str = ""
    params: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """ValueError or TypeError for what would only fail later, in the middle of someone's test."""
        function = SPOILED.get(self.name) or BROKEN.get(self.name)
        if function is None and self.name != RESET_ON_ACCEPT:
            raise ValueError(f"no fault {self.name!r}; there are {sorted([*SPOILED, *BROKEN, RESET_ON_ACCEPT])}")
        known = inspect.signature(function).parameters if function else {}
        for name, value in self.params.items():
            parameter = known.get(name)
            if parameter is None or parameter.kind is not inspect.Parameter.KEYWORD_ONLY:
                raise ValueError(f"fault {self.name!r} takes no {name!r}")
            kind = dict if parameter.default is None else type(parameter.default)
            if not isinstance(value, (int, float) if kind is float else kind):
                raise TypeError(f"{name!r} of fault {self.name!r} must be of type {kind.__name__}")
        if not isinstance(self.remaining, int) or self.remaining < 1:
            raise ValueError("count must be a positive integer")
        if not isinstance(self.match, str):
            raise TypeError("match must be the start of a path and query")


class FaultBook:
    """The faults waiting to happen, oldest first."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._faults: list[Fault] = []

    def add(self, fault: Fault) -> None:
        with self._lock:
            self._faults.append(fault)

    def clear(self) -> None:
        with self._lock:
            self._faults.clear()

    def pending(self) -> list[dict[str, Any]]:
        with self._lock:
            return [{"fault": fault.name, "count": fault.remaining, "match": fault.match} for fault in self._faults]

    def take(self, target: str, *, before_reading: bool = False) -> Fault | None:
        """The fault that strikes this request, used up by one."""
        with self._lock:
            for fault in self._faults:
                if (fault.name == RESET_ON_ACCEPT) == before_reading and target.startswith(fault.match):
                    fault.remaining -= 1
                    if not fault.remaining:
                        self._faults.remove(fault)
                    return fault
        return None


def documented() -> str:
    """One line a fault, for --help."""
    lines = [f"  {RESET_ON_ACCEPT}"]
    for name, function in {**SPOILED, **BROKEN}.items():
        parameters = inspect.signature(function).parameters.values()
        lines.append(" ".join([f"  {name}", *(p.name for p in parameters if p.kind is p.KEYWORD_ONLY)]))
    return "\n".join(lines)
