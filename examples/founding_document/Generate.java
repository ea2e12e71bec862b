import java.io.IOException;
import java.io.InputStream;
import java.net.HttpURLConnection;
import java.net.URL;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Paths;
import java.nio.file.StandardCopyOption;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The founding document's Java program against your own server: submit, poll, download.
 *
 * <p>BASE_URL=http://127.0.0.1:8080 SUBSCRIPTION_KEY=sm_... java Generate.java IMAGE_URL "leaning girl" [clip.mp4]
 */
public class Generate {

  public static void main(String[] args) {
    try {
      if (args.length < 2) {
        throw new IOException("Give the URL of a picture, and what should happen in the video.");
      }
      generate(args[0], args[1], args.length > 2 ? args[2] : "clip.mp4");
    } catch (Exception ex) {
      System.err.println(ex.getMessage());
      System.exit(1);
    }
  }

  private static void generate(String image, String prompt, String clip) throws Exception {
    String body = "{ \"url\": " + quoted(image) + ", \"prompt\": " + quoted(prompt) + " }";
    String generation = post("/lumalabs-ai/v1/generateRequestFromImage", body);
    String id = field(generation, "id");
    System.out.println("accepted as " + id);
    String state = "queued";
    while (!state.equals("completed")) {
      Thread.sleep(1000);
      generation = post("/lumalabs-ai-polling/v1/getStatus", "{ \"task_id\": " + quoted(id) + " }");
      state = field(generation, "state");
      System.out.println(state);
      if (state.equals("failed")) {
        throw new IOException(field(generation, "failure_reason"));
      }
    }
    try (InputStream video = new URL(field(generation, "video")).openStream()) {
      Files.copy(video, Paths.get(clip), StandardCopyOption.REPLACE_EXISTING);
    }
    System.out.println("saved " + clip);
  }

  private static String post(String path, String body) throws IOException {
    String base = System.getenv().getOrDefault("BASE_URL", "http://127.0.0.1:8080");
    HttpURLConnection connection = (HttpURLConnection) new URL(base + path).openConnection();

    // Request headers
    connection.setRequestProperty("Content-Type", "application/json");
    connection.setRequestProperty("Cache-Control", "no-cache");
    connection.setRequestProperty(
        "Ocp-Apim-Subscription-Key", System.getenv().getOrDefault("SUBSCRIPTION_KEY", ""));
    connection.setRequestMethod("POST");

    // Request body
    connection.setDoOutput(true);
    connection.getOutputStream().write(body.getBytes(StandardCharsets.UTF_8));

    int status = connection.getResponseCode();
    boolean answered = status == HttpURLConnection.HTTP_OK;
    try (InputStream in = answered ? connection.getInputStream() : connection.getErrorStream()) {
      String content = in == null ? "" : new String(in.readAllBytes(), StandardCharsets.UTF_8);
      if (!answered) {
        throw new IOException(status + ": " + content);
      }
      return content;
    } finally {
      connection.disconnect();
    }
  }

  /** The first string of that name in the JSON. Java has no parser of its own; use a library's in a real program. */
  private static String field(String json, String name) {
    Matcher found = Pattern.compile("\"" + name + "\": *\"((?:[^\"\\\\]|\\\\.)*)\"").matcher(json);
    return found.find() ? found.group(1).replace("\\\"", "\"").replace("\\/", "/") : "";
  }

  private static String quoted(String text) {
    StringBuilder json = new StringBuilder("\"");
    for (char each : text.toCharArray()) {
      if (each == '"' || each == '\\') {
        json.append('\\').append(each);
      } else if (each < ' ') {
        json.append(String.format("\\u%04x", (int) each));
      } else {
        json.append(each);
      }
    }
    return json.append('"').toString();
  }
}
