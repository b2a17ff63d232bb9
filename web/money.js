/** The office's money: the day's pipeline live, held pay with what to do, and one clean's every step. */

import { Failure, newKey, SignedOut, Unreachable } from "/web/api.js";
import { Books } from "/web/books.js";
import { addDays, dayInWords, dayOf } from "/web/clock.js";
import { h, redraw } from "/web/elements.js";
import { Feed } from "/web/feed.js";
import { Frame } from "/web/frame.js";
import { Line } from "/web/line.js";
import { AUTOMATION, CAPTURE_PROVEN, MONEY_TODAY, MONEY_WHO, PAYMENTS, PAYOUTS, RELEASE_PAYOUT, RETRY_PAYMENT, RETRY_PAYOUT } from "/web/money_documents.js";
import * as pipeline from "/web/pipeline.js";
import { Timeline } from "/web/timeline.js";

const SOON_MS = 200;
const AGAIN_MS = 5_000;
const BESIDES_MS = 30_000; // What goes by the clock alone: a hold that will lapse, a clean that should be over.
const ADMINS = ["OWNER", "ADMIN"];
const DAYS = [
  [-1, "Yesterday"],
  [0, "Today"],
  [1, "Tomorrow"],
];

const find = (selector) => document.querySelector(selector);

class Money {
  #isClosed = false;
  #soon = 0;
  #besides = 0;
  #turn = 0;
  #market = null;
  #offset = 0;
  #stage = null;
  #day = null;
  #counts = new Map();
  #wish = null;

