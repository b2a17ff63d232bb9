/** What a signed-in person sees and does: the feeds wired to the views, and the moves of the market to both. */

import { Api } from "/web/api.js";
import { Bids } from "/web/bids.js";
import { AWAITING } from "/web/card.js";
import { ServerClock } from "/web/clock.js";
import { Countdowns } from "/web/countdown.js";
import { AVAILABILITY, GIVEN, OUTCOME, REAUTHENTICATE, SIGN_OUT, SWAP_MARKET, WHO } from "/web/documents.js";
import { Feed } from "/web/feed.js";
import { Market } from "/web/market.js";
import { isExpected, Moves } from "/web/moves.js";
import { Own, shiftInWords } from "/web/own.js";
import { Socket } from "/web/socket.js";
import { Week } from "/web/week.js";
import { Windows } from "/web/windows.js";

/** How what awaited the office has ended, for who asked and for whose shift it is. */
const OUTCOMES = {
  DECLINED: { TOOK: "The office did not agree", GAVE: "The office did not agree: it stays yours" },
  WITHDRAWN: { TOOK: "It is not on offer any more" },
  EXPIRED: { TOOK: "Nobody agreed in time", GAVE: "Nobody agreed in time: it stays yours" },
};

export class Desk {
  #isClosed = false;

  /** `page` has the elements, the `notices`, `showPerson(viewer)`, `showState(state)` and `pointAtWeek()`. */
  constructor(session, page) {
    this.session = session;
    this.page = page;
    this.api = new Api(session);
    this.clock = new ServerClock();
    this.call = (query, variables) => this.api.call(query, variables);
    this.tell = (...words) => page.notices.tell(...words);
  }

  /** Learn who this is, draw, and go live. Throws `Unreachable` or `SignedOut`. */
  async open() {
    const { viewer, markets } = await this.call(WHO, {});
    if (this.#isClosed) return;
    this.clock.observe(viewer.serverTime);
    this.page.showPerson(viewer);
    const own = markets.nodes.filter(({ id }) => viewer.cleaner?.marketIds.includes(id));
    this.#build((own[0] ?? markets.nodes[0])?.zone ?? "UTC", viewer.business, own);
    this.#connect();
    await this.#readOwn();
  }

  /** Stop everything. */
  close() {
    this.#isClosed = true;
    this.socket?.close();
    [this.countdowns, this.market, this.week].forEach((view) => view?.close());
  }

  /** End the session on the server, as far as it can be reached. */
  async signOut() {
    this.close();
    await this.api.call(SIGN_OUT, { input: {} }).catch(() => {});
    this.session.forget();
  }

  #build(zone, business, markets) {
    const { session, clock, call, tell, page } = this;
    this.canReturn = business.swaps.returnMinutes > 0;
    if (session.isCleaner) this.own = new Own({ call, clock, session, returnMinutes: business.swaps.returnMinutes });
    this.market = new Market(page.market, { session, clock, zone, business, own: this.own }, this.#actions());
    const made = { market: this.market, own: this.own, dialogs: page.dialogs };
    const taken = (swap, words) => this.#taken(swap, words);
    this.moves = new Moves({ call, session, tell, zone, ...made, taken, changed: () => this.#readOwn() });
    this.windows = new Windows(page.windows, { call, clock, session });
    this.countdowns = new Countdowns(page.desk, clock, () => this.week?.render());
    page.bids.hidden = true;
    if (session.isCleaner) this.#buildOwn(zone, business, markets);
  }

  #buildOwn(zone, business, markets) {
    const { call, clock, tell, page } = this;
    const known = { offerFor: (jobId) => this.market.offerFor(jobId), returnableFor: (jobId) => this.own.returnableFor(jobId) };
    this.week = new Week(page.week, zone, { call, clock, ...known, ...this.#actions() });
    if (business.swaps.standingBids && markets.length) this.bids = new Bids(page.bids, markets, { call, tell });
  }

  /** What the buttons of cards and shifts do. */
  #actions() {
    const does = (name) => (...about) => this.moves[name](...about);
    const names = ["accept", "withdraw", "takeBack", "approve", "decline", "giveBack", "offer"];
    return Object.fromEntries(names.map((name) => [name, does(name)]));
  }

  #connect() {
    const refused = (error) => this.market.refuse(error.message);
    this.socket = new Socket(this.session, (state) => this.#changed(state));
    this.socket.add(new Feed(SWAP_MARKET, "swapMarket", (frame) => this.#show(frame), refused));
    this.socket.add(new Feed(AVAILABILITY, "availability", (frame) => this.windows.take(frame), () => {}));
    this.session.renewed = (accessToken) => this.#reauthenticate(accessToken);
    this.socket.open();
  }

  /** A new token goes to the open socket, so that its feeds live on; a socket that will not have it is opened anew. */
  async #reauthenticate(accessToken) {
    try {
      const { data } = await this.socket.run(REAUTHENTICATE, { accessToken });
      if (!data?.reauthenticate.ok) this.socket.reopen();
    } catch {
      // The line is down already; it comes back under the new token.
    }
  }

  #changed(state) {
    this.page.showState(state);
    const isOnline = state === "live" || state === "catching-up";
    [this.market, this.week, this.bids].forEach((view) => view?.online(isOnline));
  }

  #show(frame) {
    this.clock.observe(frame.serverTime);
    switch (frame.__typename) {
      case "SwapMarketSnapshot":
        this.market.replace(frame.swaps);
        frame.swaps.forEach((swap) => this.#learnGiven(swap));
        this.#readOwn();
        break;
      case "SwapListed":
        this.#listed(frame.swap);
        break;
      case "SwapGone":
        this.#gone(frame.swapId);
        break;
      case "SwapAwaitsApproval":
        this.#awaits(frame);
        break;
      case "SwapHandedOver":
        this.#handedOver(frame);
        break;
      default:
    }
  }

  /** Listed, or listed again after it was given back: then it is its owner's shift as before. */
  #listed(swap) {
    this.market.put(swap);
    this.#learnGiven(swap);
    this.#ifOwn(swap);
  }

  #gone(swapId) {
    const known = this.market.find(swapId);
    const isAsked = this.own?.hasAsked(swapId);
    this.market.remove(swapId);
    if (this.own && known && (isAsked || known.status === AWAITING)) this.#tellOutcome(known);
    this.#ifOwn(known ?? { id: swapId });
  }

  /** What others do with their shifts is no reason to read one's own again. */
  #ifOwn({ id, ownerId }) {
    if (ownerId === this.session.personId || this.own?.concerns(id)) this.#readOwn();
    else this.week?.render();
  }

