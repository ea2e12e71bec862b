/** Dialogs and drawers: the browser's own modal, which keeps the focus and closes with Esc. */

import { h, newId } from "../dom.js";
import { icon } from "./icon.js";

/**
 * Open a dialog; `drawer` puts it at the side. It is removed when it closes, and the focus goes back.
 * @param {{title: string, body: any, drawer?: boolean, onClose?: () => void}} what
 * @returns {HTMLDialogElement}
 */
export function openDialog({ title, body, drawer = false, onClose }) {
  const id = newId("dialog");
  const from = /** @type {HTMLElement | null} */ (document.activeElement);
  const dialog = h("dialog", { class: drawer ? "drawer" : "", "aria-labelledby": id },
    h("div", { class: "dialog-head" }, h("h2", { id }, title),
      h("button", { class: "button button-plain button-icon", type: "button", "aria-label": "Close", on: { click: () => dialog.close() } }, icon("close"))),
    h("div", { class: "dialog-body" }, body));
  // A page that is left takes its dialogs along.
  const leave = () => dialog.close();
  window.addEventListener("hashchange", leave);
  dialog.addEventListener("close", () => {
    window.removeEventListener("hashchange", leave);
    dialog.remove();
    if (from?.isConnected) from.focus();
    onClose?.();
  });
  dialog.addEventListener("click", (/** @type {MouseEvent} */ event) => {
    if (event.target === dialog && outside(dialog, event)) dialog.close();
  });
  document.getElementById("layers")?.append(dialog);
  dialog.showModal();
  return dialog;
}

function outside(/** @type {Element} */ dialog, /** @type {MouseEvent} */ event) {
  const box = dialog.getBoundingClientRect();
  return event.clientX < box.left || event.clientX > box.right || event.clientY < box.top || event.clientY > box.bottom;
}

/**
 * Ask before something that cannot be undone. True for yes. With `typed`, that text must be typed first.
 * @param {{title: string, text: string, action: string, typed?: string}} what
 * @returns {Promise<boolean>}
 */
export function confirmed({ title, text, action, typed }) {
  return new Promise((done) => {
    let answer = false;
    const input = typed === undefined ? null : h("input", { class: "input", id: newId("typed"), autocomplete: "off", inputmode: "numeric" });
    const yes = h("button", { class: "button button-main", type: "submit", disabled: input !== null }, action);
    input?.addEventListener("input", () => { yes.disabled = input.value.trim() !== typed; });
    const form = h("form", { class: "stack", on: { submit: (/** @type {Event} */ event) => { event.preventDefault(); answer = true; dialog.close(); } } },
      h("p", { class: "soft" }, text),
      input && h("div", { class: "field" }, h("label", { htmlFor: input.id }, `Type ${typed} to go on`), input),
      h("div", { class: "row" }, yes, h("button", { class: "button", type: "button", on: { click: () => dialog.close() } }, "Keep it")));
    const dialog = openDialog({ title, body: form, onClose: () => done(answer) });
  });
}
