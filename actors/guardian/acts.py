"""What the guardian decides, for somebody else to do. Pure."""

from __future__ import annotations

from typing import NamedTuple


class Signal(NamedTuple):
    """Send a signal to the process of a program."""

    program: str
    pid: int
    number: int


class Start(NamedTuple):
    """Have supervisord start a program."""

    program: str


class Stop(NamedTuple):
    """Have supervisord stop a program."""

    program: str


class Relisten(NamedTuple):
    """Hear the heartbeats of a program on a new socket: the old one may be deaf."""

    program: str


class Tell(NamedTuple):
    """Something that people want to know."""

    program: str
    rule: str
    severity: str
    """info, warning, critical."""
    text: str
    values: dict[str, float]


Act = Signal | Start | Stop | Relisten | Tell
