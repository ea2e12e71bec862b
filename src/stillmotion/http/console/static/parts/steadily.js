/** Doing something again and again while the tab is seen. */

import { fill } from "../dom.js";

/**
 * Do it now and every so many seconds, until the signal aborts; a hidden tab pauses it. The first time an error is
 * raised, later it is told to `trouble`.
 * @param {() => Promise<void>} act
 * @param {number} seconds
 * @param {AbortSignal} signal
 * @param {(error: any) => void} trouble
 */
export async function steadily(act, seconds, signal, trouble) {
  /** @type {any} */
  let timer = null;
  const later = () => {
    clearTimeout(timer);
    if (!signal.aborted && !document.hidden) timer = setTimeout(again, seconds * 1000);
  };
  const again = async () => {
    try {
      await act();
    } catch (error) {
      if (!signal.aborted) trouble(error);
    }
    later();
  };
  document.addEventListener("visibilitychange", () => (document.hidden ? clearTimeout(timer) : again()), { signal });
  signal.addEventListener("abort", () => clearTimeout(timer));
  await act();
  later();
}

/** @type {EventTarget | null} what a finger or the mouse is pressing just now */
let pressed = null;
/** @type {Map<HTMLElement, any[]>} what an element shows as soon as it is let go */
const waiting = new Map();

addEventListener("pointerdown", (event) => (pressed = event.target), { capture: true });
for (const kind of ["pointerup", "pointercancel"]) addEventListener(kind, () => setTimeout(letGo), { capture: true });

function letGo() {
  pressed = null;
  const due = [...waiting];
  waiting.clear();
  for (const [element, children] of due) renew(element, children);
}

/**
 * Replace the children of an element, and keep the focus on the link or button that had it. While one of them is
 * pressed it waits: a press on a button that is gone when it is let go does nothing.
 */
export function renew(/** @type {HTMLElement} */ element, /** @type {any[]} */ ...children) {
  if (pressed instanceof Node && element.contains(pressed)) return void waiting.set(element, children);
  waiting.delete(element);
  const held = element.contains(document.activeElement) ? document.activeElement : null;
  const name = held && nameOf(held);
  fill(element, children);
  if (!name) return;
  const same = [...element.querySelectorAll("a, button, select, input")].find((each) => nameOf(each) === name);
  /** @type {HTMLElement | undefined} */ (same)?.focus({ preventScroll: true });
}

const nameOf = (/** @type {Element} */ each) => `${each.tagName} ${each.getAttribute("href") ?? ""} ${each.getAttribute("aria-label") ?? each.textContent}`;
