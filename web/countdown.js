/** Countdowns by the server's clock: what counts down says until when, and one timer tells them all. */

import { remaining } from "/web/clock.js";
import { h } from "/web/elements.js";

// At zero the server says what comes next; until its frame is here nothing is claimed.
const PASSED = "a moment…";

/** An element that shows what is left until an instant. */
export function countdown(until, clock) {
  return h("span", { class: "left", "data-until": until, role: "timer" }, clock.isSet ? left(until, clock) : "");
}

export class Countdowns {
  /** `passed()` is called when something has come to its end. */
  constructor(root, clock, passed) {
    this.root = root;
    this.clock = clock;
    this.passed = passed;
    this.timer = setInterval(() => this.#tick(), 1000);
  }

  /** Stop counting. */
  close() {
    clearInterval(this.timer);
  }

  #tick() {
    if (!this.clock.isSet) return;
    let hasPassed = false;
    for (const one of this.root.querySelectorAll("[data-until]")) {
      const text = left(one.dataset.until, this.clock);
      if (one.textContent === text) continue;
      one.textContent = text;
      hasPassed ||= text === PASSED;
    }
    if (hasPassed) this.passed();
  }
}

function left(until, clock) {
  const milliseconds = Date.parse(until) - clock.now();
  return milliseconds > 0 ? remaining(milliseconds) : PASSED;
}
