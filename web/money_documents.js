/** The GraphQL documents about money: of the office's page, the customer's, and the cleaner's. */

const ERRORS = `errors { code message field retryable }`;

export const MONEY_WHO = `query MoneyWho {
  viewer { role serverTime staff { name } cleaner { name } business { name currency } }
  markets(first: 100) { nodes { id name zone } }
}`;

export const PAYMENTS = `subscription Payments($after: Cursor) {
  payments(after: $after) {
    __typename
    ... on PaymentsSnapshot { cursor serverTime hasMore payments { ...Card } }
    ... on PaymentShown { cursor previous payment { ...Card } }
    ... on PaymentGone { cursor previous paymentId }
    ... on Heartbeat { cursor previous serverTime }
    ... on Resync { reason }
  }
}
fragment Card on PaymentCard { id kind status jobId amountCents currency actionUntil version }`;

export const PAYOUTS = `subscription Payouts($after: Cursor) {
  payouts(after: $after) {
    __typename
    ... on PayoutsSnapshot { cursor serverTime hasMore payouts { ...Card } }
    ... on PayoutShown { cursor previous payout { ...Card } }
    ... on PayoutGone { cursor previous payoutId }
    ... on Heartbeat { cursor previous serverTime }
    ... on Resync { reason }
  }
}
fragment Card on PayoutCard { id kind status jobId amountCents currency holdReason whatToDo dueAt version }`;

export const AUTOMATION = `subscription Automation($after: Cursor) {
  automation(after: $after) {
    __typename
    ... on AutomationSnapshot { cursor serverTime automation { days total untouched rate reasons { what count } } }
    ... on Heartbeat { cursor previous serverTime }
    ... on Resync { reason }
  }
}`;

export const MONEY_TODAY = `query MoneyToday($marketId: ID!, $day: Date) {
  viewer { serverTime }
  moneyToday(marketId: $marketId, day: $day) {
    marketName zone day currency takesCards heldCount heldCents
    stages { stage count cents }
    jobs { jobId paymentId customerName propertyName startsAt jobStatus paymentStatus stage cents risk why whatToDo captureBefore }
    heldPayouts { payoutId jobId cleanerName amountCents holdReason why whatToDo healsItself dueAt }
  }
}`;

export const RELEASE_PAYOUT = `mutation ReleasePayout($input: ReleasePayoutInput!) { releasePayout(input: $input) { payout { id } ${ERRORS} } }`;
export const RETRY_PAYOUT = `mutation RetryPayout($input: RetryPayoutInput!) { retryPayout(input: $input) { payout { id } ${ERRORS} } }`;
export const RETRY_PAYMENT = `mutation RetryPayment($input: RetryPaymentInput!) { retryPayment(input: $input) { payment { id } ${ERRORS} } }`;
export const CAPTURE_PROVEN = `mutation CaptureProven($input: CaptureProvenInput!) { captureProven(input: $input) { job { id } ${ERRORS} } }`;
export const REFUND_PAYMENT = `mutation RefundPayment($input: RefundPaymentInput!) { refundPayment(input: $input) { refund { id status } ${ERRORS} } }`;
export const APPROVE_REFUND = `mutation ApproveRefund($input: ApproveRefundInput!) { approveRefund(input: $input) { refund { id status } ${ERRORS} } }`;
export const DECLINE_REFUND = `mutation DeclineRefund($input: DeclineRefundInput!) { declineRefund(input: $input) { refund { id status } ${ERRORS} } }`;

export const STATEMENT = `query Statement($start: Date!, $end: Date!) {
  viewer { role serverTime cleaner { name payoutAccount { status } } staff { name } business { name currency } }
  statement(periodStart: $start, periodEnd: $end) {
    periodStart periodEnd currency baseCents urgentCents laundryCents tipCents earnedCents paidCents pendingCents heldCents reversedCents
    lines { payoutId jobId day kind status holdReason baseCents urgentCents laundryCents tipCents earnedCents }
  }
}`;

