/** Forms made from a list of fields, with the server's sentence beside the field that it is about. */

import { fill, h } from "../dom.js";
import { wrong } from "./states.js";

/**
 * @typedef {object} FieldOf
 * @property {string} name the field's name in the API
 * @property {string} label
 * @property {any} [value]
 * @property {string} [hint]
 * @property {"text" | "number" | "datetime-local"} [type]
 * @property {[string, string][]} [options] a choice of these values
 * @property {boolean} [required]
 */

/**
 * A form. `send` is given the texts by name; what it raises is shown beside the fields.
 * @param {FieldOf[]} fields
 * @param {string} action
 * @param {(values: Record<string, string>) => Promise<void>} send
 */
export function fieldsForm(fields, action, send) {
  const told = h("div", { "aria-live": "assertive" });
  const parts = fields.map((each) => part(each));
  const button = h("button", { class: "button button-main", type: "submit" }, action);
  const form = h("form", { class: "stack", novalidate: true, on: { submit: submit } }, h("div", { class: "form-grid" }, parts.map((each) => each.node)), told, h("div", { class: "row" }, button));

  async function submit(/** @type {Event} */ event) {
    event.preventDefault();
    button.disabled = true;
    parts.forEach((each) => each.tell(null));
    fill(told);
    try {
      await send(Object.fromEntries(parts.map((each) => [each.name, each.input.value.trim()])));
    } catch (error) {
      refuse(error);
    }
    button.disabled = false;
  }

  function refuse(/** @type {any} */ error) {
    const named = parts.filter((each) => each.tell(error.about?.(each.name) ?? null));
    if (named.length) named[0].input.focus();
    else fill(told, wrong("form-wrong", error.message));
  }

  return form;
}

function part(/** @type {FieldOf} */ { name, label, value = "", hint, type = "text", options, required }) {
  const id = `field-${name}`;
  const more = { class: "input", id, name, "aria-describedby": `${id}-wrong`, required: required ?? false };
  const input = options ? h("select", more, options.map(([each, words]) => h("option", { value: each, selected: each === String(value) }, words)))
    : h("input", { ...more, type: type === "number" ? "text" : type, inputmode: type === "number" ? "decimal" : null, value: value ?? "", autocomplete: "off" });
  const told = h("div", null);
  return {
    name, input,
    node: h("div", { class: "field" }, h("label", { htmlFor: id }, label), input, told, hint && h("p", { class: "hint" }, hint)),
    tell(/** @type {string | null} */ sentence) {
      fill(told, sentence && wrong(`${id}-wrong`, sentence));
      if (sentence) input.setAttribute("aria-invalid", "true");
      else input.removeAttribute("aria-invalid");
      return Boolean(sentence);
    },
  };
}
