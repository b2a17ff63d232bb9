/** Photos by zone: what is there of what is wanted, what is on its way, and what was refused. */

import { h, icon } from "/web/elements.js";

const REFUSED = {
  SIZE_MISMATCH: "It arrived damaged.",
  HASH_MISMATCH: "It arrived damaged.",
  NOT_AN_IMAGE: "This is not a photo.",
  TYPE_MISMATCH: "This is not the kind of file it says.",
  TOO_MANY_PIXELS: "This photo is too large.",
  TRUNCATED: "This file is damaged.",
  POLYGLOT: "This is not only a photo.",
  UNREADABLE: "This photo could not be read.",
  DUPLICATE: "This photo is there already.",
};
const STATES = { waiting: "Waiting", sending: "Sending", failed: "Not sent" };

/** "hot_tub" as "Hot tub". */
export function zoneName(zone) {
  const words = zone.replaceAll("_", " ");
  return words[0].toUpperCase() + words.slice(1);
}

/**
 * The zones of one stage: `wanted` is `[{ zone, count }]`, `photos` the server's, `uploads(zone)` what is on its way.
 * `ports` has `show(photo)` and, where photos are taken, `take(zone)`, `retry(id)`, `drop(id)`.
 */
export function zones({ stage, wanted, photos, uploads = () => [] }, ports) {
  return wanted.map(({ zone, count }) => {
    const own = photos.filter((photo) => photo.stage === stage && photo.zone === zone);
    const there = own.filter(({ status }) => status === "STORED").length;
    const id = `${stage}-${zone}`;
    const isDone = there >= count;
    return h(
      "section",
      { class: "zone", "data-zone": zone, "data-stage": stage, "data-done": String(isDone), "aria-labelledby": `${id}-title` },
      h(
        "header",
        {},
        h("h3", { id: `${id}-title` }, zoneName(zone)),
        h("p", { class: isDone ? "tally full" : "tally" }, isDone ? icon("check") : null, tally(there, count)),
      ),
      h("ul", { class: "tiles" }, ...own.map((photo) => tile(photo, ports)), ...uploads(zone).map((one) => moving(one, ports))),
      ports.take ? takeButton(zone, id, stage, ports) : null,
    );
  });
}

const tally = (there, count) => (count ? `${there} of ${count}` : `${there}`);

function takeButton(zone, id, stage, { take }) {
  const word = `Take ${stage === "ACCESS" ? "a photo" : `${stage.toLowerCase()} photos`}`;
  const label = `${word}: ${zoneName(zone)}`;
  return h("button", { type: "button", class: "small take", id: `${id}-take`, "aria-label": label, on: { click: () => take(zone) } }, icon("camera"), word);
}

function tile(photo, { show }) {
  const name = `${zoneName(photo.zone)}, ${photo.stage.toLowerCase()}`;
  if (photo.status === "STORED") {
    const picture = h("img", { src: photo.thumbnailUrl, alt: `${name} photo`, width: 96, height: 96, loading: "lazy" });
    const odd = photo.flags?.length ? h("small", { class: "flags" }, photo.flags.join(", ")) : null;
    const button = h("button", { type: "button", class: "tile", id: `photo-${photo.id}`, on: { click: () => show(photo, name) } }, picture);
    return h("li", { "data-photo": photo.id }, button, odd);
  }
  if (photo.status === "REJECTED") {
    return h("li", { class: "tile refused" }, h("strong", {}, "Refused"), h("small", {}, REFUSED[photo.refusal] ?? ""));
  }
  return h("li", { class: "tile moving" }, h("small", {}, "Being checked…"));
}

function moving({ id, state, said }, { retry, drop }) {
  if (state !== "failed") return h("li", { class: "tile moving" }, h("small", {}, `${STATES[state]}…`));
  return h(
    "li",
    { class: "tile refused" },
    h("small", {}, said || STATES.failed),
    h("button", { type: "button", class: "link", id: `retry-${id}`, on: { click: () => retry(id) } }, "Retry"),
    h("button", { type: "button", class: "link", id: `drop-${id}`, "aria-label": "Discard this photo", on: { click: () => drop(id) } }, "Discard"),
  );
}

/** Shows one photo large; its address is asked for anew, for it does not hold for long. */
export class Viewer {
  constructor(dialog, addressOf) {
    this.dialog = dialog;
    this.addressOf = addressOf;
    dialog.querySelector("[data-cancel]").addEventListener("click", () => dialog.close());
  }

  /** Open it. */
  async show(photo, name) {
    const image = this.dialog.querySelector("img");
    image.removeAttribute("src");
    image.alt = `${name} photo`;
    this.dialog.querySelector("[data-what]").textContent = name;
    this.dialog.showModal();
    const url = await this.addressOf(photo.id).catch(() => null);
    if (url) image.src = url;
    else this.dialog.querySelector("[data-what]").textContent = "This photo cannot be had right now.";
  }
}

/** Addresses of small copies, kept while they hold: a picture that is shown already is not loaded again. */
export class Thumbnails {
  #known = new Map();

  /** The photos with addresses that stay as they were. */
  settle(photos) {
    return photos.map((photo) => {
      const known = this.#known.get(photo.id);
      const isGood = known && performance.now() - known.since < 480_000;
      if (!isGood && photo.thumbnailUrl) this.#known.set(photo.id, { url: photo.thumbnailUrl, since: performance.now() });
      const { url, ...rest } = photo;
      return { ...rest, thumbnailUrl: isGood ? known.url : photo.thumbnailUrl };
    });
  }
}
