curl -v -X POST "https://gateway.appypie.com/lumalabs-ai/v1/generateRequestFromImage" -H "Content-Type: application/json" -H "Cache-Control: no-cache" --data-raw "{
    \"url\": \"https://storage.googleapis.com/imagesai.appypie.com/testing/00034_00.jpg\",
    \"prompt\": \"leaning girl\"
}"
