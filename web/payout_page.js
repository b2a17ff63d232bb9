/** The way back from the provider's page that was opened before, or too late: a new one is asked for, and led to (R131). */

import { Failure, newKey } from "/web/api.js";
import { ONBOARDING_STEPS, PAYOUT_PAGE } from "/web/field_documents.js";

const LOOK_AGAIN_MS = 500;
const LOOKS = 40;

/** Whether the provider has sent the cleaner here for a new page. Said once: the address forgets it. */
export function isAskedAgain() {
  const here = new URL(location.href);
  const said = here.searchParams.get("payouts");
  if (said !== null) {
    here.searchParams.delete("payouts");
    history.replaceState(history.state, "", here);
  }
  return said === "again";
}

/** Ask for a new page and lead there; where none comes, the cleaner is told, and stays. */
export async function newPage({ call, tell }) {
  try {
    const asked = await call(ONBOARDING_STEPS.startPayoutOnboarding, { input: { clientMutationId: newKey() } });
    const { errors } = asked.startPayoutOnboarding;
    if (errors.length) return tell(errors[0].message, "bad");
    for (let look = 0; look < LOOKS; look++) {
      const account = (await call(PAYOUT_PAGE, {})).viewer.cleaner.payoutAccount;
      if (account.link) return location.assign(account.link);
      if (account.status === "READY") return tell("You can be paid. Nothing is left to do there.", "good");
      await new Promise((done) => setTimeout(done, LOOK_AGAIN_MS));
    }
    tell("The payment provider does not answer. Ask for a new page in a moment.", "bad");
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    tell(error.message, "bad");
  }
}
