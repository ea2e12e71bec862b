/** Timeline of a generation: accepted, each attempt, its end, its callbacks. */

import { h } from "../dom.js";
import { exactly, lasting, when } from "./words.js";

const WORDS = /** @type {Record<string, string>} */ ({
  accepted: "Accepted", started: "Begun", attempt_failed: "An attempt failed", handed_back: "Handed back", lost: "Lost with its worker", completed: "Done", failed: "Failed", cancelled: "Cancelled", callback: "Callback",
});
const KINDS = /** @type {Record<string, string>} */ ({ attempt_failed: "bad", failed: "bad", lost: "bad", completed: "good" });

/** The events in their order. */
export function timeline(/** @type {any[]} */ events) {
  return h("ol", { class: "timeline" }, events.map((each) => h("li", { data: { kind: KINDS[each.what] ?? "" } },
    h("p", null, h("strong", null, WORDS[each.what] ?? each.what), each.attempt ? h("span", { class: "soft" }, ` attempt ${each.attempt}`) : null),
    each.reason && h("p", null, each.reason),
    h("p", { class: "small soft number", title: exactly(each.at) }, [when(each.at), each.seconds !== null && each.seconds !== undefined && `after ${lasting(each.seconds)}`, each.engine, each.worker && `on ${each.worker}`].filter(Boolean).join(", ")))));
}
