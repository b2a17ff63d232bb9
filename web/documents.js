/** Every GraphQL document that the pages send. */

const CREDENTIALS = `credentials { accessToken refreshToken expiresInSeconds role personId } errors { code message field retryable }`;

export const SIGN_IN_WITH_PIN = `mutation SignInWithPin($input: SignInWithPinInput!) { signInWithPin(input: $input) { ${CREDENTIALS} } }`;
export const SET_PIN = `mutation SetPin($input: SetPinInput!) { setPin(input: $input) { ${CREDENTIALS} } }`;
export const SIGN_IN = `mutation SignIn($input: SignInInput!) { signIn(input: $input) { ${CREDENTIALS} } }`;
export const ACCEPT_INVITE = `mutation AcceptInvite($input: AcceptInviteInput!) { acceptInvite(input: $input) { ${CREDENTIALS} } }`;
export const RESET_PASSWORD = `mutation ResetPassword($input: ResetPasswordInput!) { resetPassword(input: $input) { ${CREDENTIALS} } }`;
export const REQUEST_PASSWORD_RESET = `mutation RequestPasswordReset($input: RequestPasswordResetInput!) {
  requestPasswordReset(input: $input) { ok errors { code message field } }
}`;
export const REFRESH = `mutation Refresh($input: RefreshSessionInput!) { refreshSession(input: $input) { ${CREDENTIALS} } }`;
export const SIGN_OUT = `mutation SignOut($input: SignOutInput!) { signOut(input: $input) { errors { code message } } }`;
export const REAUTHENTICATE = `mutation Reauthenticate($accessToken: String!) { reauthenticate(accessToken: $accessToken) { ok } }`;

export const ME = `query Me { viewer { role tenant { name } staff { name } } }`;

export const WHO = `query Who {
  viewer { role serverTime tenant { name } cleaner { name marketIds } staff { name } }
  markets(first: 100) { nodes { id name zone } }
}`;

export const SWAP_MARKET = `subscription SwapMarket($after: Cursor) {
  swapMarket(after: $after) {
    __typename
    ... on SwapMarketSnapshot { cursor serverTime swaps { ...Card } }
    ... on SwapListed { cursor previous swap { ...Card } }
    ... on SwapGone { cursor previous swapId }
    ... on SwapHandedOver { cursor previous swapId jobId viewerRole swap { ...Card } }
    ... on Heartbeat { cursor serverTime }
    ... on Resync { reason }
  }
}
fragment Card on SwapCard {
  id note ownerId ownerName marketId marketName zone jobId startsAt endsAt expectedHours isUrgent
  city bedrooms bathrooms squareFeet laundry laundryLoads hotTub expiresAt version
  viewerCanTake { ok reasons { code message } }
  viewerPreview { earnings travelMinutes weekHours }
}`;

export const AVAILABILITY = `subscription Availability($after: Cursor) {
  availability(after: $after) {
    __typename
    ... on AvailabilitySnapshot { cursor serverTime windows { ...Window } submissions { ...Submission } }
    ... on AvailabilityWindowChanged { cursor previous window { ...Window } }
    ... on AvailabilitySubmitted { cursor previous submission { ...Submission } }
    ... on Heartbeat { cursor serverTime }
    ... on Resync { reason }
  }
}
fragment Window on AvailabilityWindowCard {
  marketId marketName zone state opensAt deadlineAt graceEndsAt periodStart periodEnd
}
fragment Submission on SubmissionCard { id cleanerId marketId periodStart submittedAt isLate }`;

export const NEXT_WINDOW = `query NextWindow($marketId: ID!) {
  availabilityWindow(marketId: $marketId) { serverTime next { opensAt deadlineAt } }
}`;

export const WEEK = `query Week($from: DateTime!, $before: DateTime!) {
  viewer { serverTime }
  assignments(first: 100, orderBy: STARTS_AT_ASC, filter: { isLive: true, startsAtFrom: $from, startsAtBefore: $before }) {
    nodes {
      id role startsAt endsAt
      job { id status isUrgent expectedHours market { zone } property { city address bedrooms bathrooms hotTub } }
    }
  }
}`;

export const ACCEPT = `mutation Accept($input: AcceptSwapInput!) {
  acceptSwap(input: $input) { swap { id } errors { code message } }
}`;
export const OFFER = `mutation Offer($input: OfferSwapInput!) {
  offerSwap(input: $input) { swap { id } errors { code message } }
}`;
export const WITHDRAW = `mutation Withdraw($input: WithdrawSwapInput!) {
  withdrawSwap(input: $input) { swap { id } errors { code message } }
}`;
