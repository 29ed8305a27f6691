"""The parts of the gateway's benchmark: wrk's report is read, frames are cut, and both loads run at all."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.bench import fanout, wrk
from tests.bench.bare import STAMP
from tests.bench.gateway import bare

REPORT = """Running 3s test @ http://127.0.0.1:1/x
  Latency Distribution
     50%  812.00us
     75%    1.02ms
     90%    1.50ms
     99%    1.20s
  30123 requests in 3.00s, 5.00MB read
  Non-2xx or 3xx responses: 17
Requests/sec:  10041.25
"""


def test_the_report_of_wrk_is_read() -> None:
    assert wrk.parsed(REPORT) == wrk.Load(10041.25, 0.812, 1200.0, 17)
    with pytest.raises(ValueError, match="no rate"):
        wrk.parsed("unable to connect")


@given(st.lists(st.binary(max_size=70_000), max_size=4), st.integers(0, 20))
def test_frames_are_cut_wherever_the_bytes_end(payloads: list[bytes], short: int) -> None:
    whole = b"".join(framed(payload) for payload in payloads)
    found, rest = fanout.frames_in(whole)
    assert (found, rest) == (payloads, b"")
    found, rest = fanout.frames_in(whole[: max(0, len(whole) - short)])
    again, _ = fanout.frames_in(rest + whole[max(0, len(whole) - short) :])
    assert found + again == payloads


def framed(payload: bytes) -> bytes:
    size = len(payload)
    if size < 126:
        return bytes((0x81, size)) + payload
    if size < 65_536:
        return b"\x81\x7e" + size.to_bytes(2, "big") + payload
    return b"\x81\x7f" + size.to_bytes(8, "big") + payload


def test_both_loads_run_against_the_bare_application(tmp_path: Path) -> None:
    constant, message = tmp_path / "constant", tmp_path / "socket"
    constant.write_text('{"a":1}')
    message.write_text(f"{{{STAMP}}}")
    with bare([constant, message]) as url:
        host, port = url.removeprefix("http://").split(":")
        load = asyncio.run(wrk.load(host, int(port), "/constant", 4, 0.2))
        fan = asyncio.run(fanout.count(url.replace("http:", "ws:") + "/ws?per_s=50", 5, 0.2, ""))
    assert load.per_s > 0
    assert load.failed == 0
    assert fan.per_s > 0
    assert fan.lost == 0
    assert fan.lag_p99_ms >= fan.lag_p50_ms >= 0
