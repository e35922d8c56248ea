package openai_test

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/balerhq/baler/sink/simulator"
	"github.com/balerhq/baler/sink/simulator/internal/openai/openaitest"
)

// call sends a live call that is named id.
func call(c openaitest.Client, path, id, body string) (status int, header http.Header, reply string) {
	c.T.Helper()
	req, err := http.NewRequestWithContext(c.T.Context(), "POST", c.Base+path, strings.NewReader(body))
	if err != nil {
		c.T.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+c.Key)
	req.Header.Set("X-Client-Request-Id", id)
	resp, err := c.HTTP.Do(req)
	if err != nil {
		c.T.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	data, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusNoContent && !json.Valid(data) {
		c.T.Fatalf("%s, %v", data, err)
	}
	return resp.StatusCode, resp.Header, string(data)
}

const hello = `{"model":"m","messages":[{"role":"user","content":"hello"}]}`

func TestLiveCallsAreAnswered(t *testing.T) {
	t.Parallel()
	srv, c := openaitest.Start(t, simulator.Config{
		Models: []string{"m"}, Limits: simulator.Limits{BatchBytes: 1000},
		Answer: func(r simulator.Row) simulator.Reply {
			reply := simulator.Echo(r)
			if r.Endpoint == "/v1/responses" {
				reply.InputTokens, reply.CachedTokens = 9, 5
			}
			return reply
		},
	})
	for _, test := range []struct {
		path, body string
		status     int
		want       string
	}{
		{"/v1/chat/completions", hello, 200, `"content":"general: hello"`},
		{"/v1/responses", `{"model":"m","input":"hello"}`, 200, `"input_tokens":9,"input_tokens_details":{"cached_tokens":5}`},
		{"/v1/embeddings", `{"model":"m","input":"one"}`, 200, `"embedding":[`},
		{"/v1/moderations", `{"model":"m","input":"one"}`, 200, `"flagged":false`},
		{"/v1/completions", `{"model":"m","prompt":"one"}`, 200, `"object":"text_completion"`},
		{"/v1/completions", `{"model":"m","prompt":"[[400]]"}`, 400, `"code":"invalid_value"`},
		{"/v1/completions", `{"model":"m","prompt":"[[timeout]]"}`, 408, `"code":"request_timeout"`},

		{"/v1/completions", `{"model":"m"}`, 400, `"param":"prompt"`},
		{"/v1/chat/completions", `{"model":"x","messages":[]}`, 404, `"code":"model_not_found"`},
		{"/v1/chat/completions", `{"messages":[]}`, 400, `"param":"model"`},
		{"/v1/chat/completions", `{"model":"m","messages":[],"stream":true}`, 400, `"code":"streaming_unsupported"`},
		{"/v1/chat/completions", `{"model":"m",`, 400, `could not parse`},
		{"/v1/chat/completions", `[]`, 400, `JSON object`},
		{"/v1/chat/completions", strings.Repeat(" ", 1000) + hello, 413, `too large`},
	} {
		status, header, reply := call(c, test.path, "id-"+test.path, test.body)
		if status != test.status || !strings.Contains(reply, test.want) || header.Get("X-Request-Id") == "" {
			t.Errorf("%s %s: %d %s, want %s", test.path, test.body, status, reply, test.want)
		}
	}
	var ledger []simulator.Execution
	for e, err := range srv.Executions() {
		if err != nil || !e.Live || e.Batch != "" || e.Provider != "openai" || !strings.HasPrefix(e.CustomID, "id-/v1/") {
			t.Errorf("ledger %+v, %v", e, err)
		}
		ledger = append(ledger, e)
	}
	if len(ledger) != 7 || !ledger[0].Billed() || ledger[0].OutputTokens != 4 || ledger[5].Billed() {
		t.Errorf("ledger %+v", ledger)
	}
	openaitest.WantBilled(t, srv, 5)
}

func TestRowFaultsMeetLiveCalls(t *testing.T) {
	t.Parallel()
	_, c := openaitest.Start(t, simulator.Config{Rows: simulator.RowFaults{ServerError: 0.5}})
	failed := 0
	for range 100 {
		if status, _, reply := call(c, "/v1/chat/completions", "", hello); status == 500 {
			failed++
		} else if status != 200 {
			t.Fatalf("%d %s", status, reply)
		}
	}
	if failed < 25 || failed > 75 { // chance is from the seed, so that this always holds or never
		t.Errorf("%d of 100 failed, want about half", failed)
	}
}

func TestRequestsPerMinuteAreLimited(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		srv, c := openaitest.StartInBubble(t, simulator.Config{
			Accounts: map[string]string{"sk-one": "acme", "sk-two": "acme"},
			Limits:   simulator.Limits{RequestsPerMinute: 3},
		})
		status, header, _ := call(c, "/v1/chat/completions", "", hello)
		if status != 200 || header.Get("X-Ratelimit-Limit-Requests") != "3" || header.Get("X-Ratelimit-Remaining-Requests") != "2" ||
			header.Get("X-Ratelimit-Reset-Requests") != "20s" || header.Get("X-Ratelimit-Limit-Tokens") != "" {
			t.Errorf("%d %v", status, header)
		}
		c.Do(200, "GET", "/v1/files", "", nil)
		c.As("sk-two").Do(200, "GET", "/v1/files", "", nil)
		status, header, reply := call(c, "/v1/chat/completions", "", hello)
		if status != 429 || !strings.Contains(reply, `"code":"rate_limit_exceeded"`) || header.Get("Retry-After") != "20" ||
			header.Get("Retry-After-Ms") != "20000" || header.Get("X-Ratelimit-Remaining-Requests") != "0" || header.Get("X-Ratelimit-Reset-Requests") != "1m0s" {
			t.Errorf("%d %v %s", status, header, reply)
		}
		c.As("sk-three").Do(200, "GET", "/v1/files", "", nil)
		time.Sleep(19 * time.Second)
		c.Do(429, "GET", "/v1/files", "", nil)
		time.Sleep(time.Second)
		c.Do(200, "GET", "/v1/files", "", nil)
		if err := srv.Advance(time.Hour); err != nil {
			t.Fatal(err)
		}
		for range 3 {
			c.Do(200, "GET", "/v1/files", "", nil)
		}
		c.Do(429, "GET", "/v1/files", "", nil)
	})
}

