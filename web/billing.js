/** The customer's money: what a clean costs and why, what was paid, what waits for them, their cards; live. */

import { Failure, newKey, SignedOut, Unreachable } from "/web/api.js";
import { inWords } from "/web/books.js";
import { dayInWords, dayOf, hourOf, moment } from "/web/clock.js";
import { h, icon, redraw } from "/web/elements.js";
import { Feed } from "/web/feed.js";
import { Frame } from "/web/frame.js";
import { Handed } from "/web/handed.js";
import { Line } from "/web/line.js";
import { ADD_CARD, BILLING, CARD_NOW, CONFIRM_PAYMENT, CONSENT, DEFAULT_CARD, INVOICE_NOW, INVOICE_SHOWN, PAY_INVOICE, PAYMENT_NOW, PAYMENTS, REMOVE_CARD, TIP_JOB } from "/web/money_documents.js";
import { amount } from "/web/pipeline.js";
import { Session } from "/web/session.js";
import { findDemo } from "/web/sign_in.js";
import { freshCard, TEST_CARDS } from "/web/test_cards.js";
import { forget, remember, remembered } from "/web/wanted.js";

const SOON_MS = 200;
const AGAIN_MS = 5_000;
const PAUSE_MS = 700;
const MOST_TRIES = 30;
const TIPS = [500, 1000, 2000];
const PAID = {
  PENDING: ["To come", ""],
  AUTHORIZED: ["Held on your card", "own"],
  CAPTURE_PENDING: ["Being paid", "own"],
  CAPTURED: ["Paid", "new"],
  FAILED: ["Declined", "late"],
  REQUIRES_ACTION: ["Waits for you", "urgent"],
  EXPIRED: ["To come", ""],
  RELEASED: ["Nothing to pay", ""],
  REFUNDED: ["Given back", "new"],
  PARTIALLY_REFUNDED: ["Paid, a part given back", "new"],
  DISPUTED: ["Disputed", "late"],
};

const INVOICED = { OPEN: "To be paid", PAID: "Paid", VOID: "Void" };

const find = (selector) => document.querySelector(selector);
/** The invoice that the link to this page names, `#invoice=`; null where it names none. */
const wantedInvoice = () => new URLSearchParams(location.hash.slice(1)).get("invoice");
/** What is behind the # with this invoice named beside it. */
const withInvoice = (invoice) => {
  const said = new URLSearchParams(location.hash.slice(1));
  said.set("invoice", invoice);
  return said;
};
/** A clean's day and hour are those of its home, wherever its customer is. */
const starts = (job) => `${dayInWords(dayOf(job.startsAt, job.market.zone))}, ${hourOf(job.startsAt, job.market.zone)}`;

/** What people know a card by; of one that was never saved, and of one that is being saved, the provider tells nothing. */
const named = (card) => (card.last4 ? `${inWords(card.brand ?? "card")} ···· ${card.last4}` : card.status === "FAILED" ? "A card that was not saved" : "Being saved…");

/** What the clean itself is paid with. */
const current = (job) => job.payments.nodes.find((one) => one.isCurrent && ["HOLD", "PREPAID"].includes(one.kind));

class Billing {
  #isClosed = false;
  #soon = 0;
  #seen = null;
  /** The text about later charges that is in force, and which one it is; null where no card is given here. */
  #consent = null;
  /** The invoice whose link was followed. */
  #opened = null;

  constructor(session, frame, isDemo) {
    Object.assign(this, { session, frame, isDemo });
    this.line = new Line(session, (state) => frame.showState(state));
    this.tell = (...words) => frame.notices.tell(...words);
    this.turned = () => this.#readSoon(0);
  }

