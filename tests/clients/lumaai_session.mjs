// Every method of the official Node SDK, once, with what it answered. Run where `lumaai` is installed:
// node lumaai_session.mjs BASE_URL KEY. The other side completes generations whose ids are printed as COMPLETE lines.
import { createInterface } from "node:readline";
import LumaAI from "lumaai";

const [baseURL, authToken] = process.argv.slice(2);
const luma = new LumaAI({ baseURL, authToken, maxRetries: 0 });
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const results = {};

async function completed(generation) {
  console.log(`COMPLETE ${generation.id}`);
  await lines.next();
  return luma.generations.get(generation.id);
}

async function record(name, asking) {
  try {
    const answer = await asking();
    results[name] = { answer: answer ?? null };
    return answer;
  } catch (error) {
    results[name] = { error: error.constructor.name, status: error.status, detail: error.error?.detail };
    return undefined;
  }
}

const picture = { frame0: { type: "image", url: "https://example.com/picture.jpg" } };
const asked = { model: "ray-2", prompt: "a lake", keyframes: picture };
const media = { url: "https://example.com" };

await record("ping.check", () => luma.ping.check());
await record("credits.get", () => luma.credits.get());
const made = await record("generations.create", () => luma.generations.create({ ...asked, concepts: [{ key: "push_in" }] }));
const video = await record("generations.video.create", () => luma.generations.video.create(asked));
const done = await record("generations.get", () => completed(made));
await record("generations.list", () => luma.generations.list({ limit: 1, offset: 0 }));
await record("generations.upscale", () => luma.generations.upscale(made.id, { resolution: "1080p" }));
await record("generations.video.reframe", () =>
  luma.generations.video.reframe({
    aspect_ratio: "9:16", generation_type: "reframe_video", media: { url: done.assets.video }, model: "ray-2",
  }));
await record("generations.concepts.list", () => luma.generations.concepts.list());
await record("generations.audio", () => luma.generations.audio(made.id, { prompt: "rain" }));
await record("generations.video.modify", () =>
  luma.generations.video.modify({ generation_type: "modify_video", media, mode: "flex_1", model: "ray-2" }));
await record("generations.image.create", () => luma.generations.image.create({ model: "photon-1", prompt: "a lake" }));
await record("generations.image.reframe", () =>
  luma.generations.image.reframe({ aspect_ratio: "1:1", generation_type: "reframe_image", media, model: "photon-1" }));
await record("generations.delete", () => luma.generations.delete(video.id));
await record("a second delete", () => luma.generations.delete(video.id));
await record("a bad value", () => luma.generations.create({ ...asked, aspect_ratio: "2:1" }));
await record("a wrong shape", () => luma.generations.create({ ...asked, prompt: 7 }));
await record("no key", () => new LumaAI({ baseURL, authToken: "sm_nobody" }).ping.check());
console.log(`RESULTS ${JSON.stringify(results)}`);
lines.return?.();
