/** A secret that is shown once: it is on the page while its dialog is open, and nowhere after that. */

import { h } from "../dom.js";
import { copy } from "./copy.js";
import { openDialog } from "./dialog.js";
import { icon } from "./icon.js";

/**
 * Show a secret. `more` stands below it: what it is for, a way to try it.
 * @param {{title: string, name: string, secret: string, text: string, more?: any, onClose?: () => void}} what
 */
export function showOnce({ title, name, secret, text, more = null, onClose }) {
  const field = h("input", { class: "input mono", id: "secret-once", readonly: true, value: secret, autocomplete: "off", spellcheck: "false", on: { focus: () => field.select() } });
  return openDialog({
    title, onClose,
    body: h("div", { class: "stack" },
      h("div", { class: "field" }, h("label", { htmlFor: "secret-once" }, name), field),
      h("div", { class: "row" }, h("button", { class: "button button-main", type: "button", on: { click: () => copy(secret, `${name} copied.`) } }, icon("copy"), "Copy")),
      h("p", { class: "notice notice-warn" }, icon("eye"), h("span", null, "It is shown only now. Put it where your programs find it before you close this.")),
      h("p", { class: "soft small" }, text), more),
  });
}
