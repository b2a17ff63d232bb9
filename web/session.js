/** Who is signed in on this page: the tokens, kept for the tab's life and renewed before they end. */

import { post, SignedOut, Unreachable } from "/web/api.js";
import {
  ACCEPT_INVITE, REFRESH, REQUEST_PASSWORD_RESET, REQUEST_SIGN_IN_LINK, RESET_PASSWORD, SET_PIN, SIGN_IN, SIGN_IN_WITH_LINK, SIGN_IN_WITH_PIN,
} from "/web/documents.js";

const KEY = "cleanshift.session";
const RENEW_AT = 0.8; // Of a token's life.
const MARGIN_MS = 5_000;
const AGAIN_MS = 5_000;

/** A sign-in that was refused: `code`, a sentence for people, and the `field` that it speaks of (none: the whole). */
export class NotSignedIn extends Error {
  constructor({ code, message, field: [field] }) {
    super(message);
    this.code = code;
    this.field = field;
  }
}

/** Sign in as a cleaner. Throws `NotSignedIn`. */
export const signInWithPin = (input) => enter(SIGN_IN_WITH_PIN, input);

/** Choose a cleaner's first PIN, and sign in. Throws `NotSignedIn`. */
export const setPin = (input) => enter(SET_PIN, input);

/** Sign in as staff. Throws `NotSignedIn`. */
export const signIn = (input) => enter(SIGN_IN, input);

/** Choose the first password by an invitation's token, and sign in. Throws `NotSignedIn`. */
export const acceptInvite = (input) => enter(ACCEPT_INVITE, input);

/** Choose a new password by a mailed token, and sign in; every other session ends. Throws `NotSignedIn`. */
export const resetPassword = (input) => enter(RESET_PASSWORD, input);

/** Sign in as a customer by a mailed token. Throws `NotSignedIn`. */
export const signInWithLink = (input) => enter(SIGN_IN_WITH_LINK, input);

/** Ask for such a token by mail, as a customer; whether the address is one's is not told. Throws `NotSignedIn`. */
export async function requestSignInLink(input) {
  const { requestSignInLink: answer } = await post(REQUEST_SIGN_IN_LINK, { input });
  if (!answer.ok) throw new NotSignedIn(answer.errors[0]);
}

/** Ask for such a token by mail; whether the address is somebody's is not told. Throws `NotSignedIn`. */
export async function requestPasswordReset(input) {
  const { requestPasswordReset: answer } = await post(REQUEST_PASSWORD_RESET, { input });
  if (!answer.ok) throw new NotSignedIn(answer.errors[0]);
}

async function enter(document, input) {
  const device = navigator.userAgentData?.platform || "Browser";
  const data = await post(document, { input: { ...input, device: `Swap board on ${device}` } });
  const { credentials, errors } = Object.values(data)[0];
  if (!credentials) throw new NotSignedIn(errors[0]);
  return new Session(kept(credentials));
}

function kept({ expiresInSeconds, ...credentials }) {
  const lifeMs = expiresInSeconds * 1000;
  return { ...credentials, renewAt: Date.now() + lifeMs * RENEW_AT, endsAt: Date.now() + lifeMs };
}

export class Session {
  isOver = false;
  /** Called with each new access token. */
  renewed = () => {};
  /** Called once when the session has ended on the server. */
  ended = () => {};
  #held;
  #timer = 0;
  #renewing = null;

  constructor(held) {
    this.#hold(held);
  }

  /** The tab's session, if it has one. */
  static restore() {
    const text = sessionStorage.getItem(KEY);
    return text ? new Session(JSON.parse(text)) : null;
  }

  get personId() {
    return this.#held.personId;
  }

  get isCleaner() {
    return this.#held.role === "CLEANER";
  }

  /** An access token that holds for now. */
  async token() {
    if (Date.now() > this.#held.endsAt - MARGIN_MS) await this.renew();
    return this.#held.accessToken;
  }

  /** Buy the next pair of tokens; many callers at once buy one. Throws `SignedOut` when the session is over. */
  renew() {
    this.#renewing ??= this.#renew().finally(() => (this.#renewing = null));
    return this.#renewing;
  }

  /** Leave the tokens to the tab's next page: two pages that renew them would look like a thief and an owner (R13). */
  handOver() {
    clearTimeout(this.#timer);
  }

  /** Forget the tokens. */
  forget() {
    this.isOver = true;
    clearTimeout(this.#timer);
    sessionStorage.removeItem(KEY);
  }

  async #renew() {
    if (this.isOver) throw new SignedOut("You are signed out.");
    const { refreshSession } = await post(REFRESH, { input: { refreshToken: this.#held.refreshToken } });
    const [error] = refreshSession.errors;
    if (error?.retryable) throw new Unreachable(error.message);
    if (!refreshSession.credentials) {
      this.forget();
      this.ended(error.message);
      throw new SignedOut(error.message);
    }
    this.#hold(kept(refreshSession.credentials));
    this.renewed(this.#held.accessToken);
  }

  #hold(held) {
    this.#held = held;
    sessionStorage.setItem(KEY, JSON.stringify(held));
    this.#renewIn(held.renewAt - Date.now());
  }

  #renewIn(wait) {
    clearTimeout(this.#timer);
    // What fails here is tried again: the token is good for a while yet.
    this.#timer = setTimeout(() => this.renew().catch(() => this.isOver || this.#renewIn(AGAIN_MS)), Math.max(0, wait));
  }
}
