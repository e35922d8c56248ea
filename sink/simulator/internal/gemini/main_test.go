package gemini_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/balerhq/baler/sink/simulator"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// api is a client of a simulator in memory.
type api struct {
	*testing.T
	*simulator.Server
	key string
}

// inBubble runs a test with a simulator that plays the API at its root, in fake
// time.
func inBubble(t *testing.T, cfg simulator.Config, test func(api)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		cfg.Provider = "gemini"
		server, err := simulator.StartPipe(cfg)
		if err != nil {
			t.Fatal(err)
		}
		defer server.Close()
		test(api{t, server, "k"})
	})
}

// object is what a reply is read as.
type object map[string]any

// at is the value at a path such as "metadata.state"; a number in it is an
// index.
func (o object) at(path string) any {
	var v any = map[string]any(o)
	for name := range strings.SplitSeq(path, ".") {
		switch in := v.(type) {
		case map[string]any:
			v = in[name]
		case []any:
			if len(name) != 1 || int(name[0]-'0') >= len(in) {
				return nil
			}
			v = in[name[0]-'0']
		default:
			return nil
		}
	}
	return v
}

func (o object) text(path string) string {
	s, _ := o.at(path).(string)
	return s
}

// send makes a request with headers in pairs.
func (a api) send(method, path, body string, headers ...string) (status int, header http.Header, text []byte) {
	a.Helper()
	req, err := http.NewRequestWithContext(a.Context(), method, "http://127.0.0.1"+path, strings.NewReader(body))
	if err != nil {
		a.Fatal(err)
	}
	req.Header.Set("X-Goog-Api-Key", a.key)
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	reply, err := a.Client().Do(req)
	if err != nil {
		a.Fatal(err)
	}
	defer reply.Body.Close()
	if text, err = io.ReadAll(reply.Body); err != nil {
		a.Fatal(err)
	}
	return reply.StatusCode, reply.Header, text
}

// do makes a request and returns the object in the reply.
func (a api) do(want int, method, path, body string, headers ...string) (o object) {
	a.Helper()
	status, _, text := a.send(method, path, body, headers...)
	if status != want {
		a.Fatalf("%s %s: %d %s", method, path, status, text)
	}
	if len(text) > 0 && bytes.HasPrefix(text, []byte("{")) && json.Unmarshal(bytes.SplitN(text, []byte("\n"), 2)[0], &o) != nil && json.Unmarshal(text, &o) != nil {
		a.Fatalf("%s %s: %s", method, path, text)
	}
	return o
}

// upload stores lines and returns the name of the file.
func (a api) upload(lines string) string {
	a.Helper()
	_, header, text := a.send("POST", "/upload/v1beta/files", `{"file":{"displayName":"in"}}`, "X-Goog-Upload-Protocol", "resumable", "X-Goog-Upload-Command", "start")
	session, isOurs := strings.CutPrefix(header.Get("X-Goog-Upload-Url"), "http://127.0.0.1")
	if !isOurs {
		a.Fatalf("%v %s", header, text)
	}
	return a.do(200, "POST", session, lines, "X-Goog-Upload-Command", "upload, finalize", "X-Goog-Upload-Offset", "0").text("file.name")
}

// fromFile creates a batch from a file of lines.
func (a api) fromFile(lines string) string {
	a.Helper()
	return a.do(200, "POST", create, `{"batch":{"displayName":"d","inputConfig":{"fileName":"`+a.upload(lines)+`"}}}`).text("name")
}

const create = "/v1beta/models/m:batchGenerateContent"

// inline creates a batch of these rows.
func (a api) inline(path string, rows ...string) string {
	a.Helper()
	return a.do(200, "POST", path, `{"batch":{"displayName":"d","inputConfig":{"requests":{"requests":[`+strings.Join(rows, ",")+`]}}}}`).text("name")
}

func (a api) get(batch string) object {
	a.Helper()
	return a.do(200, "GET", "/v1beta/"+batch, "")
}

// after advances the clock and lets the batches do what is due.
func (a api) after(d time.Duration) {
	a.Helper()
	if err := a.Advance(d); err != nil {
		a.Fatal(err)
	}
	time.Sleep(time.Second)
}

// chat is a request that says something.
func chat(text string) string {
	return `{"contents":[{"role":"user","parts":[{"text":"` + text + `"}]}]}`
}

func line(key, request string) string { return `{"key":"` + key + `","request":` + request + "}\n" }

func element(key, request string) string {
	return `{"metadata":{"key":"` + key + `"},"request":` + request + `}`
}
