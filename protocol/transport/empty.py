"""The word for nothing."""


class Empty(Exception):
    """Nothing is waiting on the socket."""
