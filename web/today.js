/** The office's live board of jobs: what is wrong first, then who is where, then what is to come and what is done. */

import { addDays, dayInWords, dayOf, hourOf, span } from "/web/clock.js";
import { h, icon, redraw } from "/web/elements.js";

const DAYS = [
  [-1, "Yesterday"],
  [0, "Today"],
  [1, "Tomorrow"],
];
const GROUPS = ["Under way", "To come", "Done"];
const OVER = ["COMPLETED", "CANCELED", "NO_ACCESS"];
export const STANDS = {
  INSTRUCTION: "reading the instructions",
  ARRIVAL: "on the way",
  IN_PROGRESS: "at work",
  COMPLETION: "finishing",
  DONE: "has left",
  NO_ACCESS: "could not get in",
};
export const STATUS = {
  UNASSIGNED: "Nobody yet",
  ASSIGNED: "Planned",
  IN_PROGRESS: "Under way",
  COMPLETED: "Completed",
  CANCELED: "Canceled",
  NO_SHOW: "No-show",
  NO_ACCESS: "No access",
};

export class Today {
  #jobs = new Map();
  #isKnown = false;
  #day = 0;
  #chosen = null;

  /** `root` has the board; `clock` is the server's. Days go on by themselves. */
  constructor(root, clock) {
    this.root = root;
    this.clock = clock;
    this.timer = setInterval(() => this.render(), 15_000);
  }

  /** Stop. */
  close() {
    clearInterval(this.timer);
  }

  /** Take a frame of the feed `jobs`. */
  take(frame) {
    if (frame.__typename === "JobsSnapshot") this.#jobs = new Map(frame.jobs.map((job) => [job.id, job]));
    else if (frame.__typename === "JobShown") this.#jobs.set(frame.job.id, frame.job);
    else if (frame.__typename === "JobGone") this.#jobs.delete(frame.jobId);
    this.#isKnown ||= frame.__typename === "JobsSnapshot";
    this.render();
  }

  /** Mark which job is looked at. */
  choose(id) {
    this.#chosen = id;
    this.render();
  }

