#!/bin/sh
# The founding document's two curl calls against your own server, and the download.
#
#   BASE_URL=http://127.0.0.1:8080 SUBSCRIPTION_KEY=sm_... sh generate.sh IMAGE_URL "leaning girl" [clip.mp4]
set -eu

BASE_URL=${BASE_URL:-http://127.0.0.1:8080}
: "${SUBSCRIPTION_KEY:?Set it to a key: stillmotion keys create}"
image=${1:?Give the URL of a picture}
prompt=${2:?Say what should happen in the video}
clip=${3:-clip.mp4}

post() {
    curl --silent --show-error --fail-with-body -X POST "$BASE_URL$1" \
        -H "Content-Type: application/json" -H "Cache-Control: no-cache" \
        -H "Ocp-Apim-Subscription-Key: $SUBSCRIPTION_KEY" \
        --data-raw "$2"
}

give_up() {
    echo "$1" >&2
    exit 1
}

text() { # as it stands between the quotes of a JSON string
    printf '%s' "$1" | sed 's/[\\"]/\\&/g'
}

field() { # the first string of that name in the JSON on standard input
    sed -n "s/.*\"$1\": *\"\([^\"]*\)\".*/\1/p" | head -n 1
}

answer=$(post /lumalabs-ai/v1/generateRequestFromImage "{
    \"url\": \"$(text "$image")\",
    \"prompt\": \"$(text "$prompt")\"
}") || give_up "$answer"
id=$(printf '%s' "$answer" | sed 's/"generation_type".*//' | field id)
echo "accepted as $id"

while :; do
    answer=$(post /lumalabs-ai-polling/v1/getStatus "{
    \"task_id\": \"$id\"
}") || give_up "$answer"
    state=$(printf '%s' "$answer" | field state)
    echo "$state"
    case $state in
    completed) break ;;
    failed) give_up "$(printf '%s' "$answer" | field failure_reason)" ;;
    esac
    sleep 1
done

curl --silent --show-error --fail --output "$clip" "$(printf '%s' "$answer" | field video)"
echo "saved $clip"
