/** Pause, resume and drain: all of the queue, one model, or one worker. */

import { get, post } from "../api.js";
import { h } from "../dom.js";
import { openDialog } from "./dialog.js";
import { icon } from "./icon.js";
import { toast } from "./toast.js";
import { ago, exactly, lasting, plural } from "./words.js";

/** The state of the queue, with its switches. */
export async function queueControls(/** @type {AbortSignal} */ signal, /** @type {any[]} */ models) {
  const queue = await get("admin/v1/queue", {}, signal);
  const waiting = Object.values(queue.depth).reduce((sum, each) => sum + each, 0);
  const word = queue.drained ? ["Drained: nothing new is accepted", "state-warn"] : queue.paused ? ["Paused", "state-warn"] : ["Running", "state-good"];
  const all = /** @type {any[]} */ (queue.controls).filter((each) => each.scope !== "all");
  const act = (/** @type {string} */ verb, /** @type {any} */ target = {}) => post(`admin/v1/queue/${verb}`, target).then(() => toast(SAID[verb]), (error) => toast(error.message));
  return h("section", { class: "card stack", "aria-label": "Queue" },
    h("div", { class: "row row-apart" },
      h("div", { class: "row" }, h("span", { class: `state ${word[1]}` }, word[0]), h("span", { class: "soft" }, waiting ? `${plural(waiting, "clip")} waiting, the oldest for ${lasting(queue.oldest_seconds)}` : "Nobody waits")),
      h("div", { class: "row" },
        queue.paused || queue.drained ? h("button", { class: "button button-main", type: "button", on: { click: () => act("resume") } }, icon("play"), "Resume")
          : [h("button", { class: "button", type: "button", on: { click: () => act("pause") } }, icon("pause"), "Pause"), h("button", { class: "button", type: "button", on: { click: () => act("drain") } }, icon("end"), "Drain")],
        h("button", { class: "button", type: "button", on: { click: () => onePart(models) } }, "One part only"))),
    all.length > 0 && h("ul", { class: "stack stack-tight" }, all.map((each) => h("li", { class: "row row-apart" },
      h("span", { class: "row" }, h("span", { class: "state state-warn" }, each.state === "paused" ? "Paused" : "Draining"), h("span", null, `${each.scope} ${each.name}`), h("span", { class: "small soft", title: exactly(each.since) }, `${ago(each.since)}, by ${each.by}`)),
      h("button", { class: "button", type: "button", "aria-label": `Resume ${each.scope} ${each.name}`, on: { click: () => act("resume", { [each.scope]: each.name }) } }, icon("play"), "Resume")))));
}

const SAID = /** @type {Record<string, string>} */ ({ pause: "Paused: nothing new is begun.", resume: "It goes on.", drain: "Draining: nothing new is accepted, the rest is made." });

/** A form for the pause or the drain of one model or one worker. */
async function onePart(/** @type {any[]} */ models) {
  const { workers } = await get("admin/v1/workers");
  const engines = [...new Set(models.filter((each) => each.models.length).flatMap((each) => each.served_by))];
  const options = [...engines.map((each) => [`model ${each}`, each]), ...workers.map((/** @type {any} */ each) => [`worker ${each.id}`, `Worker ${each.host}, process ${each.pid}`])];
  const select = h("select", { class: "input", id: "part" }, options.map(([value, words]) => h("option", { value }, words)));
  const act = (/** @type {string} */ verb) => async () => {
    const [scope, ...name] = select.value.split(" ");
    try {
      await post(`admin/v1/queue/${verb}`, { [scope]: name.join(" ") });
      dialog.close();
      toast(SAID[verb]);
    } catch (error) {
      toast(/** @type {any} */ (error).message);
    }
  };
  const dialog = openDialog({ title: "One part of the queue", body: h("div", { class: "stack" },
    h("div", { class: "field" }, h("label", { htmlFor: "part" }, "Model or worker"), select),
    h("p", { class: "soft" }, "A pause begins nothing new. A drain accepts nothing new, and makes the rest."),
    h("div", { class: "row" }, h("button", { class: "button button-main", type: "button", on: { click: act("pause") } }, icon("pause"), "Pause it"), h("button", { class: "button", type: "button", on: { click: act("drain") } }, icon("end"), "Drain it"))) });
}
