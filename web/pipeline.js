/** A day's money: where each clean stands, what is at risk, and pay that is held with what to do. Pure drawing. */

import { hourOf, money } from "/web/clock.js";
import { h, icon } from "/web/elements.js";

export const STAGES = {
  TO_HOLD: ["To hold", "Nothing is asked of the card yet"],
  HELD: ["Held", "On the card until the clean is proven"],
  AT_RISK: ["At risk", "Something stands in the way"],
  PREPAID: ["Prepaid", "Paid with the booking"],
  CAPTURE_PENDING: ["Being taken", "Proven; the money is on its way"],
  CAPTURED: ["Taken", "Its cleaners are still to be paid"],
  PAID: ["Paid out", "All of its pay is on its way"],
  LET_GO: ["Let go", "Nothing is to be taken"],
};

/** Cents as an amount in words. */
export const amount = (cents, currency) => money((cents ?? 0) / 100, currency ?? "usd");

/** The steps of the day, each with how many cleans stand there and what they come to. */
export function steps(day, chosen, choose) {
  return day.stages.map(({ stage, count, cents }) => {
    const [word, meaning] = STAGES[stage];
    const button = h(
      "button",
      { type: "button", class: "stage", id: `stage-${stage}`, "data-stage": stage, "aria-pressed": String(stage === chosen), title: meaning, on: { click: () => choose(stage) } },
      h("span", { class: "stage-word" }, word),
      h("strong", { "data-many": count }, String(count)),
      h("small", {}, amount(cents, day.currency)),
    );
    return h("li", { "data-none": count === 0 }, button);
  });
}

/** Payouts that are held, with what to do, and what can be done here. */
export function held(day, ports) {
  if (!day.heldCount) return [];
  const many = `${day.heldCount} payout${day.heldCount === 1 ? " is" : "s are"} held`;
  return [
    h("h2", { class: "day" }, `${many}, ${amount(day.heldCents, day.currency)} in all`),
    ...day.heldPayouts.map((payout) => heldCard(payout, day, ports)),
  ];
}

function heldCard(payout, day, ports) {
  return h(
    "article",
    { class: "card held", "data-payout": payout.payoutId, "data-reason": payout.holdReason },
    h("header", {}, h("h3", {}, payout.cleanerName), h("strong", { class: "cents" }, amount(payout.amountCents, day.currency))),
    h("p", { class: "alarm" }, icon("alert"), payout.why),
    h("p", { class: "detail" }, payout.whatToDo),
    h(
      "div",
      { class: "does" },
      h("button", { type: "button", class: "small", id: `retry-${payout.payoutId}`, on: { click: () => ports.retry(payout) } }, "Try again"),
      payout.healsItself ? null : h("button", { type: "button", class: "small", id: `release-${payout.payoutId}`, on: { click: () => ports.release(payout) } }, "Release…"),
      h("a", { class: "button small", href: `#job=${encodeURIComponent(payout.jobId)}` }, "The clean"),
    ),
  );
}

/** The cleans of the day, of one step if one is chosen; those at risk first. */
export function cleans(day, chosen, current, ports) {
  const shown = day.jobs.filter(({ stage }) => !chosen || stage === chosen);
  const groups = [
    ["At risk", shown.filter(({ risk }) => risk)],
    ["The cleans of the day", shown.filter(({ risk }) => !risk)],
  ];
  return groups.flatMap(([word, jobs]) => (jobs.length ? [h("h2", { class: "day" }, word), ...jobs.map((job) => clean(job, day, current, ports))] : []));
}

const AGAIN = ["ask", "Ask the card again"];
/** What can be done about a risk here: whose port it is, and its word. */
const DEEDS = { DECLINED: AGAIN, LAPSED: AGAIN, UNCONFIRMED: AGAIN, NOT_HELD: AGAIN, LAPSING: ["take", "Take what is held"] };

function clean(job, day, current, ports) {
  const card = h(
    "a",
    {
      class: "card job clean",
      id: `clean-${job.jobId}`,
      href: `#job=${encodeURIComponent(job.jobId)}`,
      "data-job": job.jobId,
      "data-stage": job.stage,
      "data-risk": job.risk,
      "aria-current": job.jobId === current ? "true" : null,
    },
    h(
      "div",
      {},
      h("h3", {}, `${job.propertyName} `, h("span", { class: `badge stage-${job.stage}` }, STAGES[job.stage][0])),
      h("p", { class: "where" }, `${hourOf(job.startsAt, day.zone)} · ${job.customerName}`),
      job.why ? h("p", { class: "alarm" }, icon("alert"), job.why) : null,
      job.whatToDo ? h("p", { class: "detail" }, job.whatToDo) : null,
    ),
    h("strong", { class: "cents" }, job.cents === null ? "–" : amount(job.cents, day.currency)),
  );
  const deed = job.paymentId && DEEDS[job.risk];
  if (!deed) return card;
  const [name, word] = deed;
  const button = h("button", { type: "button", class: "small", id: `${name}-${job.paymentId}`, on: { click: () => ports[name](job) } }, word);
  return h("div", { class: "with-act" }, card, button);
}
