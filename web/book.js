/** The booking page: eight steps against the public API, each saved at once, with the price as it is then (R33 to R43). */

import { Failure, newKey, post, SignedOut, Unreachable } from "/web/api.js";
import {
  ACCEPT_QUOTE, BOOKING, BOOKING_FORM, CONFIRM_BOOKING, DECLINE_QUOTE, OPEN_BOOKING, QUOTE_PRICE, REQUEST_QUOTE, SAVE_STEP,
} from "/web/book_documents.js";
import { clockTime, dayInWords, dayOf, hourOf, moment } from "/web/clock.js";
import { h } from "/web/elements.js";
import { freshCard, TEST_CARDS } from "/web/test_cards.js";

const STEPS = ["CUSTOMER", "PROPERTY", "ADD_ONS", "CALENDAR", "TERMS", "PAYMENT", "CONFIRMATION", "SUCCESS"];
const NAMES = ["You", "Home", "Extras", "When", "How often", "Card", "Confirm", "Done"];
const PATIENCE_MS = 1_000;
const ZONE = Intl.DateTimeFormat().resolvedOptions().timeZone;
const MOST = 2 ** 31 - 1; // Of what the API takes as a whole number.
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
  find("[name=paymentMethodId]").append(...Object.entries(TEST_CARDS).map(([value, word]) => h("option", { value }, word)));
  find("[data-sign-in]").search = `?business=${encodeURIComponent(slug)}`;
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

/** Something that the page itself sees to be wrong. */
class Wrong extends Error {
  constructor(field, words) {
    super(words);
    this.field = field;
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

const isWhole = (number) => Number.isInteger(number) && Math.abs(number) <= MOST;

const WISHES = {
  PROPERTY: (given) => ({ marketId: about.markets[0]?.id, ...given }),
  ADD_ONS: (given) => ({
    ...given,
    laundryLoads: given.laundry === "NONE" ? 0 : given.laundryLoads,
    drain: given.hotTub === "NONE" ? "NONE" : given.drain,
  }),
  CALENDAR: (given) => (given.firstOn ? given : { icalUrl: given.icalUrl }),
  TERMS: (given) => (given.frequency === "ONCE" ? { frequency: "ONCE" } : given),
  PAYMENT: async ({ paymentMethodId: card }) => ({
    paymentMethodId: about.isTest ? await freshCard(slug, card) : card,
    consentVersion: about.consentVersion,
  }),
};

async function on() {
  forgive();
  const form = find(`form[data-step="${shown}"]`);
  if (shown === "PAYMENT" && !form.elements.agreed.checked) throw new Wrong("agreed", "Please read this and agree to it.");
  if (shown === "CONFIRMATION") return confirm();
  const blank = [...form.elements].find((input) => input.dataset.wanted && !input.value.trim());
  if (blank) throw new Wrong(blank.name, `Please give ${blank.dataset.wanted}.`);
  const given = said(form);
  const broken = Object.keys(given).find((name) => numbers.has(name) && !isWhole(given[name]));
  if (broken) throw new Wrong(broken, "Please give a whole number.");
  const wish = { bookingDraftId: draft.id, ...(await (WISHES[shown] ?? ((same) => same))(given)) };
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
    price();
    throw new Wrong("whole", "The price has changed; look at it again.");
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
  // What is about to be paid is the price that is promised: the draft's own is that of its last step.
  const isPromised = quote && ["CONFIRMATION", "WAITING"].includes(shown);
  const now = isPromised ? { ...quote.price, isCustomQuote: false, totalCents: quote.totalCents } : draft.price;
  // What is booked is told on the page itself, and what is over costs nothing.
  find("#price").hidden = !now || ["SUCCESS", "OVER"].includes(shown);
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
  if (draft.failure) fault("whole", `${draft.failure.message} Nothing was paid. Go back to give another card, or try this one again.`);
}

function promise(differences) {
  const { customer, property, calendar, terms } = draft.steps;
  const when = calendar.firstOn ? `${dayInWords(calendar.firstOn)}, ${clockTime(minutesOf(calendar.startTime))}` : "By your calendar";
  facts("[data-facts]", [
    ["For", customer.name],
    ["At", `${property.address}, ${property.city}`],
    ["First clean", when],
    ["How often", find(`[name=frequency] option[value=${terms.frequency}]`).textContent],
    ["Each clean", money(quote.totalCents, quote.currency)],
  ]);
  find("[data-changes]").replaceChildren(...differences.map(({ message }) => h("li", {}, message)));
  const isToday = dayOf(quote.expiresAt, ZONE) === dayOf(Date.now(), ZONE);
  const until = (isToday ? hourOf : moment)(quote.expiresAt, ZONE);
  find("[data-promise]").textContent = `The first clean is paid now. The price is promised until ${until}.`;
  find("[data-on]").textContent = `Book and pay ${money(quote.totalCents, quote.currency)}`;
}

const minutesOf = (time) => Number(time.slice(0, 2)) * 60 + Number(time.slice(3, 5));

function facts(place, pairs) {
  find(place).replaceChildren(...pairs.flatMap(([term, words]) => [h("dt", {}, term), h("dd", {}, words)]));
}

/** Look again until the payment is through, or is not; meanwhile the way to the bank can be taken. */
async function wait() {
  find("main").inert = false;
  find('[data-step="WAITING"] h2').focus();
  while (draft.status === "CONFIRMING") {
    const action = find("[data-action]");
    action.hidden = !draft.failure?.actionUrl;
    if (draft.failure?.actionUrl) action.href = draft.failure.actionUrl;
    find("[data-waiting]").textContent = draft.failure?.message ?? "Your payment is on its way.";
    await new Promise((resume) => setTimeout(resume, PATIENCE_MS));
    draft = await look().catch(nothingNew);
  }
  await show();
}

/** A line that is down for a moment has no news: it is asked again. */
function nothingNew(error) {
  if (error instanceof Unreachable) return draft;
  throw error;
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
  const starts = order.startsAt && `${dayInWords(dayOf(order.startsAt, order.zone))}, ${hourOf(order.startsAt, order.zone)}`;
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
  (input.closest(".pair") ?? input.closest("label")).after(place);
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
    // A button that is gone meanwhile takes the focus with it, also where the step is the same again.
    const isLost = document.activeElement === document.body || document.activeElement.closest("[hidden]");
    if (shown !== before || isLost) find(`[data-step="${shown}"] h2`).focus();
  } catch (error) {
    main.inert = false;
    if (error instanceof SignedOut) return restart();
    if (!(error instanceof Refused || error instanceof Wrong || error instanceof Failure || error instanceof Unreachable)) throw error;
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
