"""The passwords of the embedded servers: drawn once, kept in one file that only its owner may read."""

import json
import os
import secrets
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path

from sandbox import SandboxError


def _drawn() -> str:
    # Hexadecimal, so that it needs no quoting in a URL, in SQL or in a configuration file.
    return secrets.token_hex(24)


@dataclass(frozen=True, slots=True)
class Passwords:
    """One random word for each login; `identity` tells this data folder from an earlier one at the same place."""

    identity: str = field(default_factory=_drawn, repr=False)
    superuser: str = field(default_factory=_drawn, repr=False)
    owner: str = field(default_factory=_drawn, repr=False)
    app: str = field(default_factory=_drawn, repr=False)
    feed: str = field(default_factory=_drawn, repr=False)
    ops: str = field(default_factory=_drawn, repr=False)
    redis: str = field(default_factory=_drawn, repr=False)


def kept_passwords(path: Path) -> Passwords:
    """The passwords kept in `path`, drawn and written (0600, all or nothing) if the file does not exist yet."""
    try:
        kept = json.loads(path.read_text())
    except FileNotFoundError:
        return _keep(Passwords(), path)
    except ValueError as error:
        raise SandboxError(f"{path} is damaged: remove its folder to start afresh, or choose another DATA=.") from error
    if not isinstance(kept, dict) or set(kept) != {each.name for each in fields(Passwords)}:
        raise SandboxError(f"{path} is of another version: remove its folder to start afresh, or choose another DATA=.")
    return Passwords(**kept)


def _keep(passwords: Passwords, path: Path) -> Passwords:
    draft = path.with_suffix(".draft")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        json.dump(asdict(passwords), file)
        file.flush()
        os.fsync(file.fileno())
    draft.rename(path)
    return passwords
