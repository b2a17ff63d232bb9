"""What devices tell with every step: their time, and their position."""

from dataclasses import dataclass
from datetime import datetime

from domain.errors import Invalid
from domain.fieldwork.geofence import Fix
from domain.geo import Position
from services.inputs import arg


@dataclass(frozen=True, slots=True)
class Device:
    """The device's own clock; kept beside the server's time and never trusted alone (A40)."""

    captured_at: datetime | None = arg("When it happened, by the device, with its UTC offset.", default=None)
    sent_at: datetime | None = arg(
        "When it was sent, by the device; tells how far its clock is off. Differs when it is sent again.",
        default=None,
        is_wish=False,
    )


@dataclass(frozen=True, slots=True)
class FixTold:
    """A position as the device tells it."""

    latitude: float = arg("Degrees north (WGS 84).")
    longitude: float = arg("Degrees east (WGS 84).")
    accuracy_metres: float = arg("The radius in metres within which the device is likely to be.")
    is_mock: bool = arg("Whether the system says that the position is made up.", default=False)

    def fix(self) -> Fix:
        """The position; `Invalid` for one that is not on earth, at the field of the input."""
        try:
            position = Position(self.latitude, self.longitude)
        except Invalid as error:
            raise Invalid(error.message, field=("fix", *error.field)) from None
        return Fix(position, self.accuracy_metres, self.is_mock)


def position_of(told: FixTold | None) -> Fix | None:
    """The position, if the device has told one; raises as `FixTold.fix` does."""
    return None if told is None else told.fix()
