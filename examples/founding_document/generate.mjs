// The founding document's JavaScript program against your own server: submit, poll, download.
//
//   BASE_URL=http://127.0.0.1:8080 SUBSCRIPTION_KEY=sm_... node generate.mjs IMAGE_URL "leaning girl" [clip.mp4]
import { writeFile } from 'node:fs/promises';

const baseUrl = process.env.BASE_URL ?? 'http://127.0.0.1:8080';
const [image, prompt, clip = 'clip.mp4'] = process.argv.slice(2);

async function post(path, body) {
    const response = await fetch(baseUrl + path, {
        method: 'POST',
        body: JSON.stringify(body),
        // Request headers
        headers: {
            'Content-Type': 'application/json',
            'Cache-Control': 'no-cache',
            'Ocp-Apim-Subscription-Key': process.env.SUBSCRIPTION_KEY ?? '',
        },
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${response.status}: ${text}`);
    return JSON.parse(text);
}

async function main() {
    if (!image || !prompt) throw new Error('Give the URL of a picture, and what should happen in the video.');
    let generation = await post('/lumalabs-ai/v1/generateRequestFromImage', { url: image, prompt });
    console.log('accepted as', generation.id);
    while (!['completed', 'failed'].includes(generation.state)) {
        await new Promise(resolve => setTimeout(resolve, 1000));
        generation = await post('/lumalabs-ai-polling/v1/getStatus', { task_id: generation.id });
        console.log(generation.state);
    }
    if (generation.state === 'failed') throw new Error(generation.failure_reason);
    const video = await fetch(generation.assets.video);
    if (!video.ok) throw new Error(`the download was answered with ${video.status}`);
    await writeFile(clip, Buffer.from(await video.arrayBuffer()));
    console.log('saved', clip);
}

main().catch(err => {
    console.error(err.message);
    process.exitCode = 1;
});
