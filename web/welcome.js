/** The page behind a mailed link: who was invited, or has lost a password, chooses one here and is signed in (R9). */

import { Api, Failure, SignedOut, Unreachable } from "/web/api.js";
import { ME } from "/web/documents.js";
import { acceptInvite, NotSignedIn, resetPassword } from "/web/session.js";

const LEAST = 10;
const MOST = 200;
const LINKS = {
  invite: {
    redeem: acceptInvite,
    title: "Welcome to Cleanshift",
    lead: "Choose the password that you will sign in with from now on.",
    remedy: "Otherwise ask whoever invited you to send the invitation again.",
  },
  reset: {
    redeem: resetPassword,
    title: "Choose a new password",
    lead: "As soon as it is set, every other device of yours is signed out.",
    remedy: "Otherwise ask for a new link there: “Forgot your password?”",
  },
};
const ROLES = { OWNER: "an owner", ADMIN: "an administrator", DISPATCHER: "a dispatcher", OPS: "one of the operators" };
const WORDS = {
  RATE_LIMITED: "There were too many attempts from your network. Wait a minute, then try again.",
};

const find = (selector) => document.querySelector(selector);
const link = LINKS[location.pathname.slice(1)];
const token = new URLSearchParams(location.hash.slice(1)).get("token");
const form = find("form");
const { password, again } = form.elements;

/** Say what is wrong beside the field it is about, and go there; `whole` is no field. */
function fault(name, words) {
  find(`#${name}-fault`).textContent = words;
  const input = form.elements[name];
  input?.setAttribute("aria-invalid", "true");
  input?.focus();
}

function forgive() {
  form.querySelectorAll(".fault").forEach((place) => (place.textContent = ""));
  form.querySelectorAll("[aria-invalid]").forEach((input) => input.removeAttribute("aria-invalid"));
}

/** Whether it is worth sending; the server has the last word. */
function isChosen() {
  // Characters as the server counts them, not UTF-16 halves.
  const { length } = [...password.value];
  if (length < LEAST || length > MOST) fault("password", `A password has ${LEAST} to ${MOST} characters; this one has ${length}.`);
  else if (again.value !== password.value) fault("again", "The two are not the same.");
  else return true;
  return false;
}

async function choose(event) {
  event.preventDefault();
  forgive();
  if (form.inert || !isChosen()) return;
  form.inert = true;
  try {
    await welcome(await link.redeem({ token, password: password.value }));
  } catch (error) {
    form.inert = false;
    refuse(error);
  }
}

function refuse(error) {
  if (!(error instanceof NotSignedIn || error instanceof Failure || error instanceof Unreachable)) throw error;
  if (error.field === "token") conclude("#broken");
  else if (error.field === "password") fault("password", error.message);
  else fault("whole", WORDS[error.code] ?? error.message);
}

/** Say who has come in. The session is the tab's: the board finds it. */
async function welcome(session) {
  const viewer = await whoIs(session);
  session.handOver();
  find("[data-who]").textContent = viewer ? introduced(viewer) : "You are signed in.";
  // The platform's own people have no market to look at.
  find("[data-board]").hidden = viewer?.role === "OPS";
  conclude("#done");
}

/** The person behind the session; null where only that cannot be asked: the password is set all the same. */
async function whoIs(session) {
  try {
    return (await new Api(session).call(ME)).viewer;
  } catch (error) {
    if (error instanceof Unreachable || error instanceof Failure || error instanceof SignedOut) return null;
    throw error;
  }
}

function introduced({ role, tenant, staff }) {
  const who = staff ? `${staff.name}, you` : "You";
  return `${who} are signed in as ${ROLES[role] ?? role.toLowerCase()} of ${tenant.name}.`;
}

/** Show the outcome instead of the form, and let go of the token and the password. */
function conclude(outcome) {
  form.reset();
  history.replaceState(null, "", location.pathname);
  find("#choose").hidden = true;
  find(outcome).hidden = false;
  find(outcome).focus();
}

find("#title").textContent = link.title;
document.title = `${link.title} · Cleanshift`;
find("[data-lead]").textContent = link.lead;
find("[data-remedy]").textContent = link.remedy;
find("[data-show]").addEventListener("change", ({ target }) => {
  for (const input of [password, again]) input.type = target.checked ? "text" : "password";
});
form.addEventListener("submit", choose);
// Another mail's link opened in this tab changes no more than what is behind the #.
addEventListener("hashchange", () => location.reload());
if (token) find("#choose").hidden = false;
else conclude("#broken");
