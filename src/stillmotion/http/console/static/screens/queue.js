/** Queue: one's clips that are on their way, as they come nearer. */

import { ask, get, GENERATIONS, patch } from "../api.js";
import { fill, h, sheet } from "../dom.js";
import { feed } from "../live.js";
import { mayWrite } from "../session.js";
import { heading, to } from "../router.js";
import { shortcut } from "../shortcuts.js";
import { isCancelled } from "../parts/clip-actions.js";
import { openDialog } from "../parts/dialog.js";
import { icon } from "../parts/icon.js";
import { hasSubscription, nobody } from "../parts/nobody.js";
import { noticeButton } from "../parts/notices.js";
import { empty, progressBar, stateWord, wrong } from "../parts/states.js";
import { thumbnail } from "../parts/thumbnail.js";
import { toast, undoable } from "../parts/toast.js";
import { ago, exactly, lasting, plural } from "../parts/words.js";

const MOST = 100;
const LOOK_AGAIN_MS = 400;

const STAGES = /** @type {Record<string, string>} */ ({
  waiting: "Waiting", fetching: "Getting the picture", loading: "Loading the model", rendering: "Moving", encoding: "Writing the video", storing: "Putting it away",
});

const unfinished = (/** @type {any} */ each) => each.state === "queued" || each.state === "dreaming";

export async function show(/** @type {any} */ place) {
  await sheet("css/account.css");
  if (!hasSubscription()) return nobody("Queue", "everybody", "See everybody's queue");
  /** @type {Map<string, ReturnType<typeof job>>} */
  const rows = new Map();
  /** @type {Map<string, HTMLElement>} rows of clips that ended while one looked on */
  const ended = new Map();
  /** @type {Set<string>} */
  const hidden = new Set();
  const list = h("ul", { class: "rows", "aria-label": "Unfinished clips" });
  const done = h("ul", { class: "rows", "aria-label": "Just finished" });
  const nothing = h("div", null, empty({
    icon: "queue", title: "Nothing is waiting", text: "A clip that you make shows up here, with its place in line and the time that is left.",
    action: h("a", { class: "button button-main", href: to("make") }, "Make a clip"),
  }));
  const finished = h("section", { class: "stack", hidden: true }, h("h2", null, "Just finished"), done);
  const cancelAll = h("button", { class: "button", type: "button", on: { click: () => cancel(shown()) } }, icon("close"), "Cancel all");

  const shown = () => [...rows.values()].filter((each) => unfinished(each.now) && !hidden.has(each.now.id));

  function arrange() {
    const waiting = shown().sort((one, other) => order(one.now) - order(other.now) || one.now.created_at.localeCompare(other.now.created_at));
    const nodes = waiting.map((each) => each.node);
    if (nodes.length !== list.children.length || nodes.some((each, at) => each !== list.children[at])) fill(list, nodes);
    nothing.hidden = waiting.length > 0;
    cancelAll.hidden = waiting.length < 2 || !mayWrite();
    finished.hidden = done.children.length === 0;
  }

  function take(/** @type {any} */ now) {
    const known = rows.get(now.id);
    if (known) known.take(now);
    else if (unfinished(now) && now.request) rows.set(now.id, job(now, { cancel: () => cancel([/** @type {any} */ (rows.get(now.id))]), saved: take }));
  }

  function hear(/** @type {any} */ happening) {
    const known = rows.get(happening.id);
    if (happening.state === "deleted") ended.get(happening.id)?.remove();
    else if (known) known.take(happening);
    if (known && !unfinished(happening)) leave(known, happening);
    if (!known || !unfinished(happening)) lookSoon();
    arrange();
  }

  function leave(/** @type {any} */ row, /** @type {any} */ happening) {
    rows.delete(happening.id);
    if (happening.state === "deleted" || hidden.has(happening.id)) return;
    ended.set(happening.id, row.node);
    done.prepend(row.node);
  }

  /** @type {any} */
  let timer = null;
  function lookSoon() {
    clearTimeout(timer);
    timer = setTimeout(() => look().catch((error) => place.signal.aborted || toast(error.message)), LOOK_AGAIN_MS);
  }

  async function look() {
    const page = await get(GENERATIONS, { state: "queued,dreaming", limit: MOST }, place.signal);
    const still = new Set(page.generations.map((/** @type {any} */ each) => each.id));
    for (const id of rows.keys()) if (!still.has(id)) rows.delete(id);
    page.generations.forEach(take);
    // The feed asks after what it was told of: without a stream it may not have seen these yet.
    feed.know(page.generations);
    arrange();
  }

  /** Take the rows away at once, and cancel them unless that is undone. */
  function cancel(/** @type {any[]} */ chosen) {
    const ids = chosen.map((each) => each.now.id);
    ids.forEach((id) => hidden.add(id));
    arrange();
    list.parentElement?.querySelector("h1")?.focus();
    const back = () => {
      ids.forEach((id) => hidden.delete(id));
      lookSoon();
    };
    undoable(`${plural(ids.length, "clip")} cancelled.`, async (leaving) => {
      for (const id of ids) await ask("POST", `generations/${id}/cancel`, { body: {}, keepalive: leaving }).catch((error) => { if (error.status !== 409 && error.status !== 404) throw error; });
      back();
    }, back);
  }

  await look();
  feed.watch(hear, place.signal);
  feed.addEventListener("awake", lookSoon, { signal: place.signal });
  place.signal.addEventListener("abort", () => clearTimeout(timer));
  moveByKeys(list, place.signal);
  return h("div", { class: "screen" },
    h("div", { class: "screen-head" },
      h("div", null, heading("Queue"), h("p", null, "Your clips on their way. The first in line is made next.")),
      h("div", { class: "row" }, noticeButton(), cancelAll)),
    list, nothing, finished);
}

