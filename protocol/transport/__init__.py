"""The sockets: the only package that imports zmq.

Rules, each learnt the hard way (docs/decisions/0007): single-part frames; finite high-water marks everywhere;
SUB's own send mark above its number of prefixes, or subscriptions vanish on reconnect; no ZMTP heartbeats on
SUB (libzmq aborts the process), TCP keepalive instead; linger bounded; options set before bind and connect.
"""

from protocol.transport.addresses import bind, endpoint_of, remove_stale_socket
from protocol.transport.asking import Envelope, Requester, Responder
from protocol.transport.channel import Channel
from protocol.transport.empty import Empty
from protocol.transport.polling import Poller
from protocol.transport.publishing import Publisher, Subscriber
from protocol.transport.wire import HIGH_WATER_MARK, LINGER_MS, MAX_FRAME_BYTES, Wire, libzmq_version

__all__ = [
    "HIGH_WATER_MARK",
    "LINGER_MS",
    "MAX_FRAME_BYTES",
    "Channel",
    "Empty",
    "Envelope",
    "Poller",
    "Publisher",
    "Requester",
    "Responder",
    "Subscriber",
    "Wire",
    "bind",
    "endpoint_of",
    "libzmq_version",
    "remove_stale_socket",
]
