// Java's own HTTP client asks the gateway and the videos API: first as it does by itself, with `Upgrade: h2c` on every
// first request, then as HTTP/1.1. `java JavaClient.java BASE KEY ID` prints a line for each answer.

import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublisher;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse.BodyHandlers;
import java.util.List;

public class JavaClient {
    public static void main(String[] arguments) throws Exception {
        String base = arguments[0], key = arguments[1], id = arguments[2];
        String submit = "{\"url\": \"https://example.com/photo.jpg\", \"prompt\": \"push in\"}";
        String poll = "{\"task_id\": \"" + id + "\"}";
        String large = "{\"task_id\": \"" + id + "\"" + " ".repeat(40_000) + "}";
        for (HttpClient.Version version : HttpClient.Version.values()) {
            // The first of a client's requests asks for the upgrade: a client for each.
            for (BodyPublisher body : List.of(BodyPublishers.ofString(poll), BodyPublishers.ofString(large),
                    BodyPublishers.ofInputStream(() -> new java.io.ByteArrayInputStream(poll.getBytes())))) {
                HttpClient client = HttpClient.newBuilder().version(version).build();
                for (int again = 0; again < 2; again++) {
                    tell(client, version, "POLL", HttpRequest.newBuilder(URI.create(base + "/lumalabs-ai-polling/v1/getStatus"))
                        .header("Content-Type", "application/json").header("Ocp-Apim-Subscription-Key", key).POST(body));
                }
            }
            HttpClient client = HttpClient.newBuilder().version(version).build();
            tell(client, version, "SUBMIT", HttpRequest.newBuilder(URI.create(base + "/lumalabs-ai/v1/generateRequestFromImage"))
                .header("Content-Type", "application/json").header("Ocp-Apim-Subscription-Key", key)
                .POST(BodyPublishers.ofString(submit)));
            client = HttpClient.newBuilder().version(version).build();
            for (int again = 0; again < 2; again++) {
                tell(client, version, "LIST", HttpRequest.newBuilder(URI.create(base + "/v1/videos?limit=1"))
                    .header("Authorization", "Bearer " + key));
            }
            client = HttpClient.newBuilder().version(version).build();
            tell(client, version, "GET WITH A BODY", HttpRequest.newBuilder(URI.create(base + "/healthz"))
                .method("GET", BodyPublishers.ofString(poll)));
        }
    }

    private static void tell(HttpClient client, HttpClient.Version version, String what, HttpRequest.Builder request)
            throws Exception {
        var answer = client.send(request.build(), BodyHandlers.ofString());
        String body = answer.body();
        System.out.println(version + " " + what + " " + answer.statusCode() + " " + body.substring(0, Math.min(60, body.length())).replace('\n', ' '));
    }
}
