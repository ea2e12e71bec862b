/** A lot: the clips that were made at once, with one progress for all of them. */

import { get, GENERATIONS } from "../api.js";
import { announce } from "../announce.js";
import { fill, h } from "../dom.js";
import { feed } from "../live.js";
import { again, cancel } from "../parts/clip-actions.js";
import { icon } from "../parts/icon.js";
import { problem, progressBar, stateWord } from "../parts/states.js";
import { thumbnail } from "../parts/thumbnail.js";
import { toast } from "../parts/toast.js";
import { plural } from "../parts/words.js";
import { to } from "../router.js";
import { sending } from "./batch.js";

const PAGE = 100;

/** The view of a lot by its name. */
export function lotView(/** @type {string} */ name, /** @type {{signal: AbortSignal}} */ { signal }) {
  const words = h("p", { class: "soft number" });
  const bar = progressBar("Progress of all clips");
  const tiles = h("ul", { class: "lot" });
  const tools = h("div", { class: "row" });
  const told = h("div");
  const node = h("section", { class: "card stack", "aria-label": "Clips made at once" },
    h("div", { class: "row row-apart" }, h("div", null, h("h2", null, "Made at once"), words), tools), bar, told, tiles);
  /** @type {Map<string, any>} */
  const clips = new Map();
  /** @type {Map<string, any>} */
  const drawn = new Map();

  async function load() {
    try {
      for (let after = null; ;) {
        const page = await get(GENERATIONS, { "metadata.lot": name, limit: PAGE, order: "asc", after }, signal);
        page.generations.forEach(keep);
        after = page.next;
        if (!after || !page.generations.length) break;
      }
      fill(told);
    } catch (error) {
      if (!signal.aborted) fill(told, problem(error, load));
    }
    sum();
  }

  function keep(/** @type {any} */ clip) {
    clips.set(clip.id, clip);
    const tile = drawn.get(clip.id) ?? makeTile(clip);
    tile.update(clip);
  }

  function makeTile(/** @type {any} */ clip) {
    const picture = thumbnail(clip);
    const state = h("span");
    const link = h("a", { class: "lot-tile", href: to("make", [], { clip: clip.id }) }, picture, h("span", { class: "one-line small", dir: "auto" }, clip.request.prompt ?? "Without words"), state);
    tiles.append(h("li", null, link));
    const tile = {
      update(/** @type {any} */ now) {
        picture.show(now);
        fill(state, now.state === "dreaming" ? h("span", { class: "state state-busy number" }, `${Math.round(now.progress * 100)} %`) : stateWord(now.state));
      },
    };
    drawn.set(clip.id, tile);
    return tile;
  }

  function sum() {
    const unsent = (sending.get(name) ?? []).filter((each) => !each.id && !each.wrong);
    const refused = (sending.get(name) ?? []).filter((each) => each.wrong);
    const all = [...clips.values()];
    const total = all.length + unsent.length + refused.length;
    const done = all.filter((each) => each.state === "completed").length;
    const failed = all.filter((each) => each.state === "failed");
    const open = all.filter((each) => each.state === "queued" || each.state === "dreaming");
    const parts = all.reduce((amount, each) => amount + (each.state === "completed" || each.state === "failed" ? 1 : each.progress), refused.length);
    bar.set(total ? parts / total : 0);
    words.textContent = `${done} of ${plural(total, "clip")} done${failed.length ? `, ${failed.length} failed` : ""}${unsent.length ? `, ${unsent.length} still to be sent` : ""}`;
    if (!open.length && !unsent.length && total) announce(words.textContent);
    fill(tools,
      open.length > 0 && h("button", { class: "button", type: "button", on: { click: () => stop(open) } }, icon("close"), "Cancel the rest"),
      failed.length > 0 && h("button", { class: "button", type: "button", on: { click: () => retry(failed) } }, icon("again"), "Try the failed ones again"));
    fill(told, refused.map((each) => h("p", { class: "wrong" }, icon("failures"), h("span", null, `${each.file?.name ?? each.url}: ${each.wrong}`))));
  }

  async function stop(/** @type {any[]} */ open) {
    for (const each of open) await cancel(each).catch((error) => toast(error.message));
  }

  async function retry(/** @type {any[]} */ failed) {
    for (const each of failed) await again(each, {}, false).then((made) => { feed.follow(made); keep(made); }, (error) => toast(error.message));
    sum();
  }

  feed.watch((happening) => {
    const clip = clips.get(happening.id);
    if (!clip) return;
    if (happening.state === clip.state || happening.state === "dreaming") keep({ ...clip, ...happening, request: clip.request, assets: clip.assets });
    else get(`${GENERATIONS}/${happening.id}`, {}, signal).then((now) => { keep(now); sum(); }, () => {});
    sum();
  }, signal);
  for (const kind of ["lot-row", "lot-sent"]) addEventListener(kind, (event) => { if (/** @type {CustomEvent} */ (event).detail === name) load(); }, { signal });
  feed.addEventListener("awake", load, { signal });
  load();
  return { node };
}
