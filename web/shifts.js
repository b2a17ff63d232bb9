/** The cleaner's jobs that are still to be done, live, as a list by day. */

import { dayInWords, dayOf, eachQuarter, hours, nearDay, span } from "/web/clock.js";
import { h, icon, redraw } from "/web/elements.js";

const STANDS = {
  INSTRUCTION: "Reading",
  ARRIVAL: "On the way",
  IN_PROGRESS: "At work",
  COMPLETION: "Finishing",
  DONE: "Something is missing",
};

export class Shifts {
  #jobs = new Map();
  #isKnown = false;

  /** `root` has the list; `clock` is the server's. Days go on by themselves. */
  constructor(root, clock) {
    this.root = root;
    this.clock = clock;
    this.stop = eachQuarter(clock, () => this.render());
  }

  /** Stop. */
  close() {
    this.stop();
  }

  /** Take a frame of the feed `jobs`. */
  take(frame) {
    if (frame.__typename === "JobsSnapshot") this.#jobs = new Map(frame.jobs.map((job) => [job.id, job]));
    else if (frame.__typename === "JobShown") this.#jobs.set(frame.job.id, frame.job);
    else if (frame.__typename === "JobGone") this.#jobs.delete(frame.jobId);
    this.#isKnown ||= frame.__typename === "JobsSnapshot";
    this.render();
  }

  /** Draw it. */
  render() {
    const jobs = [...this.#jobs.values()].sort((a, b) => a.startsAt.localeCompare(b.startsAt) || a.id.localeCompare(b.id));
    redraw(this.root.querySelector("[data-list]"), jobs.map((job) => [job, this.#near(job)]), () => this.#days(jobs));
    const empty = this.root.querySelector("[data-empty]");
    empty.hidden = jobs.length > 0;
    empty.textContent = this.#isKnown ? "Nothing to do right now. New jobs appear here by themselves." : "Reading your jobs…";
  }

  #days(jobs) {
    const days = Map.groupBy ? Map.groupBy(jobs, dayOfJob) : grouped(jobs);
    return [...days].flatMap(([day, its]) => {
      const near = this.#near(its[0]);
      return [h("h2", { class: "day" }, near ? `${near} · ${dayInWords(day)}` : dayInWords(day)), ...its.map(card)];
    });
  }

  #near(job) {
    return this.clock.isSet ? nearDay(dayOfJob(job), this.clock.now(), zoneOf(job)) : "";
  }
}

const zoneOf = (job) => job.zone ?? "UTC";
const dayOfJob = (job) => dayOf(job.startsAt, zoneOf(job));

function grouped(jobs) {
  const days = new Map();
  for (const job of jobs) days.set(dayOfJob(job), [...(days.get(dayOfJob(job)) ?? []), job]);
  return days;
}

function card(job) {
  const [part] = job.crew;
  if (!part) return null;
  const size = `${job.bedrooms} bed, ${job.bathrooms} bath`;
  return h(
    "a",
    { class: "card job", href: `#shift=${encodeURIComponent(part.assignmentId)}`, "data-job": job.id, "data-phase": part.phase ?? "NONE" },
    h("div", {}, h("h3", {}, span(job.startsAt, job.endsAt, job.zone ?? "UTC")), h("p", { class: "where" }, h("strong", {}, job.city), ` · ${hours(job.expectedHours)} · ${size}`)),
    h("div", { class: "badges" }, ...badges(job, part)),
  );
}

function badges(job, part) {
  const list = [];
  const badge = (kind, ...content) => list.push(h("span", { class: `badge ${kind}` }, ...content));
  if (job.isUrgent && !part.phase) badge("urgent", icon("bolt"), "Urgent");
  if (job.status === "NO_SHOW") badge("late", "Missed");
  else if (job.lateAt && !part.checkedInAt) badge("late", "Late");
  if (part.role === "BACKUP") badge("trade", "Stand by");
  if (part.phase) badge(part.phase === "DONE" ? "urgent" : "open", part.phase === "ARRIVAL" && part.checkedInAt ? "Arrived" : STANDS[part.phase]);
  return list;
}
