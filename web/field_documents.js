/** The GraphQL documents of fieldwork: of the cleaner's page, the office's, and the customer's. */

const VISIT = `id phase isResponsible begunAt instructedAt checkedInAt checkInOverridden startedAt finishedAt elapsedSeconds checkedOutAt`;
const ITEM = `id place zone label required doneAt note`;
const PHOTO = `id stage zone status refusal flags requestedAt url thumbnailUrl visit { id }`;
const MISSING = `missing { code message zone required present }`;
const SPOT = `{ latitude longitude accuracyMetres distanceMetres }`;
const FRAMES = `
    __typename
    ... on JobsSnapshot { cursor serverTime jobs { ...Card } }
    ... on JobShown { cursor previous event job { ...Card } }
    ... on JobGone { cursor previous jobId }
    ... on Heartbeat { cursor previous serverTime }
    ... on Resync { reason }
  }
}
fragment Card on JobCard {
  id status startsAt endsAt expectedHours isUrgent lateAt missedAt completedAt canceledAt zone marketName
  propertyName city bedrooms bathrooms squareFeet laundry laundryLoads hotTub evidenceStatus version
  progress { itemsDone itemsTotal itemsOpen photosBefore photosBeforeRequired photosAfter photosAfterRequired }
  crew { assignmentId cleanerId cleanerName role visitId phase checkedInAt startedAt finishedAt checkedOutAt }
}`;

export const JOBS = `subscription Jobs($after: Cursor) {
  jobs(after: $after) {${FRAMES}`;

export const FIELD_WHO = `query FieldWho {
  viewer { role serverTime cleaner { name onboarding } staff { name } business { name currency } }
}`;

/** All that a cleaner needs to do one shift. */
export const SHIFT = `query Shift($id: ID!) {
  viewer { serverTime }
  assignment(id: $id) {
    id role startsAt endsAt releasedAt
    visit { ${VISIT} }
    job {
      id status isUrgent expectedHours instructions lateAt missedAt market { zone }
      property { city address postalCode bedrooms bathrooms squareFeet laundry laundryLoads hotTub notes latitude longitude }
      checklist { ${ITEM} }
      evidence { status ${MISSING} requirements { zone before after } noAccessNote }
      photos(first: 100, orderBy: REQUESTED_AT_ASC, filter: { status: [UPLOADED, STORED, REJECTED] }) { nodes { ${PHOTO} } }
    }
  }
}`;

const step = (name, answer) => {
  const title = name[0].toUpperCase() + name.slice(1);
  return `mutation ${title}($input: ${title}Input!) { ${name}(input: $input) { ${answer} { id } errors { code message details } } }`;
};

/** The cleaner's steps by name; each answers an id, or why not. */
export const STEPS = {
  ...Object.fromEntries(
    ["openInstructions", "acknowledgeInstructions", "checkIn", "startWork", "finishWork", "checkOut", "reportNoAccess"].map((name) => [
      name,
      step(name, "visit"),
    ]),
  ),
  tickItem: step("tickItem", "checklistItem"),
  submitEvidence: step("submitEvidence", "evidence"),
  sendTrack: step("sendTrack", "trackBatch"),
};

export const REVEAL = `mutation RevealAccessCode($input: RevealAccessCodeInput!) {
  revealAccessCode(input: $input) { accessCode errors { code message details } }
}`;
export const REQUEST_PHOTO = `mutation RequestPhoto($input: RequestPhotoInput!) {
  requestPhoto(input: $input) { photo { id status uploadUrl } errors { code message details } }
}`;
export const CONFIRM_PHOTO = `mutation ConfirmPhoto($input: ConfirmPhotoInput!) {
  confirmPhoto(input: $input) { photo { id status } errors { code message details } }
}`;
export const PHOTO_URL = `query PhotoUrl($id: ID!) { node(id: $id) { ... on Photo { url } } }`;

export const ONBOARDING = `query Onboarding {
  viewer {
    serverTime
    cleaner {
      name phone onboarding missingStages documentsToSign certifiedSkills skills payTiers
      profile { legalName birthDate address city postalCode emergencyContact emergencyPhone yearsOfExperience about }
      payoutAccount { status requirements link linkExpiresAt }
      signedDocuments { id kind edition title typedName signedAt pdfUrl }
    }
  }
  legalDocuments { kind edition title body viewerHasSigned }
}`;
/** Where a cleaner's account with the payment provider stands, and its page. */
export const PAYOUT_PAGE = `query PayoutPage {
  viewer { cleaner { payoutAccount { status link } } }
}`;

export const ONBOARDING_STEPS = {
  submitProfile: step("submitProfile", "cleaner"),
  startPayoutOnboarding: step("startPayoutOnboarding", "cleaner"),
  signDocument: step("signDocument", "signedDocument"),
  certifySkills: step("certifySkills", "cleaner"),
};

/** One job's whole proof, as the office sees it. */
export const JOB_PROOF = `query JobProof($id: ID!) {
  viewer { serverTime }
  job(id: $id) {
    id status startsAt endsAt expectedHours instructions lateAt missedAt completedAt market { zone }
    property { name address city latitude longitude hasAccessCode }
    customer { name }
    visits {
      ${VISIT} cleaner { id name } assignment { id role }
      checkIn ${SPOT} checkOut ${SPOT}
    }
    checklist { ${ITEM} doneBy { name } }
    photos(first: 100, orderBy: REQUESTED_AT_ASC, filter: { status: [UPLOADED, STORED, REJECTED] }) { nodes { ${PHOTO} } }
    tracks(first: 100) { nodes { visit { id } sequence plausibility flags points { latitude longitude } } }
    evidence {
      status ${MISSING} requirements { zone before after } submittedAt completedAt overrideReason noAccessNote
      entryCount head entries { seq kind payload capturedAt receivedAt skewMs flags actorRole hash }
    }
  }
}`;
export const BUNDLE = `query Bundle($id: ID!) { job(id: $id) { evidence { bundleUrl } } }`;
export const VERIFY = `query Verify($id: ID!) {
  verifyEvidence(jobId: $id) { isIntact entries head photosRead checkedAt problems { fault entry message } }
}`;
export const OVERRIDE_CHECK_IN = step("overrideCheckIn", "visit");
export const OVERRIDE_EVIDENCE = step("overrideEvidence", "evidence");
export const LIVE_LOCATION = `subscription LiveLocation($jobId: ID!, $after: Cursor) {
  liveLocation(jobId: $jobId, after: $after) {
    __typename
    ... on LocationsSnapshot { cursor serverTime isRunning locations { ...Place } }
    ... on LocationMoved { cursor previous location { ...Place } }
    ... on LocationGone { cursor previous visitIds }
    ... on LocationsEnded { cursor previous }
    ... on Heartbeat { cursor previous serverTime }
    ... on Resync { reason }
  }
}
fragment Place on LiveLocation { visitId cleanerId latitude longitude accuracyMetres at }`;

/** What a customer is shown of their own jobs that are over: no positions. */
export const OWN_PROOFS = `query OwnProofs {
  viewer { serverTime tenant { name } }
  jobs(first: 50, orderBy: STARTS_AT_DESC, filter: { status: [COMPLETED, NO_ACCESS] }) {
    nodes {
      id status startsAt endsAt completedAt property { name city address }
      visits { ${VISIT} }
      checklist { ${ITEM} }
      photos(first: 100, orderBy: REQUESTED_AT_ASC) { nodes { ${PHOTO} } }
      evidence { status noAccessNote completedAt }
    }
  }
}`;
