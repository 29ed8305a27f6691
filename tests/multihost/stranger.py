"""Somebody without a key of ours at a hub's port: `python -m tests.multihost.stranger ADDRESS FOLDER` prints who was answered."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Final

import zmq

from protocol.requests import Request, encode_request
from protocol.security.key_folder import KeyFolder

PATIENCE_MS: Final = 3_000
"""Much longer than those with a key wait for the same answer."""


def is_answered(address: str, server_key: str = "") -> bool:
    """Whether a question is answered: without any key, or with one that nobody knows, and the right one of the server."""
    context = zmq.Context()
    socket = context.socket(zmq.DEALER)
    socket.linger = 0
    if server_key:
        public, secret = zmq.curve_keypair()
        socket.curve_publickey, socket.curve_secretkey = public, secret
        socket.curve_serverkey = server_key.encode()
    socket.connect(address)
    socket.send_multipart((b"", encode_request(Request(op="ping", id=1))))
    found = bool(socket.poll(PATIENCE_MS))
    socket.close()
    context.term()
    return found


if __name__ == "__main__":
    hub_address, hub, folder = sys.argv[1:]
    key = KeyFolder(Path(folder)).public(hub).public
    print(json.dumps({"no key": is_answered(hub_address), "unknown key": is_answered(hub_address, key)}))
