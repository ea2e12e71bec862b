/** The page of an account for one who has none: an administrator without a subscription. */

import { h } from "../dom.js";
import { heading, to } from "../router.js";
import { empty } from "./states.js";

export { hasClips as hasSubscription } from "../session.js";

/** The page `title` for one without a subscription: it leads to the page `other`, which is about everybody. */
export function nobody(/** @type {string} */ title, /** @type {string} */ other, /** @type {string} */ words) {
  return h("div", { class: "screen screen-narrow" }, heading(title), empty({
    icon: "key", title: "You are here as the administrator", text: "This page is about one subscription. Sign in with a key of one to see its own.",
    action: h("a", { class: "button button-main", href: to(other) }, words),
  }));
}
