"""One request to the payment provider as it is frozen with its op: what is asked, of which object, with what (R157).

The frozen parameters are what is sent, whatever the code has become by then. They are whole numbers, words, truths,
lists and maps of these: everything else is refused here, because the provider's library would send it in its own way
(a fraction as `19500.0`, any object that has an `id` as that id).
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any
from uuid import UUID

MAX_CENTS = 99_999_999
"""The provider takes amounts of up to eight digits."""


class Verb(StrEnum):
    """What can be asked of the provider; one call of its library each."""

    CREATE_CUSTOMER = "CREATE_CUSTOMER"
    UPDATE_CUSTOMER = "UPDATE_CUSTOMER"
    ATTACH_METHOD = "ATTACH_METHOD"
    DETACH_METHOD = "DETACH_METHOD"
    CREATE_SETUP = "CREATE_SETUP"
    CREATE_INTENT = "CREATE_INTENT"
    UPDATE_INTENT = "UPDATE_INTENT"
    CONFIRM_INTENT = "CONFIRM_INTENT"
    CAPTURE_INTENT = "CAPTURE_INTENT"
    CANCEL_INTENT = "CANCEL_INTENT"
    CREATE_REFUND = "CREATE_REFUND"
    CREATE_TRANSFER = "CREATE_TRANSFER"
    REVERSE_TRANSFER = "REVERSE_TRANSFER"
    SUBMIT_DISPUTE = "SUBMIT_DISPUTE"
    CLOSE_DISPUTE = "CLOSE_DISPUTE"
    CREATE_ACCOUNT = "CREATE_ACCOUNT"
    CREATE_ACCOUNT_V1 = "CREATE_ACCOUNT_V1"
    CREATE_ACCOUNT_LINK = "CREATE_ACCOUNT_LINK"
    CREATE_ACCOUNT_LINK_V1 = "CREATE_ACCOUNT_LINK_V1"
    CREATE_PRODUCT = "CREATE_PRODUCT"
    CREATE_PRICE = "CREATE_PRICE"
    CREATE_SUBSCRIPTION = "CREATE_SUBSCRIPTION"
    UPDATE_SUBSCRIPTION = "UPDATE_SUBSCRIPTION"
    CANCEL_SUBSCRIPTION = "CANCEL_SUBSCRIPTION"
    CREATE_CHECKOUT = "CREATE_CHECKOUT"
    CREATE_PORTAL = "CREATE_PORTAL"
    CREATE_WEBHOOK_ENDPOINT = "CREATE_WEBHOOK_ENDPOINT"


TARGETED = frozenset(
    {
        Verb.UPDATE_CUSTOMER,
        Verb.ATTACH_METHOD,
        Verb.DETACH_METHOD,
        Verb.UPDATE_INTENT,
        Verb.CONFIRM_INTENT,
        Verb.CAPTURE_INTENT,
        Verb.CANCEL_INTENT,
        Verb.REVERSE_TRANSFER,
        Verb.SUBMIT_DISPUTE,
        Verb.CLOSE_DISPUTE,
        Verb.UPDATE_SUBSCRIPTION,
        Verb.CANCEL_SUBSCRIPTION,
    }
)
"""What is asked of an object that is there already, named by its id."""


class Thing(StrEnum):
    """What can be read and listed at the provider."""

    CUSTOMER = "CUSTOMER"
    METHOD = "METHOD"
    SETUP = "SETUP"
    INTENT = "INTENT"
    CHARGE = "CHARGE"
    REFUND = "REFUND"
    TRANSFER = "TRANSFER"
    REVERSAL = "REVERSAL"
    """Of one transfer: listed with `transfer=`; read as `<transfer>/<reversal>`."""
    DISPUTE = "DISPUTE"
    BALANCE = "BALANCE"
    """There is one: read without an id."""
    BALANCE_TRANSACTION = "BALANCE_TRANSACTION"
    PAYOUT = "PAYOUT"
    """From a balance to a bank."""
    OWN_ACCOUNT = "OWN_ACCOUNT"
    """The one that the key opens: read without an id."""
    ACCOUNT = "ACCOUNT"
    ACCOUNT_V1 = "ACCOUNT_V1"
    PRODUCT = "PRODUCT"
    PRICE = "PRICE"
    SUBSCRIPTION = "SUBSCRIPTION"
    INVOICE = "INVOICE"
    CHECKOUT = "CHECKOUT"
    WEBHOOK_ENDPOINT = "WEBHOOK_ENDPOINT"
    EVENT = "EVENT"
    EVENT_V2 = "EVENT_V2"


@dataclass(frozen=True, slots=True)
class Ask:
    """One request: `target` is the object that it is asked of, and None where one is to be made.

    Raises `TypeError` for a parameter that is no whole number, word, truth, list or map, and `ValueError` for a target
    that is missing or too much: both are mistakes of ours.
    """

    verb: Verb
    target: str | None
    params: Mapping[str, Any] = field(hash=False)

    def __post_init__(self) -> None:
        if (self.target is not None) is not (self.verb in TARGETED) or self.target == "":
            raise ValueError(f"{self.verb} with the target {self.target!r}")
        # A copy of its own: what the caller does to its map later is not asked.
        object.__setattr__(self, "params", _plain(self.params, self.verb))

    def to_json(self) -> dict[str, Any]:
        """As it is kept with its op."""
        return {"verb": self.verb.value, "target": self.target, "params": _plain(self.params, self.verb)}

    @classmethod
    def from_json(cls, said: Mapping[str, Any]) -> "Ask":
        """What `to_json` has written."""
        return cls(Verb(said["verb"]), said["target"], said["params"])

    def digest(self) -> bytes:
        """sha256 of the canonical JSON: the same ask has the same one in every process (the op's params_hash)."""
        words = json.dumps(self.to_json(), sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
        return hashlib.sha256(words.encode("ascii")).digest()


def cents(amount: int, *, least: int = 1) -> int:
    """The amount, once it is a whole number of cents from `least` up; `TypeError` or `ValueError` otherwise."""
    if type(amount) is not int:
        raise TypeError(f"cents are a whole number, not {amount!r}")
    if not least <= amount <= MAX_CENTS:
        raise ValueError(f"{amount} cents")
    return amount


def currency_code(currency: str) -> str:
    """The three letters as the provider writes them; `ValueError` for anything else."""
    if not (len(currency) == 3 and currency.isascii() and currency.isalpha()):
        raise ValueError(f"the currency {currency!r}")
    return currency.lower()


def metadata(tenant: UUID, op: UUID, **ours: UUID | str) -> dict[str, str]:
    """What every object at the provider carries, so that it can be matched with our rows (R138, R158, R168).

    `ours` are our own ids by the trade's name: `payment_id`, `payout_id`, `job_id`, `cleaner_id`; at least one.
    """
    return checked({"tenant_id": str(tenant), "op_id": str(op), **{name: str(id) for name, id in ours.items()}})


def checked(marks: Mapping[str, str], *needed: str) -> dict[str, str]:
    """The metadata, once it names the tenant, the op, an object of ours and whatever is `needed` besides (R158).

    `ValueError` for what the provider would refuse: more than 50 keys, keys over 40 characters or with brackets, values
    over 500.
    """
    missing = {"tenant_id", "op_id", *needed} - set(marks)
    if missing or len(marks) < 3:
        raise ValueError(f"metadata without {sorted(missing) or 'an id of ours'}")
    if len(marks) > 50 or any(not _fits(key, value) for key, value in marks.items()):
        raise ValueError("metadata of more than 50 keys, 40 characters a key or 500 a value")
    return dict(marks)


def given(**params: Any) -> dict[str, Any]:
    """The parameters that are there: the provider takes no nulls."""
    return {name: value for name, value in params.items() if value is not None}


def _fits(key: str, value: str) -> bool:
    return 0 < len(key) <= 40 and not set(key) & set("[]") and 0 < len(value) <= 500


def _plain(value: Any, where: str) -> Any:
    """A deep copy in which only whole numbers, words, truths, lists and maps occur."""
    if type(value) in {bool, int}:
        return value
    if isinstance(value, str):
        if "\x00" in value:
            raise ValueError(f"{where} holds a zero byte")
        return str(value)
    if isinstance(value, Mapping):
        return {_name(key, where): _plain(inner, f"{where}.{key}") for key, inner in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, bytes | bytearray | memoryview):
        return [_plain(inner, f"{where}[]") for inner in value]
    raise TypeError(f"{where} cannot be sent to the provider: {type(value).__name__}")


def _name(key: Any, where: str) -> str:
    if not isinstance(key, str):
        raise TypeError(f"{where} has a key that is no word: {key!r}")
    return str(key)
