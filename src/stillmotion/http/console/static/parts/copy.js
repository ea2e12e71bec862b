/** Copying a text, announced. */

import { toast } from "./toast.js";

/** Copy a text and say so. An old browser, or a page over plain HTTP, copies by a selection. */
export async function copy(/** @type {string} */ text, sentence = "Copied.") {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const area = document.createElement("textarea");
    area.value = text;
    (document.querySelector("dialog[open]") ?? document.body).append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  }
  toast(sentence, { seconds: 3 });
}
