"""What a violated constraint means to the client: the second wall answers in the trade's words."""

from collections.abc import Mapping

from domain.errors import AlreadyExists, NotFound, Refused, ShiftOverlap

MEANINGS: Mapping[str, tuple[type[Refused], str, tuple[str, ...]]] = {
    "tenant_slug_key": (AlreadyExists, "This slug is taken.", ("slug",)),
    "market_tenant_id_name_key": (AlreadyExists, "A market of this name exists.", ("name",)),
    "service_tenant_id_name_key": (AlreadyExists, "A service of this name exists.", ("name",)),
    "staff_tenant_id_email_key": (AlreadyExists, "Somebody with this email exists.", ("email",)),
    "credential_tenant_id_login_key": (AlreadyExists, "Somebody with this email exists.", ("email",)),
    "assignment_once": (AlreadyExists, "This cleaner is already on the job.", ("cleanerId",)),
    "assignment_one_primary": (AlreadyExists, "The job already has a cleaner in this role.", ("role",)),
    "swap_once_pending": (AlreadyExists, "This shift is already on the market.", ("assignmentId",)),
    "checklist_template_once": (AlreadyExists, "There is a checklist for this home and service.", ("propertyId",)),
    "swap_once_vacant": (AlreadyExists, "This job is already on the market.", ("jobId",)),
}

OVERLAP = "assignment_no_overlap"


def refusal(constraint: str) -> Refused | None:
    """The refusal that a violated constraint stands for, or None where the violation is a bug."""
    if constraint in MEANINGS:
        kind, message, field = MEANINGS[constraint]
        return kind(message, field=field)
    if constraint == OVERLAP:
        return ShiftOverlap(field=("cleanerId",))
    if constraint.endswith("_id_fkey"):
        return NotFound(field=(_camel(_referring_column(constraint)),))
    return None


def _referring_column(constraint: str) -> str:
    words = constraint.removesuffix("_fkey").split("_")
    return "_".join(words[-2:])


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)
