/** One shift on the market: what it is, what it brings, and what one can do about it. */

import { dayInWords, dayOf, hourOf, hours, moment, money, span } from "/web/clock.js";
import { countdown } from "/web/countdown.js";
import { h, icon } from "/web/elements.js";

const LAUNDRY = { IN_UNIT: "Laundry in the home", OFF_SITE: "Laundry off-site" };
export const AWAITING = "AWAITING_APPROVAL";

/**
 * The card's content. `view` has the viewer (`personId`, `isCleaner`, `zone`), the business's `currency` and whether it
 * `needsApproval`, `isOnline`, what is the viewer's own about the card (`hasAsked`, `gifts`, `gives`, and for the office
 * `given`), and how it is with it: `busy`, `said` (a sentence about the last try) and `mood` ("won", "lost", "refused").
 * `ports` has the server's `clock` and what can be done: `accept`, `withdraw`, `takeBack`, `approve`, `decline`, `choose`.
 */
export function cardContent(swap, view, ports) {
  const title = `title-${swap.id}`;
  return [
    h("header", {}, h("div", {}, heading(swap, view, title), where(swap)), badges(swap, view)),
    facts(swap),
    swap.note ? h("blockquote", {}, swap.note) : null,
    swap.viewerPreview && swap.ownerId !== view.personId ? meaning(swap.viewerPreview, view.currency) : null,
    trade(swap, view, ports),
    standing(swap, view, ports),
    h("footer", {}, offeredBy(swap, view), ...actions(swap, view, ports, title)),
  ].filter(Boolean);
}

function heading(swap, view, id) {
  const time = h("time", { datetime: swap.startsAt }, span(swap.startsAt, swap.endsAt, swap.zone, view.zone));
  const isDecided = view.isCleaner || swap.status !== AWAITING;
  const day = h("span", { class: isDecided ? "unseen" : "" }, `${dayInWords(dayOf(swap.startsAt, swap.zone))}, `);
  return h("h4", { id }, day, time);
}

function where(swap) {
  return h("p", { class: "where" }, h("strong", {}, swap.city), ` · ${hours(swap.expectedHours)} of work`);
}

function badges(swap, view) {
  const badge = (kind, ...content) => h("span", { class: `badge ${kind}` }, ...content);
  const list = [];
  if (swap.isUrgent) list.push(badge("urgent", icon("bolt"), "Urgent"));
  if (swap.urgentBonus && !swap.isUrgent) list.push(badge("urgent", icon("bolt"), "Urgent bonus"));
  if (swap.kind === "TRADE") list.push(badge("trade", icon("trade"), "Trade"));
  if (swap.ownerId === view.personId) list.push(badge("own", "Your offer"));
  if (swap.takerId === view.personId) list.push(badge("own", "Asked for"));
  return h("div", { class: "badges" }, ...list);
}

