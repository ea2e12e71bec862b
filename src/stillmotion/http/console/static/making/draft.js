/** The draft: what is to be made next. It outlives a reload, a sign-out and a lost connection. */

import { session } from "../session.js";

/**
 * A picture of the draft: a file that was uploaded, an address of elsewhere, or an earlier clip.
 * @typedef {{kind: "upload" | "address" | "generation", url?: string, id?: string, name?: string, image?: string | null, video?: string | null, width?: number, height?: number, until?: string}} Picture
 */

/**
 * @typedef {object} Draft
 * @property {Picture | null} picture
 * @property {Picture | null} end
 * @property {string} prompt
 * @property {string[]} concepts
 * @property {string} model empty for the server's own choice
 * @property {string} aspect_ratio empty for the picture's own
 * @property {string} resolution empty for the usual one
 * @property {number | null} seconds
 * @property {boolean} loop
 * @property {number | null} seed null for a new one each time
 */

/** @type {Draft} */
const BLANK = { picture: null, end: null, prompt: "", concepts: [], model: "", aspect_ratio: "", resolution: "", seconds: null, loop: false, seed: null };

class Drafting extends EventTarget {
  constructor() {
    super();
    /** @type {Draft} */
    this.now = { ...BLANK };
    this.place = "";
  }

  /** Take up the draft of the one who is signed in. */
  open() {
    const place = `stillmotion.draft.${session.current?.subscription?.id ?? "open"}`;
    if (place === this.place) return;
    this.place = place;
    try {
      this.now = { ...BLANK, ...JSON.parse(localStorage.getItem(place) ?? "{}") };
    } catch {
      this.now = { ...BLANK };
    }
    for (const each of /** @type {("picture" | "end")[]} */ (["picture", "end"])) {
      const until = this.now[each]?.until;
      if (until && new Date(until).getTime() < Date.now()) this.now[each] = null;
    }
  }

  /** Change some of it. `changed` events tell the names. */
  change(/** @type {Partial<Draft>} */ what) {
    this.now = { ...this.now, ...what };
    try {
      localStorage.setItem(this.place, JSON.stringify(this.now));
    } catch {
      // A full or forbidden storage: the draft lives as long as the page.
    }
    this.dispatchEvent(new CustomEvent("changed", { detail: Object.keys(what) }));
  }

  /** Put everything of an earlier request into the draft. */
  take(/** @type {any} */ generation) {
    const asked = generation.request;
    this.change({
      ...BLANK,
      picture: pictureOf(asked.keyframes?.frame0, generation),
      end: pictureOf(asked.keyframes?.frame1, null),
      prompt: asked.prompt ?? "",
      concepts: (asked.concepts ?? []).map((/** @type {any} */ each) => each.key),
      model: asked.model,
      aspect_ratio: asked.aspect_ratio ?? "",
      resolution: asked.resolution,
      seconds: parseFloat(asked.duration),
      loop: asked.loop,
      seed: generation.seed ?? null,
    });
  }
}

function pictureOf(/** @type {any} */ keyframe, /** @type {any} */ generation) {
  if (!keyframe) return null;
  if (keyframe.type === "generation") return { kind: /** @type {const} */ ("generation"), id: keyframe.id };
  const ours = keyframe.url.startsWith(new URL("../../", import.meta.url).href);
  return ours ? { kind: /** @type {const} */ ("upload"), url: keyframe.url, ...(generation?.width && { width: generation.width, height: generation.height }) } : { kind: /** @type {const} */ ("address"), url: keyframe.url };
}

export const draft = new Drafting();

/** The body of a submit or a plan. What was not chosen is left to the server. */
export function bodyOf(/** @type {Draft} */ now) {
  const frame0 = keyframe(now.picture);
  const frame1 = keyframe(now.end);
  return {
    ...(now.model && { model: now.model }),
    ...(now.prompt.trim() && { prompt: now.prompt.trim() }),
    ...((frame0 || frame1) && { keyframes: { ...(frame0 && { frame0 }), ...(frame1 && { frame1 }) } }),
    ...(now.concepts.length && { concepts: now.concepts.map((key) => ({ key })) }),
    ...(now.aspect_ratio && { aspect_ratio: now.aspect_ratio }),
    ...(now.resolution && { resolution: now.resolution }),
    ...(now.seconds && { duration: `${now.seconds}s` }),
    ...(now.loop && { loop: true }),
    ...(now.seed !== null && { seed: now.seed }),
  };
}

/** The body of a plan: of a picture that is here, its size is enough. */
export function planOf(/** @type {Draft} */ now) {
  const { picture } = now;
  if (!picture?.width || !picture.height || picture.kind !== "upload") return bodyOf(now);
  return { ...bodyOf({ ...now, picture: null }), picture: { width: picture.width, height: picture.height } };
}

function keyframe(/** @type {Picture | null} */ picture) {
  if (!picture) return null;
  return picture.kind === "generation" ? { type: "generation", id: picture.id } : { type: "image", url: picture.url };
}
