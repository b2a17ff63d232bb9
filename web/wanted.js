/** The invoice whose link was opened by somebody who has to sign in first; also for the tab that the mailed link opens. */

const KEY = "cleanshift.wanted-invoice";
const DAY_MS = 86_400_000;

/** Keep it for a day. */
export function remember(invoice) {
  localStorage.setItem(KEY, JSON.stringify({ invoice, at: Date.now() }));
}

/** The one that is kept; null where none is. */
export function remembered() {
  const { invoice, at } = JSON.parse(localStorage.getItem(KEY) ?? "{}");
  return invoice && Date.now() - at < DAY_MS ? invoice : null;
}

/** It has been shown, or is not to be had. */
export function forget() {
  localStorage.removeItem(KEY);
}