  /** Draw it. */
  render() {
    if (!this.clock.isSet) return;
    const now = this.clock.now();
    const all = [...this.#jobs.values()].sort((a, b) => a.startsAt.localeCompare(b.startsAt) || a.id.localeCompare(b.id));
    const alerts = all.filter((job) => alertOf(job, now));
    const shown = all.filter((job) => this.#isShown(job, now));
    const others = shown.filter((job) => !alerts.includes(job));
    const looked = (jobs, day) => [jobs.map((job) => [job, alertOf(job, now), otherDay(job, now, day)]), this.#chosen];
    redraw(this.root.querySelector("[data-days]"), this.#day, () => DAYS.map((day) => this.#dayButton(day)));
    redraw(this.root.querySelector("[data-alerts]"), looked(alerts, 0), () => this.#alerts(alerts, now));
    redraw(this.root.querySelector("[data-list]"), looked(others, this.#day), () => this.#groups(others, now));
    this.root.querySelector("[data-count]").textContent = this.#isKnown ? this.#summary(shown, alerts) : "";
    const empty = this.root.querySelector("[data-empty]");
    empty.hidden = shown.length + alerts.length > 0;
    empty.textContent = this.#isKnown ? "No jobs on this day." : "Reading the jobs…";
  }

  /** On the days, by the market's clock, for which it is planned and on which somebody came or left; today whatever is under way. */
  #isShown(job, now) {
    const zone = job.zone ?? "UTC";
    const times = [job.startsAt, ...job.crew.flatMap(({ checkedInAt, checkedOutAt }) => [checkedInAt, checkedOutAt])];
    const day = addDays(dayOf(now, zone), this.#day);
    const isDay = times.some((time) => time && dayOf(time, zone) === day);
    return isDay || (this.#day === 0 && job.status === "IN_PROGRESS");
  }

  #summary(shown, alerts) {
    const busy = shown.filter(({ status }) => status === "IN_PROGRESS").length;
    const done = shown.filter(({ status }) => status === "COMPLETED").length;
    const words = [`${shown.length} job${shown.length === 1 ? "" : "s"}`, `${busy} under way`, `${done} completed`];
    if (alerts.length) words.push(`${alerts.length} to look at`);
    return words.join(" · ");
  }

  #dayButton([day, word]) {
    const turn = { click: () => ((this.#day = day), this.render()) };
    return h("button", { type: "button", class: "small", id: `day-${day}`, "aria-pressed": String(day === this.#day), on: turn }, word);
  }

  #alerts(alerts, now) {
    if (!alerts.length) return [];
    return [h("h2", { class: "day" }, "To look at"), ...alerts.map((job) => this.#card(job, now, 0))];
  }

  #groups(shown, now) {
    return GROUPS.flatMap((word, place) => {
      const its = shown.filter((job) => groupOf(job) === place);
      return its.length ? [h("h2", { class: "day" }, word), ...its.map((job) => this.#card(job, now, this.#day))] : [];
    });
  }

  #card(job, now, today) {
    const zone = job.zone ?? "UTC";
    const alert = alertOf(job, now);
    return h(
      "a",
      {
        class: "card job",
        id: `card-${job.id}`,
        href: `#job=${encodeURIComponent(job.id)}`,
        "data-job": job.id,
        "data-status": job.status,
        "data-alert": alert?.kind,
        "aria-current": job.id === this.#chosen ? "true" : null,
      },
      h(
        "div",
        {},
        h("h3", {}, `${job.propertyName} `, h("span", { class: "badge" }, STATUS[job.status])),
        h("p", { class: "where" }, `${otherDay(job, now, today)}${span(job.startsAt, job.endsAt, zone)} · ${job.city}`),
        ...crew(job, zone),
        alert ? h("p", { class: "alarm" }, icon("alert"), alert.words) : null,
      ),
      progress(job),
    );
  }
}

/** "Tue, Nov 24, " where that is not the day which is looked at: so many after the market's own today. */
function otherDay(job, now, offset) {
  const zone = job.zone ?? "UTC";
  const day = dayOf(job.startsAt, zone);
  return day === addDays(dayOf(now, zone), offset) ? "" : `${dayInWords(day, "short")}, `;
}

const groupOf = ({ status }) => (OVER.includes(status) ? 2 : status === "IN_PROGRESS" ? 0 : 1);

/** What the office should look at, as a kind and in words; nothing for what goes its way. */
export function alertOf(job, now) {
  const zone = job.zone ?? "UTC";
  if (job.status === "NO_SHOW") return { kind: "missed", words: `No-show since ${hourOf(job.missedAt, zone)}` };
  if (job.status === "IN_PROGRESS" && job.evidenceStatus === "INCOMPLETE") return { kind: "incomplete", words: "They have left, and something is missing" };
  const isThere = job.crew.some(({ checkedInAt }) => checkedInAt);
  if (isThere || OVER.includes(job.status)) return null;
  if (job.lateAt) return { kind: "late", words: `Late: nobody has come, alerted at ${hourOf(job.lateAt, zone)}` };
  const late = Math.floor((now - Date.parse(job.startsAt)) / 60_000);
  if (late >= 1) return { kind: "due", words: `Should have begun ${late} min ago` };
  return job.status === "UNASSIGNED" && late > -120 ? { kind: "unassigned", words: "Begins soon, and nobody is on it" } : null;
}

function crew(job, zone) {
  if (!job.crew.length) return [h("p", { class: "detail" }, "Nobody is on it.")];
  return job.crew.map((one) => h("p", { class: "detail", "data-phase": one.phase ?? "NONE" }, h("strong", {}, one.cleanerName), ` ${standing(one, zone)}`));
}

/** "at work, since 2:05 PM". */
export function standing(one, zone) {
  if (!one.phase) return one.role === "BACKUP" ? "stands by" : "has not begun";
  const arrived = one.phase === "ARRIVAL" && one.checkedInAt;
  const since = { IN_PROGRESS: one.startedAt, COMPLETION: one.finishedAt, DONE: one.checkedOutAt, NO_ACCESS: one.checkedOutAt }[one.phase] ?? one.checkedInAt;
  return `${arrived ? "has arrived" : STANDS[one.phase]}${since ? `, since ${hourOf(since, zone)}` : ""}`;
}

function progress({ progress: made }) {
  if (!made) return null;
  const part = (word, done, all) =>
    all ? h("div", {}, h("dt", {}, word), h("dd", { class: done >= all ? "good" : "" }, `${done}/${all}`)) : null;
  return h(
    "dl",
    { class: "progress" },
    part("Before", made.photosBefore, made.photosBeforeRequired),
    part("List", made.itemsDone, made.itemsTotal),
    part("After", made.photosAfter, made.photosAfterRequired),
  );
}
