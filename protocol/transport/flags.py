"""Options of zmq as plain integers: arithmetic with its enums costs a microsecond."""

from typing import Final

import zmq

NOBLOCK: Final = int(zmq.NOBLOCK)
MORE: Final = int(zmq.NOBLOCK | zmq.SNDMORE)
EVENTS: Final = int(zmq.EVENTS)
POLLIN: Final = int(zmq.POLLIN)
POLLOUT: Final = int(zmq.POLLOUT)
NOT_POLLOUT: Final = ~POLLOUT
NO_COPY_BYTES: Final = 65_536
"""Longer messages are handed to and taken from ZeroMQ without copying; for shorter ones a copy is cheaper."""
