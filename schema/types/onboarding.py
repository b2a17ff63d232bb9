"""What comes before a cleaner's first job, as clients see it."""

from datetime import date, datetime

import strawberry

from domain.onboarding import DocumentKind, PayoutAccountStatus
from schema.types.described import described
from schema.types.relay import Node


@described
@strawberry.type
class CleanerProfile:
    """Who a cleaner is, as they say themselves; for the office and the cleaner."""

    legal_name: str
    """The name that documents are signed with."""
    birth_date: date
    """The date of birth."""
    address: str
    """Street and number."""
    city: str
    """The city."""
    postal_code: str
    """The postal code."""
    emergency_contact: str
    """Who is to be called in an emergency."""
    emergency_phone: str
    """Their number in E.164."""
    years_of_experience: int
    """Years of experience in cleaning."""
    about: str
    """Whatever else they want the office to know."""
    submitted_at: datetime
    """When it was last submitted."""
    version: int
    """Counts changes."""


@described
@strawberry.type
class PayoutAccount:
    """A cleaner's account with the payment provider; for owners, admins and the cleaner."""

    status: PayoutAccountStatus
    """Where it stands."""
    account_id: str | None
    """The provider's id of the account; null until it is opened."""
    requirements: list[str]
    """What the provider still wants of the cleaner."""
    link: str | None
    """The provider's own page, to be opened in a browser; the cleaner alone. Null while it is being asked for, and when
    nothing is left to do there. One that is lost or too old is replaced by startPayoutOnboarding."""
    link_expires_at: datetime | None
    """Until when the page can be opened; the cleaner alone."""
    requested_at: datetime
    """When it was last asked for."""
    ready_at: datetime | None
    """Since when it is complete; null while it is not."""
    version: int
    """Counts changes."""


@described
@strawberry.type
class LegalText:
    """A legal text in force."""

    kind: DocumentKind
    """Which of the documents it is."""
    edition: int
    """1, 2, 3 and so on of its kind; 0 for the text that the product brings along."""
    title: str
    """Its title."""
    body: str
    """Its text; an empty line parts paragraphs."""
    digest: str
    """sha256 of title and text, in hex: what a signature stands on."""
    published_at: datetime | None
    """Since when it is in force; null for the text that the product brings along."""
    viewer_has_signed: bool
    """Whether the acting cleaner has signed this edition; false for everybody else."""


@described
@strawberry.type
class LegalDocument(Node):
    """An edition that the business has published; it never changes."""

    kind: DocumentKind
    """Which of the documents it is."""
    edition: int
    """1, 2, 3 and so on of its kind; the last one is in force."""
    title: str
    """Its title."""
    body: str
    """Its text; an empty line parts paragraphs."""
    digest: str
    """sha256 of title and text, in hex."""
    published_at: datetime
    """When it was published."""


@described
@strawberry.type
class SignedDocument(Node):
    """A signature and the paper it stands on; for the signer, owners and admins alone."""

    kind: DocumentKind
    """Which of the documents it is."""
    edition: int
    """The edition that was signed; 0 for the text that the product brings along."""
    title: str
    """The title of what was signed."""
    digest: str
    """sha256 of the title and text that were signed, in hex."""
    typed_name: str
    """The name as the signer typed it."""
    signed_at: datetime
    """When it was signed."""
    address: str
    """The network address that the signature came from."""
    device: str
    """What the signer's device said it was."""
    pdf_url: str
    """Where the paper can be fetched for ten minutes, without a token: a path of this server."""
    pdf_digest: str
    """sha256 of the paper, in hex."""
