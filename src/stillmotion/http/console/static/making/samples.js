/** Sample pictures with a sentence each: one press makes a clip. */

import { h } from "../dom.js";
import { icon } from "../parts/icon.js";

/** Photographs in the public domain (NASA; Rachel Michetti, CC0), and one that Stillmotion drew. */
const SAMPLES = [
  { name: "astronaut", alt: "An astronaut before a flag", prompt: "She breathes and leans in, slow push in", ratio: 1 },
  { name: "coffee", alt: "A cup of coffee on a wooden table", prompt: "Steam rises, slow orbit left", ratio: 3 / 2 },
  { name: "lake", alt: "A lake in the evening", prompt: "Slow push in, clouds drift", ratio: 16 / 9 },
];

const address = (/** @type {string} */ file) => new URL(`../samples/${file}.webp`, import.meta.url).href;

/** The picture of a sample as a file, to be uploaded like any other. */
export async function sampleFile(/** @type {{name: string}} */ sample) {
  const response = await fetch(address(sample.name));
  return new File([await response.blob()], `${sample.name}.webp`, { type: "image/webp" });
}

/** The cards. `onChoose` is given the sample that was pressed. */
export function sampleCards(/** @type {(sample: typeof SAMPLES[number]) => void} */ onChoose) {
  return h("ul", { class: "samples" }, SAMPLES.map((each) => h("li", null,
    h("button", { class: "sample", type: "button", on: { click: () => onChoose(each) } },
      h("span", { class: "sample-picture" }, h("img", { src: address(`${each.name}-small`), alt: each.alt, width: 420, height: Math.round(420 / each.ratio) }),
        h("span", { class: "sample-play" }, icon("play"))),
      h("span", { class: "sample-words" }, each.prompt)))));
}
