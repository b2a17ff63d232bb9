/** One clean's money: what it comes to, what can be done, and every step with its ids, amounts and reasons. */

import { newKey } from "/web/api.js";
import { ACCOUNTS, counted, inWords } from "/web/books.js";
import { dayInWords, dayOf, moment, span } from "/web/clock.js";
import { h, icon, redraw } from "/web/elements.js";
import { APPROVE_REFUND, DECLINE_REFUND, JOB_MONEY, REFUND_PAYMENT } from "/web/money_documents.js";
import { amount } from "/web/pipeline.js";

const PAYMENTS = { PREPAID: "Payment with the booking", HOLD: "Hold", TIP: "Tip", INVOICE: "Invoice" };
const PAYMENT_MOODS = { FAILED: "bad", EXPIRED: "bad", DISPUTED: "bad", CAPTURED: "good", PARTIALLY_REFUNDED: "good", REFUNDED: "good", AUTHORIZED: "good", RELEASED: null };
const STEPS = {
  CUSTOMER: "The customer is made known to the provider",
  METHOD: "The card is saved",
  METHOD_GONE: "The card is taken off",
  SETUP: "The card is set up",
  INTENT: "The payment is opened",
  CONFIRM: "The card is asked",
  CAPTURE: "The amount is taken",
  RELEASE: "The hold is let go",
  REFUND: "Money is given back",
  TRANSFER: "Pay goes to the cleaner",
  REVERSAL: "Pay is taken back",
  DISPUTE_EVIDENCE: "The proof goes to the bank",
};
const STATES = { PLANNED: "planned", SENT: "on its way", UNKNOWN: "outcome unknown, being looked up", SUCCEEDED: "done", FAILED: "refused", DROPPED: "not needed" };
const MOODS = { SUCCEEDED: "good", FAILED: "bad", PLANNED: "busy", SENT: "busy", UNKNOWN: "busy" };
const REFUNDS = { REQUESTED: "waits for a second administrator", DECLINED: "not agreed to", RESERVED: "on its way", PENDING: "with the customer’s bank", SUCCEEDED: "given back", FAILED: "came back" };

export class Timeline {
  jobId = null;
  #turn = 0;
  #wish = null;
  #unwanted = null;
  #job = null;

  /** `root` has the parts; `ports`: `call`, `tell`, `does(act)`, `take(jobId)`, `person`, `zone(marketId)`. */
  constructor(root, ports) {
    this.root = root;
    this.ports = ports;
    this.dialog = document.querySelector("#refund");
    this.decided = () => this.#decide();
    this.dialog.addEventListener("close", this.decided);
    this.refusal = document.querySelector("#no-refund");
    this.refused = () => this.#refuse();
    this.refusal.addEventListener("close", this.refused);
  }

  close() {
    this.dialog.removeEventListener("close", this.decided);
    this.refusal.removeEventListener("close", this.refused);
    this.root.hidden = true;
  }

  /** Show this clean, or none. */
  open(id) {
    if (id === this.jobId) return;
    this.jobId = id;
    this.#job = null;
    this.root.hidden = true;
    if (id) this.refresh();
  }

