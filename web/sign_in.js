/** The way in: the demo's people in one tap where the server offers them, and forms for everybody. */

import { Failure, Unreachable } from "/web/api.js";
import { h } from "/web/elements.js";
import { Handed } from "/web/handed.js";
import { NotSignedIn, requestPasswordReset, setPin, signIn, signInWithPin } from "/web/session.js";

const MAILED = "If somebody of this business signs in with this address, a link to choose a new password is on its way. It is good for an hour.";

export class SignIn {
  /** `entered(session)` is called with each new session. Who is offered of the demo is what `root` has forms for. */
  constructor(root, entered) {
    this.root = root;
    this.entered = entered;
    this.said = root.querySelector("[data-said]");
    this.#form("cleaner", (values) => this.#asCleaner(values));
    this.#form("staff", signIn);
    root.querySelector("[data-forgot]")?.addEventListener("click", () => this.#forgot());
    this.#takeQr();
    this.#offerDemo();
  }

  /** Show it, with a word on why if there is one. */
  show(why = "") {
    this.root.hidden = false;
    this.said.textContent = why;
  }

  /** Put it away. */
  hide() {
    this.root.hidden = true;
    this.root.querySelectorAll("form").forEach((form) => form.reset());
    if (this.#has("staff")) this.root.querySelector("[data-mailed]").textContent = "";
    if (this.#has("cleaner")) this.#firstPin(false);
  }

  #has(name) {
    return this.root.querySelector(`form[data-as=${name}]`) !== null;
  }

  #form(name, enter) {
    const form = this.root.querySelector(`form[data-as=${name}]`);
    form?.addEventListener("submit", (event) => {
      event.preventDefault();
      const values = Object.fromEntries(new FormData(form));
      this.#try(() => enter(values));
    });
  }

  async #try(enter) {
    this.said.textContent = "Signing in…";
    this.root.inert = true;
    try {
      const session = await enter();
      this.said.textContent = "";
      this.entered(session);
    } catch (error) {
      if (!(error instanceof NotSignedIn || error instanceof Failure || error instanceof Unreachable)) throw error;
      this.said.textContent = error.message;
    } finally {
      this.root.inert = false;
    }
  }

  /** Mail a link to choose a new password; the answer is the same for addresses that nobody has. */
  async #forgot() {
    const { tenant, email } = this.root.querySelector("form[data-as=staff]").elements;
    if (!tenant.reportValidity() || !email.reportValidity()) return;
    const mailed = this.root.querySelector("[data-mailed]");
    mailed.textContent = "Sending…";
    try {
      await requestPasswordReset({ tenant: tenant.value.trim(), email: email.value });
      mailed.textContent = MAILED;
    } catch (error) {
      if (!(error instanceof NotSignedIn || error instanceof Failure || error instanceof Unreachable)) throw error;
      mailed.textContent = error.message;
    }
  }

  async #asCleaner({ qrToken, pin }) {
    const given = { qrToken: qrToken.trim(), pin };
    const form = this.root.querySelector("form[data-as=cleaner]");
    if (form.dataset.first === "yes") return setPin(given);
    try {
      return await signInWithPin(given);
    } catch (error) {
      if (error.code === "PIN_NOT_SET") this.#firstPin(true);
      throw error;
    }
  }

  #firstPin(isFirst) {
    const form = this.root.querySelector("form[data-as=cleaner]");
    form.dataset.first = isFirst ? "yes" : "no";
    form.querySelector("[data-pin-label]").textContent = isFirst ? "Choose your PIN (6 to 8 digits)" : "PIN";
    form.querySelector("button").textContent = isFirst ? "Set PIN and sign in" : "Sign in";
  }

  /** A scanned code opens the board with the token behind the #, which never leaves the device. */
  #takeQr() {
    const token = new URLSearchParams(location.hash.slice(1)).get("qr");
    if (!token || !this.#has("cleaner")) return;
    this.root.querySelector("[name=qrToken]").value = token;
    history.replaceState(null, "", location.pathname);
  }

  async #offerDemo() {
    const demo = await findDemo();
    if (!demo) return;
    const section = this.root.querySelector("[data-demo]");
    const tenants = demo.tenants ?? [demo.tenant];
    section.append(...tenants.map((tenant) => this.#business(tenant, demo)));
    section.hidden = false;
    this.root.querySelector("details")?.removeAttribute("open");
  }

  #business(tenant, demo) {
    const ofIt = (one) => (one.tenant ?? demo.tenant) === tenant;
    const choice = (label, enter) =>
      h("li", {}, h("button", { type: "button", class: "person", on: { click: () => this.#try(enter) } }, ...inTwo(label)));
    const wanted = (name, people) => (this.#has(name) ? people.filter(ofIt) : []);
    const cleaners = wanted("cleaner", demo.cleaners).map((one) => choice(one.label, () => demoCleaner(one)));
    // The platform's own people have no market to look at.
    const staff = wanted("staff", demo.staff).filter(({ role }) => role !== "ops");
    const office = staff.map(({ label, email, password }) => choice(`${label}, office`, () => signIn({ tenant, email, password })));
    const customers = wanted("customer", demo.customers ?? []).map((one) => choice(one.label, () => demoCustomer(one)));
    const title = tenant === demo.tenant ? "Try it as somebody of the demo" : `Another business (${tenant}), apart from it`;
    return h("section", { class: "business" }, h("h2", {}, title), h("ul", { class: "people" }, ...cleaners, ...office, ...customers));
  }
}

/** The demo of a development server: who can sign in; null where there is none. */
export async function findDemo() {
  try {
    const response = await fetch("/demo.json");
    return response.ok ? await response.json() : null;
  } catch {
    return null; // Without a network there is no demo either; the forms say so when they are used.
  }
}

async function demoCleaner({ qrToken, pin }) {
  try {
    return await signInWithPin({ qrToken, pin });
  } catch (error) {
    if (error.code !== "PIN_NOT_SET") throw error;
    return setPin({ qrToken, pin });
  }
}

/** Customers have no sign-in of their own yet: the demo hands out a token. */
async function demoCustomer({ tenant, email }) {
  const headers = { "content-type": "application/json" };
  const response = await fetch("/demo/customer", { method: "POST", headers, body: JSON.stringify({ tenant, email }) }).catch(() => null);
  if (!response?.ok) throw new Unreachable("The demo does not answer.");
  return new Handed((await response.json()).accessToken);
}

/** A label such as "Ana Ruiz, hot tubs" as a name and a remark. */
function inTwo(label) {
  const [name, ...rest] = label.split(/\s*(?:,|\(|·|—)\s*/);
  const remark = rest.join(" · ").replace(/\)/g, "");
  return remark ? [h("strong", {}, name), h("small", {}, remark)] : [h("strong", {}, name)];
}
