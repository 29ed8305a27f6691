"""Text with fields, `{symbol} at {entry:.5f}`: names and number formats, nothing else of Python's formatting. Pure.

A line whose fields are all empty is left out.
"""

from __future__ import annotations

import re
import string
from collections.abc import Callable, Collection, Mapping
from typing import Final, NamedTuple

from actors.notifier.markdown import LONGEST, cleaned, length_of, shortened
from actors.notifier.note import FIELDS, Value

_NAME: Final = re.compile(r"[a-z][a-z0-9_]*\Z")
_SPEC: Final = re.compile(r"[+]?,?(\.[0-9]{1,2})?[dfg%]\Z")
_FIRST_LENGTH: Final = 700
"""Characters of one field at first; less where the whole is too long."""
_SHORTEST: Final = 20

MARKDOWN: Final = {
    "signal": (
        "*{side} {symbol}* {venue} {timeframe} *{state}*\n"
        "entry `{entry}` stop `{stop}` target `{target}`\n"
        "closed at `{exit_price}`\n"
        "{strategy}, confidence {confidence:.0%}, score {score:.0%}, reward to risk {reward_risk}\n"
        "{text}\n"
        "_{reasons}_\n"
        "{time}"
    ),
    "alert": "*{severity}* {rule} *{symbol}* {venue}\n{text}\n`{values}`\n{time}",
    "operator": "*{severity}* {rule} *{symbol}*\n{text}\n{time}",
}
"""Default templates where text is MarkdownV2."""
PLAIN: Final = {
    "signal": (
        "{side} {symbol} {venue} {timeframe} {state}\n"
        "entry {entry} stop {stop} target {target}\n"
        "closed at {exit_price}\n"
        "{strategy}, confidence {confidence:.0%}, score {score:.0%}, reward to risk {reward_risk}\n"
        "{text}\n"
        "{reasons}\n"
        "{time}"
    ),
    "alert": "{severity} {rule} {symbol} {venue}\n{text}\n{values}\n{time}",
    "operator": "{severity} {rule} {symbol}\n{text}\n{time}",
}
"""Default templates elsewhere."""
SUBJECTS: Final = {
    "signal": "{side} {symbol} {strategy}",
    "alert": "{severity} {rule} {symbol}",
    "operator": "{severity} {rule} {symbol}",
}
"""Subjects of mails."""


class TemplateError(ValueError):
    """A template cannot be used; says why."""


class _Part(NamedTuple):
    literal: str
    field: str
    spec: str


class Template:
    """One text with fields.

    Args:
        text: It.
        fields: Names that it may use.

    Raises:
        TemplateError: another name, an attribute, an index, a conversion, or no format of a number.
    """

    def __init__(self, text: str, fields: Collection[str]) -> None:
        self._lines = [_parts(line, fields) for line in text.split("\n")]

    def render(
        self,
        values: Mapping[str, Value],
        escape: Callable[[str], str] = str,
        longest: int = LONGEST,
    ) -> str:
        """The text with values, of at most so many characters: long values are cut, each alike.

        Args:
            values: Field to value; one that is missing is empty.
            escape: Makes a value harmless.
            longest: Characters.
        """
        field_length = _FIRST_LENGTH
        while True:
            text = self._render(values, escape, field_length)
            if length_of(text) <= longest:
                return text
            if field_length <= _SHORTEST:
                # its own words are too long: markup cut in two would be refused, so none is left
                return escape(shortened(self._render(values, str, field_length), longest // 2))
            field_length //= 2

    def _render(self, values: Mapping[str, Value], escape: Callable[[str], str], field_length: int) -> str:
        lines = []
        for parts in self._lines:
            written, has_field, has_value = [], False, False
            for part in parts:
                written.append(part.literal)
                if part.field:
                    text = cleaned(value_text(values.get(part.field, ""), part.spec)).strip()
                    text = shortened(text, field_length)
                    has_field, has_value = True, has_value or bool(text)
                    written.append(escape(text))
            if has_value or not has_field:
                lines.append("".join(written))
        return "\n".join(lines)


def value_text(value: Value, spec: str = "") -> str:
    """A value in words: a number by its format, or in full without trailing zeros."""
    if isinstance(value, str):
        return value
    if spec:
        return format(round(value) if spec[-1] == "d" else value, spec)
    return f"{value:.10g}" if isinstance(value, float) else str(value)


def _parts(line: str, fields: Collection[str]) -> list[_Part]:
    try:
        found = list(string.Formatter().parse(line))
    except ValueError as fault:
        raise TemplateError(f"{line!r}: {fault}; write {{{{ and }}}} for braces") from None
    parts = []
    for literal, name, spec, conversion in found:
        if name is None:
            parts.append(_Part(literal, "", ""))
            continue
        if not _NAME.match(name) or name not in fields:
            known = ", ".join(sorted(fields))
            raise TemplateError(f"{line!r}: there is no field {{{name}}}; there are: {known}")
        if conversion or (spec and not _SPEC.match(spec)):
            raise TemplateError(f"{line!r}: {{{name}}} takes a format like .5f, .3g, .0% or d, nothing else")
        parts.append(_Part(literal, name, spec or ""))
    return parts


class TemplateBook:
    """The templates of one channel.

    Args:
        is_markdown: Whether its text is MarkdownV2.
        own: Kind (or `subject`) to text in place of the default one.

    Raises:
        TemplateError: names the template.
    """

    def __init__(self, own: Mapping[str, str], *, is_markdown: bool) -> None:
        defaults = MARKDOWN if is_markdown else PLAIN
        self._texts = {kind: _template(kind, own.get(kind, defaults[kind]), FIELDS[kind]) for kind in FIELDS}
        subject = own.get("subject")
        everywhere = set.intersection(*(set(names) for names in FIELDS.values()))
        self._subjects = {
            kind: _template("subject", subject, everywhere)
            if subject is not None
            else Template(SUBJECTS[kind], FIELDS[kind])
            for kind in FIELDS
        }

    def text(self, kind: str, values: Mapping[str, Value], escape: Callable[[str], str] = str) -> str:
        """A message."""
        return self._texts[kind].render(values, escape)

    def subject(self, kind: str, values: Mapping[str, Value]) -> str:
        """Its subject, one line."""
        return " ".join(self._subjects[kind].render(values, longest=150).split())


def _template(name: str, text: str, fields: Collection[str]) -> Template:
    try:
        return Template(text, fields)
    except TemplateError as fault:
        raise TemplateError(f"{name}: {fault}") from None
