package batchapi_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/balerhq/baler/flow/batchapi"
	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/sink/simulator"
)

// wantAnswers checks that each question has its own answer.
func wantAnswers(t *testing.T, got []durable.Result, n int) {
	t.Helper()
	seen := make(map[string]bool)
	for _, r := range got {
		seen[r.ID] = true
		if want := "ticket number " + strings.TrimPrefix(r.ID, "q"); r.Status != durable.ItemSucceeded || !strings.Contains(r.Text, want) || r.Usage == nil || r.Usage.Output == 0 {
			t.Fatalf("%+v, want an answer to %q", r, want)
		}
	}
	if len(seen) != n || len(got) != n {
		t.Errorf("%d results of %d items, want %d", len(got), len(seen), n)
	}
}

// A client of OpenAI's batches does not notice that Anthropic answers.
func TestAnOpenAIClientRunsAgainstAnthropic(t *testing.T) {
	inWorld(t, "anthropic", func(w *world) {
		got := w.ask("openai", "gpt-4.1", 250)
		wantAnswers(w.T, got, 250)
		if body := string(got[0].Response); !strings.Contains(body, `"object":"chat.completion"`) || got[0].Model != "claude-test" || got[0].Finish != "stop" {
			w.Errorf("%s: %s", got[0].Model, body)
		}
		w.wantBought(250)
	})
}

// A client of Anthropic's batches does not notice that OpenAI answers.
func TestAnAnthropicClientRunsAgainstOpenAI(t *testing.T) {
	inWorld(t, "openai", func(w *world) {
		got := w.ask("anthropic", "claude-haiku-5.5", 250)
		wantAnswers(w.T, got, 250)
		if body := string(got[0].Response); !strings.Contains(body, `"type":"message"`) || got[0].Model != "gpt-test" || got[0].Finish != "end_turn" {
			w.Errorf("%s: %s", got[0].Model, body)
		}
		w.wantBought(250)
	})
}

// The answers of the protocol's own provider are passed on.
func TestTheOwnProviderAnswersAsItIs(t *testing.T) {
	inWorld(t, "openai", func(w *world) {
		b, seen := w.await(w.create(chats(3)))
		if want := []string{"validating", "in_progress", "completed"}; !slices.Equal(seen, want) {
			w.Errorf("%q, want %q", seen, want)
		}
		counts, _ := b.body["request_counts"].(map[string]any)
		if fmt.Sprint(counts) != "map[completed:3 failed:0 total:3]" || b.body["error_file_id"] != nil || b.body["completed_at"] == nil {
			w.Error(b.text)
		}
		id, _ := b.body["output_file_id"].(string)
		if got := w.get("/v1/files/" + id + "/content"); strings.Count(got.text, "\n") != 3 || !strings.Contains(got.text, `"system_fingerprint"`) {
			w.Error(got)
		}
		if got := w.call("sk-me", http.MethodDelete, "/v1/files/"+id, "", nil); got.body["deleted"] != true || w.get("/v1/files/"+id).status != http.StatusNotFound {
			w.Error(got)
		}
	})
}

// A batch goes on after a restart, and nothing of it is bought again.
func TestABatchSurvivesARestart(t *testing.T) {
	inWorld(t, "anthropic", func(w *world) {
		id := w.create(chats(40))
		for _, pause := range []time.Duration{0, time.Second, 5 * time.Minute, 20 * time.Minute} {
			time.Sleep(pause)
			w.close()
			w.open()
		}
		b, _ := w.await(id)
		if b.body["status"] != "completed" || b.body["metadata"].(map[string]any)["run"] != "r1" {
			w.Error(b.text)
		}
		out, _ := b.body["output_file_id"].(string)
		if got := w.get("/v1/files/" + out + "/content"); strings.Count(got.text, "\n") != 40 {
			w.Error(got)
		}
		w.wantBought(40)
	})
}

// A batch whose account is its caller's waits for the caller's key.
func TestABatchWaitsForItsCaller(t *testing.T) {
	inWorld(t, "openai", func(w *world) {
		w.close()
		w.config.Keyless = false
		w.config.Connect = func(c batchapi.Caller) (batchapi.Account, error) {
			if c.Key() == "" {
				return batchapi.Account{}, batchapi.ErrNoKey
			}
			return batchapi.Account{Provider: w.client("openai", c.Key(), w.provider.BaseURL("openai"), w.provider.Client().Transport)}, nil
		}
		w.open()
		id := w.create(chats(3))
		w.close()
		w.open()
		time.Sleep(time.Hour)
		w.call("sk-other", http.MethodGet, "/v1/batches", "", nil)
		if got := w.call("", http.MethodGet, "/v1/batches", "", nil); got.status != http.StatusUnauthorized {
			w.Error(got)
		}
		time.Sleep(time.Hour)
		w.wantBought(0)
		if b, _ := w.await(id); b.body["status"] != "completed" {
			w.Error(b.text)
		}
		w.wantBought(3)
		if got := w.call("", http.MethodPost, "/v1/batches", "application/json", []byte(`{"input_file_id":"f","endpoint":"/v1/chat/completions","completion_window":"24h"}`)); got.status != http.StatusUnauthorized {
			w.Error(got)
		}
	})
}