  /** Read and draw anew. */
  async refresh() {
    const id = this.jobId;
    if (!id) return;
    const turn = (this.#turn += 1);
    const { job, jobMoney } = await this.ports.call(JOB_MONEY, { id });
    if (turn !== this.#turn || id !== this.jobId) return;
    if (!job || !jobMoney) return this.ports.tell("There is no such clean.", "bad");
    this.#job = { ...job, money: jobMoney };
    this.#render();
  }

  #render() {
    const job = this.#job;
    const { money } = job;
    const zone = job.market?.zone ?? "UTC";
    const parts = {
      head: [[job.id, job.status, job.startsAt], () => headOf(job, zone)],
      sums: [[job.priceCents, { ...money, lines: null }], () => sumsOf(job)],
      acts: [[job.status, job.payments.nodes], () => this.#acts(job)],
      refunds: [money.lines.filter(({ what }) => what === "REFUND"), () => this.#refunds(money, zone)],
      steps: [money.lines, () => linesOf(job, zone)],
    };
    this.root.hidden = false;
    for (const [name, [said, draw]] of Object.entries(parts)) {
      const element = this.root.querySelector(`[data-part=${name}]`);
      redraw(element, said, draw);
      element.hidden = !element.hasChildNodes();
    }
  }

  #acts(job) {
    const taken = job.payments.nodes.filter((one) => one.capturedCents > one.refundedCents && one.status !== "DISPUTED");
    const held = job.status === "COMPLETED" && job.payments.nodes.some((one) => one.isCurrent && one.kind === "HOLD" && one.status === "AUTHORIZED");
    const act = (id, word, click) => h("button", { type: "button", class: "small", id, on: { click } }, word);
    const acts = [
      held ? act("take", "Take what is held", () => this.ports.take(job.id)) : null,
      // Each is given back by itself: what was taken for the clean, and a tip.
      ...taken.map((one) => act(`give-back-${one.id}`, one.kind === "TIP" ? "Give the tip back…" : "Give money back…", () => this.#ask(one))),
    ].filter(Boolean);
    return acts.length ? [h("div", { class: "does" }, ...acts)] : [];
  }

  /** Refunds, with the second person's word where it is wanted. */
  #refunds(money, zone) {
    const refunds = money.lines.filter(({ what }) => what === "REFUND");
    if (!refunds.length) return [];
    const agree = (one) => () => this.ports.does(() => this.ports.call(APPROVE_REFUND, { input: { refundId: one.id, clientMutationId: newKey() } }));
    const choice = (one) =>
      h(
        "div",
        { class: "does" },
        h("button", { type: "button", class: "small primary", id: `agree-${one.id}`, on: { click: agree(one) } }, "Agree"),
        h("button", { type: "button", class: "small", id: `decline-${one.id}`, on: { click: () => this.#askWhyNot(one) } }, "Do not agree…"),
      );
    const rows = refunds.map((one) =>
      h(
        "li",
        { "data-refund": one.id, "data-status": one.status },
        h("span", {}, h("strong", {}, `${amount(one.amountCents, money.currency)} ${REFUNDS[one.status]}`), h("br"), h("small", {}, `${one.reason} · ${moment(one.at, zone)}`)),
        one.status === "REQUESTED" ? choice(one) : null,
      ),
    );
    return [h("h3", {}, "Given back"), h("ul", { class: "bills" }, ...rows)];
  }

  #askWhyNot(one) {
    this.#unwanted = one;
    this.refusal.querySelector("[data-what]").textContent = `${amount(one.amountCents, this.#job.money.currency)}: ${one.reason}`;
    this.refusal.querySelector("form").reset();
    this.refusal.returnValue = "";
    this.refusal.showModal();
  }

  async #refuse() {
    if (this.refusal.returnValue !== "yes") return;
    const { reason } = this.refusal.querySelector("form").elements;
    const input = { refundId: this.#unwanted.id, reason: reason.value, clientMutationId: newKey() };
    await this.ports.does(() => this.ports.call(DECLINE_REFUND, { input }));
  }

  #ask(payment) {
    const left = payment.capturedCents - payment.refundedCents;
    this.#wish = payment;
    const { dialog } = this;
    dialog.querySelector("[data-what]").textContent = `Up to ${amount(left, this.#job.money.currency)} of ${payment.kind === "TIP" ? "the tip" : "what was taken"} is left.`;
    dialog.querySelector("form").reset();
    dialog.querySelector("[name=amount]").value = (left / 100).toFixed(2);
    dialog.returnValue = "";
    dialog.showModal();
  }

  async #decide() {
    const { dialog } = this;
    if (dialog.returnValue !== "yes") return;
    const { amount: typed, bearer, reason } = dialog.querySelector("form").elements;
    // Cents by the text, not by arithmetic with fractions.
    const [whole, rest = "00"] = typed.value.split(".");
    const input = { paymentId: this.#wish.id, amountCents: Number(`${whole}${rest}`), bearer: bearer.value, reason: reason.value, clientMutationId: newKey() };
    await this.ports.does(() => this.ports.call(REFUND_PAYMENT, { input }));
  }
}

function headOf(job, zone) {
  return [
    h("h2", { id: "job-title" }, job.property.name),
    h("p", { class: "where" }, `${dayInWords(dayOf(job.startsAt, zone))}, ${span(job.startsAt, job.endsAt, zone)} · ${job.property.city}`),
    job.customer ? h("p", { class: "detail" }, `Paid by ${job.customer.name}`) : null,
  ];
}

function sumsOf({ priceCents, money }) {
  const line = (word, cents, kind = "") => (cents ? h("div", { class: kind, "data-sum": word }, h("dt", {}, word), h("dd", {}, amount(cents, money.currency))) : null);
  return [
    h(
      "dl",
      { class: "sums" },
      line("Price", priceCents),
      line("Taken from the customer", money.capturedCents, "total"),
      line("The provider’s fee", -money.feeCents),
      line("Put by as reserve", -money.reserveCents),
      line("Pay of the cleaners", -money.payoutCents),
      line("Tips, all to the cleaners", -money.tipCents),
      money.capturedCents ? line("The business’s own", money.marginCents, "total") : null,
      line("Given back to the customer", money.refundedCents),
    ),
  ];
}

/** Everything in the order in which it happened. */
function linesOf(job, zone) {
  const { lines, currency } = job.money;
  if (!lines.length) return [h("p", { class: "detail" }, "Nothing has happened yet.")];
  return [h("h3", {}, "Every step"), h("ol", { class: "line-of-money" }, ...lines.map((one) => lineOf(one, currency, zone)))];
}

function lineOf(one, currency, zone) {
  const { title, mood } = WORDS[one.what](one, amount(one.amountCents, currency));
  const ids = [one.what === "ENTRY" && one.reason, one.providerId, one.requestId].filter(Boolean).join(" · ");
  const sides = one.postings.flatMap(({ account, cents }) => [h("dt", {}, ACCOUNTS[account] ?? inWords(account)), h("dd", {}, amount(counted(account, cents), currency))]);
  return h(
    "li",
    { "data-what": one.what, "data-kind": one.kind, "data-status": one.status, "data-mood": mood },
    h("h4", {}, title, h("time", { datetime: one.at }, moment(one.at, zone))),
    sides.length ? h("dl", { class: "postings" }, ...sides) : null,
    one.reason && one.what !== "ENTRY" ? h("p", { class: "detail" }, one.what === "REFUND" ? one.reason : inWords(one.reason)) : null,
    ids ? h("code", {}, ids) : null,
  );
}

const small = (code) => inWords(code).toLowerCase();

const WORDS = {
  PAYMENT: (one, cents) => ({ title: `${PAYMENTS[one.kind] ?? inWords(one.kind)} of ${cents}${one.attempt > 1 ? `, attempt ${one.attempt}` : ""}: ${small(one.status)}`, mood: PAYMENT_MOODS[one.status] ?? "busy" }),
  STEP: (one) => ({ title: `${STEPS[one.kind] ?? inWords(one.kind)}: ${STATES[one.status] ?? small(one.status)}${one.attempt > 1 ? `, attempt ${one.attempt}` : ""}`, mood: MOODS[one.status] }),
  PAYOUT: (one, cents) => ({ title: `${one.kind === "TIP" ? "Tip" : "Pay"} of ${cents}: ${small(one.status)}`, mood: one.status === "HELD" || one.status === "FAILED" ? "bad" : one.status === "PENDING" ? "busy" : "good" }),
  REFUND: (one, cents) => ({ title: `${cents} ${REFUNDS[one.status]}`, mood: one.status === "FAILED" ? "bad" : one.status === "SUCCEEDED" ? "good" : "busy" }),
  DISPUTE: (one, cents) => ({ title: `The bank disputes ${cents}: ${small(one.status)}`, mood: one.status === "WON" ? "good" : "bad" }),
  ENTRY: (one) => ({ title: `Booked: ${small(one.kind)}`, mood: null }),
};
