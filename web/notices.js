/** What has just happened, in a sentence: seen for a while and read out by screen readers. */

import { arrive, h, leave } from "/web/elements.js";

const SHOWN_MS = 7_000;
const SHOWN_TO_ACT_MS = 20_000;
const MOST = 3;

export class Notices {
  constructor(container) {
    this.container = container;
  }

  /**
   * Tell something; `kind` is "good", "bad" or "plain". `matter` is what it is about, of which the last word counts,
   * and what can be done: `{ about, words, act }`.
   */
  tell(message, kind = "plain", { about, words, act } = {}) {
    if (about) this.settle(about);
    const notice = h("p", { class: `notice ${kind}`, "data-about": about }, h("span", {}, message));
    const close = h("button", { class: "quiet", type: "button", "aria-label": "Dismiss" }, "×");
    close.addEventListener("click", () => leave(notice, 200));
    if (act) notice.append(h("button", { class: "act", type: "button", on: { click: act } }, words));
    notice.append(close);
    this.container.append(notice);
    arrive(notice);
    const shown = this.container.querySelectorAll(".notice:not(.leaving)");
    if (shown.length > MOST) leave(shown[0], 200);
    setTimeout(() => notice.isConnected && leave(notice, 300), act ? SHOWN_TO_ACT_MS : SHOWN_MS);
  }

  /** What was told about this does not hold any more. */
  settle(about) {
    for (const notice of this.container.querySelectorAll(".notice:not(.leaving)")) {
      if (notice.dataset.about === about) leave(notice, 200);
    }
  }
}