// The batch of a caller with a key does not go on with what callers without one
// get.
func TestABatchDoesNotChangeItsAccount(t *testing.T) {
	inWorld(t, "openai", func(w *world) {
		w.close()
		w.config.Keyless = false
		w.config.Connect = func(c batchapi.Caller) (batchapi.Account, error) {
			if c.Key() == "" {
				return w.routed("anthropic"), nil
			}
			return w.routed("openai"), nil
		}
		w.open()
		id := w.create(chats(3))
		w.close()
		w.open()
		time.Sleep(2 * time.Hour)
		w.wantBought(0)
		if b, _ := w.await(id); b.body["status"] != "completed" {
			w.Error(b.text)
		}
		if made := w.provider.Batches(); len(made) != 1 || made[0].Provider != "openai" {
			w.Errorf("%+v", made)
		}
	})
}

// A batch ends whose run cannot go on: its route is gone.
func TestABatchWithoutItsRouteEnds(t *testing.T) {
	inWorld(t, "anthropic", func(w *world) {
		late, early := w.create(chats(3)), w.create(chats(2))
		time.Sleep(5 * time.Minute)
		w.close()
		w.config.Connect = func(batchapi.Caller) (batchapi.Account, error) { return w.routed("openai"), nil }
		w.open()
		if got := w.post("/v1/batches/"+early+"/cancel", ""); got.body["status"] != "cancelling" {
			w.Error(got)
		}
		for _, test := range []struct {
			away               time.Duration
			id, status, reason string
			rows               int
		}{
			{0, early, "cancelled", "batch_cancelled", 2},
			{24 * time.Hour, late, "expired", "batch_expired", 3},
		} {
			w.close()
			time.Sleep(test.away)
			w.open()
			time.Sleep(2 * time.Hour)
			b := w.get("/v1/batches/" + test.id)
			if got := w.contents(&b); b.body["status"] != test.status || len(got) != test.rows || !strings.Contains(got["row-1"], test.reason) {
				w.Error(b.text, got)
			}
		}
	})
}

// What a batch that was given up has open at its provider is cancelled once its
// route is there again, and that of others is not. Its caller sees none of that.
func TestWhatABatchThatWasGivenUpHasOpenIsCancelled(t *testing.T) {
	inWorldOf(t, simulator.Config{Latency: simulator.Latency{Processing: 5 * time.Hour}}, "anthropic", func(w *world) {
		w.close()
		w.config.Poll = 5 * time.Minute
		w.open()
		input := w.upload(chats(3))
		made := w.post("/v1/batches", fmt.Sprintf(`{"input_file_id":%q,"endpoint":"/v1/chat/completions","completion_window":"24h"}`, input))
		id, _ := made.body["id"].(string)
		other := w.create(chats(4))
		time.Sleep(5 * time.Minute)
		w.close()
		gone := w.config
		gone.Connect = func(batchapi.Caller) (batchapi.Account, error) { return w.routed("openai"), nil }
		w.config, gone = gone, w.config
		w.open()
		w.post("/v1/batches/"+id+"/cancel", "")
		time.Sleep(2 * time.Hour)
		before := w.get("/v1/batches/" + id)
		if before.body["status"] != "cancelled" {
			w.Error(before.text)
		}
		if got := w.call("sk-me", http.MethodDelete, "/v1/files/"+input, "", nil); got.status != http.StatusOK {
			w.Error(got)
		}
		states := func() (all map[int]string) {
			all = make(map[int]string)
			for _, b := range w.provider.Batches() {
				all[b.Rows] = b.Status
			}
			return all
		}
		if got := states(); got[3] != "in_progress" || got[4] != "in_progress" {
			w.Error(got)
		}
		w.close()
		w.config = gone
		w.open()
		time.Sleep(time.Hour)
		if got := states(); got[3] != "cancelled" || got[4] != "in_progress" {
			w.Error(got)
		}
		if after := w.get("/v1/batches/" + id); after.text != before.text {
			w.Errorf("%s, before %s", after.text, before.text)
		}
		if b, _ := w.await(other); b.body["status"] != "completed" {
			w.Error(b.text)
		}
		w.close()
		w.open()
		runs, err := w.config.Dir.Runs()
		for _, r := range runs {
			if err != nil || len(r.Open) > 0 || !r.Ended() {
				w.Errorf("%+v, %v", r, err)
			}
		}
	})
}

