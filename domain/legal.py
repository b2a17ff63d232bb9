"""The legal texts that the product brings along, for a business that has published none of its own (R132, A48).

They are edition 0 of their kinds. What was signed keeps its own copy in a PDF, with a digest: a text here may only be
changed together with the words of its `title`, so that nobody takes one for the other.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from domain.onboarding import DocumentKind


@dataclass(frozen=True, slots=True)
class LegalText:
    """What is read before it is signed."""

    title: str
    body: str


TEXTS: Mapping[DocumentKind, LegalText] = {
    DocumentKind.CONTRACTOR_AGREEMENT: LegalText(
        "Independent contractor agreement, standard text of 2026",
        """1. Parties. This agreement is between the business named on this document (the company) and the person who \
signs it (the contractor).

2. Work. The company offers cleaning jobs. The contractor is free to declare when they are available, and to offer a \
shift to colleagues by the company's rules. A shift that the contractor holds is to be worked at its time and place.

3. Standing. The contractor is an independent contractor and no employee, pays their own taxes and insurance, and uses \
their own judgement in how the work is done.

4. Pay. The company pays for each completed job by the hours and rates that the job states before it is taken, with \
the bonuses that it states. Payment goes to the contractor's account with the company's payment provider.

5. Proof of work. The contractor checks in and out at the home, follows the checklist, and takes the photos that the \
company asks for. Position and photos are recorded during a job and used to prove the work, to pay for it, and to \
settle complaints.

6. Confidence. Addresses, access codes and whatever else is learned of customers are kept in confidence, during and \
after the work, and are used for the work alone.

7. End. Either side may end this agreement at any time. Work that was done is paid.""",
    ),
    DocumentKind.W9: LegalText(
        "Tax form confirmation (W-9), standard text of 2026",
        """1. I have given my taxpayer identification number and the certification of Form W-9 to the company's \
payment provider, on the provider's own pages, or will do so before I am first paid.

2. What I have given there is correct, and I will correct it there when it changes.

3. The company does not receive my taxpayer identification number through this application, and I have not written it \
into any field of it.

4. I understand that payments may be reported to the tax authorities, and that tax may be withheld as the law demands \
where the form is missing or wrong.""",
    ),
    DocumentKind.LIABILITY_WAIVER: LegalText(
        "Assumption of risk and liability waiver, standard text of 2026",
        """1. Cleaning involves risks: chemicals, wet floors, ladders, lifting, heat, animals, and travelling to and \
between homes. I know these risks and take part of my own will.

2. I am fit for the work and will say so when I am not. I use products as their labels say, and protective equipment \
where it is called for.

3. As far as the law allows, I do not hold the company liable for injury to me or damage to my belongings that the \
company has not caused by intent or gross negligence.

4. I report every accident, injury and damage to the company on the day on which it happens.

5. Nothing in this document waives a right that the law does not let me waive.""",
    ),
}
"""By kind; every kind has one."""
