"""A POST of JSON for each message: `Idempotency-Key` names it, `X-Tapehub-Signature` proves who sent it."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping

from actors.notifier.calling import Caller
from actors.notifier.failures import NotSent, Refused, Unsure
from actors.notifier.item import Item, Receipt


def signature_of(body: bytes, secret: str) -> str:
    """HMAC-SHA256 of a body, `sha256=<hex>`. Pure."""
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


class WebhookSender:
    """Every revision is a request of its own; a repeated one has the same key and the same body.

    Args:
        url: Where to.
        timeout_s: Patience for one request.
        secret: Key of the signature; empty: none.
        headers: Further headers.
    """

    can_edit = False

    def __init__(self, url: str, timeout_s: float, secret: str, headers: Mapping[str, str]) -> None:
        self._url = url
        self._secret = secret
        self._headers = {**headers, "Content-Type": "application/json"}
        self._caller = Caller(timeout_s)

    def send(self, item: Item) -> Receipt:
        """See `Sender`."""
        body = item.payload.encode()
        headers = {**self._headers, "Idempotency-Key": item.key}
        if self._secret:
            headers["X-Tapehub-Signature"] = signature_of(body, self._secret)
        answer = self._caller.post(self._url, body, headers)
        status = answer.status
        if 200 <= status < 300:
            return Receipt()
        if status in (429, 503):
            after = answer.headers.get("retry-after", "")
            raise NotSent(f"HTTP {status}", float(after) if after.isdigit() else 0.0, is_limit=status == 429)
        if status >= 500 or status == 408:
            raise Unsure(f"HTTP {status}")
        raise Refused(f"HTTP {status}")

    def settle(self, item: Item) -> Receipt:
        """See `Sender`: the key makes a repetition harmless."""
        return self.send(item)

    def tidy(self) -> bool:
        """See `Sender`: nothing to do."""
        return True

    def close(self) -> None:
        """See `Sender`."""
        self._caller.close()
