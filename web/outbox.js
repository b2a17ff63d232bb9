/**
 * What a cleaner has done and the server has not heard yet: kept over reloads, sent in order, each under one key, so
 * that whatever was sent twice is done once.
 */

import { newKey, SignedOut, Unreachable } from "/web/api.js";
import { STEPS } from "/web/field_documents.js";

const AGAIN_MS = 4_000;
const MOST_KEPT = 500;

/** The server said no: `code`, a sentence, and `details`. */
export class No extends Error {
  constructor({ code, message, details }) {
    super(message);
    this.code = code;
    this.details = details ?? {};
  }
}

export class Outbox {
  #kept;
  #waiting = new Map();
  #timer = 0;
  #isSending = false;
  #isClosed = false;

  /** `changed()` is told when something comes or goes, `refused(entry, no)` what nobody waits for any more. */
  constructor(call, person, { changed, refused }) {
    this.call = call;
    this.place = `cleanshift.outbox.${person}`;
    this.changed = changed;
    this.refused = refused;
    this.#kept = JSON.parse(localStorage.getItem(this.place) ?? "[]");
    this.onLine = () => this.#send();
    addEventListener("online", this.onLine);
    this.#send();
  }

  /** What waits, the oldest first: `{ key, name, input, at }`. */
  get entries() {
    return this.#kept;
  }

  /** Do a step by its name; resolves to the answer however long that takes. Throws `No`. */
  add(name, input) {
    const at = new Date().toISOString();
    const entry = { key: newKey(), name, input, at };
    this.#kept = [...this.#kept, entry].slice(-MOST_KEPT);
    const answered = new Promise((resolve, reject) => this.#waiting.set(entry.key, { resolve, reject }));
    this.#keep();
    this.#send();
    return answered;
  }

  /** Whether a step of this name waits; `fits(input)` tells which. */
  has(name, fits = () => true) {
    return this.#kept.some((entry) => entry.name === name && fits(entry.input));
  }

  /** Stop sending; what waits stays. */
  close() {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    removeEventListener("online", this.onLine);
  }

  async #send() {
    clearTimeout(this.#timer);
    if (this.#isSending) return;
    this.#isSending = true;
    try {
      while (this.#kept.length && !this.#isClosed && navigator.onLine) await this.#one(this.#kept[0]);
    } catch (error) {
      if (!(error instanceof Unreachable || error instanceof SignedOut)) throw error;
    } finally {
      this.#isSending = false;
    }
    if (this.#kept.length && !this.#isClosed) this.#timer = setTimeout(() => this.#send(), AGAIN_MS);
  }

  async #one(entry) {
    const answer = await this.#answer(entry);
    if (this.#isClosed) return;
    this.#kept = this.#kept.filter(({ key }) => key !== entry.key);
    const waiting = this.#waiting.get(entry.key);
    this.#waiting.delete(entry.key);
    this.#keep();
    if (!(answer instanceof No)) waiting?.resolve(answer);
    else if (waiting) waiting.reject(answer);
    else this.refused(entry, answer);
  }

  async #answer({ key, name, input, at }) {
    // When it is sent is told anew with each try: it says how far the device's clock is off.
    const sentAt = new Date().toISOString();
    const device = WITHOUT_DEVICE.has(name) ? {} : { device: { capturedAt: at, sentAt } };
    try {
      const data = await this.call(STEPS[name], { input: { ...input, ...device, clientMutationId: key } });
      const { errors, ...answer } = data[name];
      return errors.length ? new No(errors[0]) : answer;
    } catch (error) {
      if (error instanceof Unreachable || error instanceof SignedOut) throw error;
      return new No({ code: error.code ?? "UNKNOWN", message: error.message });
    }
  }

  #keep() {
    localStorage.setItem(this.place, JSON.stringify(this.#kept));
    this.changed();
  }
}

const WITHOUT_DEVICE = new Set(["openInstructions", "acknowledgeInstructions", "submitEvidence"]);
