"""A recording decoded to its end, once in each process however many tests look at it."""

import collections
import functools
import json

from actors.collector.recorded.decoders import decoder_of
from tests.support import data


@functools.cache
def decoded(name):
    """(messages by kind, summary)."""
    decoder = decoder_of(name.partition("/")[0], None)
    kinds = collections.Counter(message.KIND for message in decoder.messages(data.recording(name)))
    return kinds, json.loads(json.dumps(decoder.summary.to_dict()))


def summary_of(name):
    return decoded(name)[1]