  #awaits({ swap, viewerRole }) {
    const [isOwnDoing, about] = [this.moves.hasJustTaken(swap.id), { about: swap.id }];
    const agree = "The office has to agree.";
    this.market.put(swap);
    if (viewerRole === "GAVE") this.tell(`${swap.takerName} would take your shift in ${swap.city}. ${agree}`, "plain", about);
    if (viewerRole === "TOOK" && !isOwnDoing) this.tell(`The shift in ${swap.city} would be yours. ${agree}`, "good", about);
    this.#readOwn();
  }

  #handedOver({ swapId, viewerRole, swap }) {
    const isOwnDoing = this.moves.hasJustTaken(swapId);
    const wasAwaiting = this.market.find(swapId)?.status === AWAITING;
    this.market.remove(swapId);
    if (viewerRole !== "TOOK") this.#tellHandOver(swap, viewerRole);
    if (viewerRole !== "TOOK" || isOwnDoing) return this.#readOwn();
    return this.#taken(swap, `${wasAwaiting ? "The office has agreed" : "It is yours"}: the shift in ${swap.city} is in your week.`);
  }

  #tellHandOver({ id, kind, city, ownerName, takerName }, viewerRole) {
    const inReturn = kind === "TRADE" ? " One of theirs is yours in return." : "";
    const words = {
      GAVE: `${takerName} has taken your shift in ${city}. It has left your week.${inReturn}`,
      OFFICE: `${takerName} has taken ${ownerName ? `${ownerName}'s` : "the"} shift in ${city}.`,
    };
    this.tell(words[viewerRole], viewerRole === "GAVE" ? "good" : "plain", { about: id });
  }

  /** A shift has come to the viewer: say so, with the way back, and show its week. */
  async #taken(swap, words) {
    const back = { about: swap.id, words: "Give it back", act: () => this.moves.giveBack(swap) };
    this.tell(words, "good", this.canReturn ? back : undefined);
    this.page.pointAtWeek();
    await this.#readOwn();
    await this.week.welcome(swap.jobId, swap.startsAt).catch(() => {});
  }

  /** What was asked for has come to nothing; why, where the viewer may know. */
  async #tellOutcome(swap) {
    const asked = `the shift in ${swap.city}`;
    const role = swap.ownerId === this.session.personId ? "GAVE" : "TOOK";
    const answer = await this.call(OUTCOME, { id: swap.id }).catch(() => null);
    const outcome = OUTCOMES[answer?.swap?.status]?.[role];
    if (outcome) this.tell(`${outcome} (${asked}).`, "plain", { about: swap.id });
    else if (role === "TOOK" && swap.drawsAt) this.tell(`You do not get ${asked} that you asked for.`, "plain", { about: swap.id });
  }

  /** The office decides about a TRADE knowing both shifts; cards show one. */
  async #learnGiven({ id, kind, status }) {
    if (this.session.isCleaner || kind !== "TRADE" || status !== AWAITING) return;
    const answer = await this.call(GIVEN, { id }).catch(() => null);
    if (answer?.swap?.given) this.market.tellGiven(id, shiftInWords(answer.swap.given));
  }

  /** Read again what is the viewer's own; without a network what is shown stays, until the next snapshot. */
  async #readOwn() {
    if (!this.own) return;
    try {
      const [awaiting] = await Promise.all([this.own.refresh(), this.week.refresh(), this.bids?.refresh()]);
      if (awaiting) this.market.settle(awaiting);
      this.week.render();
    } catch (error) {
      if (!isExpected(error)) throw error;
    }
  }
}
