/** The booking page: eight steps against the public API, each saved at once, with the price as it is then (R33 to R43). */

import { Failure, newKey, post, SignedOut, Unreachable } from "/web/api.js";
import {
  ACCEPT_QUOTE, BOOKING, BOOKING_FORM, CONFIRM_BOOKING, DECLINE_QUOTE, OPEN_BOOKING, QUOTE_PRICE, REQUEST_QUOTE, SAVE_STEP,
} from "/web/book_documents.js";
import { h } from "/web/elements.js";

const STEPS = ["CUSTOMER", "PROPERTY", "ADD_ONS", "CALENDAR", "TERMS", "PAYMENT", "CONFIRMATION", "SUCCESS"];
const NAMES = ["You", "Home", "Extras", "When", "How often", "Card", "Confirm", "Done"];
const PATIENCE_MS = 1_000;
const slug = new URLSearchParams(location.search).get("tenant") ?? "demo";
const KEY = `cleanshift.booking.${slug}`;

const find = (selector) => document.querySelector(selector);
const all = (selector) => [...document.querySelectorAll(selector)];
const money = (cents, currency) => new Intl.NumberFormat(undefined, { style: "currency", currency }).format(cents / 100);
const numbers = new Set(["bedrooms", "bathrooms", "squareFeet", "laundryLoads"]);

let about; // What the business's page is told.
let held; // The booking's token and id, kept by this browser.
let draft; // The booking as the server has it.
let shown; // The step that is on the screen.
let quote; // The price that would be said yes to.

async function start() {
  about = (await post(BOOKING_FORM, { tenant: slug })).bookingForm;
  all("[data-business]").forEach((place) => (place.textContent = about.business));
  furnish();
  held = JSON.parse(localStorage.getItem(KEY) ?? "null");
  draft = held && (await look().catch(forgotten));
  if (!draft) await open();
  for (const said of Object.values(draft.steps)) fill(said);
  fill({ marketId: draft.marketId });
  await show();
}

/** What the business decides: its regions, its words for the card, and whether its payments are a test. */
function furnish() {
  const region = find("[name=marketId]");
  region.append(...about.markets.map(({ id, name }) => h("option", { value: id }, name)));
  find("[data-markets]").hidden = about.markets.length < 2;
  find("[data-consent]").textContent = about.consentText;
  find("[data-test]").hidden = !about.isTest;
  find("[data-no-card]").hidden = about.canPay;
}

/** A booking that is not to be had any more is no reason to stop: a new one is begun. */
function forgotten(error) {
  if (error instanceof SignedOut || error instanceof Failure) return null;
  throw error;
}

async function open() {
  const { openBooking } = await post(OPEN_BOOKING, { input: { tenant: slug } });
  const answer = granted(openBooking);
  draft = answer.bookingDraft;
  held = { id: draft.id, token: answer.bookingToken };
  localStorage.setItem(KEY, JSON.stringify(held));
}

const look = async () => (await post(BOOKING, { id: held.id }, held.token)).bookingDraft;

/** A refusal of a mutation, with the field that it speaks of. */
class Refused extends Error {
  constructor(payload) {
    super(payload.errors[0].message);
    this.payload = payload;
    this.code = payload.errors[0].code;
    this.field = payload.errors[0].field.at(-1);
  }
}

function granted(payload) {
  if (payload.errors.length) throw new Refused(payload);
  return payload;
}

async function mutate(document, input, keyed = true) {
  const key = keyed ? { clientMutationId: newKey() } : {};
  const data = await post(document, { input: { ...input, ...key } }, held.token);
  return granted(Object.values(data)[0]);
}

function fill(said) {
  for (const [name, value] of Object.entries(said ?? {})) {
    const input = find(`[name="${name}"]`);
    if (input && value !== null && value !== undefined && input.type !== "checkbox") input.value = value;
  }
}

/** What a step's form says; of who somebody is also the blanks, so that each is asked for by its name. */
function said(form) {
  const given = Object.fromEntries([...new FormData(form)].filter(([, value]) => value !== "" || shown === "CUSTOMER"));
  for (const name of numbers) if (name in given) given[name] = Number(given[name]);
  return given;
}

const WISHES = {
  PROPERTY: (given) => ({ marketId: about.markets[0]?.id, ...given }),
  ADD_ONS: (given) => ({
    ...given,
    laundryLoads: given.laundry === "NONE" ? 0 : given.laundryLoads,
    drain: given.hotTub === "NONE" ? "NONE" : given.drain,
  }),
  CALENDAR: (given) => (given.firstOn ? given : { icalUrl: given.icalUrl }),
  TERMS: (given) => (given.frequency === "ONCE" ? { frequency: "ONCE" } : given),
  PAYMENT: ({ paymentMethodId }) => ({ paymentMethodId, consentVersion: about.consentVersion }),
};

