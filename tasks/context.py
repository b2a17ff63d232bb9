"""What a task function is given: commands of its tenant, business time, and the gateways."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

import asyncpg

from db.command import Command
from db.runner import Call, Runner
from domain.actors import Actor, TenantId
from gateways.images import Images
from gateways.messages import MessageGateway
from gateways.objects import ObjectStore
from gateways.payout_accounts import PayoutAccounts
from tasks.store import Task

Input = TypeVar("Input")
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Tools:
    """What a worker lends to every task."""

    runner: Runner
    messages: MessageGateway
    ops: asyncpg.Pool
    """A pool of the role `ops`, for the upkeep of the log; never for a tenant's business."""
    public_url: str
    """Where people's browsers find this installation, without a slash at its end."""
    objects: ObjectStore
    payouts: PayoutAccounts | None = None
    """The provider of cleaners' accounts; None where there is none."""
    images: Images = field(default_factory=Images)


@dataclass(frozen=True, slots=True)
class TaskContext:
    """One attempt of one task."""

    tools: Tools
    task: Task

    @property
    def now(self) -> datetime:
        """The tenant's business time when the task was claimed."""
        return self.task.now

    @property
    def is_last_attempt(self) -> bool:
        """Whether a failure now is final, so that whoever waits for the outcome must be told."""
        return self.task.is_last_attempt

    async def run(self, command: Command[Input, Result], input: Input, *, once: str | None = None) -> Result:
        """Run a command as the system inside the task's tenant.

        With `once`, a command that returns an id runs once for that key, whatever number of attempts come by.
        """
        actor = Actor.system(self.task.tenant)
        return await self.tools.runner.run(Call(actor, command, input, key=once, request_id=f"task:{self.task.id}"))


TaskFunction = Callable[[TaskContext, TenantId, Mapping[str, Any]], Awaitable[None]]
"""Does one kind of task. It is run again after any failure, even one after its last step: it must be idempotent."""
