"""Keeps Bedrock's lists for some minutes, and renews them while requests go on with the ones there are."""

import threading
import time
from collections.abc import Callable

from inference_proxy.profiles import Catalog

_RETRY_SECONDS = 30.0  # after a failed renewal; until then the overdue lists serve on
_MISSING_RETRY_SECONDS = 10.0  # where there are none at all

Load = Callable[[], Catalog]


class CatalogCache:
    """The catalog of one execution environment; an overdue one serves on while Bedrock's lists cannot be read."""

    def __init__(self, max_age_seconds: float) -> None:
        self._max_age_seconds = max_age_seconds
        self._catalog: Catalog | None = None
        # By the wall clock: the monotonic one may stand still while Lambda is frozen.
        self._read_at = float("-inf")
        self._failed_at = float("-inf")
        self._loading = threading.Lock()
        self._renewal: threading.Thread | None = None

    @property
    def age_seconds(self) -> int:
        """Age of the catalog in whole seconds, 0 if there is none."""
        return max(0, int(time.time() - self._read_at)) if self._catalog else 0

    @property
    def missing(self) -> bool:
        """Whether there is no catalog, and it is too early to try again."""
        return self._catalog is None and time.time() - self._failed_at < _MISSING_RETRY_SECONDS

    def get(self, load: Load) -> Catalog:
        """The catalog, loaded if it is missing or overdue; the overdue one if that fails, or failed a moment ago.

        Raises what ``load`` raises if there is none at all.
        """
        if self._catalog and time.time() - self._failed_at < _RETRY_SECONDS:
            return self._catalog
        return self.get_fresh(load, self._max_age_seconds)

    def get_fresh(self, load: Load, max_age_seconds: float) -> Catalog:
        """A catalog of at most this age, loaded if need be; an older one, or an error, as in ``get``."""
        asked_at = time.time()
        with self._loading:
            # Read since then: by another request, whose result is as fresh.
            if self._catalog and (self._read_at > asked_at or asked_at - self._read_at < max_age_seconds):
                return self._catalog
            try:
                self._catalog = load()
            except Exception:
                self._failed_at = time.time()
                if self._catalog:
                    return self._catalog
                raise
            self._read_at, self._failed_at = time.time(), float("-inf")
            return self._catalog

    def get_at_once(self, load: Load) -> Catalog:
        """The catalog there is. If it is overdue it is renewed beside the request; only a missing one is waited for."""
        catalog = self._catalog
        if catalog is None:
            return self.get(load)
        now = time.time()
        overdue = now - self._read_at >= self._max_age_seconds and now - self._failed_at >= _RETRY_SECONDS
        if overdue and self._renewal is None:
            self._renewal = threading.Thread(target=self.get, args=(load,), name="renew-catalog", daemon=True)
            self._renewal.start()
        return catalog

    def settle(self) -> None:
        """Wait for a renewal under way, which has a deadline: Lambda freezes what still runs after the answer."""
        renewal, self._renewal = self._renewal, None
        if renewal:
            renewal.join()
