/** A small picture of a generation: its clip's, its preview, or the picture that it starts from. */

import { address, isOurs } from "../api.js";
import { h } from "../dom.js";
import { icon } from "./icon.js";

/** The address of the best picture that this server gives out; null without one. */
export function pictureOf(/** @type {any} */ generation) {
  const { assets, request } = generation;
  return assets?.poster ?? assets?.image ?? previewOf(generation) ?? own(request?.keyframes?.frame0?.url) ?? own(request?.keyframes?.frame1?.url);
}

/**
 * The address of an unfinished clip's newest picture; null without one. The one in its record goes with the render,
 * maybe before it is asked for: a generation of one's own has an address that always answers.
 */
export function previewOf(/** @type {any} */ generation) {
  if (!generation.preview || "hidden" in generation) return generation.preview ?? null;
  return address(`generations/${generation.id}/preview`, { at: generation.progress }).href;
}

/** A picture that is somewhere else is not fetched. */
function own(/** @type {string | null | undefined} */ url) {
  return url && isOurs(url) ? url : null;
}

/** Show the next picture in place of an image once it is there; the present one stays until then, or for good. */
export function showNext(/** @type {any} */ image, /** @type {string | null} */ url) {
  const now = image.next ?? image;
  if (!url || now.asked === url) return;
  now.asked = url;
  const next = h("img", { src: url, alt: now.alt, class: now.className });
  next.addEventListener("load", () => {
    now.replaceWith(next);
    image.next = next;
  });
}

/** A thumbnail. Its `show` takes a newer form of the generation; the present picture stays until the next is there. */
export function thumbnail(/** @type {any} */ generation) {
  let shown = /** @type {string | null} */ (null);
  const box = h("span", { class: "thumb" }, icon("picture"));
  function show(/** @type {any} */ newer) {
    const url = pictureOf(newer);
    if (!url || url === shown) return;
    shown = url;
    const picture = h("img", { src: url, alt: "", decoding: "async" });
    picture.addEventListener("load", () => box.replaceChildren(picture));
  }
  show(generation);
  return Object.assign(box, { show });
}