// A batch that rests after an error takes the account that there is now.
func TestABatchThatRestsTakesAnotherAccount(t *testing.T) {
	inWorld(t, "anthropic", func(w *world) {
		w.close()
		isGone := false
		w.config.Connect = func(batchapi.Caller) (batchapi.Account, error) {
			if isGone {
				return w.routed("openai"), nil
			}
			return w.routed("anthropic"), nil
		}
		w.open()
		id := w.create(chats(3))
		time.Sleep(5 * time.Minute)
		w.close()
		isGone = true
		w.open()
		time.Sleep(time.Hour)
		isGone = false
		if b, _ := w.await(id); b.body["status"] != "completed" {
			w.Error(b.text)
		}
		w.wantBought(3)
	})
}

// The batch of a caller who does not come back ends, too.
func TestABatchWhoseCallerIsGoneEnds(t *testing.T) {
	inWorld(t, "anthropic", func(w *world) {
		w.config.Keyless = false
		id := w.create(chats(3))
		w.close()
		time.Sleep(32 * 24 * time.Hour)
		w.open()
		if b := w.get("/v1/batches/" + id); b.body["status"] != "expired" {
			w.Error(b.text)
		}
	})
}

// A provider's batch whose creation was not answered is looked for, and then
// bought again.
func TestACreationThatIsNotAnswered(t *testing.T) {
	for grace, want := range map[time.Duration]bool{0: true, time.Minute: false} {
		inWorld(t, "openai", func(w *world) {
			w.close()
			w.config.Grace = grace
			w.open()
			if err := w.provider.SetFaults(simulator.Fault{Route: "POST /v1/batches", Action: simulator.ActionReset}); err != nil {
				w.Fatal(err)
			}
			id, began := w.create(chats(3)), time.Now()
			if b, _ := w.await(id); b.body["status"] != "completed" {
				w.Error(b.text)
			}
			if waited := time.Since(began); waited > 15*time.Minute+durable.DefaultGrace != want {
				w.Errorf("with a grace of %s it took %s", grace, waited)
			}
			w.wantBought(3)
		})
	}
}

// A cancellation that fails is tried again, while the batch is open.
func TestACancellationIsTriedAgain(t *testing.T) {
	inWorld(t, "anthropic", func(w *world) {
		id := w.create(chats(3))
		time.Sleep(time.Minute)
		runs, err := filepath.Glob(filepath.Join(w.config.Dir.Path(), "runs", "*"))
		if err != nil || len(runs) != 1 {
			w.Fatal(runs, err)
		}
		lock := filepath.Join(runs[0], "control.lock")
		_ = os.Remove(lock) // or it is not there yet
		if err := os.Mkdir(lock, 0o700); err != nil {
			w.Fatal(err)
		}
		w.post("/v1/batches/"+id+"/cancel", "")
		time.Sleep(3 * time.Minute)
		if err := os.Remove(lock); err != nil {
			w.Fatal(err)
		}
		if b, _ := w.await(id); b.body["status"] != "cancelled" {
			w.Error(b.text)
		}
	})
}

// What ran before a cancellation is in the output, and the rest in the errors.
func TestABatchIsCancelled(t *testing.T) {
	inWorld(t, "anthropic", func(w *world) {
		early, late := w.create(chats(3)), w.create(chats(3))
		if got := w.post("/v1/batches/"+early+"/cancel", ""); got.body["status"] != "cancelling" {
			w.Error(got)
		}
		time.Sleep(5 * time.Minute)
		if got := w.post("/v1/batches/"+late+"/cancel", ""); got.body["status"] != "cancelling" {
			w.Error(got)
		}
		for _, id := range []string{early, late} {
			b, seen := w.await(id)
			if b.body["status"] != "cancelled" || b.body["cancelled_at"] == nil || slices.Contains(seen, "completed") {
				w.Error(seen, b.text)
			}
			lines := 0
			for _, name := range []string{"output_file_id", "error_file_id"} {
				if out, _ := b.body[name].(string); out != "" {
					lines += strings.Count(w.get("/v1/files/"+out+"/content").text, "\n")
				}
			}
			if lines != 3 {
				w.Errorf("%d lines: %s", lines, b.text)
			}
			if got := w.post("/v1/batches/"+id+"/cancel", ""); got.status != http.StatusOK {
				w.Error(got)
			}
		}
	})
}

