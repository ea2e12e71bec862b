// Request body
const body = {
    "url": "https://storage.googleapis.com/imagesai.appypie.com/testing/00034_00.jpg",
    "prompt": "leaning girl"
};

fetch('https://gateway.appypie.com/lumalabs-ai/v1/generateRequestFromImage', {
        method: 'POST',
        body: JSON.stringify(body),
        // Request headers
        headers: {
            'Content-Type': 'application/json',
            'Cache-Control': 'no-cache',}
    })
    .then(response => {
        console.log(response.status);
        console.log(response.text());
    })
    .catch(err => console.error(err));