/** Those that are being made come first, then those that wait, by their place. */
const order = (/** @type {any} */ now) => (now.state === "dreaming" ? 0 : (now.queue_position ?? 1e9));

/** One clip of the list. @param {any} first @param {{cancel: () => void, saved: (now: any) => void}} does */
function job(first, does) {
  const picture = thumbnail(first);
  const facts = h("p", { class: "job-facts" });
  const bar = progressBar("Progress");
  const sentence = h("h3", { dir: "auto" });
  const edit = h("button", { class: "button button-plain", type: "button", on: { click: () => editing(row.now, does.saved) } }, icon("edit"), "Edit");
  const stop = h("button", { class: "button", type: "button", on: { click: does.cancel } }, icon("close"), "Cancel");
  const actions = h("div", { class: "row" }, mayWrite() && [edit, stop]);
  const node = h("li", { class: "job", tabindex: -1 }, picture, h("div", { class: "stack stack-tight" }, sentence, facts, bar), actions);
  const row = { node, now: first, take };

  function take(/** @type {any} */ newer) {
    // A message may not know the place: the one that was known holds until the list is read again.
    const place = newer.state === "queued" ? { queue_position: newer.queue_position ?? row.now.queue_position, eta_seconds: newer.eta_seconds ?? row.now.eta_seconds } : {};
    const now = (row.now = { ...row.now, ...newer, ...place, request: newer.request ?? row.now.request });
    picture.show(now);
    sentence.textContent = now.request?.prompt || "A clip without a sentence";
    edit.hidden = now.state !== "queued";
    bar.hidden = now.state !== "dreaming";
    bar.set(now.progress ?? 0);
    fill(facts, words(now));
    if (unfinished(now)) return;
    fill(actions, h("a", { class: "button", href: to("gallery", [now.id]) }, now.state === "completed" ? [icon("play"), "Watch"] : isCancelled(now) ? "Open" : "See why"));
  }

  take(first);
  return row;
}

function words(/** @type {any} */ now) {
  if (isCancelled(now)) return stateWord("cancelled");
  if (!unfinished(now)) return [stateWord(now.state), now.failure_reason];
  const left = now.eta_seconds === null || now.eta_seconds === undefined ? null : h("span", { class: "number" }, `about ${lasting(now.eta_seconds)} left`);
  const asked = h("span", { title: exactly(now.created_at) }, `asked ${ago(now.created_at)}`);
  if (now.state === "dreaming") {
    return [h("span", { class: "state state-busy" }, STAGES[now.stage] ?? "Moving"), h("span", { class: "number" }, `${Math.round((now.progress ?? 0) * 100)} %`), left, asked];
  }
  return [h("span", { class: "state" }, now.queue_position ? (now.queue_position === 1 ? "Next in line" : `Number ${now.queue_position} in line`) : "Waiting"), left, asked];
}

/** A form for the sentence of a clip that still waits. */
function editing(/** @type {any} */ now, /** @type {(now: any) => void} */ saved) {
  const input = h("textarea", { class: "input", id: "queue-sentence", dir: "auto", rows: 3, maxlength: 5000, "aria-describedby": "queue-wrong" });
  input.value = now.request.prompt ?? "";
  const told = h("div", { "aria-live": "assertive" });
  const form = h("form", { class: "stack", on: { submit: save } },
    h("div", { class: "field" }, h("label", { htmlFor: "queue-sentence" }, "Sentence"), input, told, h("p", { class: "hint" }, "It keeps its place in line.")),
    h("div", { class: "row" }, h("button", { class: "button button-main", type: "submit" }, "Save")));
  const dialog = openDialog({ title: "Edit what it does", body: form });
  input.focus();

  async function save(/** @type {Event} */ event) {
    event.preventDefault();
    try {
      saved(await patch(`generations/${now.id}`, { prompt: input.value }));
      dialog.close();
      toast("Saved.");
    } catch (refusal) {
      fill(told, wrong("queue-wrong", refusal.about?.("prompt") ?? refusal.message));
      input.setAttribute("aria-invalid", "true");
    }
  }
}

/** Keys `j` and `k` go through the list. */
function moveByKeys(/** @type {HTMLElement} */ list, /** @type {AbortSignal} */ signal) {
  const step = (/** @type {number} */ by) => () => {
    const all = /** @type {HTMLElement[]} */ ([...list.children]);
    const at = all.findIndex((each) => each.contains(document.activeElement));
    all[Math.max(0, Math.min(all.length - 1, at + by))]?.focus();
  };
  shortcut({ keys: ["j"], label: "Next clip", run: step(1) }, signal);
  shortcut({ keys: ["k"], label: "Previous clip", run: step(-1) }, signal);
}
