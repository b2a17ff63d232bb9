/** "My week": the viewer's shifts of one market-local week, and their offers. */

import { AWAITING } from "/web/card.js";
import { addDays, dayInWords, dayOf, daysInWords, eachQuarter, hours, mondayOf, nearDay, span, startOf } from "/web/clock.js";
import { countdown } from "/web/countdown.js";
import { WEEK } from "/web/documents.js";
import { arrange, arrive, h } from "/web/elements.js";

const CAN_BE_OFFERED = "ASSIGNED";

export class Week {
  #monday = null;
  #shifts = null;
  #rows = new Map();
  #days = new Map();
  #fresh = new Set();
  #asked = 0;
  #isOnline = false;

  /**
   * `ports` has `call(query, variables)`, `clock`, `offerFor(jobId)`, `returnableFor(jobId)`, and the actions
   * `offer(shift)`, `withdraw(swap)`, `giveBack(swap)`.
   */
  constructor(root, zone, ports) {
    this.root = root;
    this.zone = zone;
    this.ports = ports;
    this.list = root.querySelector("[data-shifts]");
    this.empty = root.querySelector("[data-empty]");
    this.title = root.querySelector("[data-week]");
    this.count = root.querySelector("[data-count]");
    this.list.replaceChildren();
    root.querySelector("[data-step=back]").onclick = () => this.#turn(-7);
    root.querySelector("[data-step=on]").onclick = () => this.#turn(7);
    this.stop = eachQuarter(ports.clock, () => this.render());
  }

  /** Stop: its days go on no more. */
  close() {
    this.stop();
  }

