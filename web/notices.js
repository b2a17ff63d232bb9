/** What has just happened, in a sentence: seen for a while and read out by screen readers. */

import { arrive, h, leave } from "/web/elements.js";

const SHOWN_MS = 7_000;
const MOST = 3;

export class Notices {
  constructor(container) {
    this.container = container;
  }

  /** Tell something; `kind` is "good", "bad" or "plain". */
  tell(message, kind = "plain") {
    const close = h("button", { class: "quiet", type: "button", "aria-label": "Dismiss" }, "×");
    const notice = h("p", { class: `notice ${kind}` }, h("span", {}, message), close);
    close.addEventListener("click", () => leave(notice, 200));
    this.container.append(notice);
    arrive(notice);
    const shown = this.container.querySelectorAll(".notice:not(.leaving)");
    if (shown.length > MOST) leave(shown[0], 200);
    setTimeout(() => notice.isConnected && leave(notice, 300), SHOWN_MS);
  }
}
