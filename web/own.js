/** What the market's feed leaves out about the viewer's own: shifts to give, draws entered, and what was just taken. */

import { dayInWords, dayOf, span } from "/web/clock.js";
import { OWN } from "/web/documents.js";

const MINUTE_MS = 60_000;

export class Own {
  #shifts = [];
  #asked = new Set();
  #taken = new Map();
  #concerns = new Set();
  #questions = 0;

  /** `ports` has `call(query, variables)`, the server's `clock`, the viewer's `session`, and `returnMinutes`. */
  constructor(ports) {
    this.ports = ports;
  }

  /** Read it again; the cards that await the office, or null if a later question has been asked meanwhile. */
  async refresh() {
    const question = (this.#questions += 1);
    const { call, clock, session } = this.ports;
    const found = await call(OWN, { from: new Date(clock.now()).toISOString() });
    if (question !== this.#questions) return null;
    clock.observe(found.viewer.serverTime);
    this.#shifts = found.shifts.nodes;
    this.#asked = new Set(found.open.nodes.filter((swap) => swap.viewerHasAsked).map(({ id }) => id));
    const asked = [...this.#asked, ...found.awaiting.nodes.map(({ id }) => id)];
    this.#concerns = new Set([...asked, ...found.taken.nodes.map(({ id }) => id)]);
    const taken = found.taken.nodes.filter(({ taker, job }) => taker?.id === session.personId && job);
    this.#taken = new Map(taken.map((swap) => [swap.job.id, this.#returnable(swap)]));
    return found.awaiting.nodes.filter(({ job }) => job).map(cardOf);
  }

  /** Which of the viewer's shifts a TRADE's owner would take. */
  giftsFor({ kind, wantedAssignmentIds }, zone) {
    if (kind !== "TRADE") return [];
    const gifts = this.#shifts.filter(({ id }) => wantedAssignmentIds.includes(id));
    return gifts.map((shift) => ({ id: shift.id, words: shiftInWords(shift, zone) }));
  }

  /** Whether the viewer is, or was, a party to this swap. */
  concerns(id) {
    return this.#concerns.has(id);
  }

  /** Whether the viewer is entered in a swap's draw. */
  hasAsked(id) {
    return this.#asked.has(id);
  }

  /** The viewer has entered a swap's draw, or left it. */
  setAsked(id, hasAsked) {
    if (hasAsked) this.#asked.add(id);
    else this.#asked.delete(id);
  }

  /** The swap by which the viewer took a job that can still be given back, and until when: `{ id, city, until }`. */
  returnableFor(jobId) {
    const taken = this.#taken.get(jobId);
    return taken && Date.parse(taken.until) > this.ports.clock.now() ? taken : null;
  }

  #returnable({ id, closedAt, job }) {
    const until = new Date(Date.parse(closedAt) + this.ports.returnMinutes * MINUTE_MS).toISOString();
    return { id, city: job.property.city, until };
  }
}

/** A shift as a choice among others: "Thu, Nov 26, 9:00 AM – 12:00 PM in Miami Beach". */
export function shiftInWords({ startsAt, endsAt, job }, home) {
  const zone = job.market?.zone ?? home;
  return `${dayInWords(dayOf(startsAt, zone), "short")}, ${span(startsAt, endsAt, zone, home)} in ${job.property.city}`;
}

/** A swap that was asked for as the feed's cards have it. */
function cardOf({ owner, taker, market, assignment, job, ...swap }) {
  const { property, id: jobId, ...times } = job;
  return {
    ...swap,
    ...times,
    ...property,
    jobId,
    assignmentId: assignment?.id ?? null,
    ownerId: owner?.id ?? null,
    ownerName: owner?.name ?? null,
    takerId: taker?.id ?? null,
    takerName: taker?.name ?? null,
    marketId: market?.id,
    marketName: market?.name,
    zone: market?.zone ?? "UTC",
  };
}
