/** What the booking page asks for. */

const LINES = "lines { code label quantity amountCents } customReasons { code message }";
const QUOTE = `id totalCents currency isGood expiresAt price { currency ${LINES} }`;
const DRAFT = `id status nextStep marketId
  steps {
    customer { name email phone }
    property { address city postalCode bedrooms bathrooms squareFeet }
    addOns { laundry laundryLoads hotTub drain }
    calendar { icalUrl firstOn startTime }
    terms { frequency term }
    payment { consentVersion }
  }
  price { totalCents currency isCustomQuote ${LINES} }
  quote { ${QUOTE} }
  quoteRequests { status quote { ${QUOTE} } }
  failure { message actionUrl }
  order { startsAt zone address city totalCents currency nextSteps }`;
const ERRORS = "errors { code message field }";

const save = (step) =>
  `mutation ($input: SaveBooking${step}Input!) { saveBooking${step}(input: $input) { bookingDraft { ${DRAFT} } ${ERRORS} } }`;

export const BOOKING_FORM = `query ($tenant: String) {
  bookingForm(tenant: $tenant) { business markets { id name } consentVersion consentText canPay isTest publishableKey } }`;
export const BOOKING = `query ($id: ID!) { bookingDraft(id: $id) { ${DRAFT} } }`;
export const OPEN_BOOKING = `mutation ($input: OpenBookingInput!) {
  openBooking(input: $input) { bookingToken bookingDraft { ${DRAFT} } ${ERRORS} } }`;
export const SAVE_STEP = {
  CUSTOMER: save("Customer"),
  PROPERTY: save("Property"),
  ADD_ONS: save("AddOns"),
  CALENDAR: save("Calendar"),
  TERMS: save("Terms"),
  PAYMENT: save("Payment"),
};
export const QUOTE_PRICE = `mutation ($input: QuotePriceInput!) { quotePrice(input: $input) { quote { ${QUOTE} } ${ERRORS} } }`;
export const CONFIRM_BOOKING = `mutation ($input: ConfirmBookingInput!) {
  confirmBooking(input: $input) {
    bookingDraft { ${DRAFT} } quote { ${QUOTE} } differences { code message } ${ERRORS} } }`;
export const REQUEST_QUOTE = `mutation ($input: RequestQuoteInput!) { requestQuote(input: $input) { quoteRequest { id } ${ERRORS} } }`;
export const ACCEPT_QUOTE = `mutation ($input: AcceptQuoteInput!) { acceptQuote(input: $input) { bookingDraft { ${DRAFT} } ${ERRORS} } }`;
export const DECLINE_QUOTE = `mutation ($input: DeclineQuoteInput!) { declineQuote(input: $input) { quote { id } ${ERRORS} } }`;
