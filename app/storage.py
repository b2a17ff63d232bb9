"""Which object store this installation has: the bucket that is named, or a folder among its own files."""

from app.settings import ConfigurationError, Settings
from gateways.objects import BucketStore, FolderStore, ObjectStore

FOLDER = "objects"


def object_store(settings: Settings) -> ObjectStore:
    """The store; `ConfigurationError` for an address that is none, or a folder that cannot be written."""
    if settings.object_store_url is None:
        try:
            return FolderStore.at(settings.data / FOLDER)
        except OSError as error:
            raise ConfigurationError(
                f"Cannot write to {settings.data}: name another folder with DATA= ({error.strerror})."
            ) from error
    given = {
        "endpoint": settings.object_store_endpoint,
        "region": settings.object_store_region,
        "access_key_id": settings.object_store_key_id,
        "secret_access_key": settings.object_store_secret,
    }
    try:
        return BucketStore.at(settings.object_store_url, **{name: value for name, value in given.items() if value})
    except ValueError:
        raise ConfigurationError("OBJECT_STORE_URL must be an address like s3://bucket/prefix.") from None
