/** More: the end picture, shape, length, size, loop, seed and model. Only what the chosen model can do is offered. */

import { fill, h, newId } from "../dom.js";
import { icon } from "../parts/icon.js";
import { wrong } from "../parts/states.js";
import { draft } from "./draft.js";
import { well } from "./well.js";

const EMULATED = "This model does not do it by itself: the service makes it so.";

/**
 * The folded form. `offer` is told the models, `say` the problems by field.
 * @param {{signal: AbortSignal}} options
 */
export function more({ signal }) {
  const end = well("end", { label: "End picture", invite: "Add a picture", small: true, signal });
  const body = h("div", { class: "more-body" });
  const summary = h("span", { class: "soft small one-line" });
  const node = h("details", { class: "more" }, h("summary", null, icon("settings"), h("strong", null, "More"), summary, icon("down")), body);
  /** @type {any[]} */
  let models = [];
  /** @type {Map<string, any>} */
  const slots = new Map();

  function model() {
    return models.find((each) => each.name === draft.now.model) ?? models.find((each) => each.default) ?? models[0] ?? {};
  }

  function draw() {
    slots.clear();
    const chosen = model();
    fill(body,
      can(chosen, "last") && part("keyframes.frame1", "End picture", end.node, hintOf(chosen, "last", "The clip ends with it.")),
      chosen.aspect_ratios?.length > 0 && part("aspect_ratio", "Shape", choices("aspect_ratio", [["", "Picture's own"], ...chosen.aspect_ratios.map((/** @type {string} */ each) => [each, each])])),
      chosen.max_seconds > chosen.min_seconds && part("duration", "Length", seconds(chosen)),
      chosen.resolutions?.length > 1 && part("resolution", "Size", choices("resolution", chosen.resolutions.map((/** @type {string} */ each) => [each, each]), "720p")),
      can(chosen, "loop") && part("loop", null, toggle("loop", "Loop", hintOf(chosen, "loop", "The end leads into the beginning."))),
      chosen.takes_seed !== false && part("seed", "Seed", seed()),
      models.length > 1 && part("model", "Model", modelList(chosen)));
    summarise();
  }

  function part(/** @type {string} */ field, /** @type {string | null} */ name, /** @type {any} */ control, /** @type {string | null} */ hint = null) {
    const slot = h("div");
    slots.set(field, slot);
    const group = control.tagName === "INPUT" || control.tagName === "SELECT" || control.dataset?.field;
    return group
      ? h("div", { class: "field" }, name && h("label", { htmlFor: control.id || control.dataset.field }, name), control, hint && h("p", { class: "hint" }, hint), slot)
      : h("fieldset", { class: "field" }, name && h("legend", { class: "field-name" }, name), control, hint && h("p", { class: "hint" }, hint), slot);
  }

  function choices(/** @type {"aspect_ratio" | "resolution"} */ name, /** @type {string[][]} */ offered, usual = "") {
    const group = newId(name);
    return h("div", { class: "choices" }, offered.map(([value, text]) => h("label", { class: "choice" },
      h("input", { type: "radio", name: group, value, checked: (draft.now[name] || usual) === value, on: { change: () => draft.change({ [name]: value === usual ? "" : value }) } }),
      h("span", null, name === "aspect_ratio" && value && shape(value), text))));
  }

  function seconds(/** @type {any} */ chosen) {
    const id = newId("seconds");
    const output = h("output", { class: "number", for: id });
    const now = Math.min(chosen.max_seconds, Math.max(chosen.min_seconds, draft.now.seconds ?? 5));
    const range = h("input", { type: "range", id, class: "range", min: chosen.min_seconds, max: chosen.max_seconds, step: 1, value: now, on: { input: () => { tell(); draft.change({ seconds: Number(range.value) === 5 ? null : Number(range.value) }); } } });
    const tell = () => { output.textContent = `${range.value} s`; range.setAttribute("aria-valuetext", `${range.value} seconds`); };
    tell();
    return h("div", { class: "range-row", data: { field: id } }, range, output);
  }

  function toggle(/** @type {"loop"} */ name, /** @type {string} */ label, /** @type {string} */ hint) {
    return h("label", { class: "switch" }, h("input", { type: "checkbox", checked: draft.now[name], on: { change: (/** @type {any} */ event) => draft.change({ [name]: event.target.checked }) } }),
      h("span", null, label, h("br"), h("span", { class: "hint" }, hint)));
  }

  function seed() {
    const id = newId("seed");
    const input = h("input", { class: "input number", id, inputmode: "numeric", placeholder: "A new one each time", value: draft.now.seed ?? "", on: { input: () => draft.change({ seed: /^\d+$/.test(input.value.trim()) ? Number(input.value) : null }) } });
    return input;
  }

  function modelList(/** @type {any} */ chosen) {
    const id = newId("model");
    const list = h("select", { class: "input", id, on: { change: () => { draft.change({ model: models.find((each) => each.name === list.value)?.default ? "" : list.value }); draw(); } } },
      models.map((each) => h("option", { value: each.name, selected: each.name === chosen.name, disabled: ["unavailable", "unfit", "pullable"].includes(each.state) }, each.reason && each.state !== "ready" ? `${each.name}: ${each.reason}` : each.name)));
    return list;
  }

  function summarise() {
    const now = draft.now;
    const chosen = [now.end && "end picture", now.aspect_ratio, now.seconds && `${now.seconds} s`, now.resolution, now.loop && "loop", now.seed !== null && `seed ${now.seed}`, now.model].filter(Boolean);
    summary.textContent = chosen.length ? chosen.join(" · ") : "End picture, shape, length, size";
  }

  draft.addEventListener("changed", () => summarise(), { signal });
  draw();
  return {
    node,
    model,
    draw,
    /** The end picture's, as those of a well. */
    sent: end.sent,
    settled: end.settled,
    offer(/** @type {any[]} */ offered) {
      models = offered;
      draw();
    },
    /** Show problems beside their fields; the rest is returned. */
    say(/** @type {{field: string, message: string}[]} */ problems) {
      slots.forEach((slot) => slot.replaceChildren());
      const rest = problems.filter((each) => {
        const found = [...slots.keys()].find((field) => each.field === field || each.field.startsWith(`${field}.`));
        if (found) fill(slots.get(found), wrong(newId("wrong"), each.message));
        return !found;
      });
      if (rest.length < problems.length) node.open = true;
      return rest;
    },
  };
}

function can(/** @type {any} */ model, /** @type {string} */ ability) {
  return !model.native || model.native.includes(ability) || model.native.includes("any") || (model.emulated ?? []).includes(ability);
}

function hintOf(/** @type {any} */ model, /** @type {string} */ ability, /** @type {string} */ usual) {
  return (model.emulated ?? []).includes(ability) ? `${usual} ${EMULATED}` : usual;
}

/** A small frame of the shape. */
function shape(/** @type {string} */ ratio) {
  const [width, height] = ratio.split(":").map(Number);
  const scale = 14 / Math.max(width, height);
  return h("i", { class: "shape", "aria-hidden": "true", style: { width: `${Math.round(width * scale)}px`, height: `${Math.round(height * scale)}px` } });
}
