"""What keeps an embedded server from starting; every message says what to do."""


class ServersError(Exception):
    """An embedded server cannot be had here."""


class ServerMissing(ServersError):
    """The wheel that brings a server's program is not installed."""


class AlreadyRunning(ServersError):
    """Another living process of ours keeps the servers of this home."""
