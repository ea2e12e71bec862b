/** What a screen shows when there is nothing, not yet anything, or trouble. */

import { h } from "../dom.js";
import { icon } from "./icon.js";

/** A teaching empty state. @param {{icon?: string, title: string, text: string, action?: any}} what */
export function empty({ icon: name = "spark", title, text, action = null }) {
  return h("div", { class: "empty" }, icon(name), h("h2", null, title), h("p", null, text), action);
}

/** Trouble, in the server's own sentence, with a way on. */
export function problem(/** @type {any} */ error, /** @type {(() => void) | null} */ again = null) {
  const sentence = error?.message && (error.status !== undefined || error.problems) ? error.message : "This page could not be shown.";
  return h("div", { class: "notice notice-bad", role: "alert" }, icon("failures"),
    h("div", { class: "stack stack-tight" }, h("p", null, sentence),
      error?.requestId && h("p", { class: "small mono" }, `Request ${error.requestId}`),
      again && h("div", null, h("button", { class: "button", type: "button", on: { click: again } }, icon("again"), "Try again"))));
}

/** A paragraph with the remedy, if there is one. */
export function remedyFor(/** @type {string | null | undefined} */ remedy, kind = "") {
  return remedy ? h("p", { class: kind || null }, remedy) : null;
}

/** The bones of a screen that is on its way. */
export function skeleton(rows = 3) {
  return h("div", { class: "screen", "aria-busy": "true" },
    h("div", { class: "bone", style: { height: "2rem", width: "min(16rem, 60%)" } }),
    Array.from({ length: rows }, (_, number) => h("div", { class: "bone", style: { height: `${9 - number * 2}rem` } })),
    h("span", { class: "unseen" }, "Loading"));
}

/** The sentence beside a field that is wrong; an empty one is hidden. */
export function wrong(/** @type {string} */ id, /** @type {string | null} */ sentence) {
  return h("p", { class: "wrong", id, hidden: !sentence }, icon("failures"), h("span", null, sentence ?? ""));
}

const STATES = /** @type {Record<string, [string, string]>} */ ({
  queued: ["Waiting", ""], dreaming: ["Moving", "state-busy"], completed: ["Done", "state-good"], failed: ["Failed", "state-bad"], cancelled: ["Cancelled", ""],
});

/** A generation's state as a word with a shape. */
export function stateWord(/** @type {string} */ state) {
  const [word, kind] = STATES[state] ?? [state, ""];
  return h("span", { class: `state ${kind}` }, word);
}

const OF_CALLBACKS = /** @type {Record<string, [string, string]>} */ ({ pending: ["Waiting", "state-warn"], delivered: ["Delivered", "state-good"], gave_up: ["Given up", "state-bad"] });

/** A callback's state as a word with a shape. */
export function callbackState(/** @type {string} */ state) {
  const [word, kind] = OF_CALLBACKS[state] ?? [state, ""];
  return h("span", { class: `state ${kind}` }, word);
}

/** A bar of progress, 0 to 1. Its `set` moves it. */
export function progressBar(/** @type {string} */ label) {
  const inner = h("div");
  const bar = h("div", { class: "progress", role: "progressbar", "aria-label": label, "aria-valuemin": 0, "aria-valuemax": 100 }, inner);
  return Object.assign(bar, {
    set(/** @type {number} */ part) {
      inner.style.width = `${Math.round(part * 1000) / 10}%`;
      bar.setAttribute("aria-valuenow", String(Math.round(part * 100)));
    },
  });
}