function facts(swap) {
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

function meaning(preview, currency) {
  const pair = (word, value, kind) => h("div", { class: kind }, h("dt", {}, word), h("dd", {}, value));
  return h(
    "dl",
    { class: "meaning" },
    pair("You earn", money(preview.earnings, currency), "earn"),
    pair("Travel", `${preview.travelMinutes} min`),
    pair("Your week", hours(preview.weekHours)),
  );
}

/** What is asked in return, and for who could give it, which shift that is. */
function trade(swap, view, ports) {
  if (swap.kind !== "TRADE") return null;
  const isOwn = swap.ownerId === view.personId;
  const many = swap.wantedAssignmentIds.length;
  const what = many === 1 ? "one certain shift" : `one of ${many} shifts`;
  const asked = h("p", {}, `Trade: ${isOwn ? "you" : swap.ownerName} would take ${what} in return.`);
  return h("div", { class: "exchange" }, asked, view.given ? h("p", {}, `In return: ${view.given}.`) : null, gift(swap, view, ports));
}

function gift(swap, { gifts, gives }, ports) {
  if (!gifts.length || swap.status === AWAITING) return null;
  if (gifts.length === 1) return h("p", {}, "You give ", h("strong", {}, gifts[0].words));
  const choose = { change: (event) => ports.choose(swap, event.target.value) };
  const pick = ({ id, words }) => {
    const box = { type: "radio", name: `gives-${swap.id}`, id: `gives-${swap.id}-${id}`, value: id, checked: id === gives };
    return h("label", { class: "pick" }, h("input", box), words);
  };
  return h("fieldset", { class: "picks", on: choose }, h("legend", {}, "You give"), ...gifts.map(pick));
}

/** Where it stands if an accept does not settle it: a draw to come, or the office to ask. */
function standing(swap, view, ports) {
  if (swap.status === AWAITING) return h("p", { class: "standing" }, ...awaiting(swap, view));
  if (!swap.drawsAt) return null;
  const drawn = `Drawn at ${hourOf(swap.drawsAt, swap.zone)} among those who ask, in `;
  return h("p", { class: "standing" }, drawn, countdown(swap.drawsAt, ports.clock), view.hasAsked ? ". You have asked." : null);
}

function awaiting(swap, { personId, isCleaner }) {
  const agree = h("strong", {}, "The office has to agree.");
  if (!isCleaner) return [h("strong", {}, `${swap.takerName} would take it.`)];
  if (swap.takerId === personId) return ["You have asked for it. ", agree];
  return [`${swap.takerName} would take it. `, agree, " Until then it stays yours."];
}

function offeredBy(swap, view) {
  const until = `until ${moment(swap.expiresAt, swap.zone)}`;
  const agrees = view.needsApproval && view.isCleaner && swap.status !== AWAITING && swap.ownerId !== view.personId;
  return h("p", { class: "offered" }, `${opener(swap, view)}, ${until}.`, agrees ? " The office has to agree." : null);
}

function opener({ openedBy, ownerId, ownerName }, { personId }) {
  if (openedBy !== "OFFICE") return ownerId === personId ? "On offer" : `Offered by ${ownerName}`;
  if (ownerId === personId) return "The office is looking for cover for you";
  return ownerName ? `The office is looking for cover for ${ownerName}` : "The office is looking for cover";
}

function actions(swap, view, ports, title) {
  const said = view.said ? h("p", { class: `said ${view.mood ?? ""}` }, view.said) : null;
  if (view.mood === "won" || view.mood === "lost") return [said];
  const can = (word, does, more = {}) => button(word, does, { swap, view, title, act: ports[does], ...more });
  if (!view.isCleaner) return [said, ...ofTheOffice(swap, can)];
  if (swap.ownerId === view.personId) return swap.openedBy === "CLEANER" ? [said, can("Withdraw", "withdraw")] : [said];
  if (swap.takerId === view.personId || view.hasAsked) return [said, can("Take it back", "takeBack")];
  if (!swap.viewerCanTake) return [said];
  const { ok, reasons } = swap.viewerCanTake;
  const word = swap.drawsAt ? "Ask for it" : "Accept";
  return [ok ? null : reasonList(reasons, `reasons-${swap.id}`), said, can(word, "accept", { isFirst: true, forbidden: !ok })];
}

function ofTheOffice({ status }, can) {
  if (status !== AWAITING) return [can("Withdraw", "withdraw")];
  return [h("div", { class: "choice" }, can("Decline…", "decline"), can("Approve", "approve", { isFirst: true }))];
}

function reasonList(reasons, id) {
  return h("ul", { class: "reasons", id }, ...reasons.map(({ code, message }) => h("li", { "data-code": code }, message)));
}

function button(word, does, { swap, view, title, act, isFirst = false, forbidden = false }) {
  const id = `${does}-${swap.id}`;
  const attributes = {
    type: "button",
    class: isFirst ? "primary" : "",
    "data-does": does,
    id,
    "aria-labelledby": `${id} ${title}`,
    "aria-describedby": forbidden ? `reasons-${swap.id}` : null,
    disabled: forbidden || view.busy || !view.isOnline,
    on: { click: () => act(swap, view.gives) },
  };
  const offline = !view.isOnline && !forbidden && !view.busy;
  return h("button", attributes, view.busy ? "Sending…" : offline ? `${word} (offline)` : word);
}

const count = (number, word) => `${number} ${word}${number === 1 ? "" : "s"}`;
