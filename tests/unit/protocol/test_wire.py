"""The sockets of one process come to an end, whoever is still waiting on one."""

import contextlib
import threading

import zmq

from protocol.errors import HubError
from protocol.requests import Request
from protocol.transport import Wire
from tests.support.paths import short_folder

THREADS = 8


def test_threads_that_wait_for_an_answer_do_not_keep_the_process_from_ending():
    for _ in range(20):
        with short_folder() as folder:
            wire, ready = Wire(), threading.Barrier(THREADS + 1)
            own = wire.responder(f"ipc://{folder}/own")
            threads = [
                threading.Thread(target=_ask, args=(wire, f"ipc://{folder}/nobody", 0.005 * number, ready))
                for number in range(THREADS)
            ]
            for thread in threads:
                thread.start()
            ready.wait(10)
            ended = threading.Event()
            own.socket.close()
            threading.Thread(target=_close, args=(wire, ended), daemon=True).start()
            assert ended.wait(10), "a socket is still open"
            for thread in threads:
                thread.join(10)


def _close(wire, ended):
    wire.close(is_shared=True)
    ended.set()


def _ask(wire, endpoint, timeout_s, ready):
    requester = wire.requester(endpoint)
    try:
        ready.wait(10)
        with contextlib.suppress(zmq.ZMQError, HubError):
            requester.ask(Request(op="ping"), timeout_s)
    finally:
        wire.forget(requester.socket)


def test_what_others_opened_is_closed_too_unless_they_share_it():
    with short_folder() as folder:
        wire = Wire()
        opened = []
        thread = threading.Thread(target=lambda: opened.append(wire.requester(f"ipc://{folder}/x")))
        thread.start()
        thread.join()
        wire.close()
        assert opened[0].socket.closed