  constructor(session, frame) {
    Object.assign(this, { session, frame });
    this.line = new Line(session, (state) => frame.showState(state));
    this.tell = (...words) => frame.notices.tell(...words);
    this.turned = () => this.#turnTo();
    this.decided = () => this.#decide();
    this.ports = { retry: (payout) => this.#retry(payout), release: (payout) => this.#ask(payout), ask: (job) => this.#again(job), take: (job) => this.#take(job.jobId) };
  }

  /** Learn who this is, and go live. Throws `Unreachable` or `SignedOut`. */
  async open() {
    const { viewer, markets } = await this.line.call(MONEY_WHO, {});
    if (this.#isClosed) return;
    this.line.clock.observe(viewer.serverTime);
    this.frame.showPerson(viewer);
    if (!ADMINS.includes(viewer.role)) return this.frame.signedOut("This page is for owners and administrators.");
    this.markets = markets.nodes;
    this.#market = this.markets[0]?.id ?? null;
    const deed = (act) => this.#does(act);
    this.timeline = new Timeline(find("#job"), { call: this.line.call, tell: this.tell, does: deed, take: (id) => this.#take(id), zone: (id) => this.#zoneOf(id), person: this.session.personId });
    this.books = new Books(find("#books"), { call: this.line.call, currency: viewer.business.currency, zone: () => this.#zoneOf(this.#market) });
    addEventListener("hashchange", this.turned);
    find("#release").addEventListener("close", this.decided);
    const refused = (error) => this.tell(error.message, "bad");
    this.line.open(new Feed(PAYMENTS, "payments", (frame) => this.#show(frame), refused), new Feed(PAYOUTS, "payouts", (frame) => this.#show(frame), refused), new Feed(AUTOMATION, "automation", (frame) => this.books.show(frame), refused));
    this.#besides = setInterval(() => this.#refreshSoon(), BESIDES_MS);
    this.#turnTo();
    this.#refreshSoon(0);
  }

  close() {
    this.#isClosed = true;
    clearTimeout(this.#soon);
    clearInterval(this.#besides);
    removeEventListener("hashchange", this.turned);
    find("#release").removeEventListener("close", this.decided);
    this.line.close();
    this.timeline?.close();
  }

  async signOut() {
    await this.line.signOut();
  }

  /** Whatever moves, the day and the clean that is looked at are drawn anew; several moves in a row at once. */
  #show(frame) {
    this.line.clock.observe(frame.serverTime);
    if (frame.__typename !== "Heartbeat" && frame.__typename !== "Resync") this.#refreshSoon();
  }

  #refreshSoon(wait = SOON_MS) {
    clearTimeout(this.#soon);
    this.#soon = setTimeout(() => this.#refresh(), wait);
  }

  #turnTo() {
    const id = new URLSearchParams(location.hash.slice(1)).get("job");
    find("#desk").dataset.view = id ? "job" : "day";
    this.timeline.open(id);
    this.#render();
    if (id) find("#job").scrollIntoView({ block: "nearest" });
  }

  #zoneOf(marketId) {
    return this.markets.find(({ id }) => id === marketId)?.zone ?? this.#day?.zone ?? "UTC";
  }

  async #refresh() {
    if (!this.#market || this.#isClosed) return;
    const turn = (this.#turn += 1);
    const zone = this.#zoneOf(this.#market);
    const day = addDays(dayOf(this.line.clock.now(), zone), this.#offset);
    try {
      const { viewer, moneyToday } = await this.line.call(MONEY_TODAY, { marketId: this.#market, day });
      if (turn !== this.#turn || this.#isClosed) return;
      this.line.clock.observe(viewer.serverTime);
      this.#day = moneyToday;
      this.#render();
      await Promise.all([this.timeline.refresh(), this.books.refresh()]);
    } catch (error) {
      if (error instanceof SignedOut) return;
      if (!(error instanceof Unreachable || error instanceof Failure)) throw error;
      if (error instanceof Failure) this.tell(error.message, "bad");
      this.#refreshSoon(AGAIN_MS);
    }
  }

  #render() {
    redraw(find("[data-days]"), this.#offset, () => DAYS.map(([offset, word]) => this.#choice(`day-${offset}`, word, offset === this.#offset, () => this.#chooseDay(offset))));
    const many = this.markets.length > 1;
    redraw(find("[data-markets]"), [this.markets, this.#market], () =>
      many ? this.markets.map(({ id, name }) => this.#choice(`market-${id}`, name, id === this.#market, () => this.#chooseMarket(id))) : [],
    );
    const day = this.#day;
    find("[data-empty]").hidden = Boolean(day?.jobs.length);
    if (!day) return;
    const current = this.timeline.jobId;
    find("[data-empty]").textContent = "No cleans on this day.";
    find("[data-count]").textContent = `${dayInWords(day.day)}, ${day.marketName}`;
    find("[data-unconnected]").hidden = day.takesCards;
    redraw(find("[data-pipeline]"), [day.stages, this.#stage], () => pipeline.steps(day, this.#stage, (stage) => this.#chooseStage(stage)));
    this.#mark(day);
    redraw(find("[data-held]"), [day.heldPayouts, day.heldCount], () => pipeline.held(day, this.ports));
    redraw(find("[data-list]"), [day.jobs, this.#stage, current], () => pipeline.cleans(day, this.#stage, current, this.ports));
  }

  /** A step whose number has just changed draws the eye. */
  #mark(day) {
    const key = `${this.#market} ${day.day} `;
    for (const { stage, count } of day.stages) {
      const before = this.#counts.get(key + stage);
      if (before !== undefined && before !== count) find(`#stage-${stage}`)?.classList.add("moved");
      this.#counts.set(key + stage, count);
    }
  }

  #choice(id, word, isChosen, act) {
    return h("button", { type: "button", class: "small", id, "aria-pressed": String(isChosen), on: { click: act } }, word);
  }

  #chooseDay(offset) {
    this.#offset = offset;
    this.#refreshSoon(0);
  }

  #chooseMarket(id) {
    this.#market = id;
    this.#refreshSoon(0);
  }

  #chooseStage(stage) {
    this.#stage = this.#stage === stage ? null : stage;
    this.#render();
  }

  #retry(payout) {
    return this.#does(() => this.line.call(RETRY_PAYOUT, { input: { payoutId: payout.payoutId, clientMutationId: newKey() } }));
  }

  #again(job) {
    return this.#does(() => this.line.call(RETRY_PAYMENT, { input: { paymentId: job.paymentId, clientMutationId: newKey() } }));
  }

  /** The office's decision not to wait: what is held is taken, if the clean is proven; else it hears what is missing. */
  #take(jobId) {
    return this.#does(() => this.line.call(CAPTURE_PROVEN, { input: { jobId, clientMutationId: newKey() } }));
  }

  #ask(payout) {
    const dialog = find("#release");
    this.#wish = payout;
    dialog.querySelector("[data-what]").textContent = `${payout.cleanerName} gets ${pipeline.amount(payout.amountCents, this.#day.currency)} although it is held: ${payout.why}`;
    dialog.querySelector("textarea").value = "";
    dialog.returnValue = "";
    dialog.showModal();
  }

  async #decide() {
    const dialog = find("#release");
    if (dialog.returnValue !== "yes") return;
    const input = { payoutId: this.#wish.payoutId, reason: dialog.querySelector("textarea").value, clientMutationId: newKey() };
    await this.#does(() => this.line.call(RELEASE_PAYOUT, { input }));
  }

  /** Do something, and say how it ended; whether it was done. */
  async #does(act) {
    let done = false;
    try {
      const [answer] = Object.values(await act());
      const [error] = answer.errors;
      this.tell(error ? error.message : "Done.", error ? "bad" : "good");
      done = !error;
    } catch (error) {
      if (!(error instanceof Unreachable || error instanceof Failure || error instanceof SignedOut)) throw error;
      this.tell(error.message, "bad");
    }
    this.#refreshSoon();
    return done;
  }
}

const frame = new Frame((session) => new Money(session, frame));
frame.welcome();