async function on() {
  forgive();
  const form = find(`form[data-step="${shown}"]`);
  if (shown === "PAYMENT" && !form.elements.agreed.checked) return fault("agreed", "Please read this and agree to it.");
  if (shown === "CONFIRMATION") return confirm();
  const given = said(form);
  const wish = { bookingDraftId: draft.id, ...(WISHES[shown] ?? ((same) => same))(given) };
  draft = (await mutate(SAVE_STEP[shown], wish, shown !== "PAYMENT")).bookingDraft;
  await show(STEPS[STEPS.indexOf(shown) + 1]);
}

async function confirm() {
  const wish = { bookingDraftId: draft.id, quoteId: quote.id, totalCents: quote.totalCents, returnUrl: location.href };
  try {
    draft = (await mutate(CONFIRM_BOOKING, wish)).bookingDraft;
  } catch (error) {
    if (!(error instanceof Refused) || !error.payload.quote) throw error;
    quote = error.payload.quote;
    promise(error.payload.differences);
    return fault("whole", "The price has changed; look at it again.");
  }
  return show();
}

/** Show the step that is asked for, as far as the booking has come; what it waits for, or what became of it, first. */
async function show(wanted) {
  const isEarlier = wanted && STEPS.indexOf(wanted) < STEPS.indexOf(draft.nextStep);
  shown = isEarlier ? wanted : draft.nextStep;
  const instead = { CONFIRMING: "WAITING", CONFIRMED: "SUCCESS", EXPIRED: "OVER" }[draft.status];
  const isCustom = draft.price?.isCustomQuote && STEPS.indexOf(shown) > STEPS.indexOf("ADD_ONS");
  shown = instead ?? (isCustom ? "CUSTOM" : shown);
  if (shown === "CONFIRMATION") await ready();
  all("[data-step]").forEach((place) => (place.hidden = place.dataset.step !== shown));
  find("[data-moves]").hidden = ["WAITING", "SUCCESS", "OVER"].includes(shown);
  find("[data-back]").hidden = shown === "CUSTOMER";
  find("[data-on]").hidden = shown === "CUSTOM";
  find("[data-on]").textContent = shown === "CONFIRMATION" ? `Book and pay ${money(quote.totalCents, quote.currency)}` : "Next";
  find("[data-anew]").hidden = shown === "CUSTOMER";
  way();
  price();
  if (shown === "WAITING") await wait();
  if (shown === "CUSTOM") await custom();
  if (shown === "SUCCESS") ordered();
}

function way() {
  const at = { WAITING: 6, CUSTOM: 3, OVER: -1 }[shown] ?? STEPS.indexOf(shown);
  const marks = NAMES.map((name, place) =>
    h("li", { "data-done": place < at, "aria-current": place === at ? "step" : null }, name));
  find("#way").replaceChildren(...marks);
}

function price() {
  const { price: now } = draft;
  find("#price").hidden = !now;
  if (!now) return;
  find("[data-total]").textContent = now.isCustomQuote ? "We name the price" : money(now.totalCents, now.currency);
  const lines = now.isCustomQuote
    ? now.customReasons.map(({ message }) => h("li", {}, message))
    : now.lines.map(({ label, quantity, amountCents }) =>
        h("li", {}, h("span", {}, quantity > 1 ? `${label} × ${quantity}` : label), h("span", {}, money(amountCents, now.currency))));
  find("[data-lines]").replaceChildren(...lines);
}

/** Have a price promised, unless one is that still stands for this. */
async function ready() {
  const same = draft.quote?.isGood && draft.quote.totalCents === draft.price.totalCents;
  quote = same ? draft.quote : (await mutate(QUOTE_PRICE, { bookingDraftId: draft.id })).quote;
  promise([]);
  if (draft.failure) fault("whole", draft.failure.message);
}

function promise(differences) {
  const { customer, property, calendar, terms } = draft.steps;
  const when = calendar.firstOn ? `${calendar.firstOn} at ${calendar.startTime}` : "By your calendar";
  facts("[data-facts]", [
    ["For", customer.name],
    ["At", `${property.address}, ${property.city}`],
    ["First clean", when],
    ["How often", find(`[name=frequency] option[value=${terms.frequency}]`).textContent],
    ["Each clean", money(quote.totalCents, quote.currency)],
  ]);
  find("[data-changes]").replaceChildren(...differences.map(({ message }) => h("li", {}, message)));
  const until = new Date(quote.expiresAt).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
  find("[data-promise]").textContent = `The first clean is paid now. The price is promised until ${until}.`;
  find("[data-on]").textContent = `Book and pay ${money(quote.totalCents, quote.currency)}`;
}

