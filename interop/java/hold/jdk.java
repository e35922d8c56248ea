import java.io.IOException;
import java.io.InputStream;
import java.net.HttpURLConnection;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/** The clients of the JDK call a provider through baler serve. They know nothing of providers. */
class Hold {
  static final String KEY = "sk-interop";
  static final int CALLS = Integer.parseInt(System.getenv("HOLD_CALLS"));
  // The answer to a client that is not known begins after thirty seconds.
  static final Duration LONGER = Duration.ofMillis((long) (1000 * Double.parseDouble(System.getenv("HOLD_PATIENCE")))).plusSeconds(10);
  static final URI CHATS = URI.create(System.getenv("OPENAI_BASE_URL") + "/chat/completions");

  static final HttpClient CLIENT = HttpClient.newHttpClient();
  static final ExecutorService THREADS = Executors.newFixedThreadPool(CALLS);

  interface Call {
    String ask(String text) throws Exception;
  }

  static class Refused extends Exception {
    final int status;

    Refused(int status) {
      super("status " + status);
      this.status = status;
    }
  }

  static String body(String text) {
    return "{\"model\":\"gpt-4.1-mini\",\"messages\":[{\"role\":\"user\",\"content\":\"" + text + "\"}]}";
  }

  // The texts have nothing that JSON escapes, and the JDK has no reader of JSON.
  static String said(int status, String answer) throws Refused {
    if (status != 200) {
      throw new Refused(status);
    }
    String member = "\"content\":\"";
    int from = answer.indexOf(member) + member.length();
    return answer.substring(from, answer.indexOf('"', from));
  }

  static String byHttpClient(String text) throws Exception {
    HttpRequest request =
        HttpRequest.newBuilder(CHATS)
            .header("Authorization", "Bearer " + KEY)
            .header("Content-Type", "application/json")
            .timeout(LONGER)
            .POST(HttpRequest.BodyPublishers.ofString(body(text)))
            .build();
    HttpResponse<String> answer = CLIENT.send(request, HttpResponse.BodyHandlers.ofString());
    return said(answer.statusCode(), answer.body());
  }

  static String byURLConnection(String text) throws Exception {
    HttpURLConnection c = (HttpURLConnection) CHATS.toURL().openConnection();
    c.setRequestProperty("Authorization", "Bearer " + KEY);
    c.setRequestProperty("Content-Type", "application/json");
    c.setReadTimeout((int) LONGER.toMillis());
    c.setDoOutput(true);
    c.getOutputStream().write(body(text).getBytes());
    int status = c.getResponseCode();
    try (InputStream in = status == 200 ? c.getInputStream() : c.getErrorStream()) {
      return said(status, new String(in.readAllBytes()));
    }
  }

  /** Makes the calls at once. Each answer has to be that of its call. */
  static void all(String name, Call call) throws Exception {
    List<Future<String>> answers = new ArrayList<>();
    for (int n = 0; n < CALLS; n++) {
      String text = name + " ticket " + n;
      answers.add(THREADS.submit(() -> call.ask(text)));
    }
    for (int n = 0; n < CALLS; n++) {
      String want = "general: " + name + " ticket " + n;
      if (!answers.get(n).get().equals(want)) {
        throw new AssertionError(answers.get(n).get());
      }
    }
    System.out.println("ok   " + CALLS + " " + name);
  }

  /** Makes a call that is refused. If its answer had begun, the same call gets the error. */
  static void refused(Call call) throws Exception {
    for (int n = 0; n < 2; n++) {
      try {
        call.ask("[[400]]");
        throw new AssertionError("it was answered");
      } catch (Refused e) {
        if (e.status != 400) {
          throw e;
        }
        System.out.println("ok   a refused call");
        return;
      } catch (IOException e) {
        if (n > 0) {
          throw e;
        }
      }
    }
  }

  public static void main(String[] args) throws Exception {
    all("calls of HttpClient", Hold::byHttpClient);
    all("calls of HttpURLConnection", Hold::byURLConnection);
    refused(Hold::byHttpClient);
    System.out.println("rows " + (2 * CALLS + 1));
    THREADS.shutdown();
  }
}
