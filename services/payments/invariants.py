"""The check of the books: every rule that our own rows can show broken, judged at once (R237, R239).

One statement finds everything that breaks a rule, two more keep the alarms: as many for ten rows as for ten million.
"""

from dataclasses import dataclass

from sqlalchemy import Text, Uuid, bindparam, column, text
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP

from db.command import command
from db.tx import Tx
from domain.actors import Role
from domain.payments.invariants import WORDS, Invariant
from services.payments.alarms import Broken, keep_alarms
from services.payments.invariant_rules import RULES

MOST = 100
"""How many breaks of one rule are named; one is enough to call somebody."""

_ALL = " union all ".join(
    f"(select '{rule}' as kind, b.subject, b.detail from ({query} limit {MOST}) as b (subject, detail))"
    for rule, query in RULES.items()
)
_CHECK = (
    text(_ALL)
    .bindparams(bindparam("tenant", type_=Uuid), bindparam("now", type_=TIMESTAMP(timezone=True)))
    .columns(column("kind", Text), column("subject", Text), column("detail", JSONB))
)


@dataclass(frozen=True, slots=True)
class CheckMoney:
    """The business's money, as its own rows have it."""


@command(Role.SYSTEM)
async def check_money(tx: Tx, input: CheckMoney) -> int:
    """Judge every rule of money: alarms are raised for what breaks one, and cleared where it is mended; how many stand.

    The rules are those of `domain.payments.invariants`; what only the provider's side shows the reconciliation finds.
    """
    rows = await tx.all(_CHECK.bindparams(tenant=tx.actor.tenant, now=tx.now))
    found = [Broken(row.kind, row.subject, {**row.detail, "rule": WORDS[Invariant(row.kind)]}) for row in rows]
    await keep_alarms(tx, list(Invariant), found)
    return len(found)
