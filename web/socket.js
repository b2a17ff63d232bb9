/**
 * A client of graphql-transport-ws that stays: it comes back after every cut, resumes its feeds where they stood, and
 * says honestly how it is doing: "connecting", "catching-up", "live" or "offline".
 */

const PROTOCOL = "graphql-transport-ws";
const SILENCE_MS = 15_000; // Heartbeats come every 5 s: three missed ones and the line is dead.
const PROBE_MS = 5_000;
const STEP_MS = 400;
const LONGEST_WAIT_MS = 20_000;
const LATER_MS = 5_000;
const FORBIDDEN = 4403;
const TRY_LATER = 1013;

export class Socket {
  #ws = null;
  #feeds = [];
  #replies = new Map();
  #state = "connecting";
  #attempts = 0;
  #lastId = 0;
  #heardAt = 0;
  #acknowledged = false;
  #ended = false;
  #retry = 0;
  #watch = 0;
  #stop = new AbortController();

  /**
   * `session` gives tokens (`token()`, `renew()`); `changed(state)` is told how the line is; feeds are added with
   * `add`. Nothing is opened before `open()`.
   */
  constructor(session, changed) {
    this.session = session;
    this.changed = changed;
    const { signal } = this.#stop;
    addEventListener("offline", () => this.#cut(), { signal });
    addEventListener("online", () => this.#hurry(), { signal });
    document.addEventListener("visibilitychange", () => this.#look(), { signal });
  }

  /** Keep this feed subscribed for as long as the socket lives. */
  add(feed) {
    feed.again = () => this.#acknowledged && this.#subscribe(feed);
    this.#feeds.push(feed);
    if (this.#acknowledged) this.#subscribe(feed);
  }

  /** Subscribe this feed no longer. */
  remove(feed) {
    this.#feeds = this.#feeds.filter((one) => one !== feed);
    feed.again = () => {};
    if (this.#acknowledged && feed.id !== null) this.#send({ id: feed.id, type: "complete" });
    feed.cut();
    this.#judge();
  }

  /** Connect, now and again after every cut, until `close()`. */
  async open() {
    clearTimeout(this.#retry);
    if (this.#ended || this.#ws) return;
    let token;
    const claim = (this.#ws = {});
    try {
      token = await this.session.token();
    } catch {
      if (this.#ws === claim) this.#ws = null;
      return this.#comeBack();
    }
    if (this.#ended || this.#ws !== claim) return;
    const ws = (this.#ws = new WebSocket(address(), PROTOCOL));
    ws.onopen = () => this.#send({ type: "connection_init", payload: { authorization: `Bearer ${token}` } });
    ws.onmessage = (event) => ws === this.#ws && this.#take(JSON.parse(event.data));
    ws.onclose = (event) => ws === this.#ws && this.#lost(event.code);
    this.#listen();
  }

  /** Run one query or mutation on the open socket; resolves to its response, rejects when the socket goes first. */
  run(query, variables) {
    if (!this.#acknowledged) return Promise.reject(new Error("The line is down."));
    const id = this.#newId();
    this.#send({ id, type: "subscribe", payload: { query, variables } });
    return new Promise((resolve, reject) => this.#replies.set(id, { resolve, reject }));
  }

  /** Drop the line and take it up again at once, under a fresh token if need be. */
  reopen() {
    this.#drop();
    this.#attempts = 0;
    this.open();
  }

  /** End for good. */
  close() {
    this.#ended = true;
    this.#stop.abort();
    this.#drop();
    clearTimeout(this.#retry);
  }

  #take(message) {
    this.#listen();
    switch (message.type) {
      case "connection_ack":
        this.#acknowledged = true;
        this.#feeds.forEach((feed) => this.#subscribe(feed));
        return this.#judge();
      case "ping":
        return this.#send({ type: "pong" });
      case "next":
        return this.#next(message);
      case "error":
        return this.#refused(message);
      case "complete":
        // Nothing but a bug ends a feed this way; a new line starts it again where it stood.
        return this.#feeds.some((feed) => feed.id === message.id) && this.#lost();
      default:
        return undefined;
    }
  }

  #next({ id, payload }) {
    const reply = this.#replies.get(id);
    this.#replies.delete(id);
    if (reply) return reply.resolve(payload);
    const feed = this.#feeds.find((one) => one.id === id);
    if (!feed) return undefined;
    this.#attempts = 0;
    if (!feed.take(payload)) {
      // A hole: what is missing lies behind the cursor that is known.
      this.#send({ id, type: "complete" });
      this.#subscribe(feed);
    }
    return this.#judge();
  }

  #refused({ id, payload }) {
    const reply = this.#replies.get(id);
    this.#replies.delete(id);
    if (reply) return reply.resolve({ errors: payload });
    const feed = this.#feeds.find((one) => one.id === id);
    if (feed?.refuse(payload)) this.#subscribe(feed);
    return this.#judge();
  }

  #subscribe(feed) {
    const id = this.#newId();
    this.#send({ id, type: "subscribe", payload: feed.request(id) });
  }

  #newId() {
    this.#lastId += 1;
    return String(this.#lastId);
  }

  #send(message) {
    if (this.#ws?.readyState === WebSocket.OPEN) this.#ws.send(JSON.stringify(message));
  }

  async #lost(code) {
    this.#drop();
    if (code === FORBIDDEN && !(await this.#renewed())) return;
    this.#comeBack(code === TRY_LATER ? LATER_MS : 0);
  }

  /** A new token after 4403; false if the session is over. A dead network is no answer, so the line tries again. */
  async #renewed() {
    try {
      await this.session.renew();
    } catch {
      return !this.session.isOver;
    }
    return true;
  }

  #comeBack(atLeast = 0) {
    if (this.#ended) return;
    this.#tell("offline");
    const most = Math.min(LONGEST_WAIT_MS, STEP_MS * 2 ** this.#attempts);
    this.#attempts += 1;
    clearTimeout(this.#retry);
    // Jitter: a thousand phones that lost one server must not come back in the same instant.
    this.#retry = setTimeout(() => this.open(), atLeast + most * (0.5 + Math.random() / 2));
  }

  #drop() {
    const ws = this.#ws;
    this.#ws = null;
    this.#acknowledged = false;
    clearTimeout(this.#watch);
    this.#feeds.forEach((feed) => feed.cut());
    this.#replies.forEach(({ reject }) => reject(new Error("The line went down.")));
    this.#replies.clear();
    ws?.close?.();
  }

  /** The device says that its network is gone; it may be wrong, so the line keeps trying, slowly. */
  #cut() {
    this.#drop();
    this.#attempts = 6;
    this.#comeBack();
  }

  /** The device says that its network is back. */
  #hurry() {
    if (this.#acknowledged) return;
    this.reopen();
  }

  /** The page is looked at again; a phone may have slept, and its timers with it. */
  #look() {
    if (document.visibilityState !== "visible") return;
    if (!this.#acknowledged) return this.#hurry();
    if (performance.now() - this.#heardAt > SILENCE_MS) return this.reopen();
    this.#send({ type: "ping" });
    this.#listen(PROBE_MS);
  }

  #listen(patience = SILENCE_MS) {
    if (patience === SILENCE_MS) this.#heardAt = performance.now();
    clearTimeout(this.#watch);
    this.#watch = setTimeout(() => this.reopen(), patience);
  }

  #judge() {
    if (!this.#acknowledged) return;
    this.#tell(this.#feeds.every((feed) => feed.isCurrent) ? "live" : "catching-up");
  }

  #tell(state) {
    if (state === this.#state) return;
    this.#state = state;
    this.changed(state);
  }
}

function address() {
  const url = new URL("/graphql", location.href);
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  return url;
}
