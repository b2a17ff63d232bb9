"""What a visitor may ask who holds nothing but the token of their booking (R41, matrix of roles).

Everything else of the contract is for who has signed in: to a visitor it answers as to somebody without a credential.
"""

VISITING = frozenset(
    {
        "__typename",
        "price",
        "bookingForm",
        "bookingDraft",
        "quote",
        "openBooking",
        "saveBookingCustomer",
        "saveBookingProperty",
        "saveBookingAddOns",
        "saveBookingCalendar",
        "saveBookingTerms",
        "saveBookingPayment",
        "quotePrice",
        "confirmBooking",
        "requestQuote",
        "acceptQuote",
        "declineQuote",
    }
)
"""Root fields, by name. Whatever is reached from them is bounded by the policies of the rows."""
