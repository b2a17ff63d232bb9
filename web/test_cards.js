/** Test cards of the demo: each time one is chosen, a card of its own, as the provider's own field hands them out. */

import { Unreachable } from "/web/api.js";

/** By their names at the provider, behind `pm_card_` and `tok_`. */
export const TEST_CARDS = {
  visa: "Visa",
  mastercard: "Mastercard",
  chargeDeclined: "One that is declined",
  chargeDeclinedInsufficientFunds: "One without funds",
  chargeCustomerFail: "One that is saved, and declined when charged",
  authenticationRequired: "One whose bank asks back",
};

/**
 * The id of a fresh card of this name. Where there is no demo, the provider's own name for it: of that a business can
 * keep one at a time.
 */
export async function freshCard(tenant, name) {
  const headers = { "content-type": "application/json" };
  const response = await fetch("/demo/card", { method: "POST", headers, body: JSON.stringify({ tenant, card: name }) }).catch(() => null);
  if (response?.status === 404) return `pm_card_${name}`;
  if (!response?.ok) throw new Unreachable("The test cards cannot be reached. Please try again in a moment.");
  return (await response.json()).paymentMethodId;
}