// A batch whose window is over has expired.
func TestABatchExpires(t *testing.T) {
	inWorld(t, "anthropic", func(w *world) {
		id := w.create(chats(3))
		w.close()
		time.Sleep(25 * time.Hour)
		w.open()
		b, _ := w.await(id)
		errs, _ := b.body["error_file_id"].(string)
		if got := w.get("/v1/files/" + errs + "/content"); b.body["status"] != "expired" || strings.Count(got.text, "batch_expired") != 3 {
			w.Error(b.text, got.text)
		}
		w.wantBought(0)
	})
}

// What is wrong with the lines of a file is told by line, and nothing of it is
// bought.
func TestABadFileFails(t *testing.T) {
	inWorld(t, "anthropic", func(w *world) {
		good := chats(1)
		for name, test := range map[string]struct{ text, want string }{
			"not JSON":   {good + "{oops\n", `"code":"invalid_json_line","line":2`},
			"no id":      {strings.Replace(good, `"custom_id":"row-0",`, "", 1), `"code":"missing_required_parameter","line":1`},
			"twice":      {good + good, `"code":"duplicate_custom_id","line":2`},
			"other path": {strings.Replace(good, `"url":"/v1/chat`, `"url":"/v1/text`, 1), `"code":"invalid_url","line":1`},
			"no model":   {strings.Replace(good, `"model":"gpt-4.1",`, "", 1), `"param":"body.model"`},
			"a stream":   {strings.Replace(good, `"max_tokens":50`, `"stream":true`, 1), `"code":"streaming_unsupported"`},
			"no chat of another provider": {
				chats(2) + strings.Replace(strings.Replace(good, `"max_tokens":50`, `"logit_bias":{"50256":-100}`, 1), "row-0", "row-9", 1), `"code":"invalid_request","line":3`,
			},
			"nothing": {"\n", `"code":"empty_file"`},
		} {
			b, _ := w.await(w.create(test.text))
			if b.body["status"] != "failed" || !strings.Contains(b.text, test.want) || b.body["failed_at"] == nil {
				w.Errorf("%s: %s, want %s", name, b.text, test.want)
			}
		}
		got := w.post("/v1/batches", `{"input_file_id":"file-none","endpoint":"/v1/chat/completions","completion_window":"24h"}`)
		id, _ := got.body["id"].(string)
		if b, _ := w.await(id); !strings.Contains(b.text, "Cannot find file file-none") {
			w.Error(b.text)
		}
		w.wantBought(0)
	})
}

// A request that is no chat does not reach a model that no route has.
func TestARouteBindsTheModel(t *testing.T) {
	inWorld(t, "openai", func(w *world) {
		line := func(url, body string) string {
			return fmt.Sprintf(`{"custom_id":"a","method":"POST","url":%q,"body":%s}`, url, body)
		}
		const chat, input = `"max_tokens":5,"some_new_member":1,"messages":[{"role":"user","content":"hello"}]}`, `"input":"hello"}`
		for _, test := range []struct{ url, body, want string }{
			{"/v1/chat/completions", `{"model":"o1-pro",` + chat, "some_new_member"},
			{"/v1/chat/completions", `{"model":"o1-pro","model":"gpt-test",` + chat, "comes twice"},
			{"/v1/chat/completions", `{"model":"o1-pro","Model":"gpt-test",` + chat, "o1-pro"},
			{"/v1/embeddings", `{"model":"text-embedding-3-large",` + input, "text-embedding-3-large"},
			{"/v1/responses", `{"model":"o1-pro",` + input, "o1-pro"},
			{"/v1/moderations", `{"model":"omni-moderation-latest",` + input, "omni"},
			{"/v1/chat/completions", `{"model":"gpt-test",` + chat, ""},
		} {
			made := w.post("/v1/batches", fmt.Sprintf(`{"input_file_id":%q,"endpoint":%q,"completion_window":"24h"}`, w.upload(line(test.url, test.body)), test.url))
			id, _ := made.body["id"].(string)
			b, _ := w.await(id)
			if isRefused := b.body["status"] == "failed"; isRefused != (test.want != "") || !strings.Contains(b.text, test.want) {
				w.Errorf("%s %s: %s", test.url, test.body, b.text)
			}
		}
		w.wantBought(1)
	})
}

