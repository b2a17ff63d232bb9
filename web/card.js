/** One shift on the market: what it is, what it brings, and what one can do about it. */

import { dayInWords, dayOf, hours, moment, money, span } from "/web/clock.js";
import { h, icon } from "/web/elements.js";

const LAUNDRY = { IN_UNIT: "Laundry in the home", OFF_SITE: "Laundry off-site" };

/**
 * The card's content. `view` has the viewer (`personId`, `isCleaner`, `zone`), `isOnline`, and how it is with this card:
 * `busy`, `said` (a sentence about the last try) and `mood` ("won", "lost" or "refused").
 */
export function cardContent(swap, view, actions) {
  const title = `title-${swap.id}`;
  return [
    h("header", {}, h("div", {}, heading(swap, view, title), where(swap)), badges(swap, view)),
    facts(swap),
    swap.note ? h("blockquote", {}, swap.note) : null,
    swap.viewerPreview && swap.ownerId !== view.personId ? meaning(swap.viewerPreview) : null,
    h("footer", {}, offeredBy(swap, view), ...action(swap, view, actions, title)),
  ].filter(Boolean);
}

function heading(swap, view, id) {
  const time = h("time", { datetime: swap.startsAt }, span(swap.startsAt, swap.endsAt, swap.zone, view.zone));
  const day = h("span", { class: "unseen" }, `${dayInWords(dayOf(swap.startsAt, swap.zone))}, `);
  return h("h4", { id }, day, time);
}

function where(swap) {
  return h("p", { class: "where" }, h("strong", {}, swap.city), ` · ${hours(swap.expectedHours)} of work`);
}

function badges(swap, view) {
  const list = [];
  if (swap.isUrgent) list.push(h("span", { class: "badge urgent" }, icon("bolt"), "Urgent"));
  if (swap.ownerId === view.personId) list.push(h("span", { class: "badge own" }, "Your offer"));
  return h("div", { class: "badges" }, ...list);
}

function facts(swap) {
  const count = (number, word) => `${number} ${word}${number === 1 ? "" : "s"}`;
  const loads = swap.laundryLoads ? `, ${count(swap.laundryLoads, "load")}` : "";
  return h(
    "ul",
    { class: "facts" },
    h("li", {}, icon("bed"), count(swap.bedrooms, "bedroom")),
    h("li", {}, icon("bath"), count(swap.bathrooms, "bathroom")),
    h("li", {}, icon("home"), `${swap.squareFeet.toLocaleString("en-US")} sq ft`),
    LAUNDRY[swap.laundry] ? h("li", {}, icon("laundry"), LAUNDRY[swap.laundry] + loads) : null,
    swap.hotTub ? h("li", {}, icon("tub"), "Hot tub") : null,
  );
}

function meaning(preview) {
  const pair = (word, value, kind) => h("div", { class: kind }, h("dt", {}, word), h("dd", {}, value));
  return h(
    "dl",
    { class: "meaning" },
    pair("You earn", money(preview.earnings), "earn"),
    pair("Travel", `${preview.travelMinutes} min`),
    pair("Your week", hours(preview.weekHours)),
  );
}

function offeredBy(swap, view) {
  const until = `until ${moment(swap.expiresAt, swap.zone)}`;
  const who = swap.ownerId === view.personId ? "On offer" : `Offered by ${swap.ownerName}`;
  return h("p", { class: "offered" }, `${who}, ${until}`);
}

function action(swap, view, actions, title) {
  const said = view.said ? h("p", { class: `said ${view.mood ?? ""}` }, view.said) : null;
  if (view.mood === "won" || view.mood === "lost") return [said];
  if (swap.ownerId === view.personId) return [said, button("Withdraw", "Withdrawing…", { swap, view, title }, actions.withdraw)];
  if (!view.isCleaner || !swap.viewerCanTake) return [said];
  const { ok, reasons } = swap.viewerCanTake;
  const list = ok ? null : reasonList(reasons, `reasons-${swap.id}`);
  return [list, said, button("Accept", "Sending…", { swap, view, title, forbidden: !ok }, actions.accept)];
}

function reasonList(reasons, id) {
  return h("ul", { class: "reasons", id }, ...reasons.map(({ code, message }) => h("li", { "data-code": code }, message)));
}

function button(word, busyWord, { swap, view, title, forbidden = false }, act) {
  const name = word.toLowerCase();
  const attributes = {
    type: "button",
    class: word === "Accept" ? "primary" : "",
    "data-does": name,
    id: `${name}-${swap.id}`,
    "aria-labelledby": `${name}-${swap.id} ${title}`,
    "aria-describedby": forbidden ? `reasons-${swap.id}` : null,
    disabled: forbidden || view.busy || !view.isOnline,
    on: { click: () => act(swap) },
  };
  const offline = !view.isOnline && !forbidden && !view.busy;
  return h("button", attributes, view.busy ? busyWord : offline ? `${word} (offline)` : word);
}