export const BOOKS = `query Books {
  moneyAlarms(first: 20, filter: { isOpen: true }) { nodes { id kind rule subject raisedAt } }
  ledgerBalances { account currency cents }
}`;

/** Everything that has happened with the money of one clean. */
export const JOB_MONEY = `query JobMoney($id: ID!) {
  viewer { serverTime }
  job(id: $id) {
    id status startsAt endsAt priceCents market { zone } property { name city } customer { name }
    payments(first: 20) { nodes { id kind status isCurrent capturedCents refundedCents } }
  }
  jobMoney(jobId: $id) {
    currency capturedCents feeCents reserveCents payoutCents tipCents refundedCents marginCents
    lines { at what id kind status amountCents providerId requestId attempt reason postings { account cents } }
  }
}`;

const INVOICE = `id number status currency totalCents paidCents dueOn issuedAt pdfUrl`;

/** One invoice, of which there is a link. */
export const INVOICE_SHOWN = `query InvoiceShown($id: ID!) { node(id: $id) { ... on Invoice { ${INVOICE} } } }`;

/** All that a customer sees of their own money. */
export const BILLING = `query Billing {
  viewer {
    role serverTime tenant { name slug }
    customer { name paymentMethods(first: 20) { nodes { id status brand last4 expiresMonth expiresYear isDefault failure actionUrl } } }
  }
  invoices(first: 30) { nodes { ${INVOICE} } }
  jobs(first: 30, orderBy: STARTS_AT_DESC) {
    nodes {
      id status startsAt endsAt priceCents currency market { zone } property { name }
      price { totalCents lines { code label quantity unitCents amountCents } }
      payments(first: 10, orderBy: CREATED_AT_DESC) { nodes { id kind status isCurrent amountCents capturedCents refundedCents declineWords actionUrl actionUntil } }
    }
  }
}`;
/** What a customer agrees to who gives a card, and which text it is. */
export const CONSENT = `query Consent { bookingForm { consentVersion cardConsentText } }`;
export const PAYMENT_NOW = `query PaymentNow($id: ID!) { node(id: $id) { ... on Payment { id status actionUrl declineWords } } }`;
export const CARD_NOW = `query CardNow($id: ID!) { node(id: $id) { ... on PaymentMethod { id status actionUrl failure } } }`;
export const CONFIRM_PAYMENT = `mutation ConfirmPayment($input: ConfirmPaymentInput!) { confirmPayment(input: $input) { payment { id status actionUrl } ${ERRORS} } }`;
export const OPEN_PAYMENT = `mutation OpenPayment($input: OpenPaymentInput!) { openPayment(input: $input) { payment { status amountCents currency actionUrl actionUntil } ${ERRORS} } }`;
export const TIP_JOB = `mutation TipJob($input: TipJobInput!) { tipJob(input: $input) { payment { id status actionUrl } ${ERRORS} } }`;
export const ADD_CARD = `mutation AddPaymentMethod($input: AddPaymentMethodInput!) { addPaymentMethod(input: $input) { paymentMethod { id status actionUrl failure } ${ERRORS} } }`;
export const REMOVE_CARD = `mutation RemovePaymentMethod($input: RemovePaymentMethodInput!) { removePaymentMethod(input: $input) { paymentMethod { id } ${ERRORS} } }`;
export const DEFAULT_CARD = `mutation SetDefaultPaymentMethod($input: SetDefaultPaymentMethodInput!) { setDefaultPaymentMethod(input: $input) { paymentMethod { id } ${ERRORS} } }`;
export const PAY_INVOICE = `mutation PayInvoice($input: PayInvoiceInput!) { payInvoice(input: $input) { invoice { id status } ${ERRORS} } }`;
export const INVOICE_NOW = `query InvoiceNow($id: ID!) { node(id: $id) { ... on Invoice { id status } } }`;
