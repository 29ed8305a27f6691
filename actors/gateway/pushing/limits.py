"""How much a source may push: a bucket of requests and one of items. Pure, time is an argument.

How many items a body has is known only once it was read: they are counted then, and a source that took more than it has
waits until it has some again.
"""

from __future__ import annotations

from collections import OrderedDict

from actors.gateway.pushing.settings import PushingSettings

MAX_SOURCES = 1000


class _Buckets:
    def __init__(self, mono_ns: int, requests: float, items: float) -> None:
        self.mono_ns = mono_ns
        self.requests = requests
        self.items = items


class Limits:
    """Of all sources.

    Args:
        settings: How much.
    """

    def __init__(self, settings: PushingSettings) -> None:
        self._settings = settings
        self._known: OrderedDict[str, _Buckets] = OrderedDict()

    def wait_s(self, source: str, mono_ns: int) -> float:
        """Count one request; 0: it may pass, else when the next one may come."""
        settings, one = self._settings, self._of(source, mono_ns)
        lack_s = max(
            (1.0 - one.requests) / settings.requests_per_s, (1.0 - one.items) / settings.items_per_s, 0.0
        )
        if lack_s <= 0.0:
            one.requests -= 1.0
        return lack_s

    def spend(self, source: str, items: int, mono_ns: int) -> None:
        """Count what a request brought."""
        self._of(source, mono_ns).items -= items

    def _of(self, source: str, mono_ns: int) -> _Buckets:
        settings = self._settings
        one = self._known.get(source)
        if one is None:
            one = _Buckets(mono_ns, settings.request_burst, settings.item_burst)
            self._known[source] = one
            if len(self._known) > MAX_SOURCES:
                self._known.popitem(last=False)
        else:
            self._known.move_to_end(source)
        elapsed_s = max(0.0, (mono_ns - one.mono_ns) / 1e9)
        one.mono_ns = mono_ns
        one.requests = min(settings.request_burst, one.requests + elapsed_s * settings.requests_per_s)
        one.items = min(settings.item_burst, one.items + elapsed_s * settings.items_per_s)
        return one
