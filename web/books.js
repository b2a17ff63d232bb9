/** What the books say: alarms that stand, how much goes by itself, and what lies on each account. */

import { moment } from "/web/clock.js";
import { h, icon, redraw } from "/web/elements.js";
import { BOOKS } from "/web/money_documents.js";
import { amount } from "/web/pipeline.js";

export const ACCOUNTS = {
  CASH: "With the provider",
  BANK: "Sent to the bank",
  RESERVE: "Reserve",
  PAYABLE: "Owed to cleaners",
  TIPS: "Tips owed to cleaners",
  PAYROLL: "Paid by payroll",
  REVENUE: "The business’s own",
  FEES: "The provider’s fees",
  LOSSES: "Losses",
  REFUNDS_DUE: "Refunds on their way",
  RECEIVABLE: "Owed by cleaners",
};
/** Accounts that are owed to somebody, or are the business's own: what stands there on the credit side is shown as it is. */
const CREDIT = ["RESERVE", "PAYABLE", "TIPS", "PAYROLL", "REVENUE", "REFUNDS_DUE"];
const GAPS = /_/g;

/** What a posting adds to its account, as people count: debit to what one has, credit to what one owes. */
export const counted = (account, cents) => (CREDIT.includes(account) ? 0 - cents : cents);

export class Books {
  #turn = 0;

  constructor(root, ports) {
    this.root = root;
    this.ports = ports;
  }

  /** Read and draw. */
  async refresh() {
    const turn = (this.#turn += 1);
    const { moneyAlarms, ledgerBalances } = await this.ports.call(BOOKS, {});
    if (turn !== this.#turn) return;
    const alarms = moneyAlarms.nodes;
    redraw(this.#part("alarms"), alarms, () => alarmsOf(alarms, this.ports.zone()));
    redraw(this.#part("balances"), ledgerBalances, () => balancesOf(ledgerBalances, this.ports.currency));
  }

  /** A frame of how much goes by itself: the live feed brings it whenever it may have changed. */
  show(frame) {
    if (frame.__typename !== "AutomationSnapshot") return;
    const root = this.#part("rate");
    redraw(root, frame.automation, () => rateOf(frame.automation));
    // The page's policy forbids styles in markup; the object model is not markup.
    const bar = root.querySelector("[data-width]");
    if (bar) bar.style.width = `${bar.dataset.width}%`;
  }

  #part(name) {
    return this.root.querySelector(`[data-part=${name}]`);
  }
}

function alarmsOf(alarms, zone) {
  if (!alarms.length) return [h("p", { class: "detail" }, icon("check"), " No alarm stands: the books and the provider agree.")];
  const rows = alarms.map((one) =>
    h("div", { class: "alarm-row", "data-alarm": one.kind }, h("strong", {}, inWords(one.kind)), one.rule ? h("span", {}, one.rule) : null, h("small", {}, `Since ${moment(one.raisedAt, zone)} · ${one.subject}`)),
  );
  return [h("h3", {}, `${alarms.length} alarm${alarms.length === 1 ? "" : "s"}`), h("div", { class: "stack-small" }, ...rows)];
}

/** "margin_negative" as "Margin negative". */
export const inWords = (code) => {
  const text = code.replace(GAPS, " ").toLowerCase();
  return text[0].toUpperCase() + text.slice(1);
};

function rateOf(found) {
  if (!found || !found.total) return [];
  const percent = Math.round(found.rate * 1000) / 10;
  const why = found.reasons.map(({ what, count }) => `${inWords(what)} (${count})`).join(", ");
  return [
    h("h3", {}, "By itself"),
    h("div", { class: "rate" }, h("strong", { "data-rate": percent }, `${percent}%`), h("span", { class: "detail" }, `of ${found.total} payments and payouts of ${found.days} days needed nobody`)),
    h("div", { class: "meter", "aria-hidden": "true" }, h("span", { "data-width": percent })),
    why ? h("p", { class: "detail" }, `The others: ${why}`) : null,
  ];
}

function balancesOf(balances, currency) {
  if (!balances.length) return [h("p", { class: "detail" }, "Nothing has been booked yet.")];
  const known = Object.keys(ACCOUNTS);
  const sorted = [...balances].sort((a, b) => known.indexOf(a.account) - known.indexOf(b.account));
  const rows = sorted.map((one) =>
    h("div", { "data-account": one.account }, h("dt", {}, ACCOUNTS[one.account] ?? inWords(one.account)), h("dd", {}, amount(counted(one.account, one.cents), one.currency ?? currency))),
  );
  return [h("h3", {}, "Balances"), h("dl", { class: "sums" }, ...rows)];
}
