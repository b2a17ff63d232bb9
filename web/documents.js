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
export const SIGN_IN_WITH_LINK = `mutation SignInWithLink($input: SignInWithLinkInput!) { signInWithLink(input: $input) { ${CREDENTIALS} } }`;
export const REQUEST_SIGN_IN_LINK = `mutation RequestSignInLink($input: RequestSignInLinkInput!) {
  requestSignInLink(input: $input) { ok errors { code message field } }
}`;
export const REFRESH = `mutation Refresh($input: RefreshSessionInput!) { refreshSession(input: $input) { ${CREDENTIALS} } }`;
export const SIGN_OUT = `mutation SignOut($input: SignOutInput!) { signOut(input: $input) { errors { code message } } }`;
export const REAUTHENTICATE = `mutation Reauthenticate($accessToken: String!) { reauthenticate(accessToken: $accessToken) { ok } }`;

export const ME = `query Me { viewer { role tenant { name } staff { name } } }`;

export const WHO = `query Who {
  viewer {
    role serverTime cleaner { name marketIds } staff { name }
    business { name currency swaps { approvalRequired drawMinutes returnMinutes standingBids } }
  }
  markets(first: 100) { nodes { id name zone } }
}`;

export const SWAP_MARKET = `subscription SwapMarket($after: Cursor) {
  swapMarket(after: $after) {
    __typename
    ... on SwapMarketSnapshot { cursor serverTime swaps { ...Card } }
    ... on SwapListed { cursor previous swap { ...Card } }
    ... on SwapGone { cursor previous swapId }
    ... on SwapAwaitsApproval { cursor previous swapId viewerRole swap { ...Card } }
    ... on SwapHandedOver { cursor previous swapId jobId viewerRole swap { ...Card } }
    ... on Heartbeat { cursor previous serverTime }
    ... on Resync { reason }
  }
}
fragment Card on SwapCard {
  id kind status note role openedBy ownerId ownerName takerId takerName assignmentId wantedAssignmentIds
  marketId marketName zone jobId startsAt endsAt expectedHours isUrgent urgentBonus
  city bedrooms bathrooms squareFeet laundry laundryLoads hotTub drawsAt expiresAt version
  viewerCanTake { ok reasons { code message } }
  viewerPreview { earnings travelMinutes weekHours }
}`;

export const AVAILABILITY = `subscription Availability($after: Cursor) {
  availability(after: $after) {
    __typename
    ... on AvailabilitySnapshot { cursor serverTime windows { ...Window } submissions { ...Submission } }
    ... on AvailabilityWindowChanged { cursor previous window { ...Window } }
    ... on AvailabilitySubmitted { cursor previous submission { ...Submission } }
    ... on Heartbeat { cursor previous serverTime }
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

/** What the feed does not say about the viewer's own: shifts to give, draws entered, what awaits the office, what was taken. */
export const OWN = `query Own($from: DateTime!) {
  viewer { serverTime }
  shifts: assignments(first: 100, orderBy: STARTS_AT_ASC, filter: { isLive: true, startsAtFrom: $from }) {
    nodes { id startsAt endsAt job { market { zone } property { city } } }
  }
  open: swaps(first: 100, orderBy: OPENED_AT_DESC, filter: { status: [PENDING] }) { nodes { id viewerHasAsked } }
  awaiting: swaps(first: 100, filter: { isMine: true, status: [AWAITING_APPROVAL] }) {
    nodes {
      id kind status note role openedBy urgentBonus wantedAssignmentIds drawsAt expiresAt version
      owner { id name } taker { id name } market { id name zone } assignment { id }
      job {
        id startsAt endsAt expectedHours isUrgent
        property { city bedrooms bathrooms squareFeet laundry laundryLoads hotTub }
      }
      viewerPreview { earnings travelMinutes weekHours }
    }
  }
  taken: swaps(first: 100, orderBy: OPENED_AT_DESC, filter: { isMine: true, status: [ACCEPTED] }) {
    nodes { id closedAt taker { id } job { id property { city } } }
  }
}`;

export const GIVEN = `query Given($id: ID!) {
  swap(id: $id) { given { startsAt endsAt job { market { zone } property { city } } } }
}`;

export const OUTCOME = `query Outcome($id: ID!) { swap(id: $id) { status } }`;

export const STANDING_BIDS = `query StandingBids {
  standingBids(first: 100, filter: { isWithdrawn: false }) {
    nodes { id market { name zone } weekdays earliestMinute latestMinute fromDay untilDay }
  }
}`;

const aboutSwap = (name, fields = "id status") => {
  const title = name[0].toUpperCase() + name.slice(1);
  return `mutation ${title}($input: ${title}Input!) { ${name}(input: $input) { swap { ${fields} } errors { code message } } }`;
};
export const ACCEPT = aboutSwap("acceptSwap");
export const OFFER = aboutSwap("offerSwap");
export const WITHDRAW = aboutSwap("withdrawSwap");
export const RETURN = aboutSwap("returnSwap");
export const APPROVE = aboutSwap("approveSwap");
export const DECLINE = aboutSwap("declineSwap");

export const PLACE_BID = `mutation PlaceStandingBid($input: PlaceStandingBidInput!) {
  placeStandingBid(input: $input) { standingBid { id } errors { code message } }
}`;
export const WITHDRAW_BID = `mutation WithdrawStandingBid($input: WithdrawStandingBidInput!) {
  withdrawStandingBid(input: $input) { standingBid { id } errors { code message } }
}`;
