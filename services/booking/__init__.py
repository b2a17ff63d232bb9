"""What a business offers, at which price, and how a customer comes to it (R24, R33 to R62, A30 to A33)."""

from services.booking.catalogue import (
    ArchiveService,
    CreateService,
    UpdateService,
    archive_service,
    create_service,
    update_service,
)

__all__ = [
    "ArchiveService",
    "CreateService",
    "UpdateService",
    "archive_service",
    "create_service",
    "update_service",
]
