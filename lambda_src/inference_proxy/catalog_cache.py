"""Keeps Bedrock's lists for some minutes, and renews them while requests go on with the ones there are."""

import threading
import time
from collections.abc import Callable

from inference_proxy.profiles import Catalog

# After a failed refresh: an overdue catalog serves on for a while, a missing one is wanted soon.
_RETRY_SECONDS = 30.0
_MISSING_RETRY_SECONDS = 2.0

Load = Callable[[], Catalog]


class CatalogCache:
    """The catalog of one execution environment; an overdue one serves on while Bedrock's lists cannot be read."""

    def __init__(self, max_age_seconds: float) -> None:
        self._max_age_seconds = max_age_seconds
        self._catalog: Catalog | None = None
        self._read_at = float("-inf")  # by the wall clock: the monotonic one may stand still while Lambda is frozen
        self._tried_at = float("-inf")
        self._loading = threading.Lock()
        self._renewal: threading.Thread | None = None

    @property
    def age_seconds(self) -> int:
        """Age of the catalog in whole seconds, 0 if there is none."""
        return max(0, int(time.time() - self._read_at)) if self._catalog else 0

    @property
    def failed_lately(self) -> bool:
        """Whether there is no catalog and the last attempt to load one was moments ago."""
        return self._catalog is None and time.time() - self._tried_at < _MISSING_RETRY_SECONDS

    def get(self, load: Load, max_age_seconds: float | None = None) -> Catalog:
        """A catalog of at most this age (by default that of the settings), loaded if need be.

        An overdue one is given out if it cannot be renewed; raises what ``load`` raises if there is none at all.
        """
        age_seconds = self._max_age_seconds if max_age_seconds is None else max_age_seconds
        asked_at = time.time()
        with self._loading:
            current = self._read_at > asked_at or asked_at - self._read_at < age_seconds  # another one has just read it
            waits = max_age_seconds is None and asked_at - self._tried_at < _RETRY_SECONDS
            if self._catalog and (current or waits):
                return self._catalog
            self._tried_at = asked_at
            try:
                self._catalog = load()
            except Exception:
                if self._catalog:
                    return self._catalog
                raise
            self._read_at = time.time()
            return self._catalog

    def get_at_once(self, load: Load) -> Catalog:
        """The catalog there is. If it is overdue it is renewed beside the request; only a missing one is waited for."""
        if self._catalog is None:
            return self.get(load)
        overdue = time.time() - self._read_at >= self._max_age_seconds
        if overdue and self._renewal is None and time.time() - self._tried_at >= _RETRY_SECONDS:
            self._renewal = threading.Thread(target=self.get, args=(load,), name="renew-catalog", daemon=True)
            self._renewal.start()
        return self._catalog

    def settle(self) -> None:
        """Wait for a renewal under way, which has a deadline: Lambda freezes what still runs after the answer."""
        renewal, self._renewal = self._renewal, None
        if renewal:
            renewal.join()
