"""Databento looked at: key, gateway, data set, symbols. Nothing here costs money: no session is started, no data is asked
for; metadata and symbology of the historical service are free. Blocking.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import os
import socket
from collections.abc import Sequence
from typing import Any, Final
from urllib.parse import urlsplit

from actors.collector.databento.plan import KEY_VARIABLE, address, faults
from actors.collector.databento.symbols import stype_of
from actors.collector.probing.probe import Probe, named
from actors.collector.probing.reach import Place, place_of, reach

HISTORY_URL: Final = "https://hist.databento.com"
_LONGEST_LINE: Final = 4096
_GREETING_LINES: Final = 5
"""Its version, then the challenge; more may come one day."""
_DAYS: Final = 7
"""Names are looked up over the last days that the data set has: a weekend has none."""
_KEY_FIX: Final = f"correct {KEY_VARIABLE}; the portal's page of API keys shows which are active"
_STYPE_OUT: Final = {"instrument_id": "raw_symbol"}


class _GatewayError(Exception):
    """The gateway does not do as it should, in words."""


def probe_databento(probe: Probe, symbols: Sequence[tuple[str, str]]) -> None:
    """Look at one data set.

    Args:
        probe: Where findings go; its market is one of `datasets`.
        symbols: (canonical symbol, raw name) of what is collected there.
    """
    settings = probe.settings.databento
    key = settings.api_key or os.environ.get(KEY_VARIABLE, "")
    probe.hide(key)
    probe.begin("settings")
    for fault in faults(settings, probe.market, key):
        probe.fail(f"databento.{fault}", "without that the collector ends with exit code 78")
    dataset = settings.datasets[probe.market]
    gateway = place_of(address(settings, probe.market))
    if reach(probe, gateway, may_use_proxy=False) is not None and key:
        _authenticate(probe, gateway, key, dataset)
    url = settings.history_gateway or HISTORY_URL
    if reach(probe, place_of(url)) is not None and key:
        _ask_history(probe, key, dataset, [raw for _, raw in symbols])


def _authenticate(probe: Probe, gateway: Place, key: str, dataset: str) -> None:
    """Answer the gateway's challenge, and hang up before anything is subscribed."""
    probe.begin("credentials")
    timeout_s = probe.left_s(probe.settings.answer_timeout_s)
    try:
        with contextlib.closing(
            socket.create_connection((gateway.host, gateway.port), timeout=timeout_s)
        ) as sock:
            answer = _converse(sock, key, dataset)
    except TimeoutError:
        probe.fail("the gateway does not answer in time", "is databento.gateway right?")
    except (OSError, _GatewayError) as fault:
        probe.fail(f"the gateway does not speak with us: {fault}", "is databento.gateway right?")
    else:
        if answer.get("success") == "1":
            probe.ok(f"the live gateway takes the key for {dataset}")
        else:
            words = answer.get("error", "without a word")
            probe.fail(f"the live gateway refuses the key for {dataset}: {words}", _KEY_FIX)


def _converse(sock: socket.socket, key: str, dataset: str) -> dict[str, str]:
    """Greeting, challenge, our answer, its answer."""
    from databento.common.cram import get_challenge_response  # noqa: PLC0415 - it brings the whole package

    with sock.makefile("rb") as lines:
        greeting = (_fields(lines.readline(_LONGEST_LINE)) for _ in range(_GREETING_LINES))
        challenge = next((line["cram"] for line in greeting if line.get("cram")), "")
        if not challenge:
            raise _GatewayError("it sends no challenge")
        reply = get_challenge_response(challenge, key)
        sock.sendall(f"auth={reply}|dataset={dataset}|encoding=dbn|ts_out=0\n".encode())
        return _fields(lines.readline(_LONGEST_LINE))


def _fields(line: bytes) -> dict[str, str]:
    """`a=b|c=d` and the end of the line."""
    if not line.endswith(b"\n"):
        raise _GatewayError("it hung up" if not line else "what it says is not the protocol of the gateway")
    parts = (part.partition("=") for part in line.decode("utf-8", "replace").strip().split("|"))
    return {name: value for name, _, value in parts}


def _ask_history(probe: Probe, key: str, dataset: str, raws: Sequence[str]) -> None:
    import databento  # noqa: PLC0415 - half a second: only where it is asked

    probe.begin("history")
    gateway = probe.settings.databento.history_gateway
    try:
        client = databento.Historical(key, **({"gateway": gateway} if gateway else {}))
        datasets = client.metadata.list_datasets()
        if dataset not in datasets:
            probe.fail(
                f"this account has no data set {dataset}: {named(datasets)}", "correct databento.datasets"
            )
            return
        limits: Any = client.metadata.get_dataset_range(dataset)
        end = dt.date.fromisoformat(str(limits["end"])[:10])
        probe.ok(
            f"{dataset} from {str(limits['start'])[:10]} to {end} at {urlsplit(gateway or HISTORY_URL).hostname}"
        )
        probe.begin("symbols")
        if not raws:
            probe.skip("no symbol is configured")
            return
        _resolve(probe, client, dataset, raws, end)
    except databento.BentoHttpError as fault:
        words = getattr(fault, "message", "") or str(fault)
        fix = _KEY_FIX if fault.http_status in (401, 403) else "try again later"
        probe.fail(f"HTTP {fault.http_status}: {words}", fix)
    except (databento.BentoError, OSError, ValueError, KeyError, TypeError) as fault:
        probe.fail(f"the historical service: {type(fault).__name__}: {fault}", "try again later")


def _resolve(probe: Probe, client: Any, dataset: str, raws: Sequence[str], end: dt.date) -> None:
    """Ask what the configured names stand for, each way of naming by itself."""
    unknown: list[str] = []
    for stype in dict.fromkeys(map(stype_of, raws)):
        found = client.symbology.resolve(
            dataset=dataset,
            symbols=[raw for raw in raws if stype_of(raw) == stype],
            stype_in=stype,
            stype_out=_STYPE_OUT.get(stype, "instrument_id"),
            start_date=end - dt.timedelta(days=_DAYS),
            end_date=end,
        )
        unknown += found.get("not_found") or []
    if unknown:
        probe.fail(f"{dataset} knows no {named(unknown)}", "correct the names in symbols.yaml")
    else:
        probe.ok(f"{len(raws)} names are known: {named(raws)}")
