/** A button that opens a short menu of further actions below it. */

import { h } from "../dom.js";
import { icon } from "./icon.js";

/** The menu: each entry is a node of the class `menu-item`. It closes with Esc, with a choice, and as the focus leaves. */
export function menuButton(/** @type {string} */ label, /** @type {any[]} */ entries) {
  const node = h("details", { class: "menu-button" }, h("summary", { class: "button" }, icon("more"), label), h("div", { class: "menu menu-list" }, entries));
  const close = () => { node.open = false; };
  // Where the list goes is settled before it is there: one that sticks out would make a phone zoom out first.
  node.firstElementChild.addEventListener("click", () => {
    const list = node.lastElementChild;
    const box = node.getBoundingClientRect();
    const height = list.childElementCount * 46 + 24;
    list.classList.toggle("menu-up", box.bottom + height > innerHeight - (innerWidth < 768 ? 140 : 16) && box.top > height);
    list.classList.toggle("menu-end", box.left > innerWidth / 4);
  });
  node.addEventListener("focusout", (/** @type {FocusEvent} */ event) => { if (event.relatedTarget && !node.contains(/** @type {Node} */ (event.relatedTarget))) close(); });
  node.addEventListener("click", (/** @type {MouseEvent} */ event) => { if (/** @type {Element} */ (event.target).closest(".menu-item")) close(); });
  node.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
    if (event.key !== "Escape" || !node.open) return;
    event.stopPropagation();
    close();
    node.querySelector("summary").focus();
  });
  return node;
}

/** An entry of a menu. */
export function menuItem(/** @type {string} */ drawn, /** @type {string} */ name, /** @type {() => void} */ run, kind = "") {
  return h("button", { class: `menu-item ${kind}`, type: "button", on: { click: run } }, icon(drawn), name);
}
