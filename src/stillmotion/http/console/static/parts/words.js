/** Times, lengths, sizes and money as people say them. */

const AGO = new Intl.RelativeTimeFormat("en", { numeric: "auto" });
const WHEN = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });
const EXACT = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "medium" });
const DAY = new Intl.DateTimeFormat("en-GB", { weekday: "short", day: "numeric", month: "short" });
const NUMBER = new Intl.NumberFormat("en", { maximumFractionDigits: 2 });

const STEPS = /** @type {[number, Intl.RelativeTimeFormatUnit][]} */ ([[60, "second"], [60, "minute"], [24, "hour"], [7, "day"]]);

/** "3 minutes ago"; the date after a week. */
export function ago(/** @type {string | null} */ time, now = Date.now()) {
  if (!time) return "–";
  let amount = (new Date(time).getTime() - now) / 1000;
  if (Math.abs(amount) < 10) return "just now";
  for (const [size, unit] of STEPS) {
    if (Math.abs(amount) < size) return AGO.format(Math.round(amount), unit);
    amount /= size;
  }
  return WHEN.format(new Date(time));
}

/** "29 Nov, 21:50". */
export const when = (/** @type {string | null} */ time) => (time ? WHEN.format(new Date(time)) : "–");

/** The time to the second, for a `title`. */
export const exactly = (/** @type {string | null} */ time) => (time ? EXACT.format(new Date(time)) : "");

/** "Sun, 29 Nov". */
export const day = (/** @type {string} */ date) => DAY.format(new Date(date));

/** "8 s", "2 min", "1 h 10 min". */
export function lasting(/** @type {number | null | undefined} */ seconds) {
  if (seconds === null || seconds === undefined) return "–";
  if (seconds < 1) return `${Math.round(seconds * 10) / 10} s`;
  if (seconds < 90) return `${Math.round(seconds)} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 90 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** "3.2 MB". */
export function bytes(/** @type {number | null | undefined} */ size) {
  if (size === null || size === undefined) return "–";
  const units = ["B", "kB", "MB", "GB", "TB"];
  let amount = size;
  let unit = 0;
  while (amount >= 1000 && unit < units.length - 1) {
    amount /= 1000;
    unit += 1;
  }
  return `${amount < 10 && unit ? amount.toFixed(1) : Math.round(amount)} ${units[unit]}`;
}

/** A number with its thousands apart. */
export const count = (/** @type {number | null | undefined} */ amount) => (amount === null || amount === undefined ? "–" : NUMBER.format(amount));

/** "1 clip", "3 clips". */
export const plural = (/** @type {number} */ amount, /** @type {string} */ one, many = `${one}s`) => `${count(amount)} ${amount === 1 ? one : many}`;
