"""What the command line knows of bridges: mistakes in their sections, and whether their NATS servers can be had."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Final

from actors.bridge.checks import Checked, check
from actors.bridge.settings import BridgeSettings
from actors.runtime.settings import Loaded
from protocol.errors import ConfigError, HubError
from protocol.nats import jetstream
from protocol.nats.faults import STREAM_NOT_FOUND, NatsRefused
from protocol.nats.session import Session

KIND: Final = "bridge"
CONNECT_S: Final = 3.0


def bridges_of(loaded: Loaded) -> list[str]:
    """Bridges of the topology."""
    return [name for name in loaded.common.actors if name.partition(".")[0] == KIND]


def problems_of_bridges(loaded: Loaded) -> list[str]:
    """Mistakes that the types of the sections allow."""
    problems: list[str] = []
    streams: dict[tuple[str, str], str] = {}
    for name in bridges_of(loaded):
        try:
            settings = loaded.section(name, BridgeSettings)
            check(f"actors.{name}", settings, loaded.folder, os.environ)
        except ConfigError as error:
            problems += error.problems
            continue
        for server in settings.servers:
            other = streams.setdefault((server, settings.stream), name)
            if other != name:
                problems.append(
                    f"actors.{name}.stream: {other} writes into {settings.stream} of {server} already: one bridge a stream"
                )
    return problems


def look(name: str, settings: BridgeSettings, checked: Checked) -> tuple[str, str, str]:
    """(OK, WARN or FAIL, what was found, what to do) of a bridge's server and stream."""
    try:
        with Session(
            checked.servers,
            checked.login,
            checked.tls,
            "tapehub doctor",
            min(CONNECT_S, settings.connect_timeout_s),
        ) as session:
            server = f"NATS {session.connection.info.version} at {session.connection.server}"
            try:
                info = jetstream.stream_of(session.ask(jetstream.stream_info(settings.stream)))
            except NatsRefused as fault:
                if fault.number != STREAM_NOT_FOUND:
                    raise
                if settings.manages_stream:
                    return "OK", f"{name}: {server}, no stream {settings.stream} yet: the bridge makes it", ""
                text = f"{name}: {server} has no stream {settings.stream}, and manages_stream is off"
                return "FAIL", text, f"make it with subjects {settings.subjects}.>"
            there = info.config.get("subjects", [])
            if there != [f"{settings.subjects}.>"]:
                text = f"{name}: stream {settings.stream} has subjects {', '.join(there)}"
                return "FAIL", text, f"another name: tapehub --set actors.{name}.stream=NAME"
            text = f"{name}: {server}, stream {settings.stream}: {info.state.messages} messages"
            return "OK", text, ""
    except (HubError, OSError) as fault:
        return (
            "FAIL",
            f"{name}: {fault}",
            "start the server with JetStream (nats-server -js), or see docs/howto/nats.md",
        )


def of_bridges(loaded: Loaded) -> Iterator[tuple[str, str, str]]:
    """What keeps bridges from their servers, in the order of the configuration; mistakes in sections are left to the checks."""
    for name in bridges_of(loaded):
        settings = loaded.section(name, BridgeSettings)
        try:
            checked = check(f"actors.{name}", settings, loaded.folder, os.environ)
        except ConfigError:
            continue
        yield look(name, settings, checked)
