/** Gallery: every clip, the newest first. A clip's own page is below it in the address. */

import { get, GENERATIONS, patch } from "../api.js";
import { fill, h, sheet } from "../dom.js";
import { openCompare } from "../gallery/compare.js";
import { filters, isFiltered, listQuery } from "../gallery/filters.js";
import { selection } from "../gallery/selection.js";
import { clipTile } from "../gallery/tile.js";
import { wall } from "../gallery/wall.js";
import { feed } from "../live.js";
import { deleteClips, fileAddress, fileName, useSettings, anotherTake } from "../parts/clip-actions.js";
import { icon } from "../parts/icon.js";
import { empty, problem } from "../parts/states.js";
import { nobody } from "../parts/nobody.js";
import { toast } from "../parts/toast.js";
import { plural } from "../parts/words.js";
import { heading, here, remember, to } from "../router.js";
import { hasClips, mayWrite } from "../session.js";
import { shortcut } from "../shortcuts.js";

/** What is kept of the last view, so that the way back from a clip leads to the same place. */
const last = { query: "", top: 0, at: 0 };

export async function show(/** @type {any} */ place) {
  if (!hasClips()) return nobody("Gallery", "everybody", "See everybody's clips");
  await sheet("css/gallery.css");
  if (place.rest.length) return (await import("./clip.js")).show(place);
  const { signal } = place;
  let query = place.query;
  let total = /** @type {number | null} */ (null);
  let at = -1;
  let picking = false;
  const said = h("p", { class: "number" });
  const told = h("div");
  const row = filters(query, narrow, signal);
  const chosen = selection({ onCompare: compare, onDownload: download, onFavourite: favourites, onDelete: remove, onChange: mark, writable: mayWrite() });
  const rows = wall({ page, tile, onTrouble: (error) => fill(told, problem(error, () => rows.reset())), onCount: tell });
  const selecting = h("button", { class: "button", type: "button", "aria-pressed": "false", on: { click: () => { picking = !picking; if (!picking) chosen.clear(); mark(); } } }, "Select");
  const node = h("div", { class: "screen gallery" },
    h("div", { class: "screen-head" }, h("div", null, heading("Gallery"), said), h("div", { class: "row" }, selecting, mayWrite() && h("a", { class: "button button-main", href: to("make") }, icon("plus"), "New clip"))),
    row.node, told, rows.node, chosen.node);

  async function page(/** @type {string | null} */ after, /** @type {number} */ limit) {
    const found = await get(GENERATIONS, { ...listQuery(query), limit, after }, signal);
    feed.know(found.generations);
    if (!after) total = found.total ?? null;
    return { generations: found.generations, next: found.next ?? null };
  }

  function tile(/** @type {any} */ clip) {
    return clipTile(clip, { selected: chosen.has(clip.id), writable: mayWrite(), onFavourite: (now) => favourite(now), onSelect: select });
  }

  function tell() {
    const shown = rows.items().length;
    said.textContent = total === null ? "" : plural(Math.max(total, shown), "clip");
    const nothing = shown === 0;
    fill(told, nothing && (isFiltered(query)
      ? empty({ icon: "search", title: "Nothing matches", text: "Try fewer words, or look at all clips.", action: h("a", { class: "button", href: to("gallery") }, "Show all clips") })
      : empty({ icon: "gallery", title: "Nothing yet", text: "Every clip you make is kept here. The first one takes a picture and a sentence.", action: h("a", { class: "button button-main", href: to("make") }, "Make a clip") })));
  }

  function narrow(/** @type {Record<string, string>} */ what) {
    remember({ ...what, compare: "" });
    query = here().query;
    total = null;
    at = -1;
    rows.reset();
  }

  function select(/** @type {string} */ id, /** @type {boolean} */ on, range = false) {
    const all = rows.items().map((each) => each.id);
    const now = all.indexOf(id);
    const ids = range && at >= 0 ? all.slice(Math.min(at, now), Math.max(at, now) + 1) : [id];
    at = now;
    chosen.set(ids, on);
  }

  function mark() {
    if (!chosen.size() && document.activeElement?.closest(".selected")) picking = false;
    node.classList.toggle("gallery-selecting", picking || chosen.size() > 0);
    selecting.setAttribute("aria-pressed", String(picking));
    for (const each of node.querySelectorAll(".tile")) each.select(chosen.has(each.dataset.id));
  }

  async function clipsOf(/** @type {string[]} */ ids) {
    const known = new Map(rows.items().map((each) => [each.id, each.clip]));
    return Promise.all(ids.map(async (id) => known.get(id) ?? get(`${GENERATIONS}/${id}`)));
  }

  async function favourite(/** @type {any} */ clip, on = clip.metadata?.favourite !== "true") {
    try {
      rows.put(await patch(`generations/${clip.id}`, { metadata: { favourite: on ? "true" : null } }));
    } catch (error) {
      toast(error.message);
    }
  }

  async function favourites(/** @type {string[]} */ ids) {
    for (const clip of await clipsOf(ids)) await favourite(clip, true);
    chosen.clear();
  }

  async function remove(/** @type {string[]} */ ids) {
    const clips = await clipsOf(ids);
    const order = rows.items().map((each) => each.id);
    const taken = clips.map((clip) => ({ clip, at: order.indexOf(clip.id) }));
    chosen.clear();
    deleteClips(clips, {
      gone: () => { total = total === null ? null : total - clips.length; rows.drop(new Set(ids)); },
      back: () => { total = total === null ? null : total + clips.length; rows.restore(taken); },
    });
  }

  async function download(/** @type {string[]} */ ids) {
    const done = (await clipsOf(ids)).filter((each) => each.assets?.video);
    if (!done.length) toast("None of them is done yet.");
    for (const clip of done) {
      h("a", { href: fileAddress(clip), download: fileName(clip) }).click();
      // A browser drops downloads that come all at once.
      await new Promise((next) => setTimeout(next, 300));
    }
  }

  function compare(/** @type {string[]} */ ids) {
    remember({ compare: ids.join(",") });
    openCompare(ids, () => remember({ compare: "" }));
  }

  feed.watch(async (happening) => {
    if (happening.state === "deleted") return rows.drop(new Set([happening.id]));
    const item = rows.items().find((each) => each.id === happening.id);
    const open = happening.state === "queued" || happening.state === "dreaming";
    if (item?.clip && open) return rows.put({ ...item.clip, ...happening, request: item.clip.request, assets: item.clip.assets });
    if (item?.clip && item.clip.state === happening.state) return;
    if (!item && isFiltered(query)) return;
    const now = await get(`${GENERATIONS}/${happening.id}`, {}, signal).catch(() => null);
    if (!now) return;
    if (!item && total !== null) total += 1;
    rows.put(now);
    tell();
  }, signal);
  feed.addEventListener("awake", () => rows.reset(), { signal });

  const focused = () => rows.items().findIndex((each) => each.id === /** @type {any} */ (document.activeElement)?.closest?.(".tile")?.dataset.id);
  const focusedClip = () => rows.items()[focused()]?.clip;
  const move = (/** @type {number} */ by) => { at = Math.max(0, Math.min(rows.items().length - 1, (focused() >= 0 ? focused() : at) + by)); rows.focus(at); };
  shortcut({ keys: ["/"], label: "Search", run: () => row.search.focus() }, signal);
  shortcut({ keys: ["j", "ArrowRight"], label: "Next clip", run: () => move(1) }, signal);
  shortcut({ keys: ["k", "ArrowLeft"], label: "Clip before", run: () => move(-1) }, signal);
  shortcut({ keys: [" "], label: "Play or stop", run: () => rows.tileOf(focusedClip()?.id)?.toggle() }, signal);
  shortcut({ keys: ["x"], label: "Select", run: () => { const clip = focusedClip(); if (clip) select(clip.id, !chosen.has(clip.id)); } }, signal);
  shortcut({ keys: ["d"], label: "Download", run: () => { const ids = chosen.size() ? chosen.ids() : [focusedClip()?.id].filter(Boolean); if (ids.length) download(ids); } }, signal);
  if (mayWrite()) {
    shortcut({ keys: ["r"], label: "Another take", run: () => { const clip = focusedClip(); if (clip) anotherTake(clip).catch((error) => toast(error.message)); } }, signal);
    shortcut({ keys: ["u"], label: "Use these settings", run: () => { const clip = focusedClip(); if (clip) useSettings(clip); } }, signal);
    shortcut({ keys: ["Delete", "Backspace"], label: "Delete", run: () => { const ids = chosen.size() ? chosen.ids() : [focusedClip()?.id].filter(Boolean); if (ids.length) remove(ids); } }, signal);
  }
  signal.addEventListener("abort", () => { rows.close(); Object.assign(last, { query: query.toString(), top: scrollY, at: Date.now() }); });

  const isBack = last.query === query.toString() && Date.now() - last.at < 600_000;
  rows.reset(isBack ? last.top : 0);
  const ids = (query.get("compare") ?? "").split(",").filter(Boolean);
  if (ids.length === 2) openCompare(ids, () => remember({ compare: "" }));
  return {
    node,
    changed(/** @type {any} */ next) {
      if (next.rest.length) return false;
      query = next.query;
      row.show(query);
      rows.reset();
    },
  };
}
