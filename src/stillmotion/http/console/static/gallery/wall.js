/**
 * The wall: tiles in even rows, each of its clip's shape, for any number of clips.
 *
 * Rows are put together in chunks of known height. Only chunks near the view hold elements, and only they keep what is
 * known of their clips: the rest are an id and a shape, and are asked for again when they come near.
 */

import { h } from "../dom.js";
import { skeletonRows } from "./tile.js";

const GAP = 8;
const ROWS = 6;
const NEAR = "1400px 0px";
const KEPT_WHOLE = 240;

/** @typedef {{id: string, ratio: number, clip: any | null}} Item */
/** @typedef {{from: number, to: number, node: HTMLElement, rows: {from: number, to: number, height: number}[], filled: boolean}} Chunk */

/**
 * @param {{page: (after: string | null, limit: number) => Promise<{generations: any[], next: string | null}>, tile: (clip: any, at: number) => any, onTrouble: (error: any) => void, onCount: () => void}} options
 */
export function wall({ page, tile, onTrouble, onCount }) {
  const node = h("div", { class: "wall" });
  const end = h("div", { class: "wall-end" });
  const root = h("div", null, node, end);
  /** @type {Item[]} */
  let items = [];
  /** @type {Chunk[]} */
  let chunks = [];
  /** @type {Map<string, any>} */
  const tiles = new Map();
  /** @type {string | null} */
  let next = null;
  let whole = false;
  let loading = false;
  let width = 0;
  let turn = 0;
  let wanted = 0;

  const watcher = new IntersectionObserver((entries) => {
    for (const entry of entries) {
      if (entry.target === end) {
        if (entry.isIntersecting) more();
        continue;
      }
      const chunk = chunks.find((each) => each.node === entry.target);
      if (chunk) entry.isIntersecting ? fillChunk(chunk) : emptyChunk(chunk);
    }
  }, { rootMargin: NEAR });
  const sizes = new ResizeObserver(([entry]) => {
    if (Math.abs(entry.contentRect.width - width) < 1) return;
    width = entry.contentRect.width;
    pack(0);
  });
  watcher.observe(end);
  sizes.observe(node);

  const target = () => (width < 640 ? 150 : 230);

  async function more() {
    if (loading || whole) return;
    loading = true;
    const own = turn;
    if (!items.length) end.replaceChildren(skeletonRows());
    try {
      const found = await page(next, 60);
      if (own !== turn) return;
      next = found.next;
      whole = !found.next;
      add(found.generations);
      onCount();
    } catch (error) {
      if (own === turn) onTrouble(error);
      whole = own === turn;
    } finally {
      if (own === turn) {
        loading = false;
        end.replaceChildren();
        // The observer tells changes only: look again while the end is still near.
        watcher.unobserve(end);
        if (!whole) watcher.observe(end);
        goOn();
      }
    }
  }

  /** Load on until the place is there that was looked at before, and go to it. */
  function goOn() {
    if (!wanted) return;
    if (!whole && root.scrollHeight < wanted) return void more();
    scrollTo(0, wanted);
    wanted = 0;
  }

  function add(/** @type {any[]} */ clips) {
    const known = new Set(items.map((each) => each.id));
    const fresh = clips.filter((each) => !known.has(each.id)).map(itemOf);
    const last = chunks[chunks.length - 1];
    items.push(...fresh);
    pack(last ? last.from : 0);
  }

  /** Put the rows together anew, from the item at `from` on: the beginning of a chunk. */
  function pack(/** @type {number} */ from) {
    if (!width) width = node.clientWidth;
    if (!width) return;
    const stays = chunks.filter((each) => each.to <= from);
    chunks.slice(stays.length).forEach((each) => {
      emptyChunk(each);
      watcher.unobserve(each.node);
      each.node.remove();
    });
    chunks = stays;
    let at = stays.length ? stays[stays.length - 1].to : 0;
    while (at < items.length) {
      const rows = [];
      const first = at;
      while (at < items.length && rows.length < ROWS) {
        const row = rowFrom(at);
        rows.push(row);
        at = row.to;
      }
      const height = rows.reduce((sum, each) => sum + each.height + GAP, 0);
      const chunk = { from: first, to: at, rows, filled: false, node: h("div", { class: "wall-chunk", style: { height: `${height}px` } }) };
      chunks.push(chunk);
      node.append(chunk.node);
      watcher.observe(chunk.node);
    }
  }

  function rowFrom(/** @type {number} */ from) {
    let to = from;
    let ratios = 0;
    while (to < items.length) {
      ratios += items[to].ratio;
      to += 1;
      if (ratios * target() + (to - from - 1) * GAP >= width) {
        return { from, to, height: (width - (to - from - 1) * GAP) / ratios };
      }
    }
    return { from, to, height: target() };
  }

  async function fillChunk(/** @type {Chunk} */ chunk) {
    if (chunk.filled) return;
    chunk.filled = true;
    if (items.slice(chunk.from, chunk.to).some((each) => !each.clip)) await recall(chunk);
    if (!chunk.filled) return;
    chunk.node.replaceChildren(...chunk.rows.map((row) => h("div", { class: "wall-row", style: { height: `${row.height}px` } },
      items.slice(row.from, row.to).map((item, at) => {
        const made = item.clip ? tile(item.clip, row.from + at) : h("div", { class: "bone" });
        made.style.width = `${item.ratio * row.height}px`;
        tiles.set(item.id, made);
        return made;
      }))));
  }

  function emptyChunk(/** @type {Chunk} */ chunk) {
    if (!chunk.filled || chunk.node.contains(document.activeElement)) return;
    chunk.filled = false;
    chunk.node.replaceChildren();
    for (const item of items.slice(chunk.from, chunk.to)) {
      tiles.delete(item.id);
      if (items.length > KEPT_WHOLE) item.clip = null;
    }
  }

  /** Ask again for what was let go of. */
  async function recall(/** @type {Chunk} */ chunk) {
    try {
      const found = await page(chunk.from ? items[chunk.from - 1].id : null, chunk.to - chunk.from);
      const by = new Map(found.generations.map((each) => [each.id, each]));
      for (const item of items.slice(chunk.from, chunk.to)) item.clip = item.clip ?? by.get(item.id) ?? null;
    } catch (error) {
      chunk.filled = false;
      onTrouble(error);
    }
  }

  return {
    node: root,
    items: () => items,
    tileOf: (/** @type {string} */ id) => tiles.get(id),
    /** Begin anew, as the filters have changed; `top` is the place to go to. */
    reset(top = 0) {
      turn += 1;
      wanted = top;
      items = [];
      next = null;
      whole = loading = false;
      pack(0);
      more();
    },
    /** Show a new or changed clip. */
    put(/** @type {any} */ clip) {
      const item = items.find((each) => each.id === clip.id);
      if (!item) {
        items.unshift(itemOf(clip));
        return pack(0);
      }
      const shape = itemOf(clip).ratio;
      item.clip = clip;
      if (Math.abs(shape - item.ratio) > 0.02) {
        item.ratio = shape;
        return pack(0);
      }
      tiles.get(clip.id)?.update?.(clip);
    },
    /** Take clips off the wall. */
    drop(/** @type {Set<string>} */ ids) {
      const before = items.length;
      items = items.filter((each) => !ids.has(each.id));
      if (items.length !== before) pack(0);
      onCount();
    },
    /** Put taken clips back at their places. */
    restore(/** @type {{at: number, clip: any}[]} */ taken) {
      for (const { at, clip } of [...taken].sort((one, other) => one.at - other.at)) items.splice(Math.min(at, items.length), 0, itemOf(clip));
      pack(0);
      onCount();
    },
    /** Bring the tile at a place into view, and give it the focus. */
    async focus(/** @type {number} */ at) {
      const chunk = chunks.find((each) => each.from <= at && at < each.to);
      if (!chunk) return;
      const row = chunk.rows.findIndex((each) => each.from <= at && at < each.to);
      const top = chunk.node.getBoundingClientRect().top + chunk.rows.slice(0, row).reduce((sum, each) => sum + each.height + GAP, 0);
      if (top < 90 || top + chunk.rows[row].height > innerHeight - 90) scrollBy({ top: top - innerHeight / 3 });
      await fillChunk(chunk);
      tiles.get(items[at].id)?.querySelector("a")?.focus({ preventScroll: true });
    },
    close() {
      watcher.disconnect();
      sizes.disconnect();
    },
  };
}

/** @returns {Item} */
function itemOf(/** @type {any} */ clip) {
  const [width, height] = (clip.request.aspect_ratio ?? "16:9").split(":").map(Number);
  const ratio = clip.width && clip.height ? clip.width / clip.height : width / height;
  return { id: clip.id, ratio: Math.min(2.6, Math.max(0.5, ratio)), clip };
}