func TestTokensPerMinuteAreLimited(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		_, c := openaitest.StartInBubble(t, simulator.Config{Limits: simulator.Limits{TokensPerMinute: 60}})
		need := int64(len(hello)+3) / 4
		status, header, _ := call(c, "/v1/chat/completions", "", hello)
		if status != 200 || header.Get("X-Ratelimit-Limit-Tokens") != "60" || header.Get("X-Ratelimit-Remaining-Tokens") != "41" {
			t.Errorf("%d %v, an input of %d and an answer of 4", status, header, need)
		}
		for range 2 {
			call(c, "/v1/chat/completions", "", hello)
		}
		status, header, reply := call(c, "/v1/chat/completions", "", hello)
		if status != 429 || !strings.Contains(reply, `"type":"tokens"`) || header.Get("Retry-After") != "12" {
			t.Errorf("%d %v %s", status, header, reply)
		}
		c.Do(200, "GET", "/v1/files", "", nil) // only live calls need tokens
		time.Sleep(12 * time.Second)
		if status, _, reply := call(c, "/v1/chat/completions", "", hello); status != 200 {
			t.Errorf("%d %s", status, reply)
		}
		// A call that needs more than the limit waits for all of it.
		long := strings.Replace(hello, "hello", strings.Repeat("hello ", 100), 1)
		if status, _, _ := call(c, "/v1/chat/completions", "", long); status != 429 {
			t.Errorf("%d", status)
		}
		time.Sleep(2 * time.Minute)
		if status, _, _ := call(c, "/v1/chat/completions", "", long); status != 200 {
			t.Errorf("%d", status)
		}
	})
}

func TestABlockedAccountCreatesNothing(t *testing.T) {
	t.Parallel()
	srv, c := openaitest.Start(t, simulator.Config{
		Accounts: map[string]string{"sk-one": "acme"}, Blocked: []simulator.Block{{Account: "acme"}},
	})
	file := c.Upload(openaitest.GoodRow).ID
	create := `{"input_file_id":"` + file + `","endpoint":"/v1/chat/completions","completion_window":"24h"}`
	for path, body := range map[string]string{"/v1/batches": create, "/v1/chat/completions": hello} {
		if status, header, reply := call(c, path, "", body); status != 429 || !strings.Contains(reply, `"code":"insufficient_quota"`) || header.Get("Retry-After") != "" {
			t.Errorf("%s: %d %v %s", path, status, header, reply)
		}
	}
	call(c.As("sk-two"), "/v1/chat/completions", "", hello)
	control := simulator.Control{URL: srv.URL}
	if err := control.SetBlocked(t.Context(), simulator.Block{Account: "sk-two"}, simulator.Block{Account: "sk-three", Code: "billing_hard_limit_reached"}); err != nil {
		t.Fatal(err)
	}
	c.Do(200, "POST", "/v1/batches", create, nil)
	if status, _, reply := call(c.As("sk-three"), "/v1/chat/completions", "", hello); status != 429 || !strings.Contains(reply, "billing_hard_limit_reached") {
		t.Errorf("%d %s", status, reply)
	}
	if err := control.SetBlocked(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"sk-two", "sk-three"} {
		if status, _, reply := call(c.As(key), "/v1/chat/completions", "", hello); status != 200 {
			t.Errorf("%s: %d %s", key, status, reply)
		}
	}
	if n := len(srv.Batches()); n != 1 {
		t.Errorf("%d batches, want 1", n)
	}
}

func TestResultFilesExpireWhenTheClientSaid(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		_, c := openaitest.StartInBubble(t, simulator.Config{Latency: simulator.Latency{Processing: 2 * time.Hour}})
		var b openaitest.Batch
		c.Do(200, "POST", "/v1/batches", `{"input_file_id":"`+c.Upload(openaitest.Chats("one", "[[400]]")).ID+`","endpoint":"/v1/chat/completions",`+
			`"completion_window":"24h","output_expires_after":{"anchor":"created_at","seconds":3600}}`, &b)
		openaitest.Sleep(2*time.Hour + time.Second)
		b = c.Get(b.ID)
		for _, id := range []string{b.OutputFileID, b.ErrorFileID} {
			var f openaitest.File
			c.Do(200, "GET", "/v1/files/"+id, "", &f)
			if f.ExpiresAt == nil || *f.ExpiresAt != f.CreatedAt+3600 {
				t.Errorf("%+v, want to expire an hour after it was made", f)
			}
			c.Download(id)
		}
		openaitest.Sleep(time.Hour)
		for _, id := range []string{b.OutputFileID, b.ErrorFileID} {
			c.Do(404, "GET", "/v1/files/"+id, "", nil)
			c.Do(404, "GET", "/v1/files/"+id+"/content", "", nil)
		}
		var all openaitest.Page[openaitest.File]
		c.Do(200, "GET", "/v1/files?purpose=batch_output", "", &all)
		if b = c.Get(b.ID); len(all.Data) != 0 || b.Status != "completed" {
			t.Errorf("%d files are listed; the batch is %s", len(all.Data), b.Status)
		}
	})
}
