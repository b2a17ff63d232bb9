/** The parts of one job's proof: pure drawing, for the office and, without positions and chain, for the customer. */

import { dayInWords, dayOf, hourOf, moment, span } from "/web/clock.js";
import { h, icon } from "/web/elements.js";
import { metres } from "/web/place.js";
import { plot } from "/web/plot.js";
import { STANDS, STATUS } from "/web/today.js";
import { zoneName, zones } from "/web/zones.js";

const PROOF = {
  OPEN: "The work is under way",
  INCOMPLETE: "Something is missing",
  COMPLETE: "Proven",
  OVERRIDDEN: "Accepted by an administrator",
  NO_ACCESS: "Nobody could get in",
};
const STAGES = [
  ["BEFORE", "Before", "before"],
  ["AFTER", "After", "after"],
  ["ACCESS", "At the door", null],
];

export function head(job, zone) {
  const { property, evidence } = job;
  const state = evidence ? h("span", { class: `badge proof-${evidence.status}`, "data-proof": evidence.status }, icon("shield"), PROOF[evidence.status]) : null;
  const day = dayInWords(dayOf(job.startsAt, zone));
  return [
    h("h2", { id: "job-title" }, property.name ?? property.address),
    h("p", { class: "where" }, `${day}, ${span(job.startsAt, job.endsAt, zone)} · ${[property.address, property.city].filter(Boolean).join(", ")}`),
    h("div", { class: "badges left" }, h("span", { class: "badge" }, STATUS[job.status]), state),
    job.customer ? h("p", { class: "detail" }, `For ${job.customer.name}`) : null,
    evidence?.overrideReason ? h("blockquote", {}, `Accepted: ${evidence.overrideReason}`) : null,
    evidence?.noAccessNote ? h("blockquote", {}, evidence.noAccessNote) : null,
  ];
}

export function missing(job, ports) {
  const list = job.evidence?.missing ?? [];
  if (job.status !== "IN_PROGRESS" || !job.evidence) return [];
  const lines = h("ul", {}, ...list.map(({ code, message }) => h("li", { "data-code": code }, message)));
  const isLeft = job.evidence.status === "INCOMPLETE";
  // While somebody is at work it is no fault that something is still to be done.
  const said = isLeft ? h("div", { class: "reasons" }, h("strong", {}, `${list.length} missing`), lines) : h("details", { id: "to-do", class: "to-do" }, h("summary", {}, `${list.length} still to do for the proof`), lines);
  said.dataset.missing = String(list.length);
  const accept = ports.accept && h("button", { type: "button", class: "small start", id: "accept-evidence", on: { click: ports.accept } }, "Accept it as it is…");
  return [list.length ? said : null, accept];
}

export function visits(job, zone, ports = {}) {
  if (!job.visits.length) return [h("h3", { id: "visits-title" }, "Who was there"), h("p", { class: "detail" }, "Nobody has begun yet.")];
  return [h("h3", { id: "visits-title" }, "Who was there"), ...job.visits.map((visit) => way(visit, zone, ports))];
}

function way(visit, zone, ports) {
  const time = (word, at, more) => h("div", {}, h("dt", {}, word), h("dd", {}, at ? hourOf(at, zone) : "–", more ? h("small", {}, ` ${more}`) : null));
  const from = (spot) => (spot ? `${metres(spot.distanceMetres)} from the home` : null);
  const arrived = visit.checkInOverridden ? "accepted by the office" : from(visit.checkIn);
  const mayOverride = ports.letIn && visit.phase === "ARRIVAL" && !visit.checkedInAt && visit.assignment;
  return h(
    "div",
    { class: "way", "data-visit": visit.id, "data-phase": visit.phase },
    h("p", {}, h("strong", {}, visit.cleaner?.name ?? "Your cleaner"), ` ${visit.phase === "ARRIVAL" && visit.checkedInAt ? "has arrived" : STANDS[visit.phase]}`),
    h("dl", { class: "times" }, time("Arrived", visit.checkedInAt, arrived), time("Began", visit.startedAt), time("Finished", visit.finishedAt), time("Left", visit.checkedOutAt, from(visit.checkOut))),
    mayOverride ? h("button", { type: "button", class: "small start", id: `let-in-${visit.id}`, on: { click: () => ports.letIn(visit) } }, "Accept the arrival…") : null,
  );
}

