/** "Take for me": the viewer's standing bids, for businesses that have them. */

import { Failure, newKey, SignedOut, Unreachable } from "/web/api.js";
import { clockTime, dayInWords, weekdayNames } from "/web/clock.js";
import { PLACE_BID, STANDING_BIDS, WITHDRAW_BID } from "/web/documents.js";
import { arrange, h } from "/web/elements.js";

const DAY_MINUTES = 1_440;
const WORKDAYS = new Set([1, 2, 3, 4, 5]);

export class Bids {
  #rows = new Map();

  /** `ports` has `call(query, variables)` and `tell(message, kind)`; `markets` are those that the viewer works in. */
  constructor(root, markets, ports) {
    this.root = root;
    this.ports = ports;
    this.isSeveral = markets.length > 1;
    this.list = root.querySelector("[data-bids]");
    this.form = root.querySelector("form");
    this.list.replaceChildren();
    this.#draw(markets);
    this.form.onsubmit = (event) => {
      event.preventDefault();
      this.#place();
    };
    root.hidden = false;
  }

  /** Read them again. */
  async refresh() {
    const { standingBids } = await this.ports.call(STANDING_BIDS, {});
    arrange(this.list, standingBids.nodes.map((bid) => this.#row(bid)));
  }

  /** Whether anything can be sent. */
  online(isOnline) {
    this.root.querySelectorAll("button").forEach((button) => (button.disabled = !isOnline));
  }

  #draw(markets) {
    const options = markets.map(({ id, name }) => h("option", { value: id }, name));
    this.form.elements.market.replaceChildren(...options);
    this.form.querySelector("[data-market]").hidden = !this.isSeveral;
    const days = weekdayNames().map((name, index) => dayBox(name, index + 1));
    this.form.querySelector("[data-days]").replaceChildren(...days);
  }

  #row(bid) {
    if (!this.#rows.has(bid.id)) {
      const words = [bid.weekdays.map((day) => weekdayNames()[day - 1]).join(", "), span(bid), days(bid)];
      const text = h("p", {}, h("strong", {}, words[0]), h("small", {}, [...words.slice(1), this.isSeveral && bid.market.name].filter(Boolean).join(" · ")));
      const end = h("button", { type: "button", class: "small", "aria-label": `Withdraw: ${words.filter(Boolean).join(" ")}` }, "Withdraw");
      end.addEventListener("click", () => this.#withdraw(bid, end));
      this.#rows.set(bid.id, h("li", { class: "bid" }, text, end));
    }
    return this.#rows.get(bid.id);
  }

  async #place() {
    const { market, earliest, latest } = this.form.elements;
    const days = [...this.form.querySelectorAll("[data-days] input:checked")].map(({ value }) => Number(value));
    const [from, to] = [earliest.value, latest.value].map(minutesOf);
    // An end that does not lie after the start is meant on the next day; midnight is the day's own end.
    const latestMinute = to > from ? to : to + DAY_MINUTES;
    const input = { marketId: market.value, weekdays: days, earliestMinute: from, latestMinute };
    await this.#send(PLACE_BID, input, "Noted. Shifts that fit are taken for you whenever the rules allow it.");
  }

  async #withdraw(bid, button) {
    button.disabled = true;
    await this.#send(WITHDRAW_BID, { standingBidId: bid.id }, "Withdrawn. What was taken for you stays yours.");
    button.disabled = false;
  }

  async #send(document, input, done) {
    try {
      const answer = await this.ports.call(document, { input: { ...input, clientMutationId: newKey() } });
      const [error] = Object.values(answer)[0].errors;
      this.ports.tell(error?.message ?? done, error ? "bad" : "good");
      await this.refresh();
    } catch (error) {
      if (![Failure, SignedOut, Unreachable].some((kind) => error instanceof kind)) throw error;
      this.ports.tell(error.message, "bad");
    }
  }
}

function dayBox(name, day) {
  return h("label", { class: "day-box" }, h("input", { type: "checkbox", value: day, checked: WORKDAYS.has(day) }), h("span", {}, name));
}

function minutesOf(time) {
  const [hours, minutes] = time.split(":").map(Number);
  return hours * 60 + minutes;
}

function span({ earliestMinute, latestMinute }) {
  const nextDay = latestMinute > DAY_MINUTES ? " (next day)" : "";
  return `${clockTime(earliestMinute)} – ${clockTime(latestMinute % DAY_MINUTES)}${nextDay}`;
}

function days({ fromDay, untilDay }) {
  const from = fromDay ? `from ${dayInWords(fromDay, "short")}` : "";
  const until = untilDay ? `until ${dayInWords(untilDay, "short")}` : "";
  return [from, until].filter(Boolean).join(" ");
}
