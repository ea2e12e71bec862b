/** Copy as code: the same call in six ways. The key is never in it: it stands in an environment variable. */

import { address, ROOT } from "../api.js";
import { fill, h } from "../dom.js";
import { copy } from "./copy.js";
import { openDialog } from "./dialog.js";
import { icon } from "./icon.js";

const KEY = "STILLMOTION_KEY";

/** Open the drawer for a clip, or for a body of a submit. */
export function openCode(/** @type {any} */ clip) {
  const body = clip.request ? bodyOfClip(clip) : clip;
  const ratio = clip.width ? clip.width / clip.height : undefined;
  const tabs = Object.entries(WAYS);
  const code = h("pre", { class: "code", tabindex: 0, "aria-label": "Code" });
  let shown = "";
  const choices = h("div", { class: "choices", role: "group", "aria-label": "Language" }, tabs.map(([name, write], number) =>
    h("label", { class: "choice" }, h("input", { type: "radio", name: "code-language", checked: number === 0, on: { change: () => draw(write) } }), h("span", null, name))));
  function draw(/** @type {(body: any, ratio?: number) => string} */ write) {
    shown = write(body, ratio);
    fill(code, shown);
  }
  draw(tabs[0][1]);
  const inline = JSON.stringify(body).includes("/assets/uploads/");
  openDialog({
    title: "The same as code",
    drawer: true,
    body: h("div", { class: "stack" }, h("p", { class: "soft" }, "Put your key into ", h("span", { class: "mono" }, KEY), " first: it is not written here."),
      choices, code,
      h("div", { class: "row" }, h("button", { class: "button button-main", type: "button", on: { click: () => copy(shown, "Code copied.") } }, icon("copy"), "Copy")),
      inline && h("p", { class: "hint" }, "The picture's address works for a day. Upload it again for later calls.")),
  });
}

function bodyOfClip(/** @type {any} */ clip) {
  const asked = clip.request;
  const body = { model: asked.model, prompt: asked.prompt, keyframes: plain(asked.keyframes), duration: asked.duration, resolution: asked.resolution, aspect_ratio: asked.aspect_ratio, loop: asked.loop || null, concepts: asked.concepts, seed: clip.seed ?? null };
  return Object.fromEntries(Object.entries(body).filter(([, value]) => value !== null && value !== undefined));
}

function plain(/** @type {any} */ keyframes) {
  return keyframes && Object.fromEntries(Object.entries(keyframes).filter(([, value]) => value));
}

const base = () => ROOT.href.replace(/\/$/, "");
const json = (/** @type {any} */ value, indent = 2) => JSON.stringify(value, null, indent);
/** A text in single quotes for a shell. */
const quoted = (/** @type {string} */ text) => `'${text.replaceAll("'", `'\\''`)}'`;
const indented = (/** @type {string} */ text, /** @type {string} */ space) => text.replaceAll("\n", `\n${space}`);

/** A value as Python writes it. @returns {string} */
function python(/** @type {any} */ value, space = "") {
  if (value === true) return "True";
  if (value === false) return "False";
  if (value === null || value === undefined) return "None";
  if (Array.isArray(value)) return (`[${value.map((each) => python(each, space)).join(", ")}]`);
  if (typeof value === "object") {
    const inner = `${space}    `;
    return (`{\n${Object.entries(value).map(([key, each]) => `${inner}${JSON.stringify(key)}: ${python(each, inner)},`).join("\n")}\n${space}}`);
  }
  return JSON.stringify(value);
}

const frame = (/** @type {any} */ body, /** @type {string} */ name) => body.keyframes?.[name];

function curl(/** @type {any} */ body) {
  return `curl ${quoted(address("dream-machine/v1/generations").href)} \\
  -H "Authorization: Bearer $${KEY}" \\
  -H "Content-Type: application/json" \\
  -d ${quoted(json(body))}`;
}

function ourClient(/** @type {any} */ body) {
  const { prompt, keyframes, duration, concepts, ...rest } = body;
  const picture = (/** @type {any} */ one) => one && (one.id ? `client.get(${JSON.stringify(one.id)})` : JSON.stringify(one.url));
  const options = { ...(duration && { seconds: parseFloat(duration) }), ...(concepts && { camera: concepts.map((/** @type {any} */ each) => each.key) }), ...rest };
  const first = picture(keyframes?.frame0);
  const last = picture(keyframes?.frame1);
  const lines = [`    ${first ?? "None"},`, `    ${JSON.stringify(prompt ?? "")},`, last && `    end_image=${last},`,
    ...Object.entries(options).map(([name, value]) => `    ${name}=${python(value, "    ")},`)].filter(Boolean);
  return `import os

from stillmotion import Client

client = Client(${JSON.stringify(base())}, key=os.environ["${KEY}"])
clip = client.generate(
${lines.join("\n")}
)
client.download(clip, "clip.mp4")`;
}

function javascript(/** @type {any} */ body) {
  return `const key = process.env.${KEY};
