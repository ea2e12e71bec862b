/** The one polite live region: a sentence for those who hear the page. */

let last = "";

/** Say a sentence. The same one twice in a row is said once. */
export function announce(/** @type {string} */ sentence) {
  if (sentence === last) return;
  last = sentence;
  const region = document.getElementById("said");
  if (region) region.textContent = sentence;
}
