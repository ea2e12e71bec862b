/** Keys of the keyboard: each screen adds its own, and `?` lists those that hold just now. */

import { h } from "./dom.js";
import { openDialog } from "./parts/dialog.js";

/** @typedef {{keys: string[], label: string, run: (event: KeyboardEvent) => void, typing?: boolean}} Shortcut */

/** @type {Set<Shortcut>} */
const held = new Set();

/**
 * Add a shortcut until the signal aborts. `keys` are values of `KeyboardEvent.key`, with `Mod+` for Ctrl or Cmd.
 * With `typing` it holds in a text field too.
 * @param {Shortcut} shortcut
 * @param {AbortSignal} [signal]
 */
export function shortcut(shortcut, signal) {
  if (signal?.aborted) return;
  held.add(shortcut);
  signal?.addEventListener("abort", () => held.delete(shortcut));
}

const TEXT = 'input:not([type="checkbox"], [type="radio"], [type="range"], [type="button"]), textarea, select, [contenteditable]';

/** Listen for keys, from now on. */
export function listen() {
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.isComposing || event.altKey) return;
    const target = /** @type {Element} */ (event.target);
    const typing = target.matches?.(TEXT) ?? false;
    const modal = document.querySelector("dialog[open]");
    const pressed = `${event.ctrlKey || event.metaKey ? "Mod+" : ""}${event.key}`;
    if (event.key === " " && target.matches?.("button, summary, input, video")) return;
    for (const each of [...held].reverse()) {
      if (!each.keys.includes(pressed) || (typing && !each.typing) || modal) continue;
      event.preventDefault();
      each.run(event);
      return;
    }
  });
  shortcut({ keys: ["?"], label: "List the shortcuts", run: showShortcuts });
}

const NAMES = /** @type {Record<string, string>} */ ({ " ": "Space", "Mod+Enter": /Mac|iP/.test(navigator.platform) ? "⌘ Enter" : "Ctrl Enter", Delete: "Del", Escape: "Esc" });

/** The dialog of shortcuts. */
export function showShortcuts() {
  const rows = [...held].map((each) => [
    h("dt", null, each.keys.map((key) => [h("kbd", { class: "key" }, NAMES[key] ?? key), " "])),
    h("dd", null, each.label),
  ]);
  openDialog({
    title: "Shortcuts",
    body: h("dl", { class: "facts" }, rows, h("dt", null, h("kbd", { class: "key" }, "Esc")), h("dd", null, "Close what is open")),
  });
}
