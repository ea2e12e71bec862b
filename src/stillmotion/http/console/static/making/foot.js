/** The foot of the form: the price, the quota, the wait, and the one button. */

import { fill, h } from "../dom.js";
import { icon } from "../parts/icon.js";
import { wrong } from "../parts/states.js";
import { count, lasting } from "../parts/words.js";

/** The foot. `plan` shows what a making would cost; `busy` holds the button while it is sent. */
export function foot() {
  const line = h("p", { class: "plan-line small soft" });
  const told = h("div", { role: "alert" });
  const words = h("span", null, "Make it move");
  const button = h("button", { class: "button button-main button-large make-button", type: "submit" }, icon("play"), words);
  const node = h("div", { class: "make-foot" }, told, line, button);
  return {
    node,
    button,
    plan(/** @type {any} */ plan) {
      const left = plan?.quota_remaining_seconds;
      const facts = plan ? [
        plan.price !== null && plan.price !== undefined && `costs ${count(plan.price)}`,
        plan.eta_seconds !== null && plan.eta_seconds !== undefined && `ready in about ${lasting(Math.max(1, Math.round(plan.eta_seconds)))}`,
        left !== null && left !== undefined && `${lasting(left)} left this month`,
        plan.width && `${plan.width} × ${plan.height}`,
        plan.seconds && lasting(plan.seconds),
      ].filter(Boolean) : [];
      fill(line, facts.map((each) => h("span", { class: "number" }, each)));
    },
    say(/** @type {string | null} */ sentence) {
      fill(told, sentence && wrong("make-wrong", sentence));
    },
    busy(/** @type {string | null} */ doing) {
      button.setAttribute("aria-disabled", String(Boolean(doing)));
      words.textContent = doing ?? "Make it move";
    },
  };
}
