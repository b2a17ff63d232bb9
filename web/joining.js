/** What comes before a cleaner's first job: who they are, how they are paid, what they sign, and what they can do. */

import { Failure, newKey, Unreachable } from "/web/api.js";
import { moment } from "/web/clock.js";
import { h, icon, redraw } from "/web/elements.js";
import { ONBOARDING, ONBOARDING_STEPS } from "/web/field_documents.js";

const STAGES = [
  ["PROFILE", "About you"],
  ["PAYOUTS", "How you are paid"],
  ["DOCUMENTS", "Documents"],
  ["SKILLS", "What you can do"],
];
const SKILLS = [
  ["HOT_TUB", "Service hot tubs"],
  ["LAUNDRY", "Do the laundry of a home"],
];
const ACCOUNT = {
  REQUESTED: "The payment provider is being asked…",
  OPEN: "The provider has opened your account. Finish on their page.",
  RESTRICTED: "The provider still wants something of you.",
};
const LOOK_AGAIN_MS = 2_000;

export class Joining {
  #state = null;
  #open = null;
  #timer = 0;
  #isClosed = false;

  /** `ports` has `call(query, variables)`, `tell`, and `finished()` for when nothing is missing any more. */
  constructor(root, ports) {
    Object.assign(this, { root, ...ports });
    this.looked = () => document.visibilityState === "visible" && this.refresh();
    document.addEventListener("visibilitychange", this.looked);
  }

  /** Read and show where the cleaner stands. */
  async open() {
    await this.#read();
  }

  /** Read it again, where the network allows. */
  async refresh() {
    try {
      await this.#read();
    } catch (error) {
      if (!(error instanceof Unreachable || error instanceof Failure)) throw error;
    }
  }

  /** Stop. */
  close() {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    document.removeEventListener("visibilitychange", this.looked);
  }

