/** The swap board's page: signed out or at the desk, and the frame around both. */

import { Failure, SignedOut, Unreachable } from "/web/api.js";
import { Desk } from "/web/desk.js";
import { Notices } from "/web/notices.js";
import { Session } from "/web/session.js";
import { SignIn } from "/web/sign_in.js";

const AGAIN_MS = 3_000;
const STATES = { live: "Live", "catching-up": "Catching up", connecting: "Connecting", offline: "Offline" };

const find = (selector) => document.querySelector(selector);

class Page {
  market = find("#market");
  week = find("#week");
  windows = find("#windows");
  bids = find("#bids");
  desk = find("#desk");
  dialogs = { offer: find("#offer"), decline: find("#decline") };
  notices = new Notices(find("#notices"));
  #desk = null;

  constructor() {
    this.signIn = new SignIn(find("#sign-in"), (session) => this.enter(session));
    find("#sign-out").addEventListener("click", () => this.#leave());
    for (const dialog of Object.values(this.dialogs)) {
      dialog.querySelector("[data-cancel]").addEventListener("click", () => dialog.close(""));
    }
    document.querySelectorAll(".tabs [data-view]").forEach((tab) => tab.addEventListener("click", () => this.#turnTo(tab.dataset.view)));
    this.#turnTo("market");
  }

  /** Go to the desk of who has signed in, as soon as the server can be reached. */
  async enter(session) {
    this.signIn.hide();
    find("#desk").hidden = false;
    find("#person").hidden = false;
    find("#desk").dataset.role = session.isCleaner ? "cleaner" : "staff";
    this.showState("connecting");
    const desk = (this.#desk = new Desk(session, this));
    session.ended = () => this.#signedOut("Your session has ended. Please sign in again.");
    await this.#open(desk);
  }

  /** The person's name and business. */
  showPerson({ cleaner, staff, business, role }) {
    find("#name").textContent = cleaner?.name ?? staff?.name ?? role.toLowerCase();
    find("#tenant").textContent = business.name;
  }

  /** How the line is. */
  showState(state) {
    const line = find("#line");
    line.dataset.state = state;
    line.querySelector("[data-word]").textContent = STATES[state];
    find("#offline").hidden = state !== "offline";
  }

  /** There is something new in "My week", which on a phone may be out of sight. */
  pointAtWeek() {
    if (find("#desk").dataset.view !== "week") find("#desk").dataset.news = "week";
  }

  /** Say what there is to sign in with. */
  welcome() {
    const session = Session.restore();
    if (session) this.enter(session);
    else this.signIn.show();
  }

  async #open(desk) {
    try {
      await desk.open();
    } catch (error) {
      if (desk !== this.#desk) return;
      if (error instanceof SignedOut || error instanceof Failure) this.#signedOut(error.message);
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
    this.#signedOut("You are signed out.");
    await desk?.signOut();
  }

  #signedOut(why) {
    this.#desk?.close();
    this.#desk?.session.forget();
    this.#desk = null;
    find("#desk").hidden = true;
    find("#person").hidden = true;
    this.signIn.show(why);
  }

  #turnTo(view) {
    find("#desk").dataset.view = view;
    if (view === "week") delete find("#desk").dataset.news;
    scrollTo(0, 0);
    for (const tab of document.querySelectorAll(".tabs [data-view]")) {
      tab.setAttribute("aria-pressed", String(tab.dataset.view === view));
    }
  }
}

new Page().welcome();
