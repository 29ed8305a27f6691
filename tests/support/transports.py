"""What cuts frames out of a connection, as parameters of a test."""

from __future__ import annotations

from typing import Final

import pytest

from actors.collector.exchange.transports import PICOWS, lack_of

needs_picows: Final = pytest.mark.skipif(bool(lack_of(PICOWS)), reason=lack_of(PICOWS) or "it is installed")
TRANSPORTS: Final = ("websocket-client", pytest.param(PICOWS, marks=needs_picows))
PICOWS_IS_LONG: Final = ("websocket-client", pytest.param(PICOWS, marks=(needs_picows, pytest.mark.long)))
"""For tests that take seconds and look at what both transports leave to websocket-client."""
