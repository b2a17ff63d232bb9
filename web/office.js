/** The office's page: today's jobs live, and the whole proof of the one that is looked at. */

import { Failure, newKey, SignedOut, Unreachable } from "/web/api.js";
import * as dossier from "/web/dossier.js";
import { redraw } from "/web/elements.js";
import { BUNDLE, FIELD_WHO, JOB_PROOF, JOBS, LIVE_LOCATION, OVERRIDE_CHECK_IN, OVERRIDE_EVIDENCE, PHOTO_URL, VERIFY } from "/web/field_documents.js";
import { Feed } from "/web/feed.js";
import { Frame } from "/web/frame.js";
import { Line } from "/web/line.js";
import { Today } from "/web/today.js";
import { Thumbnails, Viewer } from "/web/zones.js";

const SOON_MS = 150;
const AGAIN_MS = 5_000;
const ADMINS = ["OWNER", "ADMIN"];

const find = (selector) => document.querySelector(selector);

class Office {
  #isClosed = false;
  #soon = 0;
  #id = null;
  #job = null;
  #turn = 0;
  #live = new Map();
  #watched = null;
  #report = null;
  #busy = false;
  #wish = null;

  constructor(session, frame) {
    Object.assign(this, { session, frame });
    this.line = new Line(session, (state) => frame.showState(state));
    this.tell = (...words) => frame.notices.tell(...words);
    this.turned = () => this.#turnTo();
    this.thumbnails = new Thumbnails();
    this.viewer = new Viewer(find("#viewer"), async (id) => (await this.line.call(PHOTO_URL, { id })).node?.url);
    this.decided = () => this.#decide();
  }

