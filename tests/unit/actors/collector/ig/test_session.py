"""A streaming session by its events: created, rebound, recovered, refused, given up."""

import pytest

from actors.collector.ig.actions import Alarm, Close, Deliver, Denied, Down, LogIn, Open, Send, Up
from actors.collector.ig.phases import State
from tests.unit.actors.collector.ig.session_rig import URL, WANTED, Rig, S


def test_updates_come_out_whole():
    rig = Rig().streaming()
    assert rig.line("U,1,1,1.1|1.2") == [Deliver("E", ["1.1", "1.2"], is_first=True)]
    assert rig.line("PROBE", "U,1,1,|1.3") == [Deliver("E", ["1.1", "1.3"], is_first=False)]
    assert rig.line("CS,1,1", "U,1,1,|1.4") == [Deliver("E", [None, "1.4"], is_first=False)]
    assert rig.line("U,9,1,1|2") == [], "of a subscription that is not known"


def test_a_loop_is_bound_on_a_new_socket_and_nothing_is_said_to_be_down():
    rig = Rig().streaming(link="apd149f.example")
    rig.line("U,1,1,1|2")
    assert rig.line("LOOP,1000") == [Close()]
    assert rig.wait(0.75) == []
    assert rig.wait(0.25) == [Open("wss://apd149f.example/lightstreamer")]
    rig.opened()
    assert rig.line("WSOK") == [Send("bind_session\r\nLS_session=S1&LS_cause=ws.loop")]
    assert rig.line("CONOK,S1,50000,5000,*") == []
    assert rig.line("U,1,1,|3") == [Deliver("E", ["1", "3"], is_first=False)]
    assert rig.session.rebinds == 1
    assert not [action for action in rig.done if isinstance(action, Down)]


def test_a_broken_socket_is_recovered_and_what_came_before_is_skipped():
    rig = Rig().streaming()
    rig.line("U,1,1,1|2", "U,1,1,|3")
    assert rig.closed() == [Down("reset")]
    assert rig.wait(1.0) == [Open(URL)]
    rig.opened()
    assert rig.line("WSOK") == [Send("bind_session\r\nLS_session=S1&LS_recovery_from=4&LS_cause=recovery")]
    assert rig.line("CONOK,S1,50000,5000,*") == [], "not before the server has said where it goes on"
    assert rig.line("PROG,3") == [Up(is_same=True)]
    assert rig.line("U,1,1,|3") == [], "we have it"
    assert rig.line("U,1,1,|4") == [Deliver("E", ["1", "4"], is_first=False)]
    assert rig.session.recoveries == 1


@pytest.mark.parametrize("answer", ["CONERR,4,no", "CONERR,20,no such session"])
def test_a_session_that_is_forgotten_is_created_anew(answer):
    rig = Rig().streaming()
    rig.closed()
    rig.wait(1.0)
    rig.opened()
    rig.line("WSOK")
    assert rig.line(answer) == [Close(), Open(URL)]
    rig.opened()
    (create,) = rig.line("WSOK")
    assert create.text.startswith("create_session")
    up, add = rig.line("CONOK,S2,50000,5000,*")
    assert up == Up(is_same=False)
    assert "LS_subId=1&" in add.text


@pytest.mark.parametrize("lines", [["PROG,5"], ["U,1,1,1|2"]], ids=["beyond us", "no count"])
def test_a_recovery_that_does_not_fit_ends_the_session(lines):
    rig = Rig().streaming()
    rig.closed()
    rig.wait(1.0)
    rig.opened()
    rig.line("WSOK", "CONOK,S1,50000,5000,*")
    assert rig.line(*lines) == [Close()]
    assert rig.session.session_id == ""
    assert rig.wait(2.0) == [Open(URL)]


def test_a_recovery_whose_count_never_comes_ends_the_session():
    rig = Rig().streaming()
    rig.closed()
    rig.wait(1.0)
    rig.opened()
    rig.line("WSOK", "CONOK,S1,50000,5000,*")
    for _ in range(11):
        rig.wait(1.0)
        rig.line("PROBE")
    assert rig.session.state is State.PAUSED
    assert rig.session.session_id == ""


def test_a_server_that_cannot_be_reached_for_long_is_given_up_for_a_new_session():
    rig = Rig().streaming()
    rig.closed()
    for _ in range(100):
        if rig.session.session_id == "":
            break
        if rig.session.state is State.CONNECTING:
            rig.closed("refused")
        rig.wait(1.0)
    else:
        raise AssertionError("recovers for ever")
    assert rig.now <= (100 + 60) * S


def test_without_a_line_for_keepalive_and_three_seconds_the_socket_is_dead():
    rig = Rig().streaming()
    rig.wait(7.75)
    rig.line("PROBE")
    assert rig.wait(8.0) == []
    close, down = rig.wait(0.25)
    assert close == Close()
    assert "no line for 8.2 s" in down.reason
    assert rig.wait(1.0) == [Open(URL)], "the session is tried first"


@pytest.mark.parametrize("phase", ["connecting", "greeting", "beginning"])
def test_no_answer_is_no_end(phase):
    rig = Rig()
    rig.take(rig.session.start(rig.now))
    rig.login()
    if phase != "connecting":
        rig.opened()
    if phase == "beginning":
        rig.line("WSOK")
    found = rig.wait(33.0)
    assert found[0] == Close()
    assert Open(URL) in found
    assert f"while {phase}" in rig.session.last_reason


def test_a_subscription_without_an_answer_ends_the_session():
    rig = Rig().streaming()
    (add,) = rig.take(rig.session.subscribe("F", WANTED._replace(group="PRICE:A:F"), rig.now))
    assert "LS_subId=2&" in add.text
    for _ in range(10):
        rig.wait(1.0)
        rig.line("PROBE")
    assert rig.session.state is State.STREAMING
    assert rig.wait(0.25) == [Close(), Down("no answer to the subscription of F")]


