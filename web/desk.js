/** What a signed-in person sees and does: the feeds wired to the views, and the three mutations of the market. */

import { Api, Failure, newKey, SignedOut, Unreachable } from "/web/api.js";
import { ServerClock } from "/web/clock.js";
import { ACCEPT, AVAILABILITY, OFFER, REAUTHENTICATE, SIGN_OUT, SWAP_MARKET, WHO, WITHDRAW } from "/web/documents.js";
import { Feed } from "/web/feed.js";
import { Market } from "/web/market.js";
import { askForNote } from "/web/offer.js";
import { Socket } from "/web/socket.js";
import { Week } from "/web/week.js";
import { Windows } from "/web/windows.js";

const TAKEN = "SWAP_ALREADY_TAKEN";
const OFFERED = "Your shift is on the market. It stays yours until somebody takes it.";
const UNSURE = "No answer came. Try again: it cannot be done twice.";

export class Desk {
  #keys = new Map();
  #state = "connecting";
  #isClosed = false;

  /** `page` has the elements, `notices.tell`, `showPerson(viewer)`, `showState(state)` and `pointAtWeek()`. */
  constructor(session, page) {
    this.session = session;
    this.page = page;
    this.api = new Api(session);
    this.clock = new ServerClock();
  }

  /** Learn who this is, draw, and go live. Throws `Unreachable` or `SignedOut`. */
  async open() {
    const { viewer, markets } = await this.api.call(WHO, {});
    if (this.#isClosed) return;
    this.clock.observe(viewer.serverTime);
    this.page.showPerson(viewer);
    const own = markets.nodes.find(({ id }) => viewer.cleaner?.marketIds.includes(id)) ?? markets.nodes[0];
    this.#build(own?.zone ?? "UTC");
    this.#connect();
    await this.#readWeek();
  }

  /** Stop everything. */
  close() {
    this.#isClosed = true;
    this.socket?.close();
    this.windows?.close();
  }

  /** End the session on the server, as far as it can be reached. */
  async signOut() {
    this.close();
    await this.api.call(SIGN_OUT, { input: {} }).catch(() => {});
    this.session.forget();
  }

  #build(zone) {
    this.zone = zone;
    const actions = { accept: (swap) => this.#accept(swap), withdraw: (swap) => this.#withdraw(swap) };
    const call = (query, variables) => this.api.call(query, variables);
    this.market = new Market(this.page.market, { session: this.session, clock: this.clock, zone }, actions);
    this.windows = new Windows(this.page.windows, { call, clock: this.clock, session: this.session });
    if (!this.session.isCleaner) return;
    const offerFor = (jobId) => this.market.offerFor(jobId);
    const ports = { call, clock: this.clock, offerFor, withdraw: actions.withdraw, offer: (shift) => this.#offer(shift) };
    this.week = new Week(this.page.week, zone, ports);
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
    this.#state = state;
    this.page.showState(state);
    const isOnline = state === "live" || state === "catching-up";
    this.market.online(isOnline);
    this.week?.online(isOnline);
  }

  #show(frame) {
    this.clock.observe(frame.serverTime);
    switch (frame.__typename) {
      case "SwapMarketSnapshot":
        this.market.replace(frame.swaps);
        this.#readWeek();
        break;
      case "SwapListed":
        this.market.put(frame.swap);
        this.week?.render();
        break;
      case "SwapGone":
        this.market.remove(frame.swapId);
        this.week?.render();
        break;
      case "SwapHandedOver":
        this.#handedOver(frame);
        break;
      default:
    }
  }

  #handedOver({ swapId, viewerRole, swap }) {
    this.market.remove(swapId);
    if (viewerRole === "GAVE") this.page.notices.tell(`A colleague has taken your shift in ${swap.city}. It has left your week.`, "good");
    if (viewerRole === "OFFICE") this.page.notices.tell(`${swap.ownerName}'s shift in ${swap.city} has been taken.`);
    this.#readWeek();
  }

  /** Read the week again; without a network what is shown stays, and the next snapshot brings it up to date. */
  async #readWeek() {
    try {
      await this.week?.refresh();
    } catch (error) {
      if (!isExpected(error)) throw error;
    }
  }

  async #accept(swap) {
    const where = `the shift in ${swap.city}`;
    const answer = await this.#send(ACCEPT, swap, { swapId: swap.id });
    if (!answer) return;
    const [error] = answer.errors;
    if (!error) {
      this.market.won(swap.id);
      this.page.notices.tell(`It is yours: ${where} is in your week.`, "good");
      this.page.pointAtWeek();
      await this.week.welcome(swap.jobId, swap.startsAt).catch(() => {});
    } else if (error.code === TAKEN) {
      this.market.lost(swap.id, error.message);
      this.page.notices.tell(error.message, "bad");
    } else {
      this.market.release(swap.id, error.message);
    }
  }

  async #withdraw(swap) {
    const answer = await this.#send(WITHDRAW, swap, { swapId: swap.id });
    if (!answer) return;
    const [error] = answer.errors;
    this.market.release(swap.id, error?.message);
    this.page.notices.tell(error?.message ?? `Your offer of the shift in ${swap.city} is withdrawn.`, error ? "bad" : "good");
  }

  /** Send a mutation about a card; null if no answer came. The key stays until one does, so a second try is the same. */
  async #send(document, swap, input) {
    this.market.hold(swap.id);
    const name = `${document} ${swap.id}`;
    if (!this.#keys.has(name)) this.#keys.set(name, newKey());
    try {
      const answer = await this.api.call(document, { input: { ...input, clientMutationId: this.#keys.get(name) } });
      this.#keys.delete(name);
      return Object.values(answer)[0];
    } catch (error) {
      if (!isExpected(error)) throw error;
      if (error instanceof Failure) this.#keys.delete(name);
      this.market.release(swap.id, error instanceof Unreachable ? UNSURE : error.message);
      return null;
    }
  }

  async #offer(shift) {
    const note = await askForNote(this.page.dialog, shift, shift.job.market?.zone ?? this.zone);
    if (note === null) return;
    const input = { assignmentId: shift.id, note, clientMutationId: newKey() };
    try {
      const { offerSwap } = await this.api.call(OFFER, { input });
      const [error] = offerSwap.errors;
      this.page.notices.tell(error?.message ?? OFFERED, error ? "bad" : "good");
    } catch (error) {
      if (!isExpected(error)) throw error;
      this.page.notices.tell(error.message, "bad");
    }
  }
}

const isExpected = (error) => [Failure, SignedOut, Unreachable].some((kind) => error instanceof kind);
