/** The cleaner's page: the jobs that are to be done, one of them in hand, or what comes before the first. */

import { JOBS, FIELD_WHO } from "/web/field_documents.js";
import { Feed } from "/web/feed.js";
import { Frame } from "/web/frame.js";
import { Joining } from "/web/joining.js";
import { Line } from "/web/line.js";
import { isAskedAgain, newPage } from "/web/payout_page.js";
import { Outbox } from "/web/outbox.js";
import { ShiftPage } from "/web/shift.js";
import { Shifts } from "/web/shifts.js";
import { findDemo } from "/web/sign_in.js";
import { Uploads } from "/web/uploads.js";

const SOON_MS = 150;
const SENT_AGAIN = "Something that you did earlier did not get through";

const find = (selector) => document.querySelector(selector);

class Work {
  #isClosed = false;
  #soon = 0;

  constructor(session, frame, { isDemo }) {
    Object.assign(this, { session, frame, isDemo });
    this.line = new Line(session, (state) => frame.showState(state));
    this.tell = (...words) => frame.notices.tell(...words);
    this.turned = () => this.#turn();
  }

  /** Learn who this is, and show their work or what they have to do before. Throws `Unreachable` or `SignedOut`. */
  async open() {
    const { viewer } = await this.line.call(FIELD_WHO, {});
    if (this.#isClosed) return;
    this.line.clock.observe(viewer.serverTime);
    this.frame.showPerson(viewer);
    if (!viewer.cleaner) return this.frame.signedOut("This page is for cleaners. The office has its own: /office.");
    if (isAskedAgain()) await newPage({ call: this.line.call, tell: this.tell });
    if (this.#isClosed) return;
    if (viewer.cleaner.onboarding === "COMPLETE") this.#work();
    else await this.#join();
  }

  close() {
    this.#isClosed = true;
    clearTimeout(this.#soon);
    removeEventListener("hashchange", this.turned);
    this.line.close();
    this.outbox?.close();
    this.uploads?.close();
    this.shift?.close();
    this.shifts?.close();
    this.joining?.close();
    for (const part of ["#jobs", "#shift", "#joining"]) find(part).hidden = true;
  }

  async signOut() {
    await this.line.signOut();
  }

  async #join() {
    find("#joining").hidden = false;
    this.frame.showState("live");
    this.joining = new Joining(find("#joining"), { call: this.line.call, tell: this.tell, finished: () => this.#joined() });
    await this.joining.open();
  }

  #joined() {
    this.joining.close();
    find("#joining").hidden = true;
    this.tell("Everything is there. Your jobs appear here.", "good");
    this.#work();
  }

  #work() {
    const { line, session } = this;
    const dialogs = { note: find("#item-note"), barred: find("#no-access"), viewer: find("#viewer") };
    const refused = (_entry, no) => this.tell(`${SENT_AGAIN}: ${no.message}`, "bad");
    this.outbox = new Outbox(line.call, session.personId, { changed: () => this.shift?.render(), refused });
    this.uploads = new Uploads(line.call, { changed: () => this.shift?.render(), arrived: () => this.#refreshSoon() });
    this.shift = new ShiftPage({ root: find("#shift"), dialogs, isDemo: this.isDemo, tell: this.tell }, this);
    this.shifts = new Shifts(find("#jobs"), line.clock);
    addEventListener("hashchange", this.turned);
    line.open(new Feed(JOBS, "jobs", (frame) => this.#show(frame), (error) => this.tell(error.message, "bad")));
    this.#turn();
  }

  #show(frame) {
    this.line.clock.observe(frame.serverTime);
    this.shifts.take(frame);
    const about = frame.job?.id ?? frame.jobId;
    if (frame.__typename === "JobsSnapshot" || (about && about === this.shift.jobId)) this.#refreshSoon();
  }

  /** Several changes in a row are read at once. */
  #refreshSoon() {
    clearTimeout(this.#soon);
    this.#soon = setTimeout(() => this.shift.refresh(), SOON_MS);
  }

  #turn() {
    const id = new URLSearchParams(location.hash.slice(1)).get("shift");
    find("#jobs").hidden = Boolean(id);
    this.shift.open(id);
    scrollTo(0, 0);
  }
}

const isDemo = (await findDemo()) !== null;
const frame = new Frame((session) => new Work(session, frame, { isDemo }));
frame.welcome();
