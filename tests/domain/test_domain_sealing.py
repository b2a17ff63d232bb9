"""What is sealed opens under its key and in its place alone (R4, R28)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from db.ids import new_id
from db.sealing import Place, SealBroken, fresh_key, open_sealed, seal
from db.secrets import Secrets

KEY = fresh_key()
HERE = Place(new_id(), "access_code", "sealed", new_id())


@given(st.binary(max_size=600))
def test_what_was_sealed_is_what_opens_and_never_looks_the_same(plain: bytes) -> None:
    """R28: two seals of the same code do not show that it is the same."""
    one, other = seal(KEY, HERE, plain), seal(KEY, HERE, plain)
    assert open_sealed(KEY, HERE, one) == open_sealed(KEY, HERE, other) == plain
    assert one != other
    assert len(one) == 1 + 12 + len(plain) + 16


@pytest.mark.parametrize(
    "elsewhere",
    [
        Place(new_id(), HERE.table, HERE.column, HERE.row),
        Place(HERE.tenant, "property", HERE.column, HERE.row),
        Place(HERE.tenant, HERE.table, "notes", HERE.row),
        Place(HERE.tenant, HERE.table, HERE.column, new_id()),
    ],
    ids=["tenant", "table", "column", "row"],
)
def test_a_value_that_was_moved_does_not_open(elsewhere: Place) -> None:
    """R28: whoever can write to the database cannot have one home's code shown as another's."""
    with pytest.raises(SealBroken):
        open_sealed(KEY, elsewhere, seal(KEY, HERE, b"4711"))


@given(st.integers(0, 32), st.integers(1, 255))
def test_a_single_changed_byte_is_found(place: int, change: int) -> None:
    """R28: in format, nonce, text and tag."""
    sealed = bytearray(seal(KEY, HERE, b"4711"))
    sealed[place] ^= change
    with pytest.raises(SealBroken):
        open_sealed(KEY, HERE, bytes(sealed))


@pytest.mark.parametrize("cut", [b"", b"\x01", b"\x01short"])
def test_what_is_too_short_does_not_open(cut: bytes) -> None:
    """R28."""
    with pytest.raises(SealBroken):
        open_sealed(KEY, HERE, cut)


def test_another_key_does_not_open() -> None:
    """R28."""
    with pytest.raises(SealBroken):
        open_sealed(fresh_key(), HERE, seal(KEY, HERE, b"4711"))


def test_no_key_is_in_the_text_of_the_secrets() -> None:
    """R4: whatever prints them, or a traceback with them."""
    assert repr(Secrets(b"k" * 32, b"s" * 32)) == "Secrets()"
