/** The availability windows: what state each is in, and the countdown to its next change by the server's clock. */

import { daysInWords, moment } from "/web/clock.js";
import { countdown } from "/web/countdown.js";
import { NEXT_WINDOW } from "/web/documents.js";
import { arrange, h } from "/web/elements.js";

const STATES = {
  OPEN: { word: "Open", until: (card) => card.deadlineAt, says: "Submit your availability on time within" },
  GRACE: { word: "Grace period", until: (card) => card.graceEndsAt, says: "You can still submit, marked late, for" },
  CLOSED: { word: "Closed", until: (card) => card.opensAt, says: "Opens in" },
};

export class Windows {
  #cards = new Map();
  #submissions = new Map();
  #nexts = new Map();
  #rows = new Map();

  /** `ports` has `call(query, variables)`, `clock`, and the viewer's `session`. */
  constructor(container, ports) {
    this.container = container;
    this.ports = ports;
    container.replaceChildren();
  }

  /** Take one frame of the feed. */
  take(frame) {
    this.ports.clock.observe(frame.serverTime);
    switch (frame.__typename) {
      case "AvailabilitySnapshot":
        this.#cards = new Map(frame.windows.map((card) => [card.marketId, card]));
        this.#submissions.clear();
        frame.submissions.forEach((submission) => this.#keep(submission));
        frame.windows.forEach((card) => this.#learnNext(card.marketId));
        break;
      case "AvailabilityWindowChanged":
        this.#cards.set(frame.window.marketId, frame.window);
        this.#learnNext(frame.window.marketId);
        break;
      case "AvailabilitySubmitted":
        this.#keep(frame.submission);
        break;
      default:
        return;
    }
    this.#render();
  }

  #keep(submission) {
    const { session } = this.ports;
    if (submission.cleanerId !== session.personId) return;
    this.#submissions.set(`${submission.marketId} ${submission.periodStart}`, submission);
  }

  /** The window after this one is not in the feed. What cannot be read is left out until the next change. */
  async #learnNext(marketId) {
    const answer = await this.ports.call(NEXT_WINDOW, { marketId }).catch(() => null);
    if (!answer?.availabilityWindow) return;
    this.#nexts.set(marketId, answer.availabilityWindow.next);
    this.#render();
  }

  #render() {
    const cards = [...this.#cards.values()].sort((a, b) => a.marketName.localeCompare(b.marketName));
    arrange(this.container, cards.map((card) => this.#row(card)));
  }

  #row(card) {
    const state = STATES[card.state];
    const next = this.#nexts.get(card.marketId);
    const own = this.#submissions.get(`${card.marketId} ${card.periodStart}`);
    const row = this.#rows.get(card.marketId) ?? h("article", { class: "window" });
    const lines = [
      h("header", {}, h("h3", {}, card.marketName), h("span", { class: `badge state ${card.state.toLowerCase()}` }, state.word)),
      h("p", { class: "countdown" }, `${state.says} `, countdown(state.until(card), this.ports.clock)),
      h("p", { class: "detail" }, `For ${daysInWords(card.periodStart, card.periodEnd)} · ${bounds(card)}`),
      next && h("p", { class: "detail" }, `Then: opens ${moment(next.opensAt, card.zone)}`),
      this.ports.session.isCleaner && card.state !== "CLOSED" && h("p", { class: "detail" }, ofYours(own, card.zone)),
    ];
    row.dataset.state = card.state;
    row.replaceChildren(...lines.filter(Boolean));
    this.#rows.set(card.marketId, row);
    return row;
  }
}

function bounds(card) {
  return card.state === "CLOSED" ? `opens ${moment(card.opensAt, card.zone)}` : `deadline ${moment(card.deadlineAt, card.zone)}`;
}

function ofYours(submission, zone) {
  if (!submission) return "You have not submitted yet.";
  return `You submitted ${moment(submission.submittedAt, zone)}${submission.isLate ? " (late)" : ""}.`;
}
