/** A session of somebody who was handed a token: it is kept for the tab's life, and cannot be renewed here. */

import { SignedOut } from "/web/api.js";

const KEY = "cleanshift.handed";
const OVER = "This link has ended. Ask for a new one.";

export class Handed {
  isOver = false;
  isCleaner = false;
  renewed = () => {};
  ended = () => {};
  #token;

  constructor(token) {
    this.#token = token;
    sessionStorage.setItem(KEY, token);
  }

  /** The token behind the #, which never reaches a server by itself, or the one that the tab has already. */
  static restore() {
    const said = new URLSearchParams(location.hash.slice(1));
    const given = said.get("token");
    said.delete("token");
    // What else the link names stays, as the invoice that is to be paid.
    if (given) history.replaceState(null, "", said.size ? `${location.pathname}#${said}` : location.pathname);
    const token = given ?? sessionStorage.getItem(KEY);
    return token ? new Handed(token) : null;
  }

  async token() {
    if (this.isOver) throw new SignedOut(OVER);
    return this.#token;
  }

  /** Nothing renews it: it is over. */
  async renew() {
    const isFirst = !this.isOver;
    this.forget();
    if (isFirst) this.ended(OVER);
    throw new SignedOut(OVER);
  }

  forget() {
    this.isOver = true;
    sessionStorage.removeItem(KEY);
  }
}
