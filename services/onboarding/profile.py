"""Stage 1: who a cleaner is, as they say themselves (R130)."""

from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import select, update

from db.command import command
from db.tx import Tx
from domain.actors import Role
from domain.ids import CleanerId
from domain.onboarding import ensure_adult
from models import cleaner_profile
from services.checks import phone, text, within
from services.inputs import arg
from services.onboarding.stages import hold_own, move_on


@dataclass(frozen=True, slots=True)
class SubmitProfile:
    """Who a cleaner is, where they live, and whom to call when something happens."""

    legal_name: str = arg("The name in full, as on an identity card; documents are signed with it. At most 200.")
    birth_date: date = arg("The date of birth; cleaners are at least 18 years old.")
    address: str = arg("Street and number, at most 300 characters.")
    city: str = arg("The city, at most 200 characters.")
    postal_code: str = arg("The postal code, at most 20 characters.")
    emergency_contact: str = arg("Who is to be called in an emergency, at most 200 characters.")
    emergency_phone: str = arg("Their number, in international form, as +13055550100.")
    years_of_experience: int = arg("Years of experience in cleaning, 0 to 80.")
    about: str = arg("Whatever else the office should know, at most 2,000 characters.", default="")


@command(Role.CLEANER)
async def submit_profile(tx: Tx, input: SubmitProfile) -> CleanerId:
    """Say who one is; said again, it takes the place of what was said before (R130). What was signed stays as it is."""
    values = _values(tx, input)
    row = await hold_own(tx)
    before = await tx.one(
        select(cleaner_profile.c.id).where(tx.own(cleaner_profile), cleaner_profile.c.cleaner_id == row.id)
    )
    if before is None:
        await tx.insert(cleaner_profile, cleaner_id=row.id, **values)
    else:
        values["version"] = cleaner_profile.c.version + 1
        own = update(cleaner_profile).where(tx.own(cleaner_profile), cleaner_profile.c.id == before.id)
        await tx.write(own.values(**values))
    return await move_on(tx, row)


def _values(tx: Tx, input: SubmitProfile) -> dict[str, Any]:
    ensure_adult(input.birth_date, tx.now)
    return {
        "legal_name": " ".join(text(input.legal_name, "legalName", most=200).split()),
        "birth_date": input.birth_date,
        "address": text(input.address, "address", most=300),
        "city": text(input.city, "city", most=200),
        "postal_code": text(input.postal_code, "postalCode", most=20),
        "emergency_contact": text(input.emergency_contact, "emergencyContact", most=200),
        "emergency_phone": phone(input.emergency_phone, "emergencyPhone"),
        "years_of_experience": within(input.years_of_experience, "yearsOfExperience", 0, 80),
        "about": text(input.about, "about", most=2_000, least=0),
        "submitted_at": tx.now,
    }
