/** The customer's way in: a mailed link signs in once, at a press of the button, and here one asks for the link (R30). */

import { Api, Failure, SignedOut, Unreachable } from "/web/api.js";
import { ME } from "/web/documents.js";
import { NotSignedIn, requestSignInLink, signInWithLink } from "/web/session.js";
import { remembered } from "/web/wanted.js";

const WORDS = {
  RATE_LIMITED: "There were too many attempts from your network. Wait a minute, then try again.",
};
const BROKEN = "This link has been used already, or it is too old. Ask for a new one.";

const find = (selector) => document.querySelector(selector);
const token = new URLSearchParams(location.hash.slice(1)).get("token");
const form = find("form");
const button = find("#enter button");

function show(section) {
  document.querySelectorAll("main section").forEach((each) => (each.hidden = each !== section));
  section.focus();
}

/** What went wrong, for people; throws what is no answer of the server's. */
function words(error) {
  if (!(error instanceof NotSignedIn || error instanceof Failure || error instanceof Unreachable)) throw error;
  return WORDS[error.code] ?? error.message;
}

/** Nothing is done before the button is pressed: programs that look into mail open links too. */
async function enter() {
  button.disabled = true;
  try {
    await welcome(await signInWithLink({ token }));
  } catch (error) {
    button.disabled = false;
    if (error.field === "token") offer(BROKEN);
    else find("#enter-fault").textContent = words(error);
  }
}

async function welcome(session) {
  const tenant = await businessOf(session);
  session.handOver();
  history.replaceState(null, "", location.pathname);
  find("[data-who]").textContent = tenant ? `Welcome to ${tenant}.` : "";
  const hasInvoice = remembered() !== null;
  find("[data-invoice]").hidden = !hasInvoice;
  find("[data-billing]").hidden = hasInvoice;
  find("[data-cleans]").classList.toggle("primary", !hasInvoice);
  show(find("#done"));
}

/** The business's name; null where only that cannot be asked. */
async function businessOf(session) {
  try {
    return (await new Api(session).call(ME)).viewer.tenant.name;
  } catch (error) {
    if (error instanceof Unreachable || error instanceof Failure || error instanceof SignedOut) return null;
    throw error;
  }
}

async function ask(event) {
  event.preventDefault();
  const { tenant, email } = form.elements;
  const fault = find("#email-fault");
  fault.textContent = "";
  if (form.inert || !form.reportValidity()) return;
  form.inert = true;
  try {
    await requestSignInLink({ tenant: tenant.value.trim(), email: email.value.trim() });
    show(find("#sent"));
  } catch (error) {
    fault.textContent = words(error);
  } finally {
    form.inert = false;
  }
}

function offer(said) {
  history.replaceState(null, "", location.pathname + location.search);
  if (said) find("[data-lead]").textContent = said;
  show(find("#ask"));
}

form.elements.tenant.value = new URLSearchParams(location.search).get("business") ?? "";
form.addEventListener("submit", ask);
button.addEventListener("click", enter);
find("[data-again]").addEventListener("click", () => offer());
// Another mail's link opened in this tab changes no more than what is behind the #.
addEventListener("hashchange", () => location.reload());
if (token) show(find("#enter"));
else offer();
