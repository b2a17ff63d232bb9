/** Photos on their way from the device into the evidence: announced by their hash, uploaded, confirmed, tried again. */

import { Failure, newKey, SignedOut, Unreachable } from "/web/api.js";
import { CONFIRM_PHOTO, REQUEST_PHOTO } from "/web/field_documents.js";
import { No } from "/web/outbox.js";

const TAKEN_AS_THEY_ARE = new Set(["image/jpeg", "image/png", "image/webp"]);
const MOST_BYTES = 10 * 1024 * 1024;
const MOST_PIXELS_A_SIDE = 4_000;
const AT_ONCE = 2;
const TRIES = 4;
const PAUSE_MS = 1_500;

/** The bytes were refused for good: another announcement is needed, or another photo. */
class NotTaken extends Error {}

export class Uploads {
  #all = [];
  #running = 0;
  #lastId = 0;

  /** `changed()` is told when something moves; `arrived(photoId)` when a photo is up. */
  constructor(call, { changed, arrived }) {
    this.call = call;
    this.changed = changed;
    this.arrived = arrived;
    this.leaving = (event) => this.#all.some(({ state }) => state !== "failed") && event.preventDefault();
    this.online = () => this.#all.filter(({ state, isCut }) => state === "failed" && isCut).forEach((one) => this.retry(one.id));
    addEventListener("beforeunload", this.leaving);
    addEventListener("online", this.online);
  }

  /** What is on its way of a stage and zone. */
  of(assignmentId, stage, zone) {
    return this.#all.filter((one) => one.assignmentId === assignmentId && one.stage === stage && (zone === null || one.zone === zone));
  }

  /** Take these files for a zone of a shift. */
  add(files, { assignmentId, stage, zone }) {
    for (const file of files) {
      this.#lastId += 1;
      const one = { id: `upload-${this.#lastId}`, file, assignmentId, stage, zone, state: "waiting", said: "", key: newKey() };
      this.#all = [...this.#all, { ...one, at: new Date().toISOString() }];
    }
    this.#next();
  }

  /** Try one again that has failed. */
  retry(id) {
    this.#change(id, { state: "waiting", said: "", isCut: false });
    this.#next();
  }

  /** Give one up that has failed. */
  drop(id) {
    this.#all = this.#all.filter((one) => one.id !== id);
    this.changed();
  }

  /** Forget everything. */
  close() {
    this.#all = [];
    removeEventListener("beforeunload", this.leaving);
    removeEventListener("online", this.online);
  }

  #change(id, values) {
    this.#all = this.#all.map((one) => (one.id === id ? { ...one, ...values } : one));
    this.changed();
  }

  #next() {
    while (this.#running < AT_ONCE) {
      const one = this.#all.find(({ state }) => state === "waiting");
      if (!one) break;
      this.#running += 1;
      this.#change(one.id, { state: "sending" });
      this.#bring(this.#all.find(({ id }) => id === one.id)).finally(() => {
        this.#running -= 1;
        this.#next();
      });
    }
    this.changed();
  }

  async #bring(one) {
    try {
      const photo = await this.#up(one);
      this.drop(one.id);
      this.arrived(photo);
    } catch (error) {
      const isCut = error instanceof Unreachable;
      const known = isCut || [No, NotTaken, Failure, SignedOut].some((kind) => error instanceof kind);
      const said = isCut ? "No network" : error.message;
      // What has expired meanwhile is announced anew; what did not get through goes on under its key.
      this.#change(one.id, { state: "failed", said, isCut, ...(isCut ? {} : { key: newKey() }) });
      if (!known) throw error;
    }
  }

  async #up(one) {
    const { blob, sha256 } = await prepared(one.file);
    const { photo } = await this.#asked(REQUEST_PHOTO, "requestPhoto", {
      assignmentId: one.assignmentId,
      stage: one.stage,
      zone: one.zone,
      contentType: blob.type,
      sizeBytes: blob.size,
      sha256,
      device: { capturedAt: one.at, sentAt: new Date().toISOString() },
      clientMutationId: one.key,
    });
    if (photo.status === "REQUESTED") {
      if (!photo.uploadUrl) throw new NotTaken("It took too long. Try again.");
      await put(photo.uploadUrl, blob);
      await this.#asked(CONFIRM_PHOTO, "confirmPhoto", { photoId: photo.id, clientMutationId: `${one.key}c` });
    }
    return photo.id;
  }

  async #asked(document, name, input) {
    const { errors, ...answer } = (await this.call(document, { input }))[name];
    if (errors.length) throw new No(errors[0]);
    return answer;
  }
}

/** The bytes that go up, and their hash. What the server does not read, or is too large, is made a JPEG here. */
async function prepared(file) {
  const fits = TAKEN_AS_THEY_ARE.has(file.type) && file.size <= MOST_BYTES;
  const blob = fits ? file : await asJpeg(file);
  if (!crypto.subtle) throw new NotTaken("Photos need a secure connection (https).");
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", await blob.arrayBuffer()));
  return { blob, sha256: Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("") };
}

async function asJpeg(file) {
  const bitmap = await createImageBitmap(file).catch(() => null);
  if (!bitmap) throw new NotTaken("This file is not a photo that can be read here.");
  const scale = Math.min(1, MOST_PIXELS_A_SIDE / Math.max(bitmap.width, bitmap.height));
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [Math.round(bitmap.width * scale), Math.round(bitmap.height * scale)];
  canvas.getContext("2d").drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  return new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", 0.85));
}

async function put(url, blob) {
  for (let tries = 1; ; tries += 1) {
    const response = await fetch(url, { method: "PUT", headers: { "content-type": blob.type }, body: blob }).catch(() => null);
    // There already: an attempt before this one came through, and its answer did not.
    if (response?.ok || response?.status === 409) return;
    if (response && response.status < 500 && response.status !== 408) throw new NotTaken(await reason(response));
    if (tries === TRIES) throw new Unreachable("The photo did not get through.");
    await new Promise((resume) => setTimeout(resume, PAUSE_MS * tries));
  }
}

async function reason(response) {
  const said = await response.json().catch(() => ({}));
  return said.error ?? `The photo was not taken (${response.status}).`;
}
