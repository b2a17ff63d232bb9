/** The market's list: the feed's frames as cards, by day, coming and going gently. */

import { AWAITING, cardContent } from "/web/card.js";
import { dayInWords, dayOf, eachQuarter, nearDay } from "/web/clock.js";
import { arrange, arrive, calm, h, leave } from "/web/elements.js";

const READ_MS = 4_500;
const TO_DECIDE = "to decide";

export class Market {
  #swaps = new Map();
  #views = new Map();
  #articles = new Map();
  #days = new Map();
  #chosen = new Map();
  #given = new Map();
  #isOnline = false;
  #isKnown = false;
  #onlyTakeable = false;
  #refusal = "";

  /**
   * `viewer` has the `session`, the server's `clock`, the home `zone`, the `business` and, of a cleaner, what is `own`;
   * `actions` are what the buttons of a card do.
   */
  constructor(root, { session, clock, zone, business, own }, actions) {
    this.viewer = session;
    this.clock = clock;
    this.zone = zone;
    this.business = business;
    this.own = own;
    this.actions = { ...actions, clock, choose: (swap, gives) => this.#choose(swap.id, gives) };
    this.list = root.querySelector("[data-cards]");
    this.empty = root.querySelector("[data-empty]");
    this.count = root.querySelector("[data-count]");
    this.filter = root.querySelector("[data-filter]");
    this.filter.hidden = !session.isCleaner;
    this.filter.querySelector("input").checked = false;
    this.filter.onchange = (event) => this.#narrow(event.target.checked);
    this.list.replaceChildren();
    this.stop = eachQuarter(clock, () => this.#render());
    this.#render();
  }

  /** Stop: its days go on no more. */
  close() {
    this.stop();
  }

  /** Everything that is open; what is not among it has gone. What awaits the office a cleaner is told apart. */
  replace(swaps) {
    this.#isKnown = true;
    this.#refusal = "";
    const open = new Set(swaps.map((swap) => swap.id));
    for (const { id, status } of [...this.#swaps.values()]) {
      if (!open.has(id) && !(this.viewer.isCleaner && status === AWAITING)) this.#forget(id);
    }
    swaps.forEach((swap) => this.#list(swap));
    this.#render();
  }

  /** All that awaits the office of what the viewer offered or asked for. */
  settle(awaiting) {
    const ids = new Set(awaiting.map(({ id }) => id));
    for (const { id, status } of [...this.#swaps.values()]) if (status === AWAITING && !ids.has(id)) this.#forget(id);
    awaiting.forEach((swap) => this.#swaps.set(swap.id, swap));
    this.#render();
  }

  /** What is given for a TRADE that awaits the office, in words. */
  tellGiven(id, words) {
    this.#given.set(id, words);
    this.#render();
  }

  /** The card of a swap, if it is shown. */
  find(id) {
    return this.#swaps.get(id);
  }

  /** Colleagues' shifts that one could ask for in return. */
  tradeable() {
    const { personId } = this.viewer;
    const open = [...this.#swaps.values()].filter(({ status, ownerId, assignmentId }) => status === "PENDING" && assignmentId && ownerId !== personId);
    return open.sort((a, b) => a.startsAt.localeCompare(b.startsAt));
  }

  /** One that is open or awaits the office, new or changed. */
  put(swap) {
    this.#list(swap);
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

  /** Draw anew what has become known of the viewer's own. */
  render() {
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

  /** Given back, it is on the market again: that it was taken before is history. */
  #list(swap) {
    const { mood } = this.#views.get(swap.id) ?? {};
    if (!this.#swaps.has(swap.id) && (mood === "won" || mood === "lost")) this.#views.delete(swap.id);
    this.#swaps.set(swap.id, swap);
  }

  #settle(id, said, mood, wait) {
    const view = { said, mood };
    this.#views.set(id, view);
    this.#render();
    setTimeout(() => {
      if (this.#views.get(id) !== view) return;
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

  /** What the viewer would give for it. */
  #choose(id, gives) {
    this.#chosen.set(id, gives);
    this.#render();
  }

  #narrow(onlyTakeable) {
    this.#onlyTakeable = onlyTakeable;
    this.#render();
  }

  #shown() {
    const held = [...this.#articles.values()].filter(({ swap }) => !this.#swaps.has(swap.id)).map(({ swap }) => swap);
    const wanted = (swap) => canTake(swap) || swap.takerId === this.viewer.personId || this.#views.has(swap.id);
    const open = [...this.#swaps.values()].filter((swap) => !this.#onlyTakeable || wanted(swap));
    // By the group that its card stands in first: around midnight two zones disagree about the day.
    const key = (swap) => `${this.#groupOf(swap)} ${swap.startsAt} ${swap.id}`;
    return [...open, ...held].sort((a, b) => key(a).localeCompare(key(b)));
  }

  /** The market-local day; before all days, for the office, what it has to decide. */
  #groupOf(swap) {
    return swap.status === AWAITING && !this.viewer.isCleaner ? ` ${TO_DECIDE}` : dayOf(swap.startsAt, swap.zone);
  }

  #render() {
    const shown = this.#shown();
    const nodes = [];
    let group = null;
    for (const swap of shown) {
      const its = this.#groupOf(swap);
      if (its !== group) nodes.push(this.#heading((group = its), swap.zone));
      nodes.push(this.#article(swap));
    }
    arrange(this.list, nodes);
    this.#summarize(shown);
  }

  #summarize(shown) {
    const all = [...this.#swaps.values()];
    const awaiting = all.filter(({ status }) => status === AWAITING).length;
    const counts = [`${all.length - awaiting} open`];
    if (this.viewer.isCleaner) counts.unshift(`${all.filter(canTake).length} for you`);
    else if (awaiting) counts.unshift(`${awaiting} to decide`);
    this.count.textContent = this.#isKnown ? counts.join(" · ") : "";
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
    if (!this.#days.has(day)) this.#days.set(day, h("h3", { class: "day" }));
    const text = day.endsWith(TO_DECIDE) ? "Awaiting your decision" : this.#dayInWords(day, zone);
    const heading = this.#days.get(day);
    if (heading.textContent !== text) heading.textContent = text;
    return heading;
  }

  #dayInWords(day, zone) {
    const near = this.clock.isSet ? nearDay(day, this.clock.now(), zone) : "";
    return near ? `${near} · ${dayInWords(day)}` : dayInWords(day);
  }

  #viewOf(swap) {
    const { personId, isCleaner } = this.viewer;
    const gifts = this.own?.giftsFor(swap, this.zone) ?? [];
    const chosen = this.#chosen.get(swap.id);
    return {
      personId,
      isCleaner,
      zone: this.zone,
      currency: this.business.currency,
      needsApproval: this.business.swaps.approvalRequired,
      isOnline: this.#isOnline,
      hasAsked: Boolean(swap.drawsAt && this.own?.hasAsked(swap.id)),
      gifts,
      gives: (gifts.find(({ id }) => id === chosen) ?? gifts[0])?.id,
      given: this.#given.get(swap.id),
      ...this.#views.get(swap.id),
    };
  }

  #article(swap) {
    const view = this.#viewOf(swap);
    const signature = JSON.stringify([swap, view]);
    const held = this.#articles.get(swap.id);
    if (held?.signature === signature) return held.article;
    const article = held?.article ?? this.#newArticle(swap);
    fill(article, cardContent(swap, view, this.actions));
    article.dataset.can = String(canTake(swap));
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

const canTake = ({ status, viewerCanTake }) => status === "PENDING" && Boolean(viewerCanTake?.ok);

/** Change what is in the card and leave the focus where it was. */
function fill(article, content) {
  const focused = article.contains(document.activeElement) ? document.activeElement.id : "";
  article.replaceChildren(...content);
  if (focused) article.querySelector(`#${CSS.escape(focused)}`)?.focus();
}
