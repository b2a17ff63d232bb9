"""How good a PIN or password must be, and how wrong guesses lock a sign-in (R14, R15, A7, A8)."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from domain.errors import WeakSecret
from domain.policy import SignInPolicy

PIN_LENGTHS = range(6, 9)
PASSWORD_LENGTHS = range(10, 201)

_COMMON_PINS = (
    "102030 112358 142536 147258 147852 147896 159357 159753 258456 314159 271828 357159 369258 741852 753951 "
    "789456 852456 963852 456123 123654 124578 135790 246810 13579246 24681012 14725836 12348765 31415926 "
    "27182818 "
)
COMMON_PINS = frozenset(_COMMON_PINS.split())

_COMMON_PASSWORDS = (
    "1234567890 12345678910 0123456789 0987654321 1q2w3e4r5t 1qaz2wsx3edc q1w2e3r4t5 qwertyuiop qwerty12345 "
    "qwerty1234 qwerty123456 asdfghjkl1 asdfghjkl; zxcvbnm123 abcdefghij abcdefgh12 abcd1234567 password12 "
    "password123 password1234 password12345 password1! password123! passw0rd123 p@ssw0rd123 p@ssword123 "
    "mypassword changeme123 changeme1234 letmein1234 letmein123 welcome123 welcome1234 welcome2024 "
    "welcome2025 welcome2026 iloveyou123 iloveyou12 sunshine123 princess123 football123 baseball123 "
    "superman123 batman12345 dragon12345 monkey12345 michael123 starwars123 trustno1234 whatever123 "
    "administrator admin12345 admin123456 adminadmin administrator1 cleaner123 cleaning123 cleanshift "
    "cleanshift1 cleanshift123 summer2024! summer2025! summer2026! winter2025! spring2026! "
)
COMMON_PASSWORDS = frozenset(_COMMON_PASSWORDS.split())


@dataclass(frozen=True, slots=True)
class LockState:
    """Consecutive failures since the last lock or success, locks in a row, and until when sign-in is locked."""

    failures: int = 0
    lock_count: int = 0
    locked_until: datetime | None = None


UNLOCKED = LockState()
"""After a success (R15), an administrator's unlock, or a PIN reset."""


def after_failure(failures: int, lock_count: int, now: datetime, policy: SignInPolicy) -> LockState:
    """The state after one more wrong guess: the fifth in a row locks for 15 minutes, each further lock doubles (A7).

    A guess made while locked is refused unseen and must not be counted, or a lock could be kept up for ever.
    """
    if failures + 1 < policy.failures_to_lock:
        return LockState(failures + 1, lock_count)
    # Bounded before the power is taken: the count is unbounded, the longest lock is not.
    minutes = min(policy.lock_minutes * 2 ** min(lock_count, 20), policy.longest_lock_minutes)
    return LockState(0, lock_count + 1, now + timedelta(minutes=minutes))


def is_locked(locked_until: datetime | None, now: datetime) -> bool:
    """Whether even the right secret is refused (R14)."""
    return locked_until is not None and now < locked_until


def first_pin_deadline(issued_at: datetime, policy: SignInPolicy) -> datetime:
    """Until when a first PIN can be set, from the issue of the QR token or the reset of the PIN (A8)."""
    return issued_at + timedelta(hours=policy.first_pin_hours)


def ensure_strong_pin(pin: str, *, field: tuple[str, ...] = ("pin",)) -> None:
    """Refuse what is not 6 to 8 digits, or one of the PINs that people guess first (A7)."""
    if len(pin) not in PIN_LENGTHS or not (pin.isascii() and pin.isdigit()):
        raise WeakSecret("A PIN has 6 to 8 digits.", field=field)
    if len(set(pin)) < 3 or _repeats(pin) or _runs(pin) or pin in COMMON_PINS:
        raise WeakSecret("This PIN is too easy to guess: choose digits without a pattern.", field=field)
    if _is_date(pin) or _is_year(pin[:4]) or _is_year(pin[-4:]):
        raise WeakSecret("This PIN is too easy to guess: choose one that is no date or year.", field=field)


def ensure_strong_password(password: str, email: str, *, field: tuple[str, ...] = ("password",)) -> None:
    """Refuse fewer than 10 or more than 200 characters, well-known passwords, and those made of the own address."""
    if len(password) not in PASSWORD_LENGTHS:
        raise WeakSecret("A password has 10 to 200 characters.", field=field)
    plain = password.casefold()
    if len(set(plain)) < 4 or plain in COMMON_PASSWORDS:
        raise WeakSecret("This password is too easy to guess.", field=field)
    local_part = email.partition("@")[0].casefold()
    # A name of three letters or fewer turns up in good passwords by chance.
    if len(local_part) > 3 and local_part in plain:
        raise WeakSecret("A password must not contain the name in your email address.", field=field)


def _repeats(pin: str) -> bool:
    """One block again and again (`123123`, `12121212`), every digit doubled (`112233`), or a mirror (`123321`)."""
    blocks = any(pin == pin[:size] * (len(pin) // size) for size in range(1, len(pin) // 2 + 1) if len(pin) % size == 0)
    doubled = len(pin) % 2 == 0 and pin[::2] == pin[1::2]
    return blocks or doubled or pin == pin[::-1]


def _runs(pin: str) -> bool:
    """The same step from digit to digit, past 9 to 0 too: `123456`, `987654`, `789012`, `135791`."""
    return len({(int(later) - int(earlier)) % 10 for earlier, later in pairwise(pin)}) == 1


def _is_date(pin: str) -> bool:
    """A day in any of the usual orders, with the year in two digits or four."""
    orders = (
        ("%d%m%y", "%m%d%y", "%y%m%d") if len(pin) == 6 else ("%d%m%Y", "%m%d%Y", "%Y%m%d") if len(pin) == 8 else ()
    )
    return any(_reads_as(pin, order) for order in orders)


def _reads_as(pin: str, order: str) -> bool:
    try:
        day = datetime.strptime(pin, order)  # noqa: DTZ007 (a date of birth has no zone)
    except ValueError:
        return False
    return 1900 <= day.year < 2100


def _is_year(digits: str) -> bool:
    return 1930 <= int(digits) < 2040
