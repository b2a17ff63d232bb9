"""The provider of payments that `make run` brings along: the Stripe sandbox, one process beside API and worker.

Its port, its journal and the platform's signing secret are kept under DATA. Whoever names a provider (STRIPE_URL, or
STRIPE_KEY with Stripe's own address) is given none. Of two runs over one data folder the second uses the first one's.
"""

import fcntl
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlencode

import orjson

from app.settings import Settings
from domain.payments.webhooks import HEARD_OF_PLANS
from sandbox import SandboxError
from sandbox.processes import port_for
from sandbox.supervisor import Child

PLATFORM_KEY = "sk_test_platform"
ROOT = Path(__file__).parent.parent
KEPT_SECRET = "platform.json"  # noqa: S105 (the name of a file)
PASSED_ON = ("PATH", "HOME", "LANG", "TZ", "STRIPE_CONTRACT")
"""All of our environment that the sandbox sees: it is a stranger, and knows no database."""


@contextmanager
def payments_sandbox(settings: Settings) -> Iterator[tuple[Settings, list[Child]]]:
    """The settings with a provider of payments, and the process that is to be kept alive for it, if it is ours."""
    if settings.stripe_url is not None or settings.stripe_key is not None:
        yield settings, []
        return
    folder = _folder(settings.data)
    lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        yield _sandboxed(settings, folder, is_ours=_is_ours(lock))
    finally:
        os.close(lock)


def sandbox_child(folder: Path, port: int) -> Child:
    """The sandbox's process; `folder` keeps its journal."""
    argv = [sys.executable, "-m", "sandbox.stripe", "--port", str(port), "--data", str(folder)]
    known = {name: value for name in PASSED_ON if (value := os.environ.get(name)) is not None}
    return Child("stripe", argv, {**known, "PYTHONPATH": str(ROOT)})


def _sandboxed(settings: Settings, folder: Path, *, is_ours: bool) -> tuple[Settings, list[Child]]:
    port = port_for(folder / "port") if is_ours else int((folder / "port").read_text())
    hook = f"{settings.base_url}/webhooks/platform"
    secret = _platform_secret(folder, hook) if is_ours else _kept(folder)["secret"]
    found = {
        "stripe_url": f"http://127.0.0.1:{port}",
        "stripe_key": PLATFORM_KEY,
        "stripe_webhook_secrets": (secret,),
    }
    return settings.model_copy(update=found), [sandbox_child(folder, port)] if is_ours else []


def _folder(data: Path) -> Path:
    folder = data.resolve() / "stripe"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise SandboxError(f"{folder} cannot be written ({error.strerror}): choose another with DATA=.") from error
    return folder


def _is_ours(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _platform_secret(folder: Path, hook: str) -> str:
    """The secret of the platform's endpoint, which is made before the sandbox starts: the API has to know it then.

    It is made anew where the API has moved to another address.
    """
    kept = _kept(folder)
    if kept.get("url") != hook:
        kept = {"url": hook, "secret": _endpoint(folder, hook)}
        draft = folder / f"{KEPT_SECRET}.new"
        draft.touch(mode=0o600)
        draft.write_bytes(orjson.dumps(kept))
        draft.replace(folder / KEPT_SECRET)
    return kept["secret"]


def _kept(folder: Path) -> dict[str, str]:
    try:
        kept: dict[str, str] = orjson.loads((folder / KEPT_SECRET).read_bytes())
    except (FileNotFoundError, orjson.JSONDecodeError):
        return {}
    return kept


def _endpoint(folder: Path, hook: str) -> str:
    # Imported here: a start that finds its secret kept need not load the sandbox.
    from sandbox.stripe.edge import Request
    from sandbox.stripe.sandbox import Sandbox

    sandbox = Sandbox(folder=folder)
    headers = {"authorization": f"Bearer {PLATFORM_KEY}", "content-type": "application/x-www-form-urlencoded"}

    def ask(method: str, path: str, fields: dict[str, str]) -> dict[str, object]:
        query, body = ("", urlencode(fields)) if method == "POST" else (urlencode(fields), "")
        answer = sandbox.answer(Request(method, path, query, headers, body.encode()))
        said: dict[str, object] = orjson.loads(answer.body)
        if answer.status != 200:
            raise SandboxError(f"The payments sandbox in {folder} does not answer as it should: {said}")
        return said

    try:
        old = ask("GET", "/v1/webhook_endpoints", {"limit": "100"})["data"]
        assert isinstance(old, list)  # noqa: S101 (a list, as the contract says)
        for endpoint in old:
            ask("DELETE", f"/v1/webhook_endpoints/{endpoint['id']}", {})
        events = {f"enabled_events[{place}]": event for place, event in enumerate(HEARD_OF_PLANS)}
        return str(ask("POST", "/v1/webhook_endpoints", {"url": hook, **events})["secret"])
    finally:
        sandbox.close()
