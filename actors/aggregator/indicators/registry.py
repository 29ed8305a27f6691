"""Indicators by name: `rsi(14)` in the settings is the function `rsi` of a file in `library/`, called with 14. Pure.

Every file of that folder is loaded; a function in it that is marked with `indicator` is one. The defaults of its
parameters say whether they are whole numbers, so each has one.
"""

from __future__ import annotations

import functools
import importlib
import pkgutil
import re
from collections.abc import Callable, Iterable
from typing import Any, Final, NamedTuple, TypeVar

from actors.aggregator.indicators.definition import Indicator, Past, Sample, State, Step
from protocol.likeness import nearest

LIBRARY: Final = "actors.aggregator.indicators.library"
_FORM: Final = re.compile(r"\s*([a-z][a-z0-9_]*)\s*(?:\(([^()]*)\))?\s*")
_functions: Final[dict[str, Callable[..., Indicator]]] = {}
F = TypeVar("F", bound=Callable[..., Indicator])


def indicator(function: F) -> F:
    """Mark a function as an indicator of its name.

    Raises:
        ValueError: the name is taken, or a parameter has no default.
    """
    name = function.__name__
    if name in _functions and _functions[name].__module__ != function.__module__:
        raise ValueError(f"indicator {name} is in {_functions[name].__module__} already")
    if function.__code__.co_argcount != len(function.__defaults__ or ()):
        raise ValueError(f"indicator {name}: each parameter needs a default")
    _functions[name] = function
    return function


class Named(NamedTuple):
    """An indicator with its parameters."""

    name: str
    """As one writes it, with all parameters: `bbands(20,2)`."""
    keys: tuple[str, ...]
    """Of its values, in the order in which its state begins: `bb_upper_20_2` and so on."""
    start: State
    step: Step
    reads: dict[str, int]
    is_elementwise: bool
    function: str
    parameters: tuple[int | float, ...]

    @property
    def lookback(self) -> int:
        """Candles before the first one that has a value."""
        left: int = self.start[len(self.keys)]
        return left - 1


@functools.cache
def functions() -> dict[str, Callable[..., Indicator]]:
    """All there are, by name."""
    library = importlib.import_module(LIBRARY)
    for module in pkgutil.iter_modules(library.__path__):
        importlib.import_module(f"{LIBRARY}.{module.name}")
    return dict(sorted(_functions.items()))


def signature(name: str) -> str:
    """How one writes an indicator, with its defaults: `rsi(period=14)`."""
    pairs = [f"{parameter}={default:g}" for parameter, default in _parameters(name).items()]
    return f"{name}({', '.join(pairs)})" if pairs else name


@functools.cache
def named(text: str) -> Named:
    """The indicator of a text such as `rsi(14)`, `macd(12,26,9)`, `vwap`; parameters left out have their defaults.

    Raises:
        ValueError: says what is wrong, and how it is written.
    """
    form = _FORM.fullmatch(text)
    if form is None:
        raise ValueError(
            f"indicator {text!r}: write a name and its parameters, like rsi(14) or macd(12,26,9)"
        )
    name, inner = form[1], form[2]
    if name not in functions():
        close = nearest(name, functions(), cutoff=0.5)
        known = f"did you mean {signature(close[0])}?" if close else f"there are {', '.join(functions())}"
        raise ValueError(f"indicator {text!r}: there is no {name}; {known}")
    given = [part.strip() for part in inner.split(",")] if inner and inner.strip() else []
    parameters = _parameters(name)
    if len(given) > len(parameters):
        raise ValueError(f"indicator {text!r}: {len(given)} parameters, it is {signature(name)}")
    values = list(parameters.values())
    for at, part in enumerate(given):
        values[at] = _number(text, name, part, values[at])
    try:
        made = functions()[name](*values)
    except ValueError as fault:
        raise ValueError(f"indicator {text!r}: {fault}; it is {signature(name)}") from fault
    parts = [f"{value:g}" for value in values]
    return Named(
        name=f"{name}({','.join(parts)})" if parts else name,
        keys=tuple("_".join([output, *parts]) for output in made.outputs or (name,)),
        start=made.start,
        step=made.step,
        reads=dict(made.reads),
        is_elementwise=made.is_elementwise,
        function=name,
        parameters=tuple(values),
    )


def joint_reads(indicators: Iterable[Named]) -> dict[str, int]:
    """What a `Past` must hold for all of them."""
    found: dict[str, int] = {}
    for one in indicators:
        for column, depth in one.reads.items():
            found[column] = max(depth, found.get(column, 0))
    return found


def _parameters(name: str) -> dict[str, Any]:
    function = functions()[name]
    count = function.__code__.co_argcount
    return dict(zip(function.__code__.co_varnames[:count], function.__defaults__ or (), strict=True))


def _number(text: str, name: str, part: str, default: float) -> int | float:
    try:
        value = type(default)(part)
    except ValueError as fault:
        kind = "a whole number" if isinstance(default, int) else "a number"
        raise ValueError(f"indicator {text!r}: {part!r} is not {kind}; it is {signature(name)}") from fault
    if isinstance(default, int) and not 1 <= value <= 100_000:
        raise ValueError(f"indicator {text!r}: {part} is not between 1 and 100000; it is {signature(name)}")
    if not abs(value) <= 1e6:
        raise ValueError(f"indicator {text!r}: {part} is not a number that it can take")
    return value


__all__ = [
    "Indicator",
    "Named",
    "Past",
    "Sample",
    "functions",
    "indicator",
    "joint_reads",
    "named",
    "signature",
]