  /** Read the week's shifts again. */
  async refresh() {
    this.#monday ??= mondayOf(dayOf(this.ports.clock.now(), this.zone));
    const asked = (this.#asked += 1);
    const [from, before] = [this.#monday, addDays(this.#monday, 7)].map((day) => new Date(startOf(day, this.zone)).toISOString());
    const { viewer, assignments } = await this.ports.call(WEEK, { from, before });
    if (asked !== this.#asked) return undefined; // A later question has been asked; its answer counts.
    this.ports.clock.observe(viewer.serverTime);
    const isFirst = this.#shifts === null;
    const key = (shift) => `${dayOf(shift.startsAt, this.#zoneOf(shift))} ${shift.startsAt}`;
    this.#shifts = assignments.nodes.sort((a, b) => key(a).localeCompare(key(b)));
    if (isFirst && !this.#hasMore()) return this.#turn(7);
    return this.render();
  }

  /** Whether a shift of this week is still to come: on a Sunday evening it is the next week that matters. */
  #hasMore() {
    return this.#shifts.some((shift) => Date.parse(shift.endsAt) > this.ports.clock.now());
  }

  /** A shift has come to the viewer: show its week, and it among the rest. */
  async welcome(jobId, startsAt) {
    this.#fresh.add(jobId);
    this.#monday = mondayOf(dayOf(startsAt, this.zone));
    await this.refresh();
  }

  /** Whether anything can be sent. */
  online(isOnline) {
    this.#isOnline = isOnline;
    this.render();
  }

  /** Draw what is known; offers may have come or gone. */
  render() {
    if (!this.#shifts) return;
    const nodes = [];
    let day = null;
    for (const shift of this.#shifts) {
      const its = dayOf(shift.startsAt, this.#zoneOf(shift));
      if (its !== day) nodes.push(this.#heading((day = its)));
      nodes.push(this.#row(shift));
    }
    arrange(this.list, nodes);
    this.#summarize();
  }

  #zoneOf({ job }) {
    return job.market?.zone ?? this.zone;
  }

  #spanOf(shift) {
    return span(shift.startsAt, shift.endsAt, this.#zoneOf(shift), this.zone);
  }

  #turn(days) {
    this.#monday = addDays(this.#monday ?? mondayOf(dayOf(this.ports.clock.now(), this.zone)), days);
    return this.refresh().catch(() => {
      // Turning pages without a network: stay where one is.
      this.#monday = addDays(this.#monday, -days);
    });
  }

  #summarize() {
    const now = mondayOf(dayOf(this.ports.clock.now(), this.zone));
    const name = this.#monday === now ? "This week" : this.#monday === addDays(now, 7) ? "Next week" : "Week";
    this.title.textContent = `${name} · ${daysInWords(this.#monday, addDays(this.#monday, 6))}`;
    const total = this.#shifts.filter((one) => one.role !== "BACKUP").reduce((sum, one) => sum + Number(one.job.expectedHours), 0);
    const shifts = `${this.#shifts.length} ${this.#shifts.length === 1 ? "shift" : "shifts"}`;
    this.count.textContent = this.#shifts.length ? `${shifts} · ${hours(total)}` : "";
    this.empty.hidden = this.#shifts.length > 0;
    this.empty.textContent = "No shifts in this week.";
  }

  #heading(day) {
    const near = nearDay(day, this.ports.clock.now(), this.zone);
    if (!this.#days.has(day)) this.#days.set(day, h("h3", { class: "day" }));
    this.#days.get(day).textContent = near ? `${near} · ${dayInWords(day, "short")}` : dayInWords(day, "short");
    return this.#days.get(day);
  }

  #row(shift) {
    const offer = this.ports.offerFor(shift.job.id);
    const isPast = Date.parse(shift.startsAt) <= this.ports.clock.now();
    const state = { isPast, isOnline: this.#isOnline, returnable: this.ports.returnableFor(shift.job.id) };
    const signature = JSON.stringify([shift, offer?.id, offer?.status, state]);
    const held = this.#rows.get(shift.id);
    if (held?.signature === signature) return held.row;
    const row = held?.row ?? h("article", { class: "shift", "data-job": shift.job.id });
    row.replaceChildren(...this.#content(shift, offer, state));
    this.#rows.set(shift.id, { row, signature });
    if (!held) requestAnimationFrame(() => arrive(row));
    row.classList.toggle("fresh", this.#fresh.has(shift.job.id));
    return row;
  }

  #content(shift, offer, state) {
    const { job } = shift;
    const place = [job.property.address, job.property.city].filter(Boolean).join(", ");
    const badges = [
      job.isUrgent && h("span", { class: "badge urgent" }, "Urgent"),
      shift.role === "BACKUP" && h("span", { class: "badge" }, "Backup"),
      this.#fresh.has(job.id) && h("span", { class: "badge new" }, "New"),
      offer && h("span", { class: "badge own" }, "On offer"),
    ];
    const title = h("h4", {}, h("time", { datetime: shift.startsAt }, this.#spanOf(shift)));
    return [
      h("header", {}, h("div", {}, title, h("p", { class: "where" }, place)), h("div", { class: "badges" }, ...badges)),
      offer?.status === AWAITING && h("p", { class: "detail" }, `${offer.takerName} would take it. The office has to agree.`),
      ...this.#buttons(shift, offer, state),
    ].filter(Boolean);
  }

  #buttons(shift, offer, { isPast, isOnline, returnable }) {
    const place = `${this.#spanOf(shift)} in ${shift.job.property.city}`;
    const small = (words, does, what, act) => button(words, does, { label: `${what} of ${place}`, isOnline, on: { click: act } });
    const left = returnable && [h("span", {}, "Give it back · "), countdown(returnable.until, this.ports.clock)];
    const list = [];
    if (offer) list.push(small("Withdraw offer", "withdraw", "Withdraw the offer", () => this.ports.withdraw(offer)));
    else if (!isPast && shift.role !== "BACKUP" && shift.job.status === CAN_BE_OFFERED) {
      list.push(small("Offer this shift", "offer", "Offer the shift", () => this.ports.offer(shift)));
    }
    if (returnable) list.push(small(left, "return", "Give back the shift", () => this.ports.giveBack(returnable)));
    return list.length ? [h("div", { class: "does" }, ...list)] : [];
  }
}

function button(words, does, { label, isOnline, on }) {
  return h("button", { type: "button", class: "small", disabled: !isOnline, "data-does": does, "aria-label": label, on }, words);
}
