/** A payment that its customer confirms with their bank, by the link in a message: without any sign-in. */

import { Failure, post, Unreachable } from "/web/api.js";
import { money } from "/web/clock.js";
import { OPEN_PAYMENT } from "/web/money_documents.js";

const KEY = "cleanshift.payment-link";
const PAUSE_MS = 800;
const MOST_TRIES = 40;
const SETTLED = {
  AUTHORIZED: ["Thank you", "It is confirmed: the amount is held on your card until your clean is done."],
  CAPTURED: ["Thank you", "It is paid."],
};

const find = (selector) => document.querySelector(selector);
const given = new URLSearchParams(location.hash.slice(1)).get("token");
// Who comes back from the bank's page has no token behind the # any more.
if (given) sessionStorage.setItem(KEY, given);
if (given) history.replaceState(null, "", location.pathname);
const token = given ?? sessionStorage.getItem(KEY);
const isBack = !given && Boolean(token);
const button = find("#ask button");

function show(section) {
  document.querySelectorAll("main section").forEach((each) => (each.hidden = each !== section));
  section.focus();
}

function say(title, words) {
  find("[data-title]").textContent = title;
  find("[data-words]").textContent = words;
  show(find("#done"));
}

const ask = async () => (await post(OPEN_PAYMENT, { input: { token, returnUrl: `${location.origin}/pay` } })).openPayment;
const pause = () => new Promise((resume) => setTimeout(resume, PAUSE_MS));

/** Nothing is done before the button is pressed: programs that look into mail open links too. */
async function go() {
  button.disabled = true;
  find("#ask .fault").textContent = "";
  try {
    for (let left = MOST_TRIES; left; left -= 1) {
      const { payment, errors } = await ask();
      if (errors.length) return ended(errors[0]);
      find("[data-amount]").textContent = money(payment.amountCents / 100, payment.currency);
      if (payment.actionUrl) return location.assign(payment.actionUrl);
      if (SETTLED[payment.status]) return say(...SETTLED[payment.status]);
      await pause();
    }
    find("#ask .fault").textContent = "Your bank takes long to answer. Please try again in a minute.";
  } catch (error) {
    if (!(error instanceof Failure || error instanceof Unreachable)) throw error;
    find("#ask .fault").textContent = error.message;
  } finally {
    button.disabled = false;
  }
  return undefined;
}

/** What cannot be confirmed any more was confirmed already, or it is too late; the server's words say which. */
function ended(error) {
  if (error.code === "PAYMENT_STATE" && isBack) return say("Thank you", "There is nothing left to confirm here.");
  return say(error.code === "LINK_INVALID" ? "This link does not work any more" : "Nothing to confirm", error.message);
}

button.addEventListener("click", go);
if (!token) say("This link does not work any more", "Open the link from your message once more, or sign in to see your payments.");
else if (isBack) say("Thank you", "If your bank has agreed, the payment is confirmed. You are told if anything is still needed.");
else show(find("#ask"));
