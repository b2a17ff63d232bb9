/** The customer's page: what was done in their home, when, and what it looked like; live, and without positions. */

import { Failure, SignedOut, Unreachable } from "/web/api.js";
import * as dossier from "/web/dossier.js";
import { h, redraw } from "/web/elements.js";
import { JOBS, OWN_PROOFS, PHOTO_URL } from "/web/field_documents.js";
import { Feed } from "/web/feed.js";
import { Frame } from "/web/frame.js";
import { Handed } from "/web/handed.js";
import { Line } from "/web/line.js";
import { Thumbnails, Viewer } from "/web/zones.js";

const SOON_MS = 150;
const AGAIN_MS = 5_000;

const find = (selector) => document.querySelector(selector);

class Proofs {
  #isClosed = false;
  #soon = 0;

  constructor(session, frame) {
    Object.assign(this, { session, frame });
    this.line = new Line(session, (state) => frame.showState(state));
    this.thumbnails = new Thumbnails();
    this.viewer = new Viewer(find("#viewer"), async (id) => (await this.line.call(PHOTO_URL, { id })).node?.url);
  }

  /** Show what there is, and go live. Throws `Unreachable`, `SignedOut` or `Failure`. */
  async open() {
    await this.#read();
    if (this.#isClosed) return;
    this.line.open(new Feed(JOBS, "jobs", (frame) => this.#show(frame), (error) => this.frame.notices.tell(error.message, "bad")));
  }

  close() {
    this.#isClosed = true;
    clearTimeout(this.#soon);
    this.line.close();
  }

  async signOut() {
    await this.line.signOut();
  }

  /** Whatever changes about a job of theirs, it may be over now. */
  #show(frame) {
    if (!["JobsSnapshot", "JobGone", "JobShown"].includes(frame.__typename)) return;
    if (frame.__typename === "JobsSnapshot") this.#lead(frame.jobs);
    this.#readSoon(SOON_MS);
  }

  #lead(jobs) {
    const busy = jobs.filter(({ status }) => status === "IN_PROGRESS").length;
    find("[data-lead]").textContent = busy ? "Somebody is at work in your home right now. The proof appears here when it is complete." : "";
  }

  #readSoon(wait) {
    clearTimeout(this.#soon);
    this.#soon = setTimeout(() => this.#readAgain(), wait);
  }

  async #readAgain() {
    try {
      await this.#read();
    } catch (error) {
      if (error instanceof SignedOut) return;
      if (!(error instanceof Unreachable || error instanceof Failure)) throw error;
      this.#readSoon(AGAIN_MS);
    }
  }

  async #read() {
    const { viewer, jobs } = await this.line.call(OWN_PROOFS, {});
    if (this.#isClosed) return;
    this.line.clock.observe(viewer.serverTime);
    this.frame.showPerson({ staff: { name: "Customer" }, tenant: viewer.tenant });
    for (const job of jobs.nodes) job.photos.nodes = this.thumbnails.settle(job.photos.nodes);
    find("[data-empty]").hidden = jobs.nodes.length > 0;
    find("[data-empty]").textContent = "No clean of yours is over yet. Each appears here by itself, with its proof.";
    const said = jobs.nodes.map((job) => ({ ...job, visits: job.visits.map(({ elapsedSeconds, ...rest }) => rest) }));
    redraw(find("[data-jobs]"), said, () => jobs.nodes.map((job) => this.#job(job)));
  }

  #job(job) {
    // A customer is not told the market's zone: the home's own times are those of who looks at it from there.
    const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
    const ports = { show: (photo, name) => this.viewer.show(photo, name) };
    const parts = [dossier.head(job, zone), dossier.visits(job, zone), dossier.checklist(job, zone), dossier.photos(job, ports)];
    const sections = parts.flat(2).filter(Boolean);
    sections.forEach((element) => element.querySelectorAll("[id]").forEach((one) => one.id && (one.id = `${one.id}-${job.id}`)));
    sections.forEach((element) => element.id && (element.id = `${element.id}-${job.id}`));
    return h("article", { class: "dossier", "data-job": job.id, "aria-labelledby": `job-title-${job.id}` }, ...sections);
  }
}

const frame = new Frame((session) => new Proofs(session, frame), () => Handed.restore());
frame.welcome();
