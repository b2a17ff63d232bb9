"""What a task function is given: commands of its tenant, business time, and the gateways."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeVar

import asyncpg

from db.command import Command
from db.runner import Call, Runner
from domain.actors import Actor, TenantId
from domain.errors import NotConfigured
from domain.payments.ops import Boundary
from gateways.images import Images
from gateways.messages import MessageGateway
from gateways.objects import ObjectStore
from gateways.payments import Credentials, Provider, Providers
from gateways.payout_accounts import PayoutAccounts
from gateways.stripe_accounts import AccountSettings, StripeAccounts
from services.payments.accounts import ProviderKeys
from tasks.store import Task

Input = TypeVar("Input")
Result = TypeVar("Result")


def pass_by(_boundary: Boundary) -> None:
    """Nothing happens between the parts of a step."""


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
    images: Images = field(default_factory=Images)
    providers: Providers | None = None
    """Of payments; None where this installation has none at all."""
    provider_url: str | None = None
    """Another address than the provider's own: the sandbox's."""
    platform_key: str | None = field(default=None, repr=False)
    """Of the platform's own account, which bills the plans."""
    plan_grace: timedelta = timedelta(days=7)
    """How long a business whose plan is unpaid can still be changed."""
    accounts_of: Callable[[Provider, AccountSettings], PayoutAccounts] = StripeAccounts
    """How cleaners' accounts are reached through a business's own."""
    at_boundary: Callable[[Boundary], None] = pass_by
    """Called between the parts of a step of money; tests end the process there."""

    def provider_of(self, keys: ProviderKeys) -> Provider:
        """The account that these keys open. Raises `NotConfigured` where this installation reaches no provider."""
        secret = self.platform_key if keys.is_platform else keys.secret_key
        if self.providers is None or secret is None:
            raise NotConfigured
        return self.providers.of(Credentials(secret, keys.account_id, self.provider_url))


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
