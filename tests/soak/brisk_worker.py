"""The product's worker with short leases, so that a test of a killed one need not wait for the product's."""

import asyncio

from app.command_line import outbox, public_url
from app.container import AfterCommit
from app.logs import configure_logs
from app.settings import Keys, Settings
from app.storage import object_store
from app.waker import open_waker
from app.worker import WorkerParts, serve_worker
from db.secrets import Secrets
from gateways.messages import Outbox
from subscriptions.wake import Wake
from tasks.worker import Pace

BRISK = Pace(sweep=0.5, lease=3.0, beat=0.8)


async def work(settings: Settings) -> None:
    """Be a worker until SIGTERM."""
    configure_logs(settings.log_format)
    keys = Keys.derive(settings.key())
    waker = open_waker(settings.redis_url)
    assert settings.database_url is not None
    assert settings.database_ops_url is not None
    async with Wake(settings.redis_url) as wake:
        parts = WorkerParts(
            database_url=settings.database_url,
            database_ops_url=settings.database_ops_url,
            redis_url=settings.redis_url,
            secrets=Secrets(keys.hashing, keys.sealing),
            messages=Outbox(outbox(settings)),
            public_url=public_url(settings),
            after_commit=AfterCommit(wake, waker),
            objects=object_store(settings),
            pace=BRISK,
        )
        await serve_worker(parts)
    await waker.close()


if __name__ == "__main__":
    asyncio.run(work(Settings.read()))
