"""What `make run` and `make test` bring up so that nothing has to be installed: PostgreSQL, Redis, and their keeper."""


class SandboxError(Exception):
    """The machine does not let a server run; the message is one line and says what to do."""


GIVE_UP = 78
"""The exit code (EX_CONFIG) of a process that no restart would help: a taken port, a wrong setting."""
TRY_AGAIN = 75
"""The exit code (EX_TEMPFAIL) of a process that found its database away: it may be back when it is started again."""