// Calls that cannot be answered say what is wrong with them.
func TestBadCallsAreRefused(t *testing.T) {
	inWorld(t, "anthropic", func(w *world) {
		file := w.upload(chats(1))
		batch := w.create(chats(1))
		for _, test := range []struct {
			method, path, body string
			status             int
			want               string
		}{
			{"POST", "/v1/files", "x", 400, "multipart"},
			{"POST", "/v1/batches", "{", 400, "parse"},
			{"POST", "/v1/batches", `{"input_file_id":"f","endpoint":"/v1/embeddings","completion_window":"24h"}`, 400, `"param":"endpoint"`},
			{"POST", "/v1/batches", `{"input_file_id":"f","endpoint":"/v1/chat/completions","completion_window":"1h"}`, 400, `"param":"completion_window"`},
			{"POST", "/v1/batches", `{"input_file_id":"f","endpoint":"/v1/chat/completions","completion_window":"24h","metadata":{"a":1}}`, 400, `"param":"metadata.a"`},
			{"GET", "/v1/batches/batch_none", "", 404, "No batch found"},
			{"GET", "/v1/batches?limit=0", "", 400, `"param":"limit"`},
			{"GET", "/v1/batches?after=x", "", 400, `"param":"after"`},
			{"GET", "/v1/files/file-none/content", "", 404, "No such File"},
			{"PUT", "/v1/files/x", "", 404, "Unknown request URL"},
			{"POST", "/v1/messages/batches", `{"requests":[{"custom_id":"a b","params":{}}]}`, 400, "requests.0.custom_id"},
			{"POST", "/v1/messages/batches", `{"requests":[{"custom_id":"a","params":{}},{"custom_id":"a","params":{}}]}`, 400, "requests.1.custom_id"},
			{"POST", "/v1/messages/batches", `{"requests":[`, 400, "not valid JSON"},
			{"POST", "/v1/messages/batches", `{"requests":[{"custom_id":"a","params":{}}]}{"requests":[]}`, 400, "after its end"},
			{"POST", "/v1/batches", `{"input_file_id":"f","endpoint":"/v1/chat/completions","completion_window":"24h","output_expires_after":{"anchor":"created_at","seconds":60}}`, 400, `"param":"output_expires_after"`},
			{"POST", "/v1/messages/batches", `{"requests":[]}`, 400, "at least 1"},
			{"GET", "/v1/messages/batches/x/results", "", 404, "not_found_error"},
		} {
			if got := w.call("sk-me", test.method, test.path, "application/json", []byte(test.body)); got.status != test.status || !strings.Contains(got.text, test.want) {
				w.Errorf("%s %s %s: %+v", test.method, test.path, test.body, got)
			}
		}
		for _, path := range []string{"/v1/files/" + file, "/v1/files/" + file + "/content", "/v1/batches/" + batch} {
			if got := w.call("sk-other", http.MethodGet, path, "", nil); got.status != http.StatusNotFound {
				w.Errorf("another caller gets %s: %+v", path, got)
			}
		}
		for _, path := range []string{"/v1/batches", "/v1/files"} {
			if mine, others := w.get(path), w.call("sk-other", http.MethodGet, path, "", nil); !strings.Contains(others.text, `"data":[]`) || strings.Contains(mine.text, `"data":[]`) {
				w.Errorf("%s: %+v, %+v", path, mine, others)
			}
		}
	})
}

// A page of another site makes no batch in somebody's browser.
func TestOtherSitesMakeNoBatches(t *testing.T) {
	inWorld(t, "anthropic", func(w *world) {
		const openai, anthropic = "/v1/batches", "/v1/messages/batches"
		body := map[string]string{
			openai:    fmt.Sprintf(`{"input_file_id":%q,"endpoint":"/v1/chat/completions","completion_window":"24h"}`, w.upload(chats(1))),
			anthropic: `{"requests":[{"custom_id":"a","params":{"model":"m","max_tokens":5,"messages":[{"role":"user","content":"hello"}]}}]}`,
		}
		for _, test := range []struct {
			path, kind, header, value string
			status                    int
		}{
			{openai, "text/plain", "", "", http.StatusUnsupportedMediaType},
			{anthropic, "text/plain", "", "", http.StatusUnsupportedMediaType},
			{openai, "application/json", "Origin", "https://evil.example", http.StatusForbidden},
			{anthropic, "application/json", "Sec-Fetch-Site", "cross-site", http.StatusForbidden},
			{"/v1/batches/b/cancel", "text/plain", "Sec-Fetch-Site", "cross-site", http.StatusForbidden},
			{anthropic, "application/json; charset=utf-8", "Origin", "http://baler", http.StatusOK},
		} {
			r := httptest.NewRequestWithContext(w.Context(), http.MethodPost, "http://baler"+test.path, strings.NewReader(body[test.path]))
			r.Header.Set("Content-Type", test.kind)
			if test.header != "" {
				r.Header.Set(test.header, test.value)
			}
			got := httptest.NewRecorder()
			if w.server.ServeHTTP(got, r); got.Code != test.status {
				w.Errorf("%+v: %d", test, got.Code)
			}
		}
	})
}