const call = async (path, options = {}) => {
  const answer = await fetch("${base()}/dream-machine/v1" + path, {
    ...options,
    headers: { Authorization: \`Bearer \${key}\`, "Content-Type": "application/json" },
  });
  if (!answer.ok) throw new Error(await answer.text());
  return answer.json();
};

let clip = await call("/generations", { method: "POST", body: JSON.stringify(${indented(json(body), "")}) });
while (clip.state !== "completed" && clip.state !== "failed") {
  await new Promise((done) => setTimeout(done, 1000));
  clip = await call(\`/generations/\${clip.id}\`);
}
console.log(clip.assets?.video ?? clip.failure_reason);`;
}

function lumaai(/** @type {any} */ body) {
  const { seed, ...rest } = body;
  const more = seed === undefined ? "" : `    extra_body={"seed": ${seed}},\n`;
  return `import os
import time

from lumaai import LumaAI

client = LumaAI(auth_token=os.environ["${KEY}"], base_url="${base()}/dream-machine/v1")
generation = client.generations.create(
${Object.entries(rest).map(([name, value]) => `    ${name}=${python(value, "    ")},`).join("\n")}
${more})
while generation.state not in ("completed", "failed"):
    time.sleep(1)
    generation = client.generations.get(generation.id)
print(generation.assets.video if generation.assets else generation.failure_reason)`;
}

function openai(/** @type {any} */ body, /** @type {number | undefined} */ ratio) {
  const picture = frame(body, "frame0")?.url;
  const fields = { model: body.model ?? "sora-2", prompt: body.prompt ?? "", seconds: String(parseFloat(body.duration ?? "5s")), size: sizeOf(body, ratio) };
  const more = { ...(picture && { input_reference: { image_url: picture } }), ...(body.seed !== undefined && { seed: body.seed }) };
  return `import os

from openai import OpenAI

client = OpenAI(base_url="${base()}/v1", api_key=os.environ["${KEY}"])
video = client.videos.create_and_poll(
${Object.entries(fields).map(([name, value]) => `    ${name}=${JSON.stringify(value)},`).join("\n")}
    extra_body=${python(more, "    ")},
)
client.videos.download_content(video.id).write_to_file("clip.mp4")`;
}

const SHAPES = [[1, 1], [16, 9], [9, 16], [4, 3], [3, 4], [21, 9], [9, 21]];
const LINES = /** @type {Record<string, number>} */ ({ "540p": 540, "720p": 720, "1080p": 1080, "4k": 2160 });

/** The frame of a clip in this dialect, which knows seven shapes: the nearest one. */
function sizeOf(/** @type {any} */ body, /** @type {number | undefined} */ known) {
  const asked = (body.aspect_ratio ?? "").split(":").map(Number);
  const ratio = asked.length === 2 ? asked[0] / asked[1] : known ?? 16 / 9;
  const [width, height] = SHAPES.reduce((best, each) => (unlike(each, ratio) < unlike(best, ratio) ? each : best));
  const area = ((LINES[body.resolution] ?? 720) ** 2 * 16) / 9;
  const high = Math.sqrt((area * height) / width);
  const even = (/** @type {number} */ side) => Math.round(side / 2) * 2;
  return `${even((high * width) / height)}x${even(high)}`;
}

const unlike = (/** @type {number[]} */ shape, /** @type {number} */ ratio) => Math.abs(Math.log(shape[0] / shape[1] / ratio));

function commandLine(/** @type {any} */ body) {
  const picture = frame(body, "frame0")?.url ?? "PICTURE";
  const end = frame(body, "frame1")?.url;
  const options = [
    ["--server", base()], end && ["--end", end], ...(body.concepts ?? []).map((/** @type {any} */ each) => ["--camera", each.key]),
    body.duration && ["--seconds", String(parseFloat(body.duration))], body.resolution && ["--resolution", body.resolution], body.aspect_ratio && ["--aspect", body.aspect_ratio],
    body.loop && ["--loop"], body.seed !== undefined && ["--seed", String(body.seed)], body.model && ["--model", body.model], ["-o", "clip.mp4"],
  ].filter(Boolean);
  return `# The key is read from $${KEY}.
stillmotion generate ${quoted(picture)} ${quoted(body.prompt ?? "")} \\
${options.map((each) => `  ${each[0]}${each[1] === undefined ? "" : ` ${/^[\w.:/-]+$/.test(each[1]) ? each[1] : quoted(each[1])}`}`).join(" \\\n")}`;
}

/** The six ways, by the names of their tabs. @type {Record<string, (body: any, ratio?: number) => string>} */
const WAYS = { curl, Python: ourClient, JavaScript: javascript, lumaai, openai, "Command line": commandLine };
