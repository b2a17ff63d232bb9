/** One shift, from its instructions to its proof: what is shown is what the server says, and what it has not heard yet. */

import { Failure, SignedOut, Unreachable } from "/web/api.js";
import { dayOf, eachQuarter } from "/web/clock.js";
import { redraw } from "/web/elements.js";
import { PHOTO_URL, REVEAL, SHIFT } from "/web/field_documents.js";
import { No } from "/web/outbox.js";
import * as phases from "/web/phases.js";
import { Nowhere, Track, whereAmI } from "/web/place.js";
import { Thumbnails, Viewer, zones } from "/web/zones.js";

const PARTS = ["result", "timer", "before", "checklist", "after", "lacking", "notes", "help", "act"];
const PLACED = new Set(["checkIn", "checkOut"]);

const DOOR = "door";
const AGAIN_MS = 5_000;

/** Nobody is kept from leaving by a device that does not know where it is, once they have been asked. */
function without(name, error) {
  if (error instanceof Nowhere && name !== "checkIn" && confirm(`${error.message}\n\nGo on without your position? The office then decides about your proof.`)) return null;
  throw error;
}

export class ShiftPage {
  #id = null;
  #shift = null;
  #code = null;
  #busy = "";
  #said = "";
  #pretends = false;
  #turn = 0;
  #again = 0;

