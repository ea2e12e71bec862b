<?php
// The founding document's PHP program against your own server: submit, poll, download.
//
//   BASE_URL=http://127.0.0.1:8080 SUBSCRIPTION_KEY=sm_... php generate.php IMAGE_URL "leaning girl" [clip.mp4]

function stop($sentence) {
    fwrite(STDERR, $sentence . "\n");
    exit(1);
}

function post($path, $body) {
    $url = (getenv('BASE_URL') ?: 'http://127.0.0.1:8080') . $path;
    $curl = curl_init($url);

    curl_setopt($curl, CURLOPT_CUSTOMREQUEST, "POST");
    curl_setopt($curl, CURLOPT_URL, $url);
    curl_setopt($curl, CURLOPT_RETURNTRANSFER, true);

    # Request headers
    $headers = array(
        'Content-Type: application/json',
        'Cache-Control: no-cache',
        'Ocp-Apim-Subscription-Key: ' . getenv('SUBSCRIPTION_KEY'),
    );
    curl_setopt($curl, CURLOPT_HTTPHEADER, $headers);

    # Request body
    curl_setopt($curl, CURLOPT_POSTFIELDS, json_encode($body));

    $resp = curl_exec($curl);
    $status = curl_getinfo($curl, CURLINFO_RESPONSE_CODE);
    if ($resp === false || $status != 200) {
        stop("$status: " . ($resp === false ? curl_error($curl) : $resp));
    }
    return json_decode($resp, true);
}

function download($url, $clip) {
    $file = fopen($clip, 'wb') ?: stop("$clip cannot be written");
    $curl = curl_init($url);
    curl_setopt($curl, CURLOPT_FILE, $file);
    curl_setopt($curl, CURLOPT_FAILONERROR, true);
    if (!curl_exec($curl)) {
        stop('the clip could not be downloaded: ' . curl_error($curl));
    }
    fclose($file);
}

if ($argc < 3) {
    stop('Give the URL of a picture, and what should happen in the video.');
}
$clip = $argv[3] ?? 'clip.mp4';
$generation = post('/lumalabs-ai/v1/generateRequestFromImage', array('url' => $argv[1], 'prompt' => $argv[2]));
echo "accepted as {$generation['id']}\n";
while (!in_array($generation['state'], array('completed', 'failed'))) {
    sleep(1);
    $generation = post('/lumalabs-ai-polling/v1/getStatus', array('task_id' => $generation['id']));
    echo $generation['state'], "\n";
}
if ($generation['state'] == 'failed') {
    stop($generation['failure_reason']);
}
download($generation['assets']['video'], $clip);
echo "saved $clip\n";
