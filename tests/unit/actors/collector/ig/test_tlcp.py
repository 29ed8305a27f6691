"""Requests as the wire wants them, and every line that a server can write."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.collector.ig import tlcp
from actors.collector.outcomes import Ignored, Reject
from tests.support.data import data_dir, recording

needs_data = pytest.mark.skipif(data_dir() is None, reason="no recordings")


def test_a_session_is_created_with_encoded_values_and_without_diffs():
    text = tlcp.create_session("ABC12", "CST-a&b|XST-c=d%+\r\n", "api")
    assert text == (
        "create_session\r\nLS_user=ABC12&LS_password=CST-a%26b%7CXST-c%3Dd%25%2B%0D%0A"
        "&LS_cid=mgQkwtwdysogQz2BJ4Ji%20kOj2Bg&LS_supported_diffs=&LS_cause=api"
    )


def test_a_session_is_bound_and_recovered():
    assert tlcp.bind_session("S1", "ws.loop") == "bind_session\r\nLS_session=S1&LS_cause=ws.loop"
    assert "&LS_recovery_from=0&" in tlcp.bind_session("S1", "recovery", 0)


def test_control_requests():
    wanted = tlcp.Subscription("MERGE", "PRICE:ABC12:CS.D.GBPUSD.MINI.IP", "BIDPRICE1 ASKPRICE1", "Pricing")
    assert tlcp.subscribe(1, 2, wanted) == (
        "control\r\nLS_reqId=1&LS_op=add&LS_subId=2&LS_mode=MERGE"
        "&LS_group=PRICE%3AABC12%3ACS.D.GBPUSD.MINI.IP&LS_schema=BIDPRICE1%20ASKPRICE1"
        "&LS_data_adapter=Pricing&LS_snapshot=true&LS_ack=false"
    )
    assert "data_adapter" not in tlcp.subscribe(1, 2, wanted._replace(adapter=""))
    assert tlcp.unsubscribe(3, 2) == "control\r\nLS_reqId=3&LS_op=delete&LS_subId=2&LS_ack=false"
    assert tlcp.destroy(4) == "control\r\nLS_reqId=4&LS_op=destroy&LS_close_socket=true"


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("WSOK", tlcp.WsOk()),
        ("CONOK,S1,50000,5000,*", tlcp.Begun("S1", 50000, 5000, "*")),
        ("CONERR,65,Unsupported protocol version: 2.5.0", tlcp.Refused(65, "Unsupported protocol version: 2.5.0")),
        ("CONERR,-3,a%2Cb,c", tlcp.Refused(-3, "a,b,c")),
        ("END,48,max%20duration", tlcp.Ended(48, "max duration")),
        ("END,31", tlcp.Ended(31, "")),
        ("LOOP,0", tlcp.Loop(0)),
        ("SYNC,14", tlcp.Sync(14)),
        ("PROBE", tlcp.Alive()),
        ("NOOP,sending set-up info", tlcp.Alive()),
        ("SERVNAME,Lightstreamer HTTP Server", tlcp.Alive()),
        ("CLIENTIP,0:0:0:0:0:0:0:1", tlcp.Alive()),
        ("CONS,unlimited", tlcp.Alive()),
        ("REQOK,7", tlcp.RequestTaken(7)),
        ("REQOK", tlcp.RequestTaken(0)),
        ("REQERR,3,21,Invalid group", tlcp.RequestRefused(3, 21, "Invalid group")),
        ("ERROR,67,malformed", tlcp.RequestRefused(0, 67, "malformed")),
        ("SUBOK,1,1,10", tlcp.Subscribed(1, 1, 10)),
        ("SUBCMD,1,1,10,1,2", tlcp.Subscribed(1, 1, 10)),
        ("UNSUB,1", tlcp.Unsubscribed(1)),
        ("CONF,1,unlimited,filtered", tlcp.Noted()),
        ("EOS,1,1", tlcp.Noted()),
        ("CS,1,1", tlcp.Cleared(1, 1)),
        ("OV,1,1,12", tlcp.Overflow(1, 1, 12)),
        ("PROG,99", tlcp.Progress(99)),
        ("U,3,1,a,b|c", tlcp.Update(3, 1, "a,b|c")),
        ("U,3,1,", tlcp.Update(3, 1, "")),
        ("MPNREG,x,y", Ignored("MPNREG")),
        ("", Ignored("")),
        ("x" * 100, Ignored("x" * 20)),
    ],
)  # fmt: skip
def test_lines(line, said):
    assert tlcp.parse(line) == said


@pytest.mark.parametrize(
    "line",
    ["CONOK,S1,50000", "CONOK,,1,1,*", "CONOK,S1,50000,0,*", "CONERR,x", "LOOP", "LOOP,-1", "U,1", "U,0,1,a",
     "U,1,0,a", "U,1,\u0661,a", "SUBOK,1,1", "SYNC,1e3", "PROG,", "REQERR,1", "LOOP," + "9" * 5000],
)  # fmt: skip
def test_malformed_lines_are_refused_by_a_fixed_name(line):
    refused = tlcp.parse(line)
    assert isinstance(refused, Reject)
    assert refused.reason == "invalid_tlcp_line"


@settings(max_examples=500, deadline=None)
@given(
    st.one_of(
        st.text(), st.builds(lambda tag, rest: f"{tag},{rest}", st.sampled_from([*tlcp._READERS]), st.text())
    )
)
def test_nothing_raises(line):
    tlcp.parse(line)


def test_frames_hold_several_lines_and_may_end_without_a_line_end():
    assert tlcp.lines(b"PROBE\r\nSYNC,1\r\n") == ["PROBE", "SYNC,1"]
    assert tlcp.lines(b"PROBE\r\nSYNC,1") == ["PROBE", "SYNC,1"]
    assert tlcp.lines(b"\r\n\r\nWSOK\r\n\r\n") == ["WSOK"]
    assert tlcp.lines(b"") == []
    assert tlcp.lines(b"U,1,1,\xff") == ["U,1,1,\ufffd"]


def test_addresses():
    assert (
        tlcp.stream_url("https://demo-apd.marketdatasystems.com")
        == "wss://demo-apd.marketdatasystems.com/lightstreamer"
    )
    link = "apd149f.marketdatasystems.com"
    assert tlcp.stream_url("https://demo-apd.marketdatasystems.com/", link) == f"wss://{link}/lightstreamer"
    assert tlcp.stream_url("http://127.0.0.1:81", "localhost:80/x") == "ws://localhost:80/lightstreamer"


@needs_data
@pytest.mark.recording
def test_the_recorded_sessions_are_understood():
    """Examples of the specification and what was seen of IG: every line has a meaning."""
    sessions = json.loads(recording("ig/tlcp_sessions.json").read_text())
    said = [tlcp.parse(line) for one in sessions for step in one["steps"] for line in step.get("lines", ())]
    assert not [line for line in said if isinstance(line, Ignored | Reject)]
    assert sum(isinstance(line, tlcp.Update) for line in said) == 17
    assert isinstance(said[-1], tlcp.Loop)
    observed = json.loads(recording("ig/ig_stream_observed.json").read_text())
    begun = tlcp.parse(observed["conok"]["line"])
    assert begun == tlcp.Begun("S681366f03a5f0e04Ma5fT4840789", 50000, 30000, "apd149f.marketdatasystems.com")
    subok, update = map(tlcp.parse, observed["chart_tick"]["lines"])
    assert subok == tlcp.Subscribed(1, 1, 10)
    assert update.payload.startswith("1.17305|1.17311||||1757083820936|")
