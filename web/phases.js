/** One shift as its cleaner sees it, phase by phase: each part is a list of elements, or nothing. */

import { dayInWords, dayOf, hourOf, hours, moment, nearDay, span } from "/web/clock.js";
import { h, icon } from "/web/elements.js";
import { zoneName, zones } from "/web/zones.js";

const PHASES = [
  ["INSTRUCTION", "Read"],
  ["ARRIVAL", "Arrive"],
  ["IN_PROGRESS", "Work"],
  ["COMPLETION", "Finish"],
];
const LAUNDRY = { IN_UNIT: "laundry in the home", OFF_SITE: "laundry elsewhere" };
const AT_WORK = ["IN_PROGRESS", "COMPLETION"];
const OVER = ["COMPLETED", "CANCELED", "NO_ACCESS"];

/** Where a visit stands: "NONE" before it begins. */
export const phaseOf = ({ visit }) => visit?.phase ?? "NONE";

/** Whether the shift is being worked: the timer has begun and nobody has left. */
export const isAtWork = (shift) => AT_WORK.includes(phaseOf(shift));

/** Whether photos and ticks may still come late: the cleaner has left, and something is missing. */
export const isLate = (shift) => phaseOf(shift) === "DONE" && ["OPEN", "INCOMPLETE"].includes(shift.job.evidence?.status);

export function head({ shift, now, zone }) {
  const { property, isUrgent } = shift.job;
  const day = dayOf(shift.startsAt, zone);
  return [
    h("p", { class: "when" }, `${nearDay(day, now, zone) || dayInWords(day)}, ${span(shift.startsAt, shift.endsAt, zone)}`),
    h("h1", { id: "shift-title" }, property.address ?? property.city),
    h("p", { class: "where" }, `${[property.postalCode, property.city].filter(Boolean).join(" ")} · ${hours(shift.job.expectedHours)} of work`),
    isUrgent || shift.role !== "PRIMARY"
      ? h("div", { class: "badges left" }, isUrgent ? h("span", { class: "badge urgent" }, icon("bolt"), "Urgent") : null,
          shift.role === "BACKUP" ? h("span", { class: "badge trade" }, "You stand by") : null,
          shift.role === "LAUNDRY_LEAD" ? h("span", { class: "badge trade" }, "Laundry") : null)
      : null,
  ];
}

export function phases(shift) {
  const phase = phaseOf(shift);
  const at = { NONE: 0, DONE: 4, NO_ACCESS: 4 }[phase] ?? PHASES.findIndex(([name]) => name === phase);
  return PHASES.map(([, word], place) => {
    const state = place < at ? "done" : place === at ? "now" : "next";
    const said = { done: ", done", now: ", now", next: "" }[state];
    return h("li", { "data-state": state, "aria-current": state === "now" ? "step" : null }, word, h("span", { class: "unseen" }, said));
  });
}

export function notes({ shift, code }, ports) {
  if (phaseOf(shift) === "NONE" || ["DONE", "NO_ACCESS"].includes(phaseOf(shift))) return [];
  const { property, instructions } = shift.job;
  const laundry = LAUNDRY[property.laundry] ? `, ${LAUNDRY[property.laundry]}` : "";
  const size = `${property.bedrooms} bed, ${property.bathrooms} bath, ${property.squareFeet.toLocaleString("en-US")} sq ft`;
  const content = [
    instructions ? h("blockquote", {}, instructions) : null,
    property.notes ? h("p", {}, property.notes) : null,
    h("p", { class: "detail" }, `${size}${laundry}${property.hotTub ? ", hot tub" : ""}`),
    property.latitude === null ? null : h("p", {}, h("a", { href: `geo:${property.latitude},${property.longitude}` }, "Show the way")),
    way({ code }, ports),
  ];
  if (phaseOf(shift) === "INSTRUCTION") return [h("h2", {}, "What to know"), ...content];
  const isOpen = phaseOf(shift) === "ARRIVAL" && !shift.visit.checkedInAt;
  return [h("details", { open: isOpen, id: "notes" }, h("summary", {}, "Instructions and the way in"), ...content)];
}

