/** The market's list: the feed's frames as cards, by day, coming and going gently. */

import { cardContent } from "/web/card.js";
import { dayInWords, dayOf, nearDay } from "/web/clock.js";
import { arrange, arrive, calm, h, leave } from "/web/elements.js";

const READ_MS = 4_500;

export class Market {
  #swaps = new Map();
  #views = new Map();
  #articles = new Map();
  #days = new Map();
  #isOnline = false;
  #isKnown = false;
  #onlyTakeable = false;
  #refusal = "";

  /** `viewer` has the `session`, the server's `clock` and the home `zone`; `actions` `accept(swap)` and `withdraw(swap)`. */
  constructor(root, { session, clock, zone }, actions) {
    this.viewer = session;
    this.clock = clock;
    this.zone = zone;
    this.actions = actions;
    this.list = root.querySelector("[data-cards]");
    this.empty = root.querySelector("[data-empty]");
    this.count = root.querySelector("[data-count]");
    this.filter = root.querySelector("[data-filter]");
    this.filter.hidden = !session.isCleaner;
    this.filter.querySelector("input").checked = false;
    this.filter.onchange = (event) => this.#narrow(event.target.checked);
    this.list.replaceChildren();
    this.#render();
  }

  /** Everything that is open; what is not among it has gone. */
  replace(swaps) {
    this.#isKnown = true;
    this.#refusal = "";
    const open = new Set(swaps.map((swap) => swap.id));
    for (const id of [...this.#swaps.keys()]) if (!open.has(id)) this.#forget(id);
    swaps.forEach((swap) => this.#swaps.set(swap.id, swap));
    this.#render();
  }

  /** One that is open, new or changed. */
  put(swap) {
    this.#swaps.set(swap.id, swap);
    this.#render();
  }

  /** One that is open no more. */
  remove(id) {
    this.#forget(id);
    this.#render();
  }

  /** The viewer's own offer for a job, if there is one. */
  offerFor(jobId) {
    return [...this.#swaps.values()].find((swap) => swap.jobId === jobId && swap.ownerId === this.viewer.personId);
  }

  /** The feed cannot be shown to this viewer; why. */
  refuse(why) {
    this.#refusal = why;
    this.#render();
  }

  /** Whether anything can be sent. */
  online(isOnline) {
    this.#isOnline = isOnline;
    this.#render();
  }

  /** Something is under way for this card: it stays until it is settled, whatever the feed says. */
  hold(id) {
    this.#views.set(id, { busy: true });
    this.#render();
  }

  /** Nothing came of it; the card is as before, with a sentence if there is one. */
  release(id, said = "", mood = "refused") {
    this.#views.set(id, { said, mood });
    if (!this.#swaps.has(id)) this.#depart(id);
    this.#render();
  }

  /** The shift is the viewer's: the card says so and leaves. */
  won(id) {
    this.#settle(id, "It is yours.", "won", 900);
  }

  /** Somebody was faster: the card says so, long enough to be read, and leaves. */
  lost(id, said) {
    this.#settle(id, said, "lost", READ_MS);
  }

  #settle(id, said, mood, wait) {
    this.#views.set(id, { said, mood });
    this.#render();
    setTimeout(() => {
      this.#swaps.delete(id);
      this.#depart(id);
      this.#render();
    }, wait);
  }

  #forget(id) {
    this.#swaps.delete(id);
    const { busy, mood } = this.#views.get(id) ?? {};
    if (!busy && mood !== "won" && mood !== "lost") this.#depart(id);
  }

  #depart(id) {
    const held = this.#articles.get(id);
    this.#articles.delete(id);
    this.#views.delete(id);
    if (held?.article.isConnected) leave(held.article);
  }

  #narrow(onlyTakeable) {
    this.#onlyTakeable = onlyTakeable;
    this.#render();
  }

  #shown() {
    const held = [...this.#articles.values()].filter(({ swap }) => !this.#swaps.has(swap.id)).map(({ swap }) => swap);
    const open = [...this.#swaps.values()].filter((swap) => !this.#onlyTakeable || swap.viewerCanTake?.ok || this.#views.has(swap.id));
    // By the day that its card stands under first: around midnight two zones disagree.
    const key = (swap) => `${dayOf(swap.startsAt, swap.zone)} ${swap.startsAt} ${swap.id}`;
    return [...open, ...held].sort((a, b) => key(a).localeCompare(key(b)));
  }

  #render() {
    const shown = this.#shown();
    const nodes = [];
    let day = null;
    for (const swap of shown) {
      const its = dayOf(swap.startsAt, swap.zone);
      if (its !== day) nodes.push(this.#heading((day = its), swap.zone));
      nodes.push(this.#article(swap));
    }
    arrange(this.list, nodes);
    this.#summarize(shown);
  }

  #summarize(shown) {
    const takeable = [...this.#swaps.values()].filter((swap) => swap.viewerCanTake?.ok).length;
    const open = this.#swaps.size;
    this.count.textContent = !this.#isKnown ? "" : this.viewer.isCleaner ? `${takeable} for you · ${open} open` : `${open} open`;
    this.empty.hidden = shown.length > 0;
    this.empty.textContent = this.#emptiness();
  }

  #emptiness() {
    if (this.#refusal) return this.#refusal;
    if (!this.#isKnown) return "Looking for open shifts…";
    if (this.#onlyTakeable && this.#swaps.size) return "Nothing that you can take right now. New offers appear here by themselves.";
    return "No open shifts right now. New offers appear here by themselves.";
  }

  #heading(day, zone) {
    const near = this.clock.isSet ? nearDay(day, this.clock.now(), zone) : "";
    if (!this.#days.has(day)) this.#days.set(day, h("h3", { class: "day" }));
    const text = near ? `${near} · ${dayInWords(day)}` : dayInWords(day);
    const heading = this.#days.get(day);
    if (heading.textContent !== text) heading.textContent = text;
    return heading;
  }

  #article(swap) {
    const { personId, isCleaner } = this.viewer;
    const view = { personId, isCleaner, zone: this.zone, isOnline: this.#isOnline, ...this.#views.get(swap.id) };
    const signature = JSON.stringify([swap, view]);
    const held = this.#articles.get(swap.id);
    if (held?.signature === signature) return held.article;
    const article = held?.article ?? this.#newArticle(swap);
    fill(article, cardContent(swap, view, this.actions));
    article.dataset.can = String(swap.viewerCanTake?.ok ?? false);
    article.dataset.mood = view.mood ?? "";
    this.#articles.set(swap.id, { article, swap, signature });
    return article;
  }

  #newArticle(swap) {
    const article = h("article", { class: "card", "data-swap": swap.id, "aria-labelledby": `title-${swap.id}` });
    if (this.#isKnown && !calm()) requestAnimationFrame(() => arrive(article));
    return article;
  }
}

/** Change what is in the card and leave the focus where it was. */
function fill(article, content) {
  const focused = article.contains(document.activeElement) ? document.activeElement.id : "";
  article.replaceChildren(...content);
  if (focused) article.querySelector(`#${CSS.escape(focused)}`)?.focus();
}
