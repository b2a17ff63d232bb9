/** Time as the business counts it: the server's clock, and days and weeks in a market's own zone. */

const DAY = 86_400_000;
const QUARTER = 900_000;
// The page is written in English, so its dates are too; day and month follow the reader's habit if that is English.
const LOCALE = navigator.language?.startsWith("en") ? navigator.language : "en-US";

/** The server's clock, carried on by the monotonic counter: the device's own clock may be wrong and is not asked. */
export class ServerClock {
  #ahead = null;

  /** Take over a time that the server has just sent. */
  observe(serverTime) {
    if (serverTime) this.#ahead = Date.parse(serverTime) - performance.now();
  }

  /** Whether the server has told its time yet. */
  get isSet() {
    return this.#ahead !== null;
  }

  /** The server's time in milliseconds since 1970. */
  now() {
    return (this.#ahead ?? 0) + performance.now();
  }
}

/**
 * Calls `turned` within a second of every quarter of an hour by the server's clock, and once to begin with: no zone's
 * day turns at any other time. Returns what ends it.
 */
export function eachQuarter(clock, turned) {
  let last = null;
  const look = () => {
    const now = clock.isSet ? Math.floor(clock.now() / QUARTER) : last;
    if (now === last) return;
    last = now;
    turned();
  };
  const timer = setInterval(look, 1_000);
  return () => clearInterval(timer);
}

const formats = new Map();

function format(zone, options) {
  const key = zone + JSON.stringify(options);
  if (!formats.has(key)) formats.set(key, new Intl.DateTimeFormat(LOCALE, { timeZone: zone, ...options }));
  return formats.get(key);
}

/** The market-local day of an instant as "2026-11-24". */
export function dayOf(instant, zone) {
  const found = parts(new Date(instant), zone);
  return `${found.year}-${found.month}-${found.day}`;
}

/** The day some days later. */
export function addDays(day, count) {
  return new Date(Date.parse(`${day}T00:00Z`) + count * DAY).toISOString().slice(0, 10);
}

/** The Monday of a day's week. */
export function mondayOf(day) {
  const weekday = new Date(`${day}T00:00Z`).getUTCDay();
  return addDays(day, -((weekday + 6) % 7));
}

/** The instant, in milliseconds, at which a market-local day begins. */
export function startOf(day, zone) {
  const asUtc = Date.parse(`${day}T00:00Z`);
  const first = asUtc - offset(asUtc, zone);
  // Once more with the offset that holds there: a daylight-saving change may lie between.
  return asUtc - offset(first, zone);
}

function offset(instant, zone) {
  const p = parts(new Date(instant), zone);
  const wall = Date.UTC(+p.year, +p.month - 1, +p.day, +p.hour, +p.minute, +p.second);
  return wall - Math.floor(instant / 1000) * 1000;
}

const numbers = new Map();

function parts(date, zone) {
  if (!numbers.has(zone)) {
    const all = { year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", second: "2-digit" };
    numbers.set(zone, new Intl.DateTimeFormat("en-US", { timeZone: zone, hourCycle: "h23", ...all }));
  }
  return Object.fromEntries(numbers.get(zone).formatToParts(date).map((part) => [part.type, part.value]));
}

/** "10:00 AM – 1:00 PM" as the locale writes it, with the zone's name if it is not the one at home. */
export function span(startsAt, endsAt, zone, home = zone) {
  const named = zone === home ? {} : { timeZoneName: "short" };
  const options = { hour: "numeric", minute: "2-digit", ...named };
  return together(format(zone, options).formatRange(new Date(startsAt), new Date(endsAt)));
}

/** An hour and its half of the day never part at a line's end. */
const together = (text) => text.replace(/\s(AM|PM|am|pm)/g, "\u00a0$1");

/** "Sun, Nov 29, 8:00 PM". */
export function moment(instant, zone) {
  const options = { weekday: "short", month: "short", day: "numeric", hour: "numeric", minute: "2-digit" };
  return together(format(zone, options).format(new Date(instant)));
}

/** "2:05 PM". */
export function hourOf(instant, zone) {
  return together(format(zone, { hour: "numeric", minute: "2-digit" }).format(new Date(instant)));
}

/** A time of day, in minutes after midnight, as the locale writes it; 1440 is the midnight that ends the day. */
export function clockTime(minutes) {
  return hourOf(minutes * 60_000, "UTC");
}

/** The short names of the weekdays from Monday (1) to Sunday (7). */
export function weekdayNames() {
  // 1970-01-05 was a Monday.
  return [5, 6, 7, 8, 9, 10, 11].map((day) => format("UTC", { weekday: "short" }).format(Date.UTC(1970, 0, day)));
}

/** "Today", "Tomorrow" or nothing, by the server's clock. */
export function nearDay(day, now, zone) {
  const today = dayOf(now, zone);
  if (day === today) return "Today";
  return day === addDays(today, 1) ? "Tomorrow" : "";
}

/** A market-local day in words: "Tuesday, November 24". */
export function dayInWords(day, style = "long") {
  return format("UTC", { weekday: style, month: style, day: "numeric" }).format(new Date(`${day}T12:00Z`));
}

/** Two days as a range: "Nov 23 – 29". */
export function daysInWords(first, last) {
  const [from, to] = [first, last].map((day) => new Date(`${day}T12:00Z`));
  return format("UTC", { month: "short", day: "numeric" }).formatRange(from, to);
}

/** What is left of a stretch of time: "3 d 4 h", "4 h 12 min", "9:05". Never below zero. */
export function remaining(milliseconds) {
  const seconds = Math.max(0, Math.ceil(milliseconds / 1000));
  const [days, hours, minutes] = [Math.floor(seconds / 86_400), Math.floor(seconds / 3600) % 24, Math.floor(seconds / 60) % 60];
  if (days) return `${days}\u00a0d ${hours}\u00a0h`;
  if (hours) return `${hours}\u00a0h ${minutes}\u00a0min`;
  return `${minutes}:${String(seconds % 60).padStart(2, "0")}`;
}

/** "3 h", "2.5 h". */
export function hours(value) {
  return `${Number(value).toLocaleString(LOCALE, { maximumFractionDigits: 2 })}\u00a0h`;
}

/** An amount of a currency, which is named by its code: "usd". */
export function money(value, currency) {
  return Number(value).toLocaleString(LOCALE, { style: "currency", currency });
}