function facts(place, pairs) {
  find(place).replaceChildren(...pairs.flatMap(([term, words]) => [h("dt", {}, term), h("dd", {}, words)]));
}

/** Look again until the payment is through, or is not. */
async function wait() {
  while (draft.status === "CONFIRMING") {
    const action = find("[data-action]");
    action.hidden = !draft.failure?.actionUrl;
    if (draft.failure?.actionUrl) action.href = draft.failure.actionUrl;
    find("[data-waiting]").textContent = draft.failure?.message ?? "Your payment is on its way.";
    await new Promise((resume) => setTimeout(resume, PATIENCE_MS));
    draft = await look();
  }
  await show();
}

/** The office names the price: ask it once, and show what it has said. */
async function custom() {
  find("[data-why]").textContent = draft.price.customReasons.map(({ message }) => message).join(" ");
  if (draft.quoteRequests.length === 0) {
    await mutate(REQUEST_QUOTE, { bookingDraftId: draft.id });
    draft = await look();
  }
  const [request] = draft.quoteRequests;
  const offered = request.status === "QUOTED" ? request.quote : null;
  const words = { REQUESTED: "We have your request, and write to you.", QUOTED: "Here is our price for each clean.", DECLINED: "We cannot take it on.", EXPIRED: "Our price was not accepted in time; we are asked again." };
  find("[data-asked]").textContent = words[request.status] ?? "";
  find("[data-accept]").hidden = find("[data-decline]").hidden = !offered;
  if (!offered) return;
  find("[data-accept]").textContent = `Yes, ${money(offered.totalCents, offered.currency)}`;
  find("[data-accept]").onclick = () => attempt(async () => {
    draft = (await mutate(ACCEPT_QUOTE, { quoteId: offered.id })).bookingDraft;
    await show();
  });
  find("[data-decline]").onclick = () => attempt(async () => {
    await mutate(DECLINE_QUOTE, { quoteId: offered.id });
    draft = await look();
    await show();
  });
}

function ordered() {
  const { order } = draft;
  const starts = order.startsAt && new Date(order.startsAt).toLocaleString([], { dateStyle: "full", timeStyle: "short", timeZone: order.zone });
  facts("[data-order]", [
    ["Paid", money(order.totalCents, order.currency)],
    ["First clean", starts ?? "By your calendar"],
    ["At", `${order.address}, ${order.city}`],
  ]);
  find("[data-next]").replaceChildren(...order.nextSteps.map((words) => h("li", {}, words)));
}

/** Say what is wrong beside the field it is about, and go there; what is about no field stands above. */
function fault(name, words) {
  const input = find(`[data-step="${shown}"] [name="${name}"]`);
  if (!input) return (find("#whole-fault").textContent = words);
  const place = h("p", { class: "fault", role: "alert", id: `${name}-fault`, "data-said": true }, words);
  input.closest("label").after(place);
  input.setAttribute("aria-invalid", "true");
  input.setAttribute("aria-describedby", place.id);
  return input.focus();
}

function forgive() {
  find("#whole-fault").textContent = "";
  all("[data-said]").forEach((place) => place.remove());
  all("[aria-invalid]").forEach((input) => input.removeAttribute("aria-invalid"));
}

/** Do one thing at a time, and say what came in between. */
async function attempt(work) {
  const main = find("main");
  if (main.inert) return;
  const before = shown;
  main.inert = true;
  try {
    await work();
    main.inert = false;
    if (shown !== before) find(`[data-step="${shown}"] h2`).focus();
  } catch (error) {
    main.inert = false;
    if (error instanceof SignedOut) return restart();
    if (!(error instanceof Refused || error instanceof Failure || error instanceof Unreachable)) throw error;
    fault(error.field ?? "whole", error.message);
  } finally {
    main.inert = false;
  }
}

function restart() {
  localStorage.removeItem(KEY);
  location.reload();
}

find("[data-on]").addEventListener("click", () => attempt(on));
find("[data-back]").addEventListener("click", () => attempt(async () => {
  forgive();
  const at = shown === "CUSTOM" ? STEPS.indexOf("CALENDAR") : STEPS.indexOf(shown);
  await show(STEPS[at - 1]);
}));
find("[data-anew]").addEventListener("click", restart);
find("[name=frequency]").addEventListener("change", ({ target }) => (find("[data-term]").hidden = target.value === "ONCE"));
all("form").forEach((form) => form.addEventListener("submit", (event) => {
  event.preventDefault();
  attempt(on);
}));

attempt(start);
