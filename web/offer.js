/** The small dialog that puts a shift on the market, with a note for colleagues. */

import { dayInWords, dayOf, span } from "/web/clock.js";

/** Ask for the note; resolves to it, or to null if the person thinks better of it. */
export function askForNote(dialog, shift, zone) {
  const day = dayInWords(dayOf(shift.startsAt, zone));
  const what = `${day}, ${span(shift.startsAt, shift.endsAt, zone)} in ${shift.job.property.city}`;
  dialog.querySelector("[data-what]").textContent = what;
  const note = dialog.querySelector("textarea");
  note.value = "";
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((resolve) => {
    const done = () => resolve(dialog.returnValue === "offer" ? note.value.trim() : null);
    dialog.addEventListener("close", done, { once: true });
  });
}
