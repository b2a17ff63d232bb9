/** What people do about a swap: each a mutation that a second try does not do twice, and what became of it in a sentence. */

import { Failure, newKey, SignedOut, Unreachable } from "/web/api.js";
import { AWAITING } from "/web/card.js";
import { hourOf } from "/web/clock.js";
import { ACCEPT, APPROVE, DECLINE, OFFER, RETURN, WITHDRAW } from "/web/documents.js";
import { askForOffer, askForReason } from "/web/offer.js";

const TAKEN = "SWAP_ALREADY_TAKEN";
const NOT_ELIGIBLE = "NOT_ELIGIBLE";
const OFFERED = "Your shift is on the market. It stays yours until somebody takes it.";
const UNSURE = "No answer came. Try again: it cannot be done twice.";

/** Whether this is the way of networks and servers, and no mistake of this page. */
export const isExpected = (error) => [Failure, SignedOut, Unreachable].some((kind) => error instanceof kind);

export class Moves {
  #keys = new Map();
  #taking = new Set();

  /**
   * `ports` has `call(query, variables)`, `session`, `market`, `own`, `dialogs` (`offer`, `decline`), the home `zone`,
   * `tell(message, kind, matter)`, `taken(swap, words)` for a shift that has come, and `changed()` when the viewer's own has.
   */
  constructor(ports) {
    this.ports = ports;
  }

  /** Whether this page has just taken the swap, so that it is told here and not by its frame; asked once. */
  hasJustTaken(id) {
    return this.#taking.delete(id);
  }

  /** Take the swap, or ask for it where it is drawn or the office has to agree. */
  async accept(swap, gives) {
    const { market, tell, own } = this.ports;
    this.#taking.add(swap.id);
    const answer = await this.#send(ACCEPT, swap, gives ? { gives } : {});
    const status = answer?.swap?.status;
    if (status === "ACCEPTED") return this.#won(swap);
    if (status === AWAITING) return this.#awaits(swap);
    this.#taking.delete(swap.id);
    if (!answer) return undefined;
    const [error] = answer.errors;
    if (error?.code === TAKEN) {
      market.lost(swap.id, error.message);
      return tell(error.message, "bad");
    }
    own.setAsked(swap.id, !error);
    market.release(swap.id, error?.message);
    return error ? undefined : tell(`You have asked for ${placed(swap)}.${drawnAt(swap)}`, "good", { about: swap.id });
  }

  /** Take the swap off the market. */
  async withdraw(swap) {
    const what = swap.ownerId === this.ports.session.personId ? "Your offer of " : "The offer of ";
    await this.#sendAndTell(WITHDRAW, swap, `${what}${placed(swap)} is withdrawn.`);
  }

  /** Give back a shift that was taken. */
  async giveBack(swap) {
    await this.#sendAndTell(RETURN, swap, `You have given ${placed(swap)} back.`);
    this.ports.changed();
  }

  /** Take back one's asking for a shift. */
  async takeBack(swap) {
    if (await this.#sendAndTell(RETURN, swap, `You do not ask for ${placed(swap)} any more.`)) {
      this.ports.own.setAsked(swap.id, false);
    }
    this.ports.changed();
  }

  /** Agree to it, for the office. */
  async approve(swap) {
    const answer = await this.#send(APPROVE, swap, {});
    if (!answer) return;
    const [error] = answer.errors;
    // Of the taker's rules the server speaks to the taker.
    const who = error?.code === NOT_ELIGIBLE ? `${swap.takerName} cannot take it any more. To them it says: ` : "";
    this.ports.market.release(swap.id, error && who + error.message);
  }

  /** Do not agree to it, for the office, which says why. */
  async decline(swap) {
    const reason = await askForReason(this.ports.dialogs.decline, swap);
    if (reason === null) return;
    const stays = swap.ownerName ? ` It stays with ${swap.ownerName}.` : "";
    await this.#sendAndTell(DECLINE, swap, `You have declined ${placed(swap)}.${stays}`, { reason });
  }

  /** Put an own shift on the market, after asking how. */
  async offer(shift) {
    const { dialogs, market, zone, call, tell } = this.ports;
    const wish = await askForOffer(dialogs.offer, shift, { zone: shift.job.market?.zone ?? zone, others: market.tradeable() });
    if (wish === null) return;
    const input = { assignmentId: shift.id, ...wish, clientMutationId: newKey() };
    try {
      const { offerSwap } = await call(OFFER, { input });
      const [error] = offerSwap.errors;
      tell(error?.message ?? OFFERED, error ? "bad" : "good", { about: offerSwap.swap?.id });
    } catch (error) {
      if (!isExpected(error)) throw error;
      tell(error.message, "bad");
    }
  }

  #won(swap) {
    this.ports.market.won(swap.id);
    return this.ports.taken(swap, `It is yours: ${placed(swap)} is in your week.`);
  }

  #awaits(swap) {
    const { market, session, tell, changed } = this.ports;
    market.put({ ...swap, status: AWAITING, takerId: session.personId });
    market.release(swap.id);
    tell(`You have asked for ${placed(swap)}. The office has to agree.`, "good", { about: swap.id });
    changed();
  }

  async #sendAndTell(document, swap, done, input = {}) {
    const answer = await this.#send(document, swap, input);
    if (!answer) return false;
    const [error] = answer.errors;
    this.ports.market.release(swap.id, error?.message);
    this.ports.tell(error?.message ?? done, error ? "bad" : "good", { about: swap.id });
    return !error;
  }

  /** Send a mutation about a swap; null if no answer came. The key stays until one does, so a second try is the same. */
  async #send(document, swap, input) {
    const { market, call } = this.ports;
    market.hold(swap.id);
    const name = `${document} ${swap.id} ${JSON.stringify(input)}`;
    if (!this.#keys.has(name)) this.#keys.set(name, newKey());
    try {
      const answer = await call(document, { input: { swapId: swap.id, ...input, clientMutationId: this.#keys.get(name) } });
      this.#keys.delete(name);
      return Object.values(answer)[0];
    } catch (error) {
      if (!isExpected(error)) throw error;
      if (error instanceof Failure) this.#keys.delete(name);
      market.release(swap.id, error instanceof Unreachable ? UNSURE : error.message);
      return null;
    }
  }
}

const placed = ({ city }) => `the shift in ${city}`;
const drawnAt = ({ drawsAt, zone }) => (drawsAt ? ` It is drawn at ${hourOf(drawsAt, zone)}.` : "");
