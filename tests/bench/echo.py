"""Raw pyzmq as the yardstick of reads: a ROUTER that answers anything with the same bytes.

`python -m tests.bench.echo ENDPOINT FILE`; the reply is the file's content.
"""

from __future__ import annotations

import sys
from pathlib import Path

import zmq


def echo(endpoint: str, reply: bytes) -> None:
    """Answer for ever: receive an envelope and a body, send the envelope and the reply."""
    socket: zmq.Socket[bytes] = zmq.Context.instance().socket(zmq.ROUTER)
    socket.bind(endpoint)
    print("ready", flush=True)
    receive, send = socket.recv_multipart, socket.send_multipart
    while True:
        asker, empty, _ = receive()
        send((asker, empty, reply))


if __name__ == "__main__":
    echo(sys.argv[1], Path(sys.argv[2]).read_bytes())
