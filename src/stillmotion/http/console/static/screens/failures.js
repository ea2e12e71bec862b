/** Failures: the last days' by their reason, what to do about each, and another try for one or for all of them. */

import { get, post } from "../api.js";
import { fill, h, sheet } from "../dom.js";
import { mayWrite } from "../session.js";
import { heading, to } from "../router.js";
import { icon } from "../parts/icon.js";
import { hasSubscription, nobody } from "../parts/nobody.js";
import { empty, remedyFor } from "../parts/states.js";
import { toast } from "../parts/toast.js";
import { ago, exactly, plural } from "../parts/words.js";

const SPANS = /** @type {[number, string][]} */ ([[1, "Today"], [7, "7 days"], [30, "30 days"]]);

export async function show(/** @type {any} */ place) {
  await sheet("css/account.css");
  if (!hasSubscription()) return nobody("Failures", "everybody", "See everybody's clips");
  const days = Number(place.query.get("days")) || 7;
  const found = (await get("failures", { days }, place.signal)).failures;
  const spans = h("nav", { class: "choices", "aria-label": "Time" }, SPANS.map(([each, words]) =>
    h("a", { class: "button", href: to("failures", [], { days: each }), "aria-current": each === days ? "true" : null }, words)));
  return h("div", { class: "screen" },
    h("div", { class: "screen-head" },
      h("div", null, heading("Failures"), h("p", null, "Clips that could not be made, by their reason.")), spans),
    found.length ? h("ul", { class: "rows", "aria-label": "Reasons" }, found.map(reason)) : empty({
      icon: "check", title: days === 1 ? "Nothing failed today" : `Nothing failed in ${days} days`,
      text: "When a clip cannot be made, the reason stands here, with what to do about it and a button to try again.",
      action: h("a", { class: "button", href: to("gallery") }, "See your clips"),
    }));
}

/** One reason, with all that it stopped. */
function reason(/** @type {any} */ each) {
  const told = h("div", { class: "row", "aria-live": "polite" });
  const again = h("button", { class: "button", type: "button", on: { click: retry } }, icon("again"), each.count === 1 ? "Try it again" : `Try all ${each.count} again`);
  const example = h("a", { class: "button button-plain", href: to("gallery", [each.latest]) }, icon("eye"), each.count === 1 ? "See it" : "See the latest");
  const may = each.can_retry && mayWrite();
  fill(told, may && again, example);

  async function retry() {
    again.disabled = true;
    try {
      const { retried } = await post(`failures/${each.code}/retry`);
      fill(told, h("span", { class: "state state-good" }, retried ? `${plural(retried, "clip")} sent again` : "Nothing was left to try again"), h("a", { class: "button", href: to("queue") }, icon("queue"), "Watch the queue"));
    } catch (error) {
      again.disabled = false;
      toast(error.message);
    }
  }

  return h("li", { class: "card reason" },
    h("p", { class: "reason-count number" }, h("strong", null, each.count), h("span", { class: "unseen" }, each.count === 1 ? " time" : " times")),
    h("div", { class: "stack stack-tight" },
      h("h2", { class: "reason-words" }, each.sentence),
      remedyFor(each.remedy, "soft"),
      h("p", { class: "small soft row" }, h("span", { title: exactly(each.latest_at) }, `Last ${ago(each.latest_at)}`), h("code", { class: "mono" }, each.code))),
    told);
}