// A request of Anthropic's that no one can answer fails alone.
func TestARequestFailsAlone(t *testing.T) {
	inWorld(t, "openai", func(w *world) {
		message := `{"model":"claude-x","max_tokens":50,"messages":[{"role":"user","content":"hello"}]`
		b := w.post("/v1/messages/batches", `{"requests":[{"custom_id":"good","params":`+message+`}},{"custom_id":"bad","params":`+message+`,"context_management":{"edits":[]}}}]}`)
		id, _ := b.body["id"].(string)
		time.Sleep(time.Hour)
		b = w.get("/v1/messages/batches/" + id)
		if b.body["processing_status"] != "ended" || fmt.Sprint(b.body["request_counts"]) != "map[canceled:0 errored:1 expired:0 processing:0 succeeded:1]" {
			w.Error(b.text)
		}
		url, _ := b.body["results_url"].(string)
		got := w.get(strings.TrimPrefix(url, "http://baler"))
		if !strings.Contains(got.text, `{"custom_id":"bad","result":{"type":"errored","error":{`) || !strings.Contains(got.text, `{"custom_id":"good","result":{"type":"succeeded","message":{`) {
			w.Error(got.text)
		}
		if got := w.call("sk-me", http.MethodDelete, "/v1/messages/batches/"+id, "", nil); got.body["type"] != "message_batch_deleted" || w.get("/v1/messages/batches/"+id).status != 404 {
			w.Error(got)
		}
	})
}

// A large request that fails keeps its id.
func TestALargeRequestFailsByItsName(t *testing.T) {
	inWorld(t, "openai", func(w *world) {
		text := strings.Repeat("a", 1<<20)
		made := w.post("/v1/messages/batches", `{"requests":[{"custom_id":"large","params":{"model":"m","max_tokens":5,"context_management":{"edits":[]},"messages":[{"role":"user","content":"`+text+`"}]}}]}`)
		id, _ := made.body["id"].(string)
		time.Sleep(time.Hour)
		if got := w.get("/v1/messages/batches/" + id + "/results"); !strings.HasPrefix(got.text, `{"custom_id":"large","result":{"type":"errored"`) {
			w.Errorf("%.200s", got.text)
		}
	})
}

// An old batch goes, also if its provider keeps files of it or its run is open.
func TestOldBatchesAreRemoved(t *testing.T) {
	inWorld(t, "openai", func(w *world) {
		if err := w.provider.SetFaults(simulator.Fault{Route: "DELETE /v1/files/{id}", Times: -1, Action: simulator.ActionFail, Status: http.StatusForbidden}); err != nil {
			w.Fatal(err)
		}
		done := w.create(chats(1))
		w.await(done)
		lost := w.create(chats(2))
		time.Sleep(5 * time.Minute)
		w.close()
		w.config.Connect = func(batchapi.Caller) (batchapi.Account, error) { return batchapi.Account{}, batchapi.ErrNoKey }
		for range 2 {
			time.Sleep(32 * 24 * time.Hour)
			w.open()
			w.close()
		}
		w.open()
		for _, id := range []string{done, lost} {
			if got := w.get("/v1/batches/" + id); got.status != http.StatusNotFound {
				w.Error(got)
			}
		}
	})
}

// Outputs expire when the batch says so.
func TestOutputsExpireAsAsked(t *testing.T) {
	inWorld(t, "openai", func(w *world) {
		made := w.post("/v1/batches", fmt.Sprintf(`{"input_file_id":%q,"endpoint":"/v1/chat/completions","completion_window":"24h","output_expires_after":{"anchor":"created_at","seconds":7200}}`, w.upload(chats(1))))
		id, _ := made.body["id"].(string)
		b, _ := w.await(id)
		output, _ := b.body["output_file_id"].(string)
		f := w.get("/v1/files/" + output)
		created, _ := f.body["created_at"].(float64)
		if f.body["expires_at"] != created+7200 {
			w.Error(b.text, f.text)
		}
	})
}

