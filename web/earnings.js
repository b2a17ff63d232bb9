/** The cleaner's pay: what was earned in a period, clean by clean, and where each amount stands; live. */

import { Failure, SignedOut, Unreachable } from "/web/api.js";
import { inWords } from "/web/books.js";
import { addDays, dayInWords, dayOf, daysInWords, eachQuarter, mondayOf } from "/web/clock.js";
import { h, icon, redraw } from "/web/elements.js";
import { Feed } from "/web/feed.js";
import { Frame } from "/web/frame.js";
import { Line } from "/web/line.js";
import { MONEY_WHO, PAYOUTS, STATEMENT } from "/web/money_documents.js";
import { amount } from "/web/pipeline.js";

const SOON_MS = 200;
const AGAIN_MS = 5_000;
const PERIODS = ["This week", "Last week", "This month"];
const STATES = {
  PENDING: ["To be paid", ""],
  HELD: ["Held", "urgent"],
  RELEASED: ["Sent to your account", "new"],
  IN_TRANSIT: ["On its way to your bank", "own"],
  PAID_OUT: ["At your bank", "new"],
  FAILED: ["Came back from your bank", "late"],
  REVERSED: ["Taken back", "late"],
  CARRIED: ["Goes with a later one", ""],
  EXPORTED: ["In the payroll", "new"],
};
const ACCOUNT = {
  REQUESTED: "Your payout account is being opened.",
  OPEN: "Your payout account is not finished: go on with it in My work.",
  RESTRICTED: "The payment provider wants something more of you: see My work.",
};

const find = (selector) => document.querySelector(selector);

class Earnings {
  #isClosed = false;
  #soon = 0;
  #period = 0;
  /** Of the market that is worked in (a cleaner sees no other): the days of a period are its, wherever the phone is. */
  #zone = "UTC";
  /** Payouts under way, by id: what the feed says of them. */
  #live = new Map();
  #statement = null;
  #turn = 0;

  constructor(session, frame) {
    Object.assign(this, { session, frame });
    this.line = new Line(session, (state) => frame.showState(state));
    this.stop = eachQuarter(this.line.clock, () => this.#turned());
  }

  /** Learn who this is, and go live. Throws `Unreachable` or `SignedOut`. */
  async open() {
    const { viewer, markets } = await this.line.call(MONEY_WHO, {});
    if (this.#isClosed) return;
    this.line.clock.observe(viewer.serverTime);
    this.#zone = markets.nodes[0]?.zone ?? "UTC";
    this.frame.showPerson(viewer);
    if (!viewer.cleaner) return this.frame.signedOut("This page is for cleaners. The office has its own: /money.");
    this.line.open(new Feed(PAYOUTS, "payouts", (frame) => this.#show(frame), (error) => this.frame.notices.tell(error.message, "bad")));
    await this.#read();
  }

  close() {
    this.#isClosed = true;
    this.stop();
    clearTimeout(this.#soon);
    this.line.close();
  }

  async signOut() {
    await this.line.signOut();
  }

  #show(frame) {
    if (frame.__typename === "PayoutsSnapshot") this.#live = new Map(frame.payouts.map((one) => [one.id, one]));
    else if (frame.__typename === "PayoutShown") this.#live.set(frame.payout.id, frame.payout);
    else if (frame.__typename === "PayoutGone") this.#live.delete(frame.payoutId);
    else return;
    this.#readSoon(SOON_MS);
  }

  /** With a day "This week" or "This month" may have become another. */
  #turned() {
    const [start, end] = this.#days();
    const { periodStart, periodEnd } = this.#statement ?? {};
    if (this.#statement && (start !== periodStart || end !== periodEnd)) this.#readSoon(0);
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

  #days() {
    const today = dayOf(this.line.clock.now(), this.#zone);
    const monday = mondayOf(today);
    if (this.#period === 1) return [addDays(monday, -7), addDays(monday, -1)];
    if (this.#period === 2) return [`${today.slice(0, 8)}01`, today];
    return [monday, addDays(monday, 6)];
  }

  async #read() {
    const [start, end] = this.#days();
    const turn = (this.#turn += 1);
    const { viewer, statement } = await this.line.call(STATEMENT, { start, end });
    if (turn !== this.#turn || this.#isClosed) return;
    this.line.clock.observe(viewer.serverTime);
    this.account = viewer.cleaner?.payoutAccount?.status ?? null;
    this.#statement = statement;
    this.#render();
  }

  #render() {
    const found = this.#statement;
    redraw(find("[data-periods]"), this.#period, () => PERIODS.map((word, place) => this.#choice(word, place)));
    if (!found) return;
    find("[data-count]").textContent = daysInWords(found.periodStart, found.periodEnd);
    find("[data-empty]").hidden = found.lines.length > 0;
    find("[data-empty]").textContent = "Nothing was earned in this time.";
    redraw(find("[data-part=account]"), this.account, () => (ACCOUNT[this.account] ? [h("p", { class: "panel alarm" }, icon("alert"), ACCOUNT[this.account])] : []));
    redraw(find("[data-part=purse]"), { ...found, lines: null }, () => purse(found));
    const live = found.lines.map(({ payoutId }) => this.#live.get(payoutId)?.whatToDo);
    redraw(find("[data-part=lines]"), [found.lines, live], () => [...found.lines].reverse().map((line) => this.#line(line, found.currency)));
  }

  #choice(word, place) {
    const act = { click: () => ((this.#period = place), this.#readSoon(0)) };
    return h("button", { type: "button", class: "small", id: `period-${place}`, "aria-pressed": String(place === this.#period), on: act }, word);
  }

  #line(line, currency) {
    const [word, mood] = STATES[line.status] ?? [inWords(line.status), ""];
    const parts = [
      ["Hours", line.baseCents],
      ["Urgent", line.urgentCents],
      ["Laundry", line.laundryCents],
      ["Tip", line.tipCents],
    ].filter(([, cents]) => cents);
    const advice = this.#live.get(line.payoutId)?.whatToDo;
    return h(
      "article",
      { class: "card", "data-payout": line.payoutId, "data-status": line.status },
      h("header", {}, h("h3", {}, `${dayInWords(line.day, "short")} `, h("span", { class: `badge ${mood}` }, word)), h("strong", { class: "cents" }, amount(line.earnedCents, currency))),
      h("p", { class: "detail" }, parts.map(([name, cents]) => `${name} ${amount(cents, currency)}`).join(" · ")),
      advice ? h("p", { class: "alarm" }, icon("alert"), advice) : null,
    );
  }
}

function purse(found) {
  const part = (word, cents, always) => (cents || always ? h("div", {}, h("dt", {}, word), h("dd", {}, amount(cents, found.currency))) : null);
  return [
    h(
      "dl",
      { class: "purse" },
      part("Earned", found.earnedCents, true),
      part("Paid", found.paidCents, true),
      part("To be paid", found.pendingCents),
      part("Held", found.heldCents),
      part("Of it tips", found.tipCents),
      part("Taken back", found.reversedCents),
    ),
  ];
}

const frame = new Frame((session) => new Earnings(session, frame));
frame.welcome();
