/** Pause, resume and drain: all of the queue, one model, or one worker. */

import { get, post } from "../api.js";
import { h } from "../dom.js";
import { openDialog } from "./dialog.js";
import { icon } from "./icon.js";
import { renew } from "./steadily.js";
import { toast } from "./toast.js";
import { ago, exactly, lasting, plural } from "./words.js";

/**
 * The state of the queue, with its switches. It shows what the server has answered last, to a look or to a switch.
 * @param {AbortSignal} signal
 * @param {any[]} models
 */
export function queueControls(signal, models) {
  const node = h("section", { class: "card stack", "aria-label": "Queue" });
  const show = (/** @type {any} */ queue) => renew(node, state(queue, models, act));
  let switched = 0;
  const act = async (/** @type {string} */ verb, /** @type {any} */ target = {}) => {
    try {
      const queue = await post(`admin/v1/queue/${verb}`, target);
      switched += 1;
      show(queue);
      toast(SAID[verb]);
      return true;
    } catch (error) {
      toast(error.message);
      return false;
    }
  };
  async function look() {
    const before = switched;
    const queue = await get("admin/v1/queue", {}, signal);
    if (before === switched) show(queue); // Else it may be older than the switch's answer.
  }
  return { node, look };
}

/** @typedef {(verb: string, target?: any) => Promise<boolean>} Act a switch; true where the server did it */

function state(/** @type {any} */ queue, /** @type {any[]} */ models, /** @type {Act} */ act) {
  const waiting = Object.values(queue.depth).reduce((sum, each) => sum + each, 0);
  const word = queue.drained ? ["Drained: nothing new is accepted", "state-warn"] : queue.paused ? ["Paused", "state-warn"] : ["Running", "state-good"];
  const all = /** @type {any[]} */ (queue.controls).filter((each) => each.scope !== "all");
  return [
    h("div", { class: "row row-apart" },
      h("div", { class: "row" }, h("span", { class: `state ${word[1]}` }, word[0]), h("span", { class: "soft" }, waiting ? `${plural(waiting, "clip")} waiting, the oldest for ${lasting(queue.oldest_seconds)}` : "Nobody waits")),
      h("div", { class: "row" },
        queue.paused || queue.drained ? h("button", { class: "button button-main", type: "button", on: { click: () => act("resume") } }, icon("play"), "Resume")
          : [h("button", { class: "button", type: "button", on: { click: () => act("pause") } }, icon("pause"), "Pause"), h("button", { class: "button", type: "button", on: { click: () => act("drain") } }, icon("end"), "Drain")],
        h("button", { class: "button", type: "button", on: { click: () => onePart(models, act) } }, "One part only"))),
    all.length > 0 && h("ul", { class: "stack stack-tight" }, all.map((each) => h("li", { class: "row row-apart" },
      h("span", { class: "row" }, h("span", { class: "state state-warn" }, each.state === "paused" ? "Paused" : "Draining"), h("span", null, `${each.scope} ${each.name}`), h("span", { class: "small soft", title: exactly(each.since) }, `${ago(each.since)}, by ${each.by}`)),
      h("button", { class: "button", type: "button", "aria-label": `Resume ${each.scope} ${each.name}`, on: { click: () => act("resume", { [each.scope]: each.name }) } }, icon("play"), "Resume")))),
  ];
}

const SAID = /** @type {Record<string, string>} */ ({ pause: "Paused: nothing new is begun.", resume: "It goes on.", drain: "Draining: nothing new is accepted, the rest is made." });

/** A form for the pause or the drain of one model or one worker. */
async function onePart(/** @type {any[]} */ models, /** @type {Act} */ act) {
  const { workers } = await get("admin/v1/workers");
  const engines = [...new Set(models.filter((each) => each.models.length).flatMap((each) => each.served_by))];
  const options = [...engines.map((each) => [`model ${each}`, each]), ...workers.map((/** @type {any} */ each) => [`worker ${each.id}`, `Worker ${each.host}, process ${each.pid}`])];
  const select = h("select", { class: "input", id: "part" }, options.map(([value, words]) => h("option", { value }, words)));
  const button = (/** @type {string} */ verb, /** @type {string} */ kind, /** @type {string} */ drawn, /** @type {string} */ words) => h("button", { class: `button ${kind}`, type: "button", on: { click: async () => {
    const [scope, ...name] = select.value.split(" ");
    if (await act(verb, { [scope]: name.join(" ") })) dialog.close();
  } } }, icon(drawn), words);
  const dialog = openDialog({ title: "One part of the queue", body: h("div", { class: "stack" },
    h("div", { class: "field" }, h("label", { htmlFor: "part" }, "Model or worker"), select),
    h("p", { class: "soft" }, "A pause begins nothing new. A drain accepts nothing new, and makes the rest."),
    h("div", { class: "row" }, button("pause", "button-main", "pause", "Pause it"), button("drain", "", "end", "Drain it"))) });
}