function way({ code }, ports) {
  if (code?.shown) return h("p", { class: "code" }, h("span", {}, "The way in"), h("strong", { id: "access-code" }, code.shown), h("small", {}, "The office sees that you looked."));
  const label = code?.busy ? "Asking…" : "Show the code";
  return h("div", {}, h("button", { type: "button", class: "small", id: "show-code", disabled: Boolean(code?.busy), on: { click: ports.reveal } }, icon("key"), label),
    code?.said ? h("p", { class: "detail bad" }, code.said) : null);
}

export function before({ shift, uploads }, ports) {
  if (phaseOf(shift) !== "ARRIVAL" || !shift.visit.checkedInAt) return [];
  const wanted = shift.job.evidence.requirements.filter(({ before: count }) => count).map(({ zone, before: count }) => ({ zone, count }));
  return [h("h2", {}, "Before photos"), h("p", { class: "detail" }, "How you found it, damage included."),
    ...zones({ stage: "BEFORE", wanted, photos: shift.job.photos.nodes, uploads: uploads("BEFORE") }, ports)];
}

export function after({ shift, uploads }, ports) {
  if (!isAtWork(shift) && !isLate(shift)) return [];
  const wanted = shift.job.evidence.requirements.filter(({ after: count }) => count).map(({ zone, after: count }) => ({ zone, count }));
  const there = shift.job.photos.nodes.filter(({ stage, status }) => stage === "AFTER" && status === "STORED");
  const count = wanted.reduce((sum, one) => sum + one.count, 0);
  const full = wanted.reduce((sum, one) => sum + Math.min(one.count, there.filter(({ zone }) => zone === one.zone).length), 0);
  return [h("h2", {}, "After photos ", h("span", { class: "count", "data-after": "" }, `${full} of ${count}`)),
    ...zones({ stage: "AFTER", wanted, photos: shift.job.photos.nodes, uploads: uploads("AFTER") }, ports)];
}

export function checklist({ shift, ticks }, ports) {
  if (!isAtWork(shift) && !isLate(shift)) return [];
  const items = shift.job.checklist;
  const isDone = (item) => ticks.get(item.id) ?? item.doneAt !== null;
  const done = items.filter(isDone).length;
  const zonesOf = [...new Set(items.map(({ zone }) => zone))];
  return [
    h("h2", {}, "Checklist ", h("span", { class: "count", "data-done": "" }, `${done} of ${items.length}`)),
    ...zonesOf.map((zone) =>
      h("fieldset", { class: "items" }, h("legend", {}, zoneName(zone)),
        ...items.filter((item) => item.zone === zone).map((item) => line(item, isDone(item), ticks.has(item.id), ports)))),
  ];
}

function line(item, isDone, waits, ports) {
  const box = { type: "checkbox", id: `item-${item.id}`, checked: isDone, on: { change: (event) => ports.tick(item, event.target.checked) } };
  return h("div", { class: "item", "data-item": item.id },
    h("label", {}, h("input", box), h("span", {}, item.label, item.required ? null : h("small", {}, " (if there is time)"), waits ? h("small", { class: "waits" }, " · waits for the network") : null)),
    h("button", { type: "button", class: "quiet", id: `note-${item.id}`, "aria-label": `Note: ${item.label}`, on: { click: () => ports.note(item) } }, icon("note")),
    item.note ? h("p", { class: "detail" }, item.note) : null);
}

/** What stands between the cleaner and the next step, or the proof. */
export function lacking({ shift }) {
  const missing = missingNow(shift);
  if (!missing.length) return [];
  const words = phaseOf(shift) === "ARRIVAL" ? "Before you start" : "Still missing";
  return [h("div", { class: "reasons", "data-missing": String(missing.length) }, h("strong", {}, words),
    h("ul", {}, ...missing.map(({ code, zone, message }) => h("li", { "data-code": code, "data-zone": zone }, message))))];
}

/** What of the missing evidence the cleaner can mend in this phase. */
export function missingNow(shift) {
  const all = shift.job.evidence?.missing ?? [];
  const phase = phaseOf(shift);
  if (phase === "ARRIVAL") return shift.visit.checkedInAt ? all.filter(({ code }) => code === "BEFORE_PHOTOS") : [];
  if (phase === "COMPLETION") return all.filter(({ code }) => code === "AFTER_PHOTOS" || code === "CHECKLIST");
  return isLate(shift) ? all : [];
}

