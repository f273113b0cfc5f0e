"""Callers who never stop, while an operator changes things: what they were answered."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field

import requests

WORKERS = 8


@dataclass
class Load:
    """Requests of several workers, each at a time of its own; ``failures`` says when and what, if any."""

    send: Callable[[], requests.Response]
    pause_seconds: float = 0.8
    answered: int = 0
    failures: list[str] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _stopping: threading.Event = field(default_factory=threading.Event)
    _going: threading.Event = field(default_factory=threading.Event)

    @contextmanager
    def running(self) -> Iterator["Load"]:
        """Workers run until the end of the ``with``."""
        self._going.set()
        with ThreadPoolExecutor(WORKERS) as pool:
            workers: list[Future[None]] = [pool.submit(self._work) for _ in range(WORKERS)]
            try:
                yield self
            finally:
                self._stopping.set()
                self._going.set()
        for worker in workers:
            worker.result()

    @contextmanager
    def paused(self) -> Iterator[None]:
        """No requests during the ``with``."""
        self._going.clear()
        time.sleep(1.0)
        yield
        self._going.set()

    def _work(self) -> None:
        while not self._stopping.is_set():
            self._going.wait()
            try:
                answer = self.send()
                failure = "" if answer.status_code == 200 else f"{answer.status_code} {answer.text[:300]}"
            except requests.RequestException as error:
                failure = repr(error)
            with self._lock:
                self.answered += 1
                if failure:
                    self.failures.append(f"{time.strftime('%H:%M:%S')} {failure}")
            time.sleep(self.pause_seconds)
