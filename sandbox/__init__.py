"""What `make run` and `make test` bring up so that nothing has to be installed: PostgreSQL, Redis, and their keeper."""


class SandboxError(Exception):
    """The machine does not let a server run; the message is one line and says what to do."""
