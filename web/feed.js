/** One live feed: its cursor, its holes, and whether what it has shown is up to date. */

const ASK_AGAIN_MS = 30_000;

export class Feed {
  id = null;
  isCurrent = false;
  /** What the query takes beside $after. */
  variables = {};
  /** Set by the socket: subscribes this feed anew. */
  again = () => {};
  #cursor = null;
  #timer = 0;

  /**
   * `query` takes $after; `field` is its root field; `show(frame)` gets every frame, in order and once;
   * `refused(error)` is told why the feed cannot be.
   */
  constructor(query, field, show, refused) {
    this.query = query;
    this.field = field;
    this.show = show;
    this.refused = refused;
  }

  /** The payload of a subscribe message that goes on where the feed stands. */
  request(id) {
    this.id = id;
    this.isCurrent = false;
    return { query: this.query, variables: { ...this.variables, after: this.#cursor } };
  }

  /** Take one result; false if something is missing before it, in which case it was not shown. */
  take({ data, errors }) {
    const frame = data?.[this.field];
    if (!frame) {
      this.refuse(errors ?? []);
      return true;
    }
    if (frame.previous && this.#cursor && frame.previous !== this.#cursor) return false;
    this.#cursor = frame.cursor ?? null;
    this.show(frame);
    // A snapshot is the state, and the end of a replay is told by a heartbeat.
    if (frame.__typename === "Resync") this.isCurrent = false;
    else if (frame.__typename === "Heartbeat" || !frame.previous) this.isCurrent = true;
    return true;
  }

  /** The server will not go on; true if a new start, without the cursor, may help. */
  refuse(errors) {
    const resumed = this.#cursor !== null;
    this.id = null;
    this.#cursor = null;
    if (!resumed) {
      // It does not hold up the others, and is asked for again: what is refused today may be granted soon.
      this.isCurrent = true;
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => this.again(), ASK_AGAIN_MS);
      this.refused(errors[0] ?? { message: "The feed has ended." });
    }
    return resumed;
  }

  /** The line is down. */
  cut() {
    this.id = null;
    this.isCurrent = false;
    clearTimeout(this.#timer);
  }
}
