/** Where the device is: once, and all the time while somebody is at work. */

const PATIENCE_MS = 20_000;
const OLD_MS = 60_000;
const TOO_LONG = 3;
const WORDS = {
  1: "Allow this page to know your location: it is asked for at the check-in and while you work, and at no other time.",
  2: "Your device cannot find out where it is. Step outside for a moment and try again.",
  3: "Finding out where you are takes too long. Step outside for a moment and try again.",
};

/** The position cannot be had; the message is for people. */
export class Nowhere extends Error {}

/**
 * Where the device is now, as `{ latitude, longitude, accuracyMetres }`; where it takes too long to find out, where it
 * was within the last minute. Throws `Nowhere`.
 */
export async function whereAmI() {
  if (!navigator.geolocation) throw new Nowhere("This browser does not know where it is.");
  try {
    return await position({ maximumAge: 0 });
  } catch (error) {
    if (error.code !== TOO_LONG) throw new Nowhere(WORDS[error.code]);
  }
  return position({ maximumAge: OLD_MS }).catch(({ code }) => {
    throw new Nowhere(WORDS[code]);
  });
}

function position(options) {
  const wanted = { enableHighAccuracy: true, timeout: PATIENCE_MS, ...options };
  return new Promise((resolve, reject) => navigator.geolocation.getCurrentPosition((found) => resolve(fixOf(found)), reject, wanted));
}

function fixOf({ coords }) {
  return { latitude: coords.latitude, longitude: coords.longitude, accuracyMetres: coords.accuracy };
}

/** "40 m", "2.3 km". */
export function metres(value) {
  return value < 1000 ? `${Math.round(value)}\u00a0m` : `${(value / 1000).toFixed(1)}\u00a0km`;
}

const BATCH_MS = 30_000;
const APART_MS = 5_000;
const MOST_POINTS = 500;

/** Follows the device while somebody is at work, and hands over what it has seen about every half minute. */
export class Track {
  #points = [];
  #watch = null;
  #timer = 0;

  /** `send(points)` is given each batch. */
  constructor(send) {
    this.send = send;
  }

  get isRunning() {
    return this.#watch !== null;
  }

  /** Begin to follow; again changes nothing. */
  start() {
    if (this.isRunning || !navigator.geolocation) return;
    const options = { enableHighAccuracy: true, maximumAge: APART_MS };
    this.#watch = navigator.geolocation.watchPosition((position) => this.#see(position), () => {}, options);
    this.#timer = setInterval(() => this.#flush(), BATCH_MS);
  }

  /** Stop, and hand over the rest. */
  stop() {
    if (!this.isRunning) return;
    navigator.geolocation.clearWatch(this.#watch);
    clearInterval(this.#timer);
    this.#watch = null;
    this.#flush();
  }

  #see(position) {
    const last = this.#points.at(-1);
    const at = new Date(position.timestamp).toISOString();
    if (last && Date.parse(at) - Date.parse(last.at) < APART_MS) return;
    this.#points = [...this.#points, { at, ...fixOf(position) }].slice(-MOST_POINTS);
    // The first one at once: who looks for the cleaner should not wait.
    if (!this.hasSent) this.#flush();
  }

  #flush() {
    if (!this.#points.length) return;
    this.hasSent = true;
    this.send(this.#points);
    this.#points = [];
  }
}
