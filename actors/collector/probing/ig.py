"""IG looked at: REST login, clock, streaming session, one subscription for each of a few epics, plausible prices. Blocking.

It logs in once per collector: refused credentials are not tried again, since IG locks accounts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Final

from actors.collector.ig import http
from actors.collector.ig.actions import Ticket
from actors.collector.ig.login import REST_URLS, Fault, LoginError, RestSession
from actors.collector.ig.tlcp import stream_url
from actors.collector.probing.exchange import judge_clock
from actors.collector.probing.ig_stream import IgStreamProbe
from actors.collector.probing.offset import offset_of
from actors.collector.probing.probe import MAX_SYMBOLS, Probe
from actors.collector.probing.reach import place_of, reach
from protocol.instruments import Catalog

_SECRETS: Final = {"username": "IG_USERNAME", "password": "IG_PASSWORD", "api_key": "IG_API_KEY"}
_FIXES: Final = (
    (
        "api-key",
        "the key is wrong, disabled, or of the other environment: demo and live have a key each (ig.environment)",
    ),
    ("invalid-details", "username or password is wrong for this environment; a demo account has its own"),
    ("encryption", "this login wants an encrypted password: log in once in IG's web platform"),
    ("too-many-failed", "IG has locked the login: log in once in its web platform"),
)
_FIX_OF: Final = {
    Fault.CREDENTIALS: "log in once in IG's web platform and look there",
    Fault.ALLOWANCE: "too many requests, or another program uses the key: wait 15 minutes",
    Fault.STALE: "try again",
    Fault.OTHER: "try again later; is rest_url right?",
}
_DATE_STEP_S: Final = 1.0
"""IG tells its time in whole seconds, in the header `Date`."""


def probe_ig(probe: Probe, symbols: Sequence[tuple[str, str]], catalog: Catalog) -> None:
    """Look at one account; its market is `cfd`.

    Args:
        probe: Where findings go.
        symbols: (canonical symbol, epic); the first few are subscribed.
        catalog: All instruments.
    """
    ig = probe.settings.ig
    url = probe.settings.rest_url.get(probe.market) or REST_URLS[ig.environment]
    setup_s = reach(probe, place_of(url))
    probe.begin("credentials")
    missing = [name for name in _SECRETS if not getattr(ig, name)]
    if missing:
        probe.fail(
            f"not set: {', '.join(f'ig.{name}' for name in missing)}",
            f"set {', '.join(_SECRETS[name] for name in missing)} in the environment or in .env",
        )
        return
    if setup_s is None:
        probe.skip(f"{url} cannot be reached")
        return
    ticket, rest = _log_in(probe, url, setup_s)
    if ticket is None:
        return
    probe.hide(ticket.password, *ticket.password.split("|"))
    if reach(probe, place_of(stream_url(ticket.endpoint))) is None:
        return
    IgStreamProbe(probe, rest, ticket, symbols[:MAX_SYMBOLS], catalog).run()


def _log_in(probe: Probe, url: str, setup_s: float) -> tuple[Ticket | None, RestSession]:
    clock, ig = probe.clock, probe.settings.ig
    seen: list[tuple[int, int, http.Answer]] = []

    def send(
        method: str, url: str, headers: Mapping[str, str], body: bytes | None, timeout_s: float
    ) -> http.Answer:
        sent_ns = clock.now_ns()
        answer = http.send(method, url, headers, body, timeout_s)
        seen.append((sent_ns, clock.now_ns(), answer))
        return answer

    rest = RestSession(ig, url, probe.left_s(probe.settings.rest_timeout_s), clock.mono_ns, send)
    ticket = None
    try:
        ticket = rest.log_in()
    except LoginError as error:
        fixes = _FIXES if error.fault is Fault.CREDENTIALS else ()
        fix = next((fix for word, fix in fixes if word in str(error)), _FIX_OF[error.fault])
        probe.fail(f"the login to {ig.environment} is refused: {error}", fix)
    else:
        probe.ok(f"logged in to {ig.environment}, account {ticket.user}, version {ig.login_version}")
    if seen:
        sent_ns, received_ns, answer = seen[0]
        _look_at_clock(probe, answer.headers.get("date", ""), sent_ns, received_ns, setup_s)
    return ticket, rest


def _look_at_clock(probe: Probe, date: str, sent_ns: int, received_ns: int, setup_s: float) -> None:
    probe.begin("clock")
    try:
        moment: datetime | None = parsedate_to_datetime(date)
    except (ValueError, TypeError, IndexError):
        moment = None
    if moment is None or moment.tzinfo is None:
        probe.skip("the answers name no time")
        return
    venue_ns = round(moment.timestamp()) * 1_000_000_000
    offset = offset_of(venue_ns, sent_ns, received_ns, setup_s, _DATE_STEP_S)
    judge_clock(probe, str(offset), offset.least_s)
