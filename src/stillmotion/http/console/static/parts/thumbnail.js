/** A small picture of a generation: its clip's, its preview, or the picture that it starts from. */

import { h } from "../dom.js";
import { icon } from "./icon.js";

/** The address of the best picture that this server gives out; null without one. */
export function pictureOf(/** @type {any} */ generation) {
  const { assets, preview, request } = generation;
  return assets?.poster ?? assets?.image ?? preview ?? own(request?.keyframes?.frame0?.url) ?? own(request?.keyframes?.frame1?.url);
}

/** A picture that is somewhere else is not fetched: the console asks no other server. */
function own(/** @type {string | null | undefined} */ url) {
  return url && new URL(url, location.href).origin === location.origin ? url : null;
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
