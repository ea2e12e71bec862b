/** The browser's own notice when a clip is done while the tab is hidden, if the person allowed it. */

import { h } from "../dom.js";
import { feed } from "../live.js";
import { to } from "../router.js";
import { icon } from "./icon.js";

const offered = () => "Notification" in window && window.isSecureContext;

/** A button that asks for the permission; hidden where it was given, or refused for good. */
export function noticeButton() {
  const button = h("button", { class: "button", type: "button", hidden: !offered() || Notification.permission !== "default", on: { click: allow } }, icon("bell"), "Tell me when one is done");
  async function allow() {
    await Notification.requestPermission();
    button.hidden = Notification.permission !== "default";
  }
  return button;
}

/** Give notice of every clip that ends while nobody looks. */
export function giveNotices() {
  feed.addEventListener("ended", (event) => {
    const now = /** @type {CustomEvent} */ (event).detail;
    if (!document.hidden || !offered() || Notification.permission !== "granted") return;
    const failed = now.state === "failed";
    const notice = new Notification(failed ? "A clip failed" : "Your clip is done", { body: (failed ? now.failure_reason : now.request?.prompt) ?? "", tag: now.id });
    notice.addEventListener("click", () => {
      window.focus();
      location.hash = to("gallery", [now.id]);
      notice.close();
    });
  });
}