  /** Learn who this is, and go live. Throws `Unreachable` or `SignedOut`. */
  async open() {
    const { viewer } = await this.line.call(FIELD_WHO, {});
    if (this.#isClosed) return;
    this.line.clock.observe(viewer.serverTime);
    this.frame.showPerson(viewer);
    if (!viewer.staff) return this.frame.signedOut("This page is for the office. Cleaners have their own: /work.");
    this.isAdmin = ADMINS.includes(viewer.role);
    this.today = new Today(find("#today"), this.line.clock);
    this.ports = {
      show: (photo, name) => this.viewer.show(photo, name),
      verify: () => this.#verify(),
      bundle: () => this.#bundle(),
      accept: this.isAdmin ? () => this.#ask("evidence") : null,
      letIn: this.isAdmin ? (visit) => this.#ask("arrival", visit) : null,
    };
    addEventListener("hashchange", this.turned);
    find("#override").addEventListener("close", this.decided);
    this.line.open(new Feed(JOBS, "jobs", (frame) => this.#show(frame), (error) => this.tell(error.message, "bad")));
    this.#turnTo();
  }

  close() {
    this.#isClosed = true;
    clearTimeout(this.#soon);
    removeEventListener("hashchange", this.turned);
    find("#override").removeEventListener("close", this.decided);
    this.line.close();
    this.today?.close();
    find("#job").hidden = true;
  }

  async signOut() {
    await this.line.signOut();
  }

  #show(frame) {
    this.line.clock.observe(frame.serverTime);
    this.today.take(frame);
    if (frame.__typename === "JobsSnapshot" || frame.job?.id === this.#id) this.#refreshSoon();
  }

  #refreshSoon(wait = SOON_MS) {
    clearTimeout(this.#soon);
    this.#soon = setTimeout(() => this.#refresh(), wait);
  }

  #turnTo() {
    const id = new URLSearchParams(location.hash.slice(1)).get("job");
    if (id === this.#id && id) return;
    [this.#id, this.#job, this.#report] = [id, null, null];
    this.#watch(null);
    find("#desk").dataset.view = id ? "job" : "today";
    find("#job").hidden = true;
    find("[data-none]").hidden = Boolean(id);
    this.today.choose(id);
    scrollTo(0, 0);
    this.#refresh();
  }

  async #refresh() {
    const id = this.#id;
    if (!id) return;
    const turn = (this.#turn += 1);
    try {
      const { viewer, job } = await this.line.call(JOB_PROOF, { id });
      if (turn !== this.#turn || id !== this.#id) return;
      this.line.clock.observe(viewer.serverTime);
      if (!job) return this.tell("There is no such job.", "bad");
      job.photos.nodes = this.thumbnails.settle(job.photos.nodes);
      this.#job = job;
      this.#watch(job.status === "IN_PROGRESS" ? id : null);
      this.#render();
    } catch (error) {
      if (error instanceof SignedOut) return;
      if (!(error instanceof Unreachable || error instanceof Failure)) throw error;
      this.#refreshSoon(AGAIN_MS);
    }
  }

  #render() {
    const job = this.#job;
    if (!job) return;
    const zone = job.market?.zone ?? "UTC";
    const live = [...this.#live.values()];
    const check = { report: this.#report, busy: this.#busy };
    const { ports } = this;
    const parts = {
      head: [job, () => dossier.head(job, zone)],
      missing: [[job.status, job.evidence?.missing], () => dossier.missing(job, ports)],
      visits: [job.visits.map(({ elapsedSeconds, ...rest }) => rest), () => dossier.visits(job, zone, ports)],
      places: [[job.visits.map(({ elapsedSeconds, ...rest }) => rest), job.tracks, live], () => dossier.places(job, live)],
      checklist: [job.checklist, () => dossier.checklist(job, zone)],
      photos: [[job.photos, job.evidence?.requirements], () => dossier.photos(job, ports)],
      chain: [[job.evidence?.head, check], () => dossier.chain(job, zone, check, ports)],
    };
    find("#job").hidden = false;
    for (const [name, [said, draw]] of Object.entries(parts)) {
      const element = find(`#job [data-part=${name}]`);
      const isOpen = element.querySelector("details")?.open ?? false;
      redraw(element, said, draw);
      if (isOpen) element.querySelector("details")?.setAttribute("open", "");
      element.hidden = !element.hasChildNodes();
    }
  }

  /** Follow where the cleaners of a running job are; of none when it is over. */
  #watch(id) {
    if (this.#watched?.variables.jobId === id || (!this.#watched && !id)) return;
    if (this.#watched) this.line.socket.remove(this.#watched);
    this.#watched = null;
    this.#live.clear();
    if (!id) return;
    const feed = new Feed(LIVE_LOCATION, "liveLocation", (frame) => this.#see(frame, feed), () => {});
    feed.variables = { jobId: id };
    this.#watched = feed;
    this.line.socket.add(feed);
  }

  #see(frame, feed) {
    if (feed !== this.#watched) return;
    if (frame.__typename === "LocationsSnapshot") this.#live = new Map(frame.locations.map((one) => [one.visitId, one]));
    else if (frame.__typename === "LocationMoved") this.#live.set(frame.location.visitId, frame.location);
    else if (frame.__typename === "LocationGone") frame.visitIds.forEach((id) => this.#live.delete(id));
    else if (frame.__typename === "LocationsEnded") this.#watch(null);
    else return;
    this.#render();
  }

  async #verify() {
    const id = this.#id;
    this.#busy = true;
    this.#render();
    await this.#trying(async () => {
      const { verifyEvidence } = await this.line.call(VERIFY, { id });
      if (id === this.#id) this.#report = verifyEvidence;
    });
    this.#busy = false;
    this.#render();
  }

  async #bundle() {
    await this.#trying(async () => {
      const { job } = await this.line.call(BUNDLE, { id: this.#id });
      const link = document.createElement("a");
      link.href = job.evidence.bundleUrl;
      link.download = "";
      link.click();
    });
  }

  #ask(what, visit = null) {
    const dialog = find("#override");
    this.#wish = { what, visit };
    const words = {
      evidence: ["Accept this clean as it is?", `${this.#job.evidence.missing.length} things are missing. The job is completed, and can be charged.`],
      arrival: ["Accept the arrival?", `${visit?.cleaner.name} counts as arrived now, without a position.`],
    }[what];
    [dialog.querySelector("[data-title]").textContent, dialog.querySelector("[data-what]").textContent] = words;
    dialog.querySelector("textarea").value = "";
    dialog.returnValue = "";
    dialog.showModal();
  }

  async #decide() {
    const dialog = find("#override");
    if (dialog.returnValue !== "yes") return;
    const { what, visit } = this.#wish;
    const about = what === "evidence" ? { jobId: this.#id } : { assignmentId: visit.assignment.id };
    const input = { ...about, reason: dialog.querySelector("textarea").value, clientMutationId: newKey() };
    await this.#trying(async () => {
      const data = await this.line.call(what === "evidence" ? OVERRIDE_EVIDENCE : OVERRIDE_CHECK_IN, { input });
      const [error] = Object.values(data)[0].errors;
      this.tell(error ? error.message : "Accepted.", error ? "bad" : "good");
    });
    await this.#refresh();
  }

  async #trying(act) {
    try {
      await act();
    } catch (error) {
      if (!(error instanceof Unreachable || error instanceof Failure || error instanceof SignedOut)) throw error;
      this.tell(error.message, "bad");
    }
  }
}

const frame = new Frame((session) => new Office(session, frame));
frame.welcome();
