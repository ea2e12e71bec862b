/** The drawer with one customer's clip, for administrators: its facts and timeline, and what can be done with it. */

import { get, post } from "../api.js";
import { fill, h } from "../dom.js";
import { openDialog } from "./dialog.js";
import { icon } from "./icon.js";
import { problem, remedyFor, stateWord } from "./states.js";
import { pictureOf } from "./thumbnail.js";
import { timeline } from "./timeline.js";
import { toast } from "./toast.js";
import { exactly, lasting, when } from "./words.js";

/** Open a clip by its id. `customer` is its owner's name; `changed` is called after something was done with it. */
export async function record(/** @type {string} */ id, /** @type {string} */ customer, /** @type {() => any} */ changed = () => {}) {
  const path = `admin/v1/generations/${id}`;
  const body = h("div", { class: "stack" });
  openDialog({ title: "Clip", body, drawer: true });
  let shown = /** @type {any} */ (null);

  async function look() {
    try {
      const [now, times] = await Promise.all([get(path), get(`${path}/timeline`)]);
      shown = shown && !shown.hidden ? { ...now, ...secrets(shown) } : now;
      fill(body, facts(shown, customer || shown.subscription), hidden(shown, reveal), actions(shown, act), h("h3", null, "Timeline"), timeline(times.events));
    } catch (error) {
      fill(body, problem(error, look));
    }
  }

  async function reveal() {
    try {
      shown = { ...shown, ...(await post(`${path}/reveal`)), hidden: false };
      await look();
    } catch (error) {
      toast(error.message);
    }
  }

  async function act(/** @type {string} */ verb, /** @type {any} */ more = {}) {
    try {
      await post(`${path}/${verb}`, more);
      toast("Done.");
      await look();
      await changed();
    } catch (error) {
      toast(error.message);
    }
  }

  await look();
}

/** What a reveal has shown, kept over a look. */
const secrets = (/** @type {any} */ shown) => ({ hidden: false, prompt: shown.prompt, request: shown.request, assets: shown.assets, preview: shown.preview });

function facts(/** @type {any} */ now, /** @type {string} */ customer) {
  const rows = /** @type {[string, any][]} */ ([
    ["Id", h("span", { class: "mono" }, now.id)], ["Customer", customer], ["Model", `${now.model}, made by ${now.engine}`],
    ["Worker", now.worker], ["Attempts", now.attempts || null], ["Length", `${now.seconds} s, ${now.resolution}`], ["Request", now.request_id && h("span", { class: "mono" }, now.request_id)],
    ["Asked", h("span", { title: exactly(now.created_at) }, when(now.created_at))], ["Time left", now.eta_seconds === null || now.eta_seconds === undefined ? null : lasting(now.eta_seconds)],
    ["Seed", now.seed], ["Cost", now.cost],
  ]);
  return [
    h("div", { class: "row" }, stateWord(now.state), now.queue_position && h("span", { class: "soft" }, `number ${now.queue_position} in line`)),
    now.failure_reason && h("div", { class: "notice notice-bad" }, icon("failures"), h("div", null, h("p", null, now.failure_reason), remedyFor(now.remedy))),
    h("dl", { class: "facts" }, rows.filter(([, value]) => value !== null && value !== undefined && value !== "").map(([name, value]) => [h("dt", null, name), h("dd", null, value)])),
  ];
}

/** The customer's own words and picture, once they are revealed. */
function hidden(/** @type {any} */ now, /** @type {() => void} */ reveal) {
  if (now.hidden) {
    return h("div", { class: "notice" }, icon("eye"), h("div", { class: "stack stack-tight" },
      h("p", null, "The sentence and the pictures are the customer's. A look at them is noted in the log."),
      h("div", null, h("button", { class: "button", type: "button", on: { click: reveal } }, "Reveal them"))));
  }
  const picture = pictureOf({ ...now, request: { keyframes: { frame0: { url: now.request?.frame0 ?? null } } } });
  return h("div", { class: "stack stack-tight" }, picture && h("img", { class: "revealed", src: picture, alt: "" }), h("p", { dir: "auto" }, now.request?.prompt ?? now.prompt ?? ""));
}

function actions(/** @type {any} */ now, /** @type {(verb: string, more?: any) => void} */ act) {
  const button = (/** @type {string} */ drawn, /** @type {string} */ words, /** @type {() => void} */ run) => h("button", { class: "button", type: "button", on: { click: run } }, icon(drawn), words);
  const unfinished = now.state === "queued" || now.state === "dreaming";
  return h("div", { class: "row" },
    now.state === "queued" && [button("up", "To the front", () => act("move", { to: "front" })), button("down", "To the back", () => act("move", { to: "back" }))],
    unfinished && button("close", "Cancel it", () => act("cancel")), now.state === "failed" && button("again", "Try it again", () => act("retry")));
}
