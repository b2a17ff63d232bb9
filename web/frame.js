/** The frame around every page with a sign-in: signed out, or at work in somebody's name, and how the line is. */

import { Failure, SignedOut, Unreachable } from "/web/api.js";
import { Notices } from "/web/notices.js";
import { Session } from "/web/session.js";
import { SignIn } from "/web/sign_in.js";

const AGAIN_MS = 3_000;
const STATES = { live: "Live", "catching-up": "Catching up", connecting: "Connecting", offline: "Offline" };

const find = (selector) => document.querySelector(selector);

export class Frame {
  notices = new Notices(find("#notices"));
  #desk = null;

  /**
   * `begin(session)` makes what is worked at: it has `open()`, `close()`, `signOut()` and `session`. `restore()` finds
   * the session that the tab has already, if it has one.
   */
  constructor(begin, restore = () => Session.restore()) {
    this.begin = begin;
    this.restore = restore;
    this.signIn = new SignIn(find("#sign-in"), (session) => this.enter(session));
    find("#sign-out").addEventListener("click", () => this.#leave());
    for (const dialog of document.querySelectorAll("dialog")) {
      dialog.querySelector("[data-cancel]")?.addEventListener("click", () => dialog.close(""));
    }
  }

  /** Say what there is to sign in with. */
  welcome() {
    const session = this.restore();
    if (session) this.enter(session);
    else this.signIn.show();
  }

  /** Go to the desk of who has signed in, as soon as the server can be reached. */
  async enter(session) {
    this.signIn.hide();
    find("#desk").hidden = false;
    find("#person").hidden = false;
    this.showState("connecting");
    const desk = (this.#desk = this.begin(session));
    session.ended = () => this.signedOut("Your session has ended. Please sign in again.");
    await this.#open(desk);
  }

  /** The person's name and business. */
  showPerson({ cleaner, staff, business, tenant, role }) {
    find("#name").textContent = cleaner?.name ?? staff?.name ?? role.toLowerCase();
    find("#tenant").textContent = (business ?? tenant).name;
  }

  /** How the line is. */
  showState(state) {
    const line = find("#line");
    line.dataset.state = state;
    line.querySelector("[data-word]").textContent = STATES[state];
    find("#offline").hidden = state !== "offline";
  }

  /** Back to the sign-in, with a word on why. */
  signedOut(why) {
    this.#desk?.close();
    this.#desk?.session.forget();
    this.#desk = null;
    find("#desk").hidden = true;
    find("#person").hidden = true;
    this.signIn.show(why);
  }

  async #open(desk) {
    try {
      await desk.open();
    } catch (error) {
      if (desk !== this.#desk) return;
      if (error instanceof SignedOut || error instanceof Failure) this.signedOut(error.message);
      else if (error instanceof Unreachable) this.#tryAgain(desk);
      else throw error;
    }
  }

  #tryAgain(desk) {
    this.showState("offline");
    setTimeout(() => desk === this.#desk && this.#open(desk), AGAIN_MS);
  }

  async #leave() {
    const desk = this.#desk;
    this.signedOut("You are signed out.");
    await desk?.signOut();
  }
}
