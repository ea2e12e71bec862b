/** Short sentences at the foot of the page, and actions that can be undone for ten seconds. */

import { announce } from "../announce.js";
import { h } from "../dom.js";

const UNDO_SECONDS = 10;

function shelf() {
  const layers = /** @type {HTMLElement} */ (document.getElementById("layers"));
  return layers.querySelector(".toasts") ?? layers.appendChild(h("div", { class: "toasts" }));
}

/**
 * Show a sentence for some seconds. Its `close` takes it away.
 * @param {string} sentence
 * @param {{action?: string, run?: () => void, seconds?: number}} [more]
 */
export function toast(sentence, { action, run, seconds = 5 } = {}) {
  const shown = h("div", { class: "toast" }, h("p", null, sentence),
    action && h("button", { type: "button", on: { click: () => { close(); run?.(); } } }, action));
  const timer = setTimeout(() => close(), seconds * 1000);
  function close() {
    clearTimeout(timer);
    shown.remove();
  }
  shelf().append(shown);
  announce(sentence);
  return { close };
}

/** @type {Set<() => void>} */
const pending = new Set();
addEventListener("pagehide", () => pending.forEach((each) => each()));

/**
 * Do something in ten seconds unless it is undone. A page that is left does it at once.
 * @param {string} sentence "Clip deleted."
 * @param {(leaving: boolean) => any} act
 * @param {() => void} undo puts back what the screen has taken away
 */
export function undoable(sentence, act, undo, seconds = UNDO_SECONDS) {
  const timer = setTimeout(() => finish(false), seconds * 1000);
  const leave = () => finish(true);
  pending.add(leave);
  const shown = toast(sentence, {
    action: "Undo",
    seconds,
    run: () => {
      clearTimeout(timer);
      pending.delete(leave);
      undo();
      announce("Undone.");
    },
  });
  function finish(/** @type {boolean} */ leaving) {
    clearTimeout(timer);
    pending.delete(leave);
    shown.close();
    Promise.resolve(act(leaving)).catch((error) => {
      undo();
      toast(error.message);
    });
  }
}
