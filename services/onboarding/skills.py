"""Stage 4: what a cleaner says they can do, which unlocks tiers of pay (R133, R265, A49)."""

from dataclasses import dataclass

from sqlalchemy import delete
from sqlalchemy.dialects.postgresql import insert

from db.command import command
from db.tx import Tx
from domain.actors import Role
from domain.ids import CleanerId
from domain.onboarding import SkillSource
from domain.scheduling import Skill
from models import cleaner_skill
from services.inputs import arg
from services.onboarding.stages import hold_own, move_on


@dataclass(frozen=True, slots=True)
class CertifySkills:
    """What a cleaner can do beyond cleaning."""

    skills: list[Skill] = arg("All that the cleaner is able and willing to do; an empty list for nothing special.")


@command(Role.CLEANER)
async def certify_skills(tx: Tx, input: CertifySkills) -> CleanerId:
    """Certify one's own skills (R133): each unlocks the tier of pay that the settings name for it.

    What was certified before and is left out is taken back; what the office has entered stays the office's to change,
    and the office may take back what a cleaner certifies.
    """
    row = await hold_own(tx)
    wanted = [str(skill) for skill in dict.fromkeys(input.skills)]
    async with tx.as_system():
        await tx.write(
            delete(cleaner_skill).where(
                tx.own(cleaner_skill),
                cleaner_skill.c.cleaner_id == row.id,
                cleaner_skill.c.source == SkillSource.SELF.value,
                cleaner_skill.c.skill.not_in(wanted),
            )
        )
        for skill in wanted:
            await _certify(tx, CleanerId(row.id), skill)
    return await move_on(tx, row, certified_at=tx.now)


async def _certify(tx: Tx, cleaner_id: CleanerId, skill: str) -> None:
    said = insert(cleaner_skill).values(
        tenant_id=tx.actor.tenant,
        cleaner_id=cleaner_id,
        skill=skill,
        source=SkillSource.SELF.value,
        certified_at=tx.now,
    )
    key = ["tenant_id", "cleaner_id", "skill"]
    await tx.write(said.on_conflict_do_update(index_elements=key, set_={"certified_at": tx.now}))
