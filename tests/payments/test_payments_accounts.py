"""How a cleaner's account stands, and what becomes of each way of opening it (R131, R135, R136, R172)."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

import pytest

from domain.errors import Unavailable
from domain.onboarding import PayoutAccountStatus
from domain.payments.ask import Ask, Thing, Verb
from domain.payments.outcomes import Answered, Doubt, Outcome, Refusal, Unknown
from gateways.account_words import OTHER, reason_words, requirement_words
from gateways.payments import RefusedByProvider
from gateways.payout_accounts import AccountRefused, AccountWish
from gateways.stripe_accounts import CHECKING, CLOSED, AccountKind, AccountSettings, StripeAccounts, account_of

SETTINGS = AccountSettings("test", "https://us.test/again", "https://us.test/back")
WISH = AccountWish(UUID(int=7), UUID(int=1), "Cleaner 7", "c7@a.test")
MISMATCH = Refusal(None, type="idempotency_error")


def _v2(status: str | None, *entries: dict[str, Any], **details: Any) -> dict[str, Any]:
    capability = {"status": status, "status_details": [details] if details else []}
    balance = {"stripe_balance": {"stripe_transfers": capability}}
    return {
        "id": "acct_1",
        "object": "v2.core.account",
        "closed": False,
        "configuration": {"recipient": {"capabilities": balance if status else {}}},
        "requirements": {"entries": list(entries)},
    }


def _wants(name: str, reason: str = "routine_onboarding", who: str = "user", due: str = "past_due") -> dict[str, Any]:
    return {
        "description": name,
        "awaiting_action_from": who,
        "minimum_deadline": {"status": due},
        "requested_reasons": [{"code": reason}],
    }


def _v1(state: str, *due: str, submitted: bool = True, reason: str | None = None) -> dict[str, Any]:
    needs = {"currently_due": list(due), "past_due": list(due), "disabled_reason": reason}
    return {
        "id": "acct_1",
        "object": "account",
        "capabilities": {"transfers": state},
        "details_submitted": submitted,
        "requirements": needs,
    }


READY, OPEN, STOPPED = PayoutAccountStatus.READY, PayoutAccountStatus.OPEN, PayoutAccountStatus.RESTRICTED


@pytest.mark.parametrize(
    ("found", "status", "wanted"),
    [
        (_v2("active"), READY, ()),
        (_v2("active", _wants("external_account", "routine_verification")), READY, ("bank account",)),
        (_v2("active", _wants("individual.id_number", due="eventually_due")), READY, ()),
        (_v2("restricted", _wants("individual.dob.day"), _wants("individual.dob.month")), OPEN, ("date of birth",)),
        (_v2("pending", _wants("individual.id_number", who="stripe")), OPEN, (CHECKING,)),
        (
            _v2("restricted", _wants("individual.verification.document", "routine_verification")),
            STOPPED,
            ("proof of identity",),
        ),
        (
            _v2("restricted", code="restricted_other", resolution="contact_stripe"),
            STOPPED,
            (OTHER,),
        ),
        (_v2("restricted"), STOPPED, ()),
        (_v2(None), STOPPED, ()),
        ({**_v2("active"), "closed": True}, STOPPED, (CLOSED,)),
        ({"id": "acct_1", "object": "v2.core.account"}, STOPPED, ()),
        (_v1("active"), READY, ()),
        (_v1("active", "external_account"), READY, ("bank account",)),
        (
            _v1("inactive", "tos_acceptance.date", "tos_acceptance.ip", submitted=False),
            OPEN,
            ("consent to the provider's terms",),
        ),
        (_v1("pending"), OPEN, (CHECKING,)),
        (_v1("inactive", "individual.ssn_last_4", reason="requirements.past_due"), STOPPED, ("tax number",)),
        (_v1("inactive", reason="rejected.fraud"), STOPPED, (reason_words("rejected"),)),
        ({"id": "acct_1", "object": "account"}, STOPPED, ()),
    ],
)
def test_ready_is_the_state_of_the_capability_and_nothing_else(
    found: dict[str, Any], status: PayoutAccountStatus, wanted: tuple[str, ...]
) -> None:
    """R136: not that details were given, and not that payouts to the bank are enabled."""
    account = account_of({**found, "payouts_enabled": True})
    assert (account.status, account.requirements) == (status, wanted)


def test_a_requirement_that_we_do_not_know_is_said_in_its_own_words() -> None:
    assert requirement_words("individual.political_exposure") == "individual political exposure"
    assert requirement_words("person_1.verification.additional_document") == "a second proof of identity or address"
    assert reason_words("never_heard_of") == OTHER


@dataclass
class Scripted:
    """A provider that gives the listed answers, and remembers what it was asked."""

    answers: list[Outcome]
    listed: list[Mapping[str, Any]] = field(default_factory=list)
    things: dict[Thing, Any] = field(default_factory=dict)
    asked: list[tuple[Ask, str]] = field(default_factory=list)

    async def send(self, ask: Ask, key: str) -> Outcome:
        self.asked.append((ask, key))
        return self.answers.pop(0)

    async def read(self, thing: Thing, id: str = "", *, account: str | None = None) -> Mapping[str, Any] | None:
        found = self.things.get(thing)
        if isinstance(found, Exception):
            raise found
        return found

    async def pages(
        self, thing: Thing, *, account: str | None = None, **filters: Any
    ) -> AsyncIterator[Mapping[str, Any]]:
        for one in self.listed:
            yield one


async def test_the_same_wish_is_asked_under_the_same_key_with_our_marks() -> None:
    """R157, R158."""
    provider = Scripted([Answered(_v2("restricted", _wants("external_account")))] * 2)
    accounts = StripeAccounts(provider, SETTINGS)
    assert await accounts.open(WISH) == await accounts.open(WISH)
    (first, key), (again, same) = provider.asked
    assert (first.digest(), key) == (again.digest(), same)
    assert key == f"test:{WISH.tenant}:open_account:{WISH.key}:1"
    assert first.params["metadata"]["payout_account_id"] == str(WISH.key)


async def test_an_account_whose_answer_was_lost_is_found_although_the_cleaner_has_another_name_by_now() -> None:
    mine = {**_v2("active"), "metadata": {"payout_account_id": str(WISH.key)}}
    provider = Scripted([MISMATCH], [{"id": "acct_2", "metadata": None}, mine], {Thing.ACCOUNT: mine})
    assert (await StripeAccounts(provider, SETTINGS).open(WISH)).status is READY
    assert len(provider.asked) == 1


async def test_a_refused_wish_that_was_put_right_is_asked_under_a_key_of_its_own() -> None:
    provider = Scripted([MISMATCH, Answered(_v2("active"))])
    assert (await StripeAccounts(provider, SETTINGS).open(WISH)).status is READY
    (_, first), (_, second) = provider.asked
    assert first != second


@pytest.mark.parametrize(
    ("outcome", "error"),
    [
        (Unknown(Doubt.TIMEOUT), Unavailable),
        (Refusal("country_unsupported", message="Not there."), AccountRefused),
        (Refusal(None, http_status=401), RefusedByProvider),
        (Refusal(None, http_status=403), RefusedByProvider),
        (Refusal("account_invalid", http_status=403), AccountRefused),
    ],
)
async def test_a_cleaner_is_told_only_what_is_about_their_account(outcome: Outcome, error: type[Exception]) -> None:
    with pytest.raises(error):
        await StripeAccounts(Scripted([outcome]), SETTINGS).open(WISH)


async def test_each_page_is_asked_for_anew_and_lives_as_long_as_the_provider_says() -> None:
    said = {"url": "https://x.test", "created": "2026-11-22T00:00:00.000Z", "expires_at": "2026-11-22T00:05:00.000Z"}
    provider = Scripted([Answered(said), Answered({"url": "https://y.test", "created": 100, "expires_at": 400})])
    accounts = StripeAccounts(provider, SETTINGS)
    links = [await accounts.link("acct_1") for _ in range(2)]
    assert [link.lives.total_seconds() for link in links] == [300, 300]
    assert len({key for _, key in provider.asked}) == 2


@pytest.mark.parametrize("is_there", [True, False])
async def test_the_page_of_an_account_of_the_first_kind_is_asked_for_as_such(is_there: bool) -> None:
    old = Answered({"url": "https://y.test", "created": 100, "expires_at": 400}) if is_there else Refusal("other")
    provider = Scripted([Refusal("not_found", http_status=404, message="First."), old])
    accounts = StripeAccounts(provider, SETTINGS)
    if is_there:
        assert (await accounts.link("acct_1")).url == "https://y.test"
    else:
        with pytest.raises(AccountRefused, match="First"):
            await accounts.link("acct_1")
    assert [ask.verb for ask, _ in provider.asked] == [Verb.CREATE_ACCOUNT_LINK, Verb.CREATE_ACCOUNT_LINK_V1]


async def test_an_account_that_only_the_first_kind_knows_is_read_there() -> None:
    refused = RefusedByProvider(Refusal("accounts_v2_blocked", http_status=400))
    for new in (refused, None, {"id": "acct_1", "object": "v2.core.account"}):
        provider = Scripted([], things={Thing.ACCOUNT: new, Thing.ACCOUNT_V1: _v1("active")})
        assert (await StripeAccounts(provider, SETTINGS).read("acct_1")).status is READY


async def test_a_business_of_the_first_kind_asks_for_nothing_of_the_second() -> None:
    settings = AccountSettings("test", "https://us.test/a", "https://us.test/b", kind=AccountKind.V1)
    provider = Scripted([Answered(_v1("active"))], things={Thing.ACCOUNT_V1: _v1("active")})
    accounts = StripeAccounts(provider, settings)
    assert (await accounts.open(WISH)).status is (await accounts.read("acct_1")).status is READY
    assert provider.asked[0][0].verb is Verb.CREATE_ACCOUNT_V1


@pytest.mark.parametrize("thing", [Thing.ACCOUNT, Thing.ACCOUNT_V1])
async def test_a_key_that_is_no_good_is_not_taken_for_an_account_that_is_not_there(thing: Thing) -> None:
    refused = RefusedByProvider(Refusal(None, http_status=401))
    with pytest.raises(RefusedByProvider):
        await StripeAccounts(Scripted([], things={thing: refused}), SETTINGS).read(str(uuid4()))
