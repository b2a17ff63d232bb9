"""Who knows where addresses are, for this installation (R27)."""

from app.settings import Settings
from gateways.geocoding import Geocoder, Nominatim, SandboxGeocoder


def geocoder_of(settings: Settings) -> Geocoder | None:
    """The server that was named; in development the sandbox's, which needs no network; None else.

    To be made, and let go of, in the event loop that uses it.
    """
    if settings.geocoder_url is not None:
        return Nominatim(settings.geocoder_url)
    return SandboxGeocoder() if settings.environment == "development" else None