def test_a_refused_subscription_concerns_one_item_and_is_not_repeated():
    rig = Rig().streaming()
    rig.take(rig.session.subscribe("F", WANTED._replace(group="PRICE:A:F"), rig.now))
    assert rig.line("REQERR,2,21,Invalid group") == [Denied("F", 21, "Invalid group")]
    assert rig.line("U,1,1,1|2"), "the other one goes on"
    assert rig.session.items.settle(rig.now) == []
    (again,) = rig.take(rig.session.renew("F", rig.now))
    assert "LS_subId=3&" in again.text


def test_a_renewed_item_has_a_new_number_and_old_updates_are_nobodys():
    rig = Rig().streaming()
    rig.line("U,1,1,1|2")
    delete, add = rig.take(rig.session.renew("E", rig.now))
    assert "LS_op=delete&LS_subId=1&" in delete.text
    assert "LS_op=add&LS_subId=2&" in add.text
    assert rig.line("U,1,1,9|9") == []
    assert rig.line("UNSUB,1") == []
    assert rig.line("SUBOK,2,1,2", "U,2,1,5|6") == [Deliver("E", ["5", "6"], is_first=True)]


def test_an_update_that_cannot_be_decoded_renews_its_item():
    rig = Rig().streaming()
    rig.line("U,1,1,1|2")
    alarm, delete, add = rig.line("U,1,1,1|2|3")
    assert alarm.reason == "invalid_update"
    assert "LS_op=delete&LS_subId=1&" in delete.text
    assert "LS_subId=2&" in add.text


def test_requests_under_way_when_the_socket_broke_are_asked_again():
    rig = Rig().streaming()
    rig.take(rig.session.subscribe("F", WANTED._replace(group="PRICE:A:F"), rig.now))
    rig.closed()
    rig.take(rig.session.subscribe("E", WANTED._replace(schema="BID ASK TIME"), rig.now))
    rig.wait(1.0)
    rig.opened()
    rig.line("WSOK", "CONOK,S1,50000,5000,*")
    up, *requests = rig.line("PROG,2")
    assert up == Up(is_same=True)
    texts = " ".join(request.text for request in requests)
    assert [texts.count(part) for part in ("LS_op=delete", "LS_op=add", "ASK%20TIME")] == [2, 2, 1]


def test_a_refused_login_is_tried_three_times():
    rig = Rig()
    rig.take(rig.session.start(rig.now))
    for attempt in (1, 2, 3):
        rig.login(f"CST-{attempt}")
        rig.opened()
        rig.line("WSOK")
        found = rig.line("CONERR,1,user/password check failed")
        if attempt < 3:
            assert found == [Close(), LogIn("CONERR 1 user/password check failed")]
    assert [action.__class__ for action in found] == [Close, Alarm]
    assert rig.session.state is State.STOPPED
    assert rig.wait(3600.0) == []
    assert rig.take(rig.session.restart("a person", rig.now, is_login_stale=True)) == [LogIn("a person")]


@pytest.mark.parametrize(
    ("code", "pause_s", "logs_in"),
    [(5, 1.0, False), (6, 1.0, False), (65, 300.0, False), (8, 300.0, False), (35, 300.0, False), (-5, 1.0, True)],
)  # fmt: skip
def test_refusals_by_code(code, pause_s, logs_in):
    rig = Rig()
    rig.take(rig.session.start(rig.now))
    rig.login()
    rig.opened()
    rig.line("WSOK")
    found = rig.line(f"CONERR,{code},no")
    assert found[0] == Close()
    assert bool([one for one in found if isinstance(one, Alarm)]) == (pause_s == 300.0)
    assert rig.wait(pause_s - 0.25) == []
    (after,) = rig.wait(0.25)
    assert isinstance(after, LogIn if logs_in else Open)


def test_the_longest_session_is_followed_by_another_at_once():
    rig = Rig().streaming()
    assert rig.line("END,48,maximum duration") == [Close(), Down("END 48 maximum duration"), Open(URL)]


def test_a_session_that_ends_hours_later_needs_a_new_login():
    """Its tokens may be stale by then."""
    rig = Rig().streaming()
    for _ in range(7200 // 5):
        rig.now += 5 * S
        rig.line("PROBE")
    assert rig.line("END,31,closed")[:2] == [Close(), Down("END 31 closed")]
    assert rig.wait(1.0) == [LogIn("END 31 closed")]


def test_a_login_with_which_nothing_works_counts_as_stale():
    rig = Rig()
    rig.take(rig.session.start(rig.now))
    rig.login()
    for _ in range(3):
        rig.opened()
        rig.closed("broken")
        last = rig.wait(5.0)
    assert last == [LogIn("broken")]


def test_a_stream_that_falls_behind_is_told_once():
    rig = Rig().streaming()
    rig.line("SYNC,10")
    rig.now += 3 * S
    assert rig.line("SYNC,13") == []
    rig.now += 12 * S
    (alarm,) = rig.line("SYNC,18")
    assert alarm.reason == "ig_behind"
    assert rig.session.lag_s == pytest.approx(7.0)
    assert rig.line("SYNC,18") == []


def test_a_stop_says_good_bye():
    rig = Rig().streaming()
    destroy, close, down = rig.take(rig.session.stop())
    assert "LS_op=destroy" in destroy.text
    assert (close, down) == (Close(), Down("stopped"))
    assert rig.wait(100.0) == []


def test_no_secret_is_in_what_is_printed():
    rig = Rig().streaming()
    rig.login("CST-secret")
    assert "secret" not in repr(rig.session._ticket)
    assert "CST" not in repr(rig.done)
