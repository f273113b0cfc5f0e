"""Callers who never stop, while an operator changes things: what they were answered."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field

import requests

WORKERS = 8
_LONGEST_SECONDS = 90  # no answer takes longer


@dataclass
class Load:
    """Requests of several workers, each at a time of its own; ``failures`` says when and what, if any."""

    send: Callable[[], requests.Response]
    pause_seconds: float = 0.8
    answered: int = 0
    failures: list[str] = field(default_factory=list)
    _stopping: threading.Event = field(default_factory=threading.Event)
    _turn: threading.Condition = field(default_factory=threading.Condition)
    _held: bool = False
    _under_way: int = 0

    @contextmanager
    def running(self) -> Iterator["Load"]:
        """Workers run until the end of the ``with``."""
        with ThreadPoolExecutor(WORKERS) as pool:
            workers: list[Future[None]] = [pool.submit(self._work) for _ in range(WORKERS)]
            try:
                yield self
            finally:
                self._stopping.set()
        for worker in workers:
            worker.result()

    @contextmanager
    def paused(self) -> Iterator[None]:
        """No request is sent, and none is under way, during the ``with``."""
        with self._turn:
            self._held = True
            assert self._turn.wait_for(lambda: self._under_way == 0, _LONGEST_SECONDS), "requests without an answer"
        try:
            yield
        finally:
            with self._turn:
                self._held = False
                self._turn.notify_all()

    def _work(self) -> None:
        while not self._stopping.is_set():
            with self._turn:
                self._turn.wait_for(lambda: not self._held)
                self._under_way += 1
            try:
                answer = self.send()
                failure = "" if answer.status_code == 200 else f"{answer.status_code} {answer.text[:300]}"
            except requests.RequestException as error:
                failure = repr(error)
            with self._turn:
                self._under_way -= 1
                self.answered += 1
                if failure:
                    self.failures.append(f"{time.strftime('%H:%M:%S')} {failure}")
                self._turn.notify_all()
            time.sleep(self.pause_seconds)