export function timer({ shift }) {
  const { visit } = shift;
  if (!isAtWork(shift)) return [];
  const label = visit.finishedAt ? "Worked" : "At work since ";
  return [h("p", { class: "timer" },
    h("span", { "data-since": visit.startedAt, "data-to": visit.finishedAt, role: "timer" }, ""),
    h("small", {}, label, visit.finishedAt ? null : hourOf(visit.startedAt, shift.job.market?.zone ?? "UTC")))];
}

export function result({ shift, zone }) {
  const { evidence, status } = shift.job;
  const phase = phaseOf(shift);
  const said = (kind, title, text) => [h("div", { class: `outcome ${kind}`, "data-outcome": kind }, h("h2", {}, title), text ? h("p", {}, text) : null)];
  if (status === "COMPLETED") return said("proven", "Proven and complete", evidence?.status === "OVERRIDDEN" ? "The office has accepted it as it is." : "Everything is there. Thank you.");
  if (status === "NO_ACCESS" || phase === "NO_ACCESS") return said("barred", "You could not get in", evidence?.noAccessNote);
  if (status === "CANCELED") return said("barred", "This job was canceled");
  if (shift.releasedAt) return said("barred", "This shift is not yours any more", `Since ${moment(shift.releasedAt, zone)}.`);
  if (status === "NO_SHOW") return said("lacking", "This counts as not begun", "You can go on once the office lets you in: call them.");
  if (!isLate(shift)) return [];
  if (!evidence.missing.length || evidence.status === "OPEN") return said("waiting", "You have checked out", "The photos are being checked, or a colleague is still at work.");
  return said("lacking", "Something is missing", "You have checked out. Add what is missing: the job is proven, and paid, once it is complete.");
}

export function help({ shift, barred }, ports) {
  if (phaseOf(shift) !== "ARRIVAL" || OVER.includes(shift.job.status)) return [];
  const waits = shift.visit.checkedInAt ? null : h("p", { class: "detail" }, "Nobody opens? Check in at the door first, then say that you cannot get in.");
  const button = h("button", { type: "button", class: "small", id: "cannot-get-in", on: { click: ports.barred } }, "I cannot get in…");
  return [shift.visit.checkedInAt ? button : waits, barred ? h("p", { class: "detail bad" }, barred) : null];
}

/** The one next step. */
export function act({ shift, busy, queued, isDemo, pretends }, ports) {
  const { job, visit } = shift;
  if (OVER.includes(job.status) || shift.releasedAt || (job.status === "NO_SHOW" && phaseOf(shift) !== "INSTRUCTION")) return [];
  const steps = {
    NONE: ["openInstructions", "Open the instructions"],
    INSTRUCTION: ["acknowledgeInstructions", "I have read this"],
    ARRIVAL: visit?.checkedInAt ? ["startWork", "Start work"] : ["checkIn", "Check in"],
    IN_PROGRESS: ["finishWork", "Finish work"],
    COMPLETION: ["checkOut", "Check out"],
  };
  if (isLate(shift)) steps.DONE = ["submitEvidence", "Submit again"];
  const [name, word] = steps[phaseOf(shift)] ?? [];
  if (!name) return [];
  const forbidden = name === "startWork" && missingNow(shift).length > 0;
  const label = queued ? "Waits for the network…" : busy ? busyWord(name) : word;
  const button = { type: "button", class: "primary", id: "next-step", "data-step": name, disabled: Boolean(busy || queued || forbidden), on: { click: () => ports.step(name) } };
  const needsPlace = name === "checkIn" || name === "checkOut";
  return [needsPlace && isDemo ? pretend(pretends, ports) : null, h("button", button, label)];
}

const busyWord = (name) => (name === "checkIn" || name === "checkOut" ? "Finding out where you are…" : "Sending…");

function pretend(pretends, ports) {
  const box = { type: "checkbox", id: "pretend", checked: pretends, on: { change: (event) => ports.pretend(event.target.checked) } };
  return h("label", { class: "switch" }, h("input", box), "Demo: pretend to be at the door");
}