// What a crash has left of an upload is removed, and nothing else.
func TestLeftoversOfUploadsAreRemoved(t *testing.T) {
	inWorld(t, "anthropic", func(w *world) {
		id := w.upload(chats(1))
		w.close()
		files := filepath.Join(w.config.Dir.Path(), "batchapi", "files")
		for _, name := range []string{"file-torn.data", "file-torn.data.tmp"} {
			if err := os.WriteFile(filepath.Join(files, name), []byte("x"), 0o600); err != nil {
				w.Fatal(err)
			}
		}
		w.open()
		left, err := filepath.Glob(filepath.Join(files, "*.data*"))
		if err != nil || len(left) != 1 || filepath.Base(left[0]) != id+".data" {
			w.Error(left, err)
		}
	})
}

// Lists come in pages, newest first.
func TestListsComeInPages(t *testing.T) {
	inWorld(t, "anthropic", func(w *world) {
		var ids []string
		for range 3 {
			ids = append(ids, w.create(chats(1)))
			time.Sleep(time.Second)
		}
		first := w.get("/v1/batches?limit=2")
		if first.body["first_id"] != ids[2] || first.body["last_id"] != ids[1] || first.body["has_more"] != true {
			w.Error(first.text)
		}
		if rest := w.get("/v1/batches?limit=2&after=" + ids[1]); rest.body["first_id"] != ids[0] || rest.body["has_more"] != false {
			w.Error(rest.text)
		}
	})
}

// contents returns the lines of a batch's output and errors, by custom_id.
func (w *world) contents(b *reply) map[string]string {
	w.Helper()
	lines := make(map[string]string)
	for _, name := range []string{"output_file_id", "error_file_id"} {
		id, _ := b.body[name].(string)
		if id == "" {
			continue
		}
		for line := range strings.Lines(w.get("/v1/files/" + id + "/content").text) {
			var named struct {
				CustomID string `json:"custom_id"`
			}
			if err := json.Unmarshal([]byte(line), &named); err != nil {
				w.Errorf("%s: %v", line, err)
			}
			lines[named.CustomID] = name + " " + line
		}
	}
	return lines
}

// What another provider says of a row is told in OpenAI's words: also that it
// failed, was cut off or refused.
func TestEveryOutcomeIsToldInOpenAIsWords(t *testing.T) {
	inWorld(t, "anthropic", func(w *world) {
		lines := ""
		for _, text := range []string{"hello", "[[400]]", "[[500]]", "[[length]]", "[[refuse]]"} {
			lines += fmt.Sprintf(`{"custom_id":%q,"method":"POST","url":"/v1/chat/completions","body":{"model":"gpt-4.1","messages":[{"role":"user","content":%q}]}}`+"\n", text, text)
		}
		b, _ := w.await(w.create(lines))
		if fmt.Sprint(b.body["request_counts"]) != "map[completed:3 failed:2 total:5]" {
			w.Error(b.text)
		}
		got := w.contents(&b)
		for id, want := range map[string][]string{
			"hello":      {"output_file_id", `"status_code":200`, `"finish_reason":"stop"`, `"error":null`},
			"[[400]]":    {"error_file_id", `"status_code":400`, `"type":"invalid_request_error"`},
			"[[500]]":    {"error_file_id", `"status_code":500`, `"type":"server_error"`},
			"[[length]]": {"output_file_id", `"finish_reason":"length"`},
			"[[refuse]]": {"output_file_id", `"refusal":"`, `"content":null`},
		} {
			for _, part := range want {
				if !strings.Contains(got[id], part) {
					w.Errorf("%s: %q lacks %s", id, got[id], part)
				}
			}
		}
	})
}

// A request for a response is answered with one.
func TestAResponseComesFromAnotherProvider(t *testing.T) {
	inWorld(t, "anthropic", func(w *world) {
		file := w.upload(`{"custom_id":"a","method":"POST","url":"/v1/responses","body":{"model":"gpt-4.1","input":"hello there"}}`)
		b := w.post("/v1/batches", fmt.Sprintf(`{"input_file_id":%q,"endpoint":"/v1/responses","completion_window":"24h"}`, file))
		id, _ := b.body["id"].(string)
		b, _ = w.await(id)
		if got := w.contents(&b)["a"]; !strings.Contains(got, `"object":"response"`) || !strings.Contains(got, `"type":"output_text","text":"`) && !strings.Contains(got, "hello there") {
			w.Error(b.text, got)
		}
	})
}

