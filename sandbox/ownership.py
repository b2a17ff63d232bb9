"""Who runs the servers and where their files lie, as root and as an ordinary user.

PostgreSQL refuses to run as root, and an unprivileged user cannot reach a private folder. So for root its programs
and its cluster lie in a folder that root makes under /var/tmp, in which the cluster belongs to an unprivileged user
that exists. No user is created, no existing folder changes its mode. An ordinary user has all in the data folder.
"""

import hashlib
import os
import pwd
import shutil
import stat
from pathlib import Path

from sandbox import SandboxError
from sandbox.postgres import Cluster, stop
from sandbox.processes import ServerUser

SHARED_ROOT = Path("/var/tmp")  # noqa: S108 - each folder in it is root's own, and checked to be
UNPRIVILEGED = ("postgres", "nobody")


def myself() -> ServerUser:
    """The user that we are."""
    return ServerUser(os.geteuid(), os.getegid(), Path.home(), switch=False)


def cluster_place(folder: Path) -> Cluster:
    """Where the cluster of this data folder is or would be; creates nothing."""
    if os.geteuid() != 0:
        return Cluster(folder / "postgres", myself())
    account = _unprivileged()
    digest = hashlib.sha256(os.fsencode(folder.resolve())).hexdigest()[:16]
    home = SHARED_ROOT / f"cleanshift-{digest}"
    return Cluster(home, ServerUser(account.pw_uid, account.pw_gid, home / "cluster", switch=True))


def claim(cluster: Cluster, identity: str) -> None:
    """Make the cluster's home or take our own again; refuse a stranger's, be it another user's, a link or a file.

    As root, a home whose `identity` differs served a data folder that has been removed since: it is emptied.
    """
    try:
        cluster.home.mkdir(mode=0o755 if cluster.user.switch else 0o700)
    except FileExistsError:
        _ensure_ours(cluster.home)
    if cluster.user.switch:
        # The server's user must be able to enter, whatever our umask.
        cluster.home.chmod(0o755)
        _bind(cluster, identity)


def forget(cluster: Cluster) -> None:
    """Stop the server and remove its home."""
    if cluster.home.exists() or cluster.home.is_symlink():
        _ensure_ours(cluster.home)
        stop(cluster)
        shutil.rmtree(cluster.home)


def _bind(cluster: Cluster, identity: str) -> None:
    mark = cluster.home / "identity"
    if mark.exists() and mark.read_text() == identity:
        return
    forget(cluster)
    cluster.home.mkdir()
    cluster.home.chmod(0o755)
    mark.touch(0o600)
    mark.write_text(identity)


def _ensure_ours(home: Path) -> None:
    found = home.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & 0o022:
        raise SandboxError(f"{home} exists and is not this user's own folder: remove it, or choose another DATA=.")


def _unprivileged() -> pwd.struct_passwd:
    for name in UNPRIVILEGED:
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise SandboxError("PostgreSQL does not run as root and there is no user nobody: run as an ordinary user.")