  async #read() {
    clearTimeout(this.#timer);
    const { viewer, legalDocuments } = await this.call(ONBOARDING, {});
    if (this.#isClosed) return;
    if (viewer.cleaner.onboarding === "COMPLETE") return this.finished();
    this.#state = { ...viewer.cleaner, legalDocuments };
    this.#draw();
    // The provider answers a worker, and the cleaner finishes on another page: both are looked for.
    if (viewer.cleaner.payoutAccount && viewer.cleaner.missingStages.includes("PAYOUTS")) {
      this.#timer = setTimeout(() => this.refresh(), LOOK_AGAIN_MS);
    }
  }

  #draw() {
    const { missingStages } = this.#state;
    const current = this.#open ?? STAGES.find(([name]) => missingStages.includes(name))[0];
    redraw(this.root.querySelector("[data-stages]"), [missingStages, current], () => STAGES.map((stage) => this.#stage(stage, current)));
    const forms = { PROFILE: () => this.#profile(), PAYOUTS: () => this.#payouts(), DOCUMENTS: () => this.#documents(), SKILLS: () => this.#skills() };
    redraw(this.root.querySelector("[data-forms]"), [current, this.#relevant(current)], () => [forms[current]()]);
  }

  /** What a form is drawn from: what else changes must not empty it while somebody types. */
  #relevant(stage) {
    const { profile, payoutAccount, legalDocuments, signedDocuments, certifiedSkills } = this.#state;
    return { PROFILE: profile, PAYOUTS: payoutAccount, DOCUMENTS: [legalDocuments, signedDocuments, profile], SKILLS: certifiedSkills }[stage];
  }

  #stage([name, word], current) {
    const isDone = !this.#state.missingStages.includes(name);
    const turn = { click: () => ((this.#open = name), this.#draw()) };
    const button = { type: "button", id: `stage-${name}`, "aria-current": name === current ? "step" : null, "data-done": String(isDone), on: turn };
    return h("li", {}, h("button", button, isDone ? icon("check") : null, word, h("span", { class: "unseen" }, isDone ? ", done" : "")));
  }

  #profile() {
    const known = this.#state.profile ?? {};
    const field = (label, name, more = {}) => h("label", {}, label, h("input", { name, required: true, value: known[name] ?? "", ...more }));
    return this.#form("submitProfile", "Keep it", [
      field("Legal name, as on your identity card", "legalName", { autocomplete: "name", maxlength: 200 }),
      field("Date of birth", "birthDate", { type: "date", autocomplete: "bday" }),
      field("Street and number", "address", { autocomplete: "street-address", maxlength: 300 }),
      h("div", { class: "choice" }, field("City", "city", { autocomplete: "address-level2" }), field("Postal code", "postalCode", { autocomplete: "postal-code", maxlength: 20 })),
      field("Whom to call in an emergency", "emergencyContact", { maxlength: 200 }),
      field("Their phone, as +13055550100", "emergencyPhone", { type: "tel", pattern: "\\+[0-9]{7,15}", title: "In international form, as +13055550100" }),
      field("Years of experience in cleaning", "yearsOfExperience", { type: "number", min: 0, max: 80, value: known.yearsOfExperience ?? 0 }),
      h("label", {}, "Anything else (optional)", h("textarea", { name: "about", rows: 3, maxlength: 2000 }, known.about ?? "")),
    ], (values) => ({ ...values, yearsOfExperience: Number(values.yearsOfExperience) }));
  }

  #payouts() {
    const account = this.#state.payoutAccount;
    if (!this.#state.missingStages.includes("PAYOUTS")) return h("p", { class: "outcome proven" }, "You can be paid. Nothing is left to do here.");
    const said = account ? ACCOUNT[account.status] : "Pay goes out through the payment provider. Bank details and tax form are given there, never here.";
    const wants = account?.requirements.length ? h("ul", { class: "reasons" }, ...account.requirements.map((one) => h("li", {}, one))) : null;
    const link = account?.link ? h("p", {}, h("a", { class: "button primary", href: account.link, rel: "noreferrer", id: "payout-link" }, "Open the provider’s page")) : null;
    return h("div", { class: "stack" }, h("p", {}, said), wants, link, this.#form("startPayoutOnboarding", account ? "Get a new page" : "Set up how you are paid", [], () => ({})));
  }

  #documents() {
    if (!this.#state.profile) return h("p", { class: "reasons" }, "Say who you are first: documents are signed with your legal name.");
    return h("div", { class: "stack" }, ...this.#state.legalDocuments.map((one) => this.#document(one)));
  }

  #document({ kind, edition, title, body, viewerHasSigned }) {
    const signed = this.#state.signedDocuments.find((one) => one.kind === kind && one.edition === edition);
    const paragraphs = body.split(/\n\s*\n/).map((text) => h("p", {}, text));
    const text = h("details", { open: !viewerHasSigned, id: `text-${kind}` }, h("summary", {}, title, viewerHasSigned ? icon("check") : null), h("div", { class: "legal", tabindex: 0, role: "region", "aria-label": title }, ...paragraphs));
    if (viewerHasSigned) {
      return h("section", { "data-document": kind }, text, h("p", { class: "detail" }, `Signed ${moment(signed.signedAt, "UTC")} UTC as ${signed.typedName}. `, h("a", { href: signed.pdfUrl, target: "_blank", rel: "noopener" }, "Your copy (PDF)")));
    }
    const typed = h("label", {}, "Type your legal name to sign", h("input", { name: "typedName", required: true, autocomplete: "off", id: `name-${kind}` }));
    return h("section", { "data-document": kind }, text, this.#form("signDocument", "Sign", [typed], ({ typedName }) => ({ kind, edition, typedName })));
  }

  #skills() {
    const held = this.#state.certifiedSkills ?? [];
    const box = ([skill, word]) => h("label", { class: "pick" }, h("input", { type: "checkbox", name: "skills", value: skill, checked: held.includes(skill) }), word);
    const what = h("fieldset", { class: "picks" }, h("legend", {}, "Beyond cleaning, I am able and willing to"), ...SKILLS.map(box));
    return this.#form("certifySkills", "That is all", [what, h("p", { class: "detail" }, "Leave both open for nothing special. Each skill opens better paid jobs.")], (_values, data) => ({ skills: data.getAll("skills") }));
  }

  #form(name, word, fields, inputOf) {
    const send = (event) => {
      event.preventDefault();
      const data = new FormData(event.target);
      this.#send(event.target, name, inputOf(Object.fromEntries(data), data));
    };
    const button = h("button", { class: "primary", type: "submit" }, word);
    return h("form", { class: "panel", "data-step": name, on: { submit: send } }, ...fields, h("p", { class: "word", role: "alert" }), button);
  }

  /** Send a form; what is wrong is said beside what was typed, which stays. */
  async #send(form, name, input) {
    const said = form.querySelector(".word");
    [form.inert, said.textContent] = [true, ""];
    try {
      const { errors } = (await this.call(ONBOARDING_STEPS[name], { input: { ...input, clientMutationId: newKey() } }))[name];
      if (errors.length) {
        said.textContent = errors[0].message;
        return;
      }
      this.#open = null;
      await this.refresh();
    } catch (error) {
      if (!(error instanceof Unreachable || error instanceof Failure)) throw error;
      said.textContent = error.message;
    } finally {
      form.inert = false;
    }
  }
}