// The same in Anthropic's words.
func TestEveryOutcomeIsToldInAnthropicsWords(t *testing.T) {
	inWorld(t, "openai", func(w *world) {
		var requests []string
		for id, text := range map[string]string{"fine": "hello", "bad": "[[400]]", "cut": "[[length]]", "refused": "[[refuse]]"} {
			requests = append(requests, fmt.Sprintf(`{"custom_id":%q,"params":{"model":"claude-x","max_tokens":50,"messages":[{"role":"user","content":%q}]}}`, id, text))
		}
		b := w.post("/v1/messages/batches", `{"requests":[`+strings.Join(requests, ",")+`]}`)
		id, _ := b.body["id"].(string)
		time.Sleep(time.Hour)
		got := w.get("/v1/messages/batches/" + id + "/results").text
		for _, want := range []string{
			`"stop_reason":"end_turn"`, `"stop_reason":"max_tokens"`, `"stop_reason":"refusal"`,
			`{"custom_id":"bad","result":{"type":"errored","error":{"error":{"message":"`, `"type":"invalid_request_error"`,
		} {
			if !strings.Contains(got, want) {
				w.Errorf("%s lacks %s", got, want)
			}
		}
	})
}

// A deleted batch is gone for its caller, also if its provider keeps files of
// it. The rest goes with other old batches.
func TestADeletedBatchIsGone(t *testing.T) {
	inWorld(t, "openai", func(w *world) {
		refuse := simulator.Fault{Route: "DELETE /v1/files/{id}", Times: -1, Action: simulator.ActionFail, Status: http.StatusForbidden}
		if err := w.provider.SetFaults(refuse); err != nil {
			w.Fatal(err)
		}
		made := w.post("/v1/messages/batches", `{"requests":[{"custom_id":"a","params":{"model":"m","max_tokens":5,"messages":[{"role":"user","content":"hello"}]}}]}`)
		id, _ := made.body["id"].(string)
		path := "/v1/messages/batches/" + id
		time.Sleep(time.Hour)
		if got := w.get(path); got.body["processing_status"] != "ended" {
			w.Fatal(got)
		}
		if got := w.call("sk-me", http.MethodDelete, path, "", nil); got.status != http.StatusOK || got.body["type"] != "message_batch_deleted" {
			w.Error(got)
		}
		kept := filepath.Join(w.config.Dir.Path(), "batchapi", "batches", id+".json")
		for range 2 {
			for _, call := range []reply{w.get(path), w.get(path + "/results"), w.call("sk-me", http.MethodDelete, path, "", nil)} {
				if call.status != http.StatusNotFound {
					w.Error(call)
				}
			}
			if got := w.get("/v1/messages/batches"); strings.Contains(got.text, id) {
				w.Error(got)
			}
			if _, err := os.Stat(kept); err != nil {
				w.Error(err)
			}
			w.close()
			w.open()
		}
		if outputs, _ := filepath.Glob(filepath.Join(w.config.Dir.Path(), "batchapi", "files", "*")); len(outputs) != 0 {
			w.Errorf("%q", outputs)
		}
		w.close()
		time.Sleep(32 * 24 * time.Hour)
		w.open()
		if _, err := os.Stat(kept); !errors.Is(err, os.ErrNotExist) {
			w.Errorf("it is kept for ever: %v", err)
		}
	})
}

// Mistral answers embeddings of OpenAI's protocol, with the model of a route:
// vectors of another one are no replacement.
func TestMistralAnswersEmbeddings(t *testing.T) {
	inWorld(t, "mistral", func(w *world) {
		line := func(id, model string) string {
			return fmt.Sprintf(`{"custom_id":%q,"method":"POST","url":"/v1/embeddings","body":{"model":%q,"input":["hello"]}}`+"\n", id, model)
		}
		embed := func(lines string) string {
			got := w.post("/v1/batches", fmt.Sprintf(`{"input_file_id":%q,"endpoint":"/v1/embeddings","completion_window":"24h"}`, w.upload(lines)))
			id, _ := got.body["id"].(string)
			if id == "" {
				w.Fatal(got)
			}
			return id
		}
		b, _ := w.await(embed(line("a", "mistral-embed") + line("b", "mistral-embed")))
		got := w.contents(&b)
		if b.body["status"] != "completed" || len(got) != 2 || !strings.Contains(got["a"], `"object":"embedding"`) || !strings.Contains(got["a"], `"model":"mistral-embed"`) {
			w.Error(b.text, got)
		}
		b, _ = w.await(embed(line("a", "text-embedding-3-small")))
		if b.body["status"] != "failed" || !strings.Contains(b.text, "ask for a model of a route") {
			w.Error(b.text)
		}
		w.wantBought(2)
	})
}
