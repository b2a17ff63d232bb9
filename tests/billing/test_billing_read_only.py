"""An unpaid business: people read, come in and out, pay, and finish what is promised; nothing else (A42)."""

from datetime import timedelta

import pytest

from db.command import COMMANDS
from domain.actors import Role
from domain.errors import Code, Refused
from domain.fieldwork.phases import VisitPhase
from resolvers import AREAS
from services.cancellations import CancelJob, cancel_job
from services.identity.sessions import SignOut, sign_out
from services.scheduling import AssignCleaner, assign_cleaner
from services.swaps.offers import OfferSwap, offer_swap
from tests.billing.house import House
from tests.fieldwork.site import Site as Fieldwork

assert AREAS, "every command of people is known once the contract is"

COME_AND_GO = {
    "find_staff_login",
    "find_cleaner_login",
    "record_sign_in",
    "find_first_pin",
    "record_first_pin",
    "rotate_refresh_token",
    "request_password_reset",
    "find_link",
    "redeem_link",
    "reset_pin",
    "unlock_cleaner",
    "unlock_staff",
    "sign_out",
}
END_ACCESS = {"revoke_session", "revoke_qr", "archive_staff", "disconnect_provider"}
PAY = {
    "choose_plan",
    "cancel_plan_subscription",
    # What customers owe the business, they owe it whatever its plan.
    "confirm_payment",
    "open_payment",
    "pay_invoice",
    "add_payment_method",
    "remove_payment_method",
    "set_default_payment_method",
    "tip_job",
}
FINISH = {
    "open_instructions",
    "acknowledge_instructions",
    "check_in",
    "start_work",
    "finish_work",
    "check_out",
    "tick_item",
    "request_photo",
    "confirm_photo",
    "send_track",
    "report_no_access",
    "reveal_access_code",
    "submit_evidence",
    "override_check_in",
    "override_evidence",
    "cancel_job",
    "capture_held",
    "release_hold",
    "answer_dispute",
}
HEAR = {"open_webhook_door"}


@pytest.fixture
async def unpaid(house: House) -> House:
    """The business whose trial is over, beyond all grace."""
    await house.world.root.execute("update tenant set is_read_only = true where tenant_id = $1", house.town.tenant)
    return house


def test_what_an_unpaid_business_may_still_do_is_declared_and_nothing_more() -> None:
    """Whoever adds a command to this list says why: it lets in or out, ends access, pays, or finishes a promise."""
    declared = {name for name, one in COMMANDS.items() if one.when_unpaid}

    assert declared >= COME_AND_GO | END_ACCESS | PAY | FINISH | HEAR
    changing = ("create_", "update_", "invite_", "publish_", "set_")
    assert not {name for name in declared - PAY if name.startswith(changing)}


async def test_every_change_of_people_is_refused_and_leaves_nothing(unpaid: House) -> None:
    """R222: by the first statement of the transaction, so that no command can forget it."""
    owner = unpaid.town.owner
    before = await unpaid.picture()
    wishes = [one for one in COMMANDS.values() if Role.OWNER in one.roles and not one.when_unpaid]
    assert len(wishes) > 30

    for one in wishes:
        with pytest.raises(Refused) as refusal:
            # What is wished for is not even looked at.
            await unpaid.site.do(owner, one, None)
        assert refusal.value.code is Code.READ_ONLY, one.name

    assert await unpaid.picture() == before


async def test_the_other_business_goes_on(unpaid: House) -> None:
    await unpaid.site.other.job()


async def test_a_clean_that_was_promised_is_done_to_its_end(house: House) -> None:
    """R109 to R121 while the plan is unpaid: the cleaner is not left standing at the door."""
    await house.site.settings(fieldwork={"photoZones": []})
    cleaner, job = await house.town.cleaner(), await house.town.job(await house.site.now() + timedelta(minutes=20))
    work = Fieldwork(house.town, house.site.other)
    shift = await work.put(job, cleaner)
    await house.world.root.execute("update tenant set is_read_only = true where tenant_id = $1", house.town.tenant)

    await work.reach(cleaner, shift, VisitPhase.DONE)

    assert (await house.site.row("job", job))["status"] == "COMPLETED"


async def test_a_clean_can_be_called_off_and_no_new_one_begun(house: House) -> None:
    cleaner, job = await house.town.cleaner(), await house.town.job()
    shift = await house.town.shift(cleaner)
    await house.world.root.execute("update tenant set is_read_only = true where tenant_id = $1", house.town.tenant)

    assign = AssignCleaner(job, cleaner.cleaner_id)
    assert await house.is_refused(Code.READ_ONLY, house.town.owner, assign_cleaner, assign)
    assert await house.is_refused(Code.READ_ONLY, cleaner, offer_swap, OfferSwap(shift))
    await house.site.do(house.town.owner, cancel_job, CancelJob(job, "The business takes a break."))


async def test_people_can_leave_and_come_back(unpaid: House) -> None:
    owner = await unpaid.owner()

    await unpaid.site.do(owner, sign_out, SignOut())

    assert await unpaid.owner()


async def test_the_installations_own_work_goes_on(unpaid: House) -> None:
    """Duties and tasks are the system's: what was promised to customers is kept."""
    assert await unpaid.site.drain() == []
    for duty in ("watch_plan", "sweep_swaps", "rate_cleaners", "sweep_money"):
        await unpaid.site.duty(duty)


async def test_the_duty_itself_opens_a_business_that_was_closed_by_mistake(unpaid: House) -> None:
    """The plan decides, whatever the flag was: a trial that runs is no reason to be closed."""
    await unpaid.watch()

    assert not await unpaid.is_read_only()