export function places(job, live) {
  const { property, visits: all, evidence } = job;
  if (property.latitude === null || property.latitude === undefined) return [];
  const spots = all.flatMap(({ checkIn, checkOut, cleaner }) => [
    checkIn && { kind: "in", place: checkIn, words: `${cleaner.name} checked in, ${metres(checkIn.distanceMetres)} away` },
    checkOut && { kind: "out", place: checkOut, words: `${cleaner.name} checked out, ${metres(checkOut.distanceMetres)} away` },
  ]).filter(Boolean);
  for (const one of live) spots.push({ kind: "live", place: one, words: `${nameOf(all, one.visitId)} now, within ${metres(one.accuracyMetres)}` });
  if (!spots.length) return [];
  const radius = evidence?.entries.find(({ kind, payload }) => kind === "CHECKED_IN" && payload)?.payload.radiusMetres ?? null;
  const trails = all.map(({ id }) => job.tracks.nodes.filter(({ visit }) => visit.id === id).flatMap(({ points }) => points)).filter(({ length }) => length > 1);
  const odd = [...new Set(job.tracks.nodes.flatMap(({ flags }) => flags))];
  return [
    h("h3", { id: "places-title" }, "Where"),
    plot({ home: property, radius, spots, trails }),
    odd.length ? h("p", { class: "detail" }, `Odd about the track: ${odd.join(", ")}`) : null,
  ];
}

const nameOf = (all, visitId) => all.find(({ id }) => id === visitId)?.cleaner?.name ?? "Somebody";

export function checklist(job, zone) {
  if (!job.checklist.length) return [];
  const done = job.checklist.filter(({ doneAt }) => doneAt).length;
  const line = (item) =>
    h("li", { "data-done": String(item.doneAt !== null) },
      icon(item.doneAt ? "check" : "open"),
      h("span", {}, h("span", { class: "unseen" }, item.doneAt ? "Done: " : "Open: "), `${zoneName(item.zone)}: ${item.label}`,
        item.note ? h("small", {}, ` “${item.note}”`) : null),
      h("small", {}, item.doneAt ? hourOf(item.doneAt, zone) : item.required ? "open" : "optional"));
  return [h("h3", { id: "checklist-title" }, "Checklist ", h("span", { class: "count" }, `${done} of ${job.checklist.length}`)), h("ul", { class: "done-list" }, ...job.checklist.map(line))];
}

export function photos(job, ports) {
  const all = job.photos.nodes;
  const parts = STAGES.flatMap(([stage, word, field]) => {
    const required = new Map((job.evidence?.requirements ?? []).map((one) => [one.zone, field ? one[field] : 0]));
    for (const photo of all) if (photo.stage === stage && !required.has(photo.zone)) required.set(photo.zone, 0);
    const wanted = [...required].map(([zone, count]) => ({ zone, count })).filter(({ zone, count }) => count || all.some((photo) => photo.stage === stage && photo.zone === zone));
    return wanted.length ? [h("h4", {}, word), h("div", { class: "zones" }, ...zones({ stage, wanted, photos: all }, ports))] : [];
  });
  return parts.length ? [h("h3", { id: "photos-title" }, "Photos"), ...parts] : [];
}

export function chain(job, zone, { report, busy }, ports) {
  const { evidence } = job;
  if (!evidence) return [];
  const says = report && h("div", { class: `outcome ${report.isIntact ? "proven" : "barred"}`, "data-intact": String(report.isIntact) },
    h("strong", {}, report.isIntact ? "Nothing was changed." : "This is not what was written down."),
    h("p", {}, `${report.entries} entries computed anew, ${report.photosRead} photos read, ${moment(report.checkedAt, zone)}.`),
    report.problems.length ? h("ul", {}, ...report.problems.map(({ message, entry }) => h("li", {}, entry ? `Entry ${entry}: ${message}` : message))) : null);
  return [
    h("h3", { id: "chain-title" }, "Chain of evidence ", h("span", { class: "count" }, `${evidence.entryCount} entries`)),
    h("div", { class: "does" },
      h("button", { type: "button", class: "small", id: "verify", disabled: busy, on: { click: ports.verify } }, icon("shield"), busy ? "Checking…" : "Verify"),
      h("button", { type: "button", class: "small", id: "bundle", on: { click: ports.bundle } }, "Download the bundle")),
    says || null,
    h("details", { id: "entries" }, h("summary", {}, "All entries"), h("ol", { class: "entries" }, ...evidence.entries.map((entry) => entryLine(entry, zone)))),
  ];
}

function entryLine({ seq, kind, receivedAt, flags, actorRole, hash }, zone) {
  const words = kind.toLowerCase().replaceAll("_", " ");
  return h("li", { value: seq, "data-kind": kind }, h("span", {}, words), h("small", {}, ` ${hourOf(receivedAt, zone)} · ${actorRole.toLowerCase()}${flags.length ? ` · ${flags.join(", ")}` : ""}`), h("code", {}, hash.slice(0, 16)));
}