  /** `line` calls the server, `outbox` and `uploads` bring what was done; `page` has root, dialogs, `isDemo`, `tell`. */
  constructor(page, { line, outbox, uploads }) {
    Object.assign(this, { page, line, outbox, uploads });
    this.thumbnails = new Thumbnails();
    this.viewer = new Viewer(page.dialogs.viewer, async (id) => (await line.call(PHOTO_URL, { id })).node?.url);
    this.track = new Track((points) => this.#sendTrack(points));
    this.camera = page.root.querySelector("#camera");
    this.camera.addEventListener("change", () => this.#taken());
    page.dialogs.note.addEventListener("close", () => this.#noted());
    page.dialogs.barred.addEventListener("close", () => this.#barred());
    this.ticking = setInterval(() => this.#count(), 1_000);
    this.stop = eachQuarter(line.clock, () => this.render());
    const tell = (name) => (...about) => this[name](...about);
    this.ports = Object.fromEntries(["step", "tick", "note", "reveal", "take", "show", "barred", "pretend"].map((name) => [name, tell(name)]));
    this.ports.retry = (id) => uploads.retry(id);
    this.ports.drop = (id) => uploads.drop(id);
  }

  /** The job that is shown; null while none is. */
  get jobId() {
    return this.#shift?.job.id ?? null;
  }

  /** Show this shift, or none. */
  async open(id) {
    if (id === this.#id) return;
    [this.#id, this.#shift, this.#code, this.#said] = [id, null, null, ""];
    this.page.root.hidden = true;
    if (!id) return this.#follow();
    await this.refresh();
  }

  /** Read it again; what fails is tried again while it is shown. */
  async refresh() {
    const id = this.#id;
    if (!id) return;
    const turn = (this.#turn += 1);
    clearTimeout(this.#again);
    try {
      const { viewer, assignment } = await this.line.call(SHIFT, { id });
      // A later question may have been answered before this one.
      if (turn !== this.#turn || id !== this.#id) return;
      this.line.clock.observe(viewer.serverTime);
      this.#take(assignment);
    } catch (error) {
      if (error instanceof SignedOut) return;
      if (!(error instanceof Unreachable || error instanceof Failure)) throw error;
      this.#again = setTimeout(() => this.refresh(), AGAIN_MS);
    }
  }

  /** Draw what has changed. */
  render() {
    const shift = this.#shift;
    if (!shift) return;
    const { root } = this.page;
    const view = this.#view(shift);
    const said = root.querySelector("[data-said]");
    root.hidden = false;
    root.dataset.phase = phases.phaseOf(shift);
    redraw(root.querySelector("[data-head]"), [shift.startsAt, shift.endsAt, shift.role, shift.job.property, view.zone, dayOf(view.now, view.zone)], () => phases.head(view));
    redraw(root.querySelector("[data-phases]"), root.dataset.phase, () => phases.phases(shift));
    [said.hidden, said.textContent] = [!this.#said, this.#said];
    for (const part of PARTS) this.#part(part, view);
    redraw(this.page.dialogs.barred.querySelector("[data-photos]"), [shift.job.photos, view.uploads("ACCESS")], () => this.#accessPhotos(view));
    this.#count();
  }

  /** Stop. */
  close() {
    clearInterval(this.ticking);
    this.stop();
    clearTimeout(this.#again);
    this.#id = null;
    this.#shift = null;
    this.#follow();
  }

  /** Take the next step; what needs the place asks the device for it first. */
  async step(name) {
    if (this.#busy) return;
    [this.#busy, this.#said] = [name, ""];
    this.render();
    const input = name === "submitEvidence" ? { jobId: this.#shift.job.id } : { assignmentId: this.#id };
    try {
      if (PLACED.has(name)) input.fix = await this.#fix().catch((error) => without(name, error));
      this.#busy = "";
      await this.outbox.add(name, input);
    } catch (error) {
      if (!(error instanceof No || error instanceof Nowhere)) throw error;
      this.#said = error.message;
    } finally {
      this.#busy = "";
      this.render();
    }
    await this.refresh();
    this.page.root.querySelector("#shift-title")?.scrollIntoView({ block: "center" });
  }

  /** Tick an item, or take the tick back. */
  tick({ id }, done) {
    this.#settle(this.outbox.add("tickItem", { itemId: id, done }));
  }

  /** Write a word to an item. */
  note(item) {
    const dialog = this.page.dialogs.note;
    [dialog.returnValue, this.noting] = ["", item];
    dialog.querySelector("[data-what]").textContent = item.label;
    dialog.querySelector("textarea").value = item.note;
    dialog.showModal();
  }

  /** Show how one gets in; it is not kept anywhere. */
  async reveal() {
    const id = this.#id;
    const tell = (code) => {
      if (id !== this.#id) return;
      this.#code = code;
      this.render();
    };
    tell({ busy: true });
    try {
      const { accessCode, errors } = (await this.line.call(REVEAL, { input: { jobId: this.#shift.job.id } })).revealAccessCode;
      tell(accessCode === null ? { said: errors[0].message } : { shown: accessCode });
    } catch (error) {
      if (!(error instanceof Unreachable || error instanceof Failure)) throw error;
      tell({ said: error.message });
    }
  }

  /** Take photos of a zone. */
  take(zone) {
    const stage = { ARRIVAL: "BEFORE" }[phases.phaseOf(this.#shift)] ?? "AFTER";
    this.taking = { assignmentId: this.#id, stage: zone === DOOR ? "ACCESS" : stage, zone };
    this.camera.click();
  }

  /** Show a photo large. */
  show(photo, name) {
    this.viewer.show(photo, name);
  }

  /** Ask what is to be said by somebody who cannot get in. */
  barred() {
    const dialog = this.page.dialogs.barred;
    dialog.returnValue = "";
    dialog.showModal();
  }

  /** In the demo: whether the home's own position is told instead of the device's. */
  pretend(is) {
    this.#pretends = is;
  }

  #take(shift) {
    if (!shift) {
      location.hash = "";
      return;
    }
    shift.job.photos.nodes = this.thumbnails.settle(shift.job.photos.nodes);
    this.#shift = shift;
    this.#follow();
    this.render();
  }

  #view(shift) {
    const zone = shift.job.market?.zone ?? "UTC";
    const ticks = new Map();
    for (const { name, input } of this.outbox.entries) if (name === "tickItem") ticks.set(input.itemId, input.done);
    const next = (name) => this.outbox.has(name, ({ assignmentId, jobId }) => assignmentId === this.#id || jobId === shift.job.id);
    return {
      shift,
      zone,
      now: this.line.clock.now(),
      ticks,
      code: this.#code,
      busy: this.#busy,
      queued: ["openInstructions", "acknowledgeInstructions", "checkIn", "startWork", "finishWork", "checkOut", "reportNoAccess", "submitEvidence"].some(next),
      isDemo: this.page.isDemo,
      pretends: this.#pretends,
      uploads: (stage) => (name) => this.uploads.of(this.#id, stage, name),
    };
  }

  #part(part, view) {
    const element = this.page.root.querySelector(`[data-part=${part}]`);
    const { uploads, now, ticks, ...rest } = view;
    const stage = { before: "BEFORE", after: "AFTER" }[part];
    const moving = stage ? this.uploads.of(this.#id, stage, null).map(({ id, state, said }) => [id, state, said]) : null;
    redraw(element, [rest, [...ticks], moving], () => phases[part](view, this.ports));
    element.hidden = !element.hasChildNodes();
  }

  #accessPhotos({ shift, uploads }) {
    const wanted = [{ zone: DOOR, count: 1 }];
    return zones({ stage: "ACCESS", wanted, photos: shift.job.photos.nodes, uploads: uploads("ACCESS") }, this.ports);
  }

  async #fix() {
    const { latitude, longitude } = this.#shift.job.property;
    // A device that is being followed may wait for its next move before it tells where it is.
    this.track.stop();
    return this.#pretends ? { latitude, longitude, accuracyMetres: 10 } : whereAmI();
  }

  async #settle(answered) {
    this.render();
    try {
      await answered;
    } catch (error) {
      if (!(error instanceof No)) throw error;
      this.page.tell(error.message, "bad");
    }
    await this.refresh();
  }

  #taken() {
    const files = [...this.camera.files];
    this.camera.value = "";
    if (files.length) this.uploads.add(files, this.taking);
  }

  #noted() {
    const dialog = this.page.dialogs.note;
    const { id, doneAt } = this.noting;
    if (dialog.returnValue !== "yes") return;
    this.#settle(this.outbox.add("tickItem", { itemId: id, done: doneAt !== null, note: dialog.querySelector("textarea").value }));
  }

  async #barred() {
    const dialog = this.page.dialogs.barred;
    if (dialog.returnValue !== "yes") return;
    const note = dialog.querySelector("textarea").value;
    try {
      await this.#settle(this.outbox.add("reportNoAccess", { assignmentId: this.#id, note, fix: await this.#fix().catch((error) => without("reportNoAccess", error)) }));
    } catch (error) {
      if (!(error instanceof Nowhere)) throw error;
      this.page.tell(error.message, "bad");
    }
  }

  /** Follow the device from the check-in to the departure, and at no other time. */
  #follow() {
    const visit = this.#shift?.visit;
    const isThere = visit?.checkedInAt && !visit.checkedOutAt && this.#shift.job.status === "IN_PROGRESS";
    if (isThere && !this.#pretends) this.track.start();
    else this.track.stop();
  }

  #sendTrack(points) {
    const visit = this.#shift?.visit;
    if (!visit?.checkedInAt) return;
    // Counted in seconds since the check-in: it goes on after a reload without anybody having kept it.
    const sequence = 1 + Math.max(0, Math.floor((this.line.clock.now() - Date.parse(visit.checkedInAt)) / 1000));
    this.outbox.add("sendTrack", { assignmentId: this.#id, sequence, points }).catch(() => {
      // A track that is refused proves nothing, and nobody has to do anything about it.
    });
  }

  #count() {
    if (!this.line.clock.isSet) return;
    for (const place of this.page.root.querySelectorAll("[data-since]")) {
      const end = place.dataset.to ? Date.parse(place.dataset.to) : this.line.clock.now();
      place.textContent = worked(end - Date.parse(place.dataset.since));
    }
  }
}

/** "1:04:09". */
function worked(milliseconds) {
  const seconds = Math.max(0, Math.floor(milliseconds / 1000));
  const two = (number) => String(number).padStart(2, "0");
  return `${Math.floor(seconds / 3600)}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`;
}
