/** The small dialogs before a move: how a shift is offered, and why a swap is declined. */

import { dayInWords, dayOf, span } from "/web/clock.js";
import { h } from "/web/elements.js";

const MOST_WANTED = 20;

/**
 * Ask how to offer a shift: a note, and whether one of the `others` on the market is wanted in return. Resolves to
 * `{ note }` or `{ note, wants }`, or to null if the person thinks better of it.
 */
export async function askForOffer(dialog, shift, { zone, others }) {
  dialog.querySelector("[data-what]").textContent = inWords(shift.startsAt, shift.endsAt, zone, shift.job.property.city);
  const trade = dialog.querySelector("[data-trade]");
  trade.hidden = others.length === 0;
  trade.open = false;
  trade.querySelector("[data-others]").replaceChildren(...others.map((swap) => choice(swap)));
  trade.onchange = () => keepToMost(trade);
  if (!(await confirmed(dialog))) return null;
  const wants = [...trade.querySelectorAll("input:checked")].map(({ value }) => value);
  return { note: noteOf(dialog), ...(wants.length && { wants }) };
}

/** Ask the office why it declines; resolves to the reason, or to null if it does not after all. */
export async function askForReason(dialog, swap) {
  dialog.querySelector("[data-what]").textContent =
    `${inWords(swap.startsAt, swap.endsAt, swap.zone, swap.city)}, for ${swap.takerName}`;
  return (await confirmed(dialog)) ? noteOf(dialog) : null;
}

function confirmed(dialog) {
  dialog.querySelector("textarea").value = "";
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true });
  });
}

const noteOf = (dialog) => dialog.querySelector("textarea").value.trim();

function choice({ assignmentId, startsAt, endsAt, zone, city, ownerName }) {
  const words = h("span", {}, inWords(startsAt, endsAt, zone, city, "short"), h("small", {}, ownerName));
  return h("label", { class: "pick" }, h("input", { type: "checkbox", value: assignmentId }), words);
}

/** The server takes so many at most. */
function keepToMost(trade) {
  const isFull = trade.querySelectorAll("input:checked").length >= MOST_WANTED;
  trade.querySelectorAll("input:not(:checked)").forEach((box) => (box.disabled = isFull));
}

function inWords(startsAt, endsAt, zone, city, style = "long") {
  return `${dayInWords(dayOf(startsAt, zone), style)}, ${span(startsAt, endsAt, zone)} in ${city}`;
}