  /** Show what there is, and go live. Throws `Unreachable`, `SignedOut` or `Failure`. */
  async open() {
    await this.#read();
    if (this.#isClosed || !this.#seen) return;
    addEventListener("hashchange", this.turned);
    this.line.open(new Feed(PAYMENTS, "payments", (frame) => this.#show(frame), (error) => this.tell(error.message, "bad")));
  }

  close() {
    this.#isClosed = true;
    clearTimeout(this.#soon);
    removeEventListener("hashchange", this.turned);
    this.line.close();
  }

  async signOut() {
    await this.line.signOut();
  }

  #show(frame) {
    if (frame.__typename !== "Heartbeat" && frame.__typename !== "Resync") this.#readSoon(SOON_MS);
  }

  #readSoon(wait) {
    clearTimeout(this.#soon);
    this.#soon = setTimeout(() => this.#readAgain(), wait);
  }

  async #readAgain() {
    try {
      await this.#read();
    } catch (error) {
      if (error instanceof SignedOut) return;
      if (!(error instanceof Unreachable || error instanceof Failure)) throw error;
      this.#readSoon(AGAIN_MS);
    }
  }

  async #read() {
    const seen = await this.line.call(BILLING, {});
    if (this.#isClosed) return;
    const { viewer, jobs, invoices } = seen;
    this.tenant = viewer.tenant.slug;
    if (!viewer.customer) return this.frame.signedOut("This page is for customers.");
    this.#seen = seen;
    if (this.isDemo) this.#consent ??= (await this.line.call(CONSENT, {})).bookingForm;
    this.line.clock.observe(viewer.serverTime);
    this.frame.showPerson({ staff: { name: viewer.customer.name }, tenant: viewer.tenant });
    const priced = jobs.nodes.filter(({ priceCents }) => priceCents !== null);
    find("[data-empty]").hidden = priced.length > 0;
    find("[data-empty]").textContent = "Nothing has been booked yet. What a clean costs, and what was paid, is shown here from the booking on.";
    const cards = viewer.customer.paymentMethods.nodes.filter(({ status }) => status !== "DETACHED");
    const waiting = jobs.nodes.flatMap((job) => job.payments.nodes.filter((one) => one.status === "REQUIRES_ACTION").map((one) => [job, one]));
    this.#part("waiting", waiting, () => waiting.map(([job, one]) => this.#waits(job, one)));
    this.#part("cleans", jobs.nodes, () => this.#cleans(priced));
    const wanted = wantedInvoice();
    const issued = await this.#issued(invoices.nodes, wanted);
    find("[data-invoices]").hidden = !issued.length;
    const hasCard = cards.some(({ status }) => status === "ACTIVE");
    this.#part("invoices", [issued, hasCard, wanted], () => this.#invoices(issued, hasCard, wanted));
    this.#openInvoice(wanted);
    this.#part("cards", cards, () => this.#cards(cards));
    this.#part("add", this.#consent, () => (this.#consent ? this.#adding(this.#consent) : [h("p", { class: "detail" }, "A new card is given when you book, on the payment provider’s own field.")]));
  }

  #part(name, said, draw) {
    const element = find(`[data-part=${name}]`);
    const open = new Set([...element.querySelectorAll("details[open]")].map(({ id }) => id));
    redraw(element, said, draw);
    for (const id of open) element.querySelector(`#${CSS.escape(id)}`)?.setAttribute("open", "");
  }

  #waits(job, payment) {
    return h(
      "article",
      { class: "card held", "data-payment": payment.id },
      h("header", {}, h("h3", {}, `Your bank wants you to confirm: ${job.property.name}`), h("strong", { class: "cents" }, amount(payment.amountCents, job.currency))),
      payment.actionUntil ? h("p", { class: "alarm" }, icon("alert"), `Until ${moment(payment.actionUntil, job.market.zone)}; then the clean is called off.`) : null,
      h("div", { class: "does" }, h("button", { type: "button", class: "small primary", id: `confirm-${payment.id}`, on: { click: () => this.#confirm(payment) } }, "Confirm with my bank")),
    );
  }

  /** What something has been asked of the card for first; then what is to come. */
  #cleans(jobs) {
    const asked = jobs.filter((job) => current(job));
    const later = jobs.filter((job) => !current(job) && job.status !== "CANCELED").reverse();
    const rest = later.length ? h("details", { id: "later" }, h("summary", {}, `To come: ${later.length} clean${later.length === 1 ? "" : "s"}`), h("div", { class: "stack" }, ...later.map((job) => this.#clean(job)))) : null;
    return [h("div", { class: "stack" }, ...asked.map((job) => this.#clean(job)), rest)];
  }

  #clean(job) {
    const { lines } = job.price ?? { lines: [] };
    const state = current(job)?.status ?? "PENDING";
    const [word, mood] = PAID[state] ?? [inWords(state), ""];
    const declined = job.payments.nodes.find((one) => one.isCurrent && one.status === "FAILED" && one.declineWords);
    const back = job.payments.nodes.reduce((sum, one) => sum + one.refundedCents, 0);
    const tips = job.payments.nodes.filter(({ kind }) => kind === "TIP");
    const canTip = job.status === "COMPLETED" && state === "CAPTURED" && !tips.length;
    return h(
      "article",
      { class: "dossier", "data-job": job.id, "data-status": state },
      h("header", {}, h("h3", {}, `${job.property.name} `, h("span", { class: `badge ${mood}` }, word)), h("p", { class: "where" }, starts(job))),
      h(
        "dl",
        { class: "sums" },
        ...lines.map((one) => h("div", {}, h("dt", {}, one.quantity > 1 ? `${one.label} × ${one.quantity}` : one.label), h("dd", {}, amount(one.amountCents, job.currency)))),
        h("div", { class: "total" }, h("dt", {}, "The clean"), h("dd", {}, amount(job.priceCents, job.currency))),
        ...tips.map((one) => h("div", { "data-tip": one.status }, h("dt", {}, `Tip, ${(PAID[one.status]?.[0] ?? "").toLowerCase()}`), h("dd", {}, amount(one.amountCents, job.currency)))),
        back ? h("div", {}, h("dt", {}, "Given back"), h("dd", {}, amount(back, job.currency))) : null,
      ),
      declined ? h("p", { class: "alarm" }, icon("alert"), `${declined.declineWords} Please give another card.`) : null,
      canTip ? this.#tipping(job) : null,
    );
  }

  #tipping(job) {
    const give = (cents) => h("button", { type: "button", class: "small", id: `tip-${cents}-${job.id}`, on: { click: () => this.#tip(job, cents) } }, amount(cents, job.currency));
    return h("div", {}, h("p", { class: "detail" }, "A tip? All of it goes to who cleaned."), h("div", { class: "tip-choice" }, ...TIPS.map(give)));
  }

  /** The invoices to be shown: also the one whose link was opened, however old it is. */
  async #issued(nodes, wanted) {
    const issued = nodes.filter(({ status }) => status !== "DRAFT");
    if (!wanted || issued.some(({ id }) => id === wanted)) return issued;
    try {
      const { node } = await this.line.call(INVOICE_SHOWN, { id: wanted });
      return node?.number ? [node, ...issued] : issued;
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      return issued;
    }
  }

  /** Bring the invoice whose link was opened before the reader's eyes, once, ready to be paid. */
  #openInvoice(wanted) {
    if (wanted === this.#opened) return;
    this.#opened = wanted;
    if (!wanted) return;
    forget();
    const row = find(`[data-invoice="${CSS.escape(wanted)}"]`);
    if (!row) return this.tell("The invoice of this link is not here.", "bad");
    row.scrollIntoView({ block: "center" });
    (row.querySelector("[data-pay]") ?? row).focus({ preventScroll: true });
  }

  /** What was invoiced, that which waits to be paid first, and the one whose link was opened before all. */
  #invoices(issued, hasCard, wanted) {
    const rank = (one) => (one.id === wanted ? 0 : one.status === "OPEN" ? 1 : 2);
    const row = (one) => {
      const isOpen = one.status === "OPEN";
      const due = isOpen && one.dueOn ? `Due ${dayInWords(one.dueOn)}` : INVOICED[one.status];
      return h(
        "li",
        { "data-invoice": one.id, "data-status": one.status, "data-wanted": one.id === wanted ? "" : null, tabindex: "-1" },
        h("span", {}, h("strong", {}, `No. ${one.number} `), h("span", { class: `badge ${isOpen ? "urgent" : one.status === "PAID" ? "new" : ""}` }, due)),
        h("strong", { class: "cents" }, amount(one.totalCents, one.currency)),
        h(
          "div",
          { class: "does" },
          isOpen ? h("button", { type: "button", class: "small primary", id: `pay-${one.id}`, "data-pay": "", disabled: !hasCard, on: { click: () => this.#pay(one) } }, "Pay with my card") : null,
          isOpen && !hasCard ? h("small", {}, "Save a card first.") : null,
          h("a", { class: "button small", href: one.pdfUrl, target: "_blank", rel: "noopener" }, "PDF"),
        ),
      );
    };
    return [h("ul", { class: "bills" }, ...[...issued].sort((a, b) => rank(a) - rank(b) || b.number - a.number).map(row))];
  }

  #pay(invoice) {
    const input = { invoiceId: invoice.id, returnUrl: `${location.origin}/billing`, clientMutationId: newKey() };
    return this.#does(() => this.line.call(PAY_INVOICE, { input }), () => this.#follow(INVOICE_NOW, invoice.id, ({ status }) => status !== "OPEN"));
  }

  #cards(cards) {
    if (!cards.length) return [h("p", { class: "detail" }, "No card is saved.")];
    const does = (document, one) => () => this.#does(() => this.line.call(document, { input: { paymentMethodId: one.id, clientMutationId: newKey() } }));
    const row = (one) =>
      h(
        "li",
        { "data-card": one.id, "data-status": one.status },
        h("span", {}, h("strong", {}, named(one)), " ", one.isDefault ? h("span", { class: "badge own" }, "Used for your cleans") : null),
        h("small", {}, one.expiresMonth ? `${String(one.expiresMonth).padStart(2, "0")}/${one.expiresYear}` : ""),
        one.failure ? h("p", { class: "alarm" }, icon("alert"), one.failure) : null,
        h(
          "div",
          { class: "does" },
          one.actionUrl ? h("a", { class: "button small primary", href: one.actionUrl }, "Confirm with my bank") : null,
          one.isDefault || one.status !== "ACTIVE" ? null : h("button", { type: "button", class: "small", id: `use-${one.id}`, on: { click: does(DEFAULT_CARD, one) } }, "Use this one"),
          h("button", { type: "button", class: "small", id: `remove-${one.id}`, on: { click: does(REMOVE_CARD, one) } }, "Remove"),
        ),
      );
    return [h("ul", { class: "bills" }, ...cards.map(row))];
  }

  /** The demo's way of giving a card: one of the sandbox's. */
  #adding(consent) {
    const choice = h("select", { name: "card", "aria-label": "Test card" }, ...Object.entries(TEST_CARDS).map(([value, word]) => h("option", { value }, word)));
    const agreed = h("input", { type: "checkbox", required: true, name: "consent" });
    const form = h(
      "form",
      { class: "panel", on: { submit: (event) => (event.preventDefault(), this.#add(choice.value)) } },
      h("label", {}, "A test card of the sandbox", choice),
      h("label", { class: "switch" }, agreed, h("span", { "data-consent": consent.consentVersion }, consent.cardConsentText)),
      h("button", { type: "submit", class: "small" }, "Save this card"),
    );
    return [h("details", { id: "adding" }, h("summary", {}, "Give another card"), form)];
  }

  #add(card) {
    const input = { consentVersion: this.#consent.consentVersion, returnUrl: `${location.origin}/billing`, clientMutationId: newKey() };
    const save = async () => this.line.call(ADD_CARD, { input: { ...input, method: await freshCard(this.tenant, card) } });
    return this.#does(save, ({ paymentMethod }) => this.#follow(CARD_NOW, paymentMethod.id, ({ status }) => status !== "PENDING"));
  }

  #tip(job, cents) {
    const input = { jobId: job.id, amountCents: cents, returnUrl: `${location.origin}/billing`, clientMutationId: newKey() };
    return this.#does(() => this.line.call(TIP_JOB, { input }), ({ payment }) => this.#follow(PAYMENT_NOW, payment.id, ({ status }) => status !== "PENDING" && status !== "REQUIRES_ACTION"));
  }

  #confirm(payment) {
    const input = { paymentId: payment.id, returnUrl: `${location.origin}/billing`, clientMutationId: newKey() };
    return this.#does(() => this.line.call(CONFIRM_PAYMENT, { input }), () => this.#follow(PAYMENT_NOW, payment.id, ({ status }) => status !== "REQUIRES_ACTION"));
  }

  /** Wait until something is settled, or the bank's page is known; then go there. */
  async #follow(document, id, isSettled) {
    for (let left = MOST_TRIES; left && !this.#isClosed; left -= 1) {
      const { node } = await this.line.call(document, { id });
      if (node?.actionUrl) return location.assign(node.actionUrl);
      if (!node || isSettled(node)) break;
      await new Promise((resume) => setTimeout(resume, PAUSE_MS));
    }
    this.#readSoon(0);
    return undefined;
  }

  /** Do something, say how it ended, and go on with what it answered. */
  async #does(act, then = () => {}) {
    try {
      const [answer] = Object.values(await act());
      const [error] = answer.errors;
      this.tell(error ? error.message : "Done.", error ? "bad" : "good");
      this.#readSoon(0);
      if (!error) await then(answer);
    } catch (error) {
      if (!(error instanceof Unreachable || error instanceof Failure || error instanceof SignedOut)) throw error;
      this.tell(error.message, "bad");
    }
  }
}

// Who has to sign in by mail first leaves this page: the link's invoice is there when they come back.
if (wantedInvoice()) remember(wantedInvoice());
else if (remembered()) history.replaceState(null, "", `${location.pathname}#${withInvoice(remembered())}`);
const isDemo = (await findDemo()) !== null;
const frame = new Frame((session) => new Billing(session, frame, isDemo), () => Session.restore() ?? Handed.restore());
frame.welcome();
