package anthropic_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/balerhq/baler/sink/simulator"
)

// Counts other than processing stay 0 until the whole batch has ended, and the
// results are there until it is archived.
func TestTheLifeOfABatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, c := start(t, simulator.Config{Latency: simulator.Latency{Processing: 2 * time.Hour}})
		id := c.create(request("a", params("one")), request("b", params("[[500]]")))
		path := batches + "/" + id
		want := func(status, counts string, nulls ...string) {
			t.Helper()
			b := c.want(200, "GET", path, "")
			got, _ := json.Marshal(b["request_counts"])
			if b["processing_status"] != status || string(got) != counts || b["type"] != "message_batch" {
				t.Errorf("%+v, want %s with %s", b, status, counts)
			}
			for _, name := range []string{"ended_at", "archived_at", "cancel_initiated_at", "results_url"} {
				if v, shown := b[name]; !shown || (v == nil) != strings.Contains(strings.Join(nulls, " "), name) {
					t.Errorf("%s: %s is %v", status, name, v)
				}
			}
		}
		const open = `{"canceled":0,"errored":0,"expired":0,"processing":2,"succeeded":0}`
		const over = `{"canceled":0,"errored":1,"expired":0,"processing":0,"succeeded":1}`
		pass(90 * time.Minute)
		want("in_progress", open, "ended_at", "archived_at", "cancel_initiated_at", "results_url")
		c.want(404, "GET", path+"/results", "")
		c.want(409, "DELETE", path, "")
		pass(time.Hour)
		want("ended", over, "archived_at", "cancel_initiated_at")
		got := c.results(id)
		if len(got) != 2 || !strings.Contains(got["a"], `"service_tier":"batch"`) || !strings.Contains(got["b"], `"type":"api_error"`) || !strings.Contains(got["b"], `"request_id":"req_`) {
			t.Errorf("%q", got)
		}
		c.want(409, "POST", path+"/cancel", "")
		pass(29 * 24 * time.Hour)
		want("ended", over, "cancel_initiated_at", "results_url")
		c.want(404, "GET", path+"/results", "")
		if b := c.want(200, "DELETE", path, ""); b["type"] != "message_batch_deleted" || b["id"] != id {
			t.Errorf("%v", b)
		}
		c.want(404, "DELETE", path, "")
		c.want(404, "GET", path, "")
	})
}

func TestRowsThatDidNotRunSaySo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv, c := start(t, simulator.Config{Latency: simulator.Latency{Processing: 40 * time.Hour, Cancelling: time.Minute}})
		var requests []string
		for i := range 10 {
			requests = append(requests, request(fmt.Sprint("r", i), params("x")))
		}
		expires, cancels := c.create(requests...), c.create(requests...)
		pass(8*time.Hour + time.Minute)
		if b := c.want(200, "POST", batches+"/"+cancels+"/cancel", ""); b["processing_status"] != "canceling" {
			t.Errorf("%v", b)
		}
		c.want(200, "POST", batches+"/"+cancels+"/cancel", "")
		pass(17 * time.Hour)
		for id, kind := range map[string]string{expires: "expired", cancels: "canceled"} {
			ran := 0
			for row, result := range c.results(id) {
				if strings.Contains(result, `"succeeded"`) {
					ran++
				} else if result != `{"type":"`+kind+`"}` {
					t.Errorf("%s: %s", row, result)
				}
			}
			counts, _ := c.want(200, "GET", batches+"/"+id, "")["request_counts"].(map[string]any)
			if ran == 0 || ran == 10 || counts["succeeded"] != float64(ran) || counts[kind] != float64(10-ran) {
				t.Errorf("%s: %d ran, and the counts are %v", kind, ran, counts)
			}
		}
		for e, err := range srv.Executions() {
			if err != nil || e.Provider != "anthropic" {
				t.Errorf("%+v, %v", e, err)
			}
		}
	})
}

func TestACreationIsCheckedAtOnceAndItsRowsLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv, c := start(t, simulator.Config{Limits: simulator.Limits{Rows: 2, BatchBytes: 2000}})
		good := params("x")
		for body, want := range map[string]string{
			`{"requests":[` + request("", good) + `]}`:                             "400 requests.0.custom_id: String should match pattern '^[a-zA-Z0-9_-]{1,64}$'",
			`{"requests":[` + request("a b", good) + `]}`:                          "400 requests.0.custom_id: String should match",
			`{"requests":[` + request(strings.Repeat("x", 65), good) + `]}`:        "400 requests.0.custom_id: String should match",
			`{"requests":[` + request("a", good) + `,` + request("a", good) + `]}`: "400 requests.1.custom_id: custom_id must be unique",
			`{"requests":[{"custom_id":7,"params":{}}]}`:                           "400 requests.0.custom_id: Input should be a valid string",
			`{"requests":[{"params":{}}]}`:                                         "400 requests.0.custom_id: Field required",
			`{"requests":[{"custom_id":"a"}]}`:                                     "400 requests.0.params: Field required",
			`{"requests":[{"custom_id":"a","params":[]}]}`:                         "400 requests.0.params: Input should be",
			`{"requests":[{"custom_id":"a","params":{},"url":"x"}]}`:               "400 requests.0.url: Extra inputs",
			`{"requests":[7]}`: "400 requests.0: Input should be",
			`{"requests":[` + request("a", good) + `],"metadata":{}}`: "400 metadata: Extra inputs",
			`{"requests":[]}`:                    "400 requests: List should have at least 1 item",
			`{"requests":null}`:                  "400 requests: Field required",
			`{}`:                                 "400 requests: Field required",
			`[]`:                                 "400 The request body is not valid JSON",
			`{"requests":[` + request("a", good): "400 The request body is not valid JSON",
			`{"requests":[` + request("a", good) + `,` + request("b", good) + `,` + request("c", good) + `]}`: "413 requests: List should have at most 2",
			`{"requests":[` + request("a", params(strings.Repeat("x", 2000))) + `]}`:                          "413 Request exceeds the maximum size",
		} {
			status, header, reply := c.do("POST", batches, body)
			var e struct {
				Error struct{ Type, Message string }
				ID    string `json:"request_id"`
			}
			err := json.Unmarshal([]byte(reply), &e)
			if got := fmt.Sprint(status, " ", e.Error.Message); err != nil || !strings.HasPrefix(got, want) || e.ID == "" || e.ID != header.Get("Request-Id") {
				t.Errorf("%s: %s, %v, want %s", body, reply, err, want)
			}
		}
		if n := len(srv.Batches()); n != 0 {
			t.Errorf("%d batches", n)
		}
	})
}

// Params are validated row by row, and by the rules of the API version with
// which the batch was created.
func TestParamsAreValidatedPerRowByVersion(t *testing.T) {
	doc := func(role, citations string) string {
		return `{"model":"m","max_tokens":9,"messages":[{"role":"` + role + `","content":[{"type":"document","source":{"type":"text","media_type":"text/plain","data":"d"}` + citations + `}]}]}`
	}
	schema := func(s string) string {
		return params("x", `"output_config":{"format":{"type":"json_schema","schema":`+s+`}}`)
	}
	optional := func(n int) string {
		var members []string
		for i := range n {
			members = append(members, fmt.Sprintf(`"m%d":{"type":"string"}`, i))
		}
		return `{"type":"object","additionalProperties":false,"properties":{` + strings.Join(members, ",") + `}}`
	}
	const fine = `{"type":"object","additionalProperties":false,"properties":{"a":{"type":"string"}}}`
	type test struct{ old, now string }
	bad := func(s string) test { return test{s, s} }
	tests := map[string]test{
		params("x"):                                  {},
		params("x", `"temperature":1`):               {"", "temperature: sampling"},
		params("x", `"top_p":0.5`):                   {"", "top_p: sampling"},
		params("x", `"top_k":40`):                    {"", "top_k: sampling"},
		params("x", `"temperature":1.5`):             {"temperature: Input should be between", "temperature: sampling"},
		params("x", `"temperature":"hot"`):           {"temperature: Input should be a valid number", "temperature: sampling"},
		doc("assistant", ""):                         {"", "messages: document blocks"},
		doc("user", `,"citations":{"enabled":true}`): {},
		params("x", `"stream":true`):                 bad("stream: Streaming is not supported"),
		params("x", `"stream":false`):                {},
		params("x", `"speed":"fast"`):                bad("speed: Extra inputs"),
		params("x", `"store":true`):                  bad("store: Extra inputs"),
		`{"max_tokens":1,"messages":[]}`:             bad("model: Field required"),
		`{"model":"m","messages":[]}`:                bad("max_tokens: Field required"),
		`{"model":"m","max_tokens":0,"messages":[]}`: bad("max_tokens: Input should be greater"),
		`{"model":"m","max_tokens":"1"}`:             bad("max_tokens: Input should be a valid integer"),
		`{"model":"m","max_tokens":1}`:               bad("messages: Field required"),
		`{"model":"m","max_tokens":1,"messages":[]}`: bad("messages: at least one"),
		`{"model":"m","max_tokens":1,"messages":[{"role":"system","content":"x"}]}`:                                         bad("messages.0.role"),
		`{"model":"m","max_tokens":1,"messages":[{"role":"user"}]}`:                                                         bad("messages.0.content: Field required"),
		`{"model":"m","max_tokens":1,"messages":[{"role":"user","content":7}]}`:                                             bad("messages.0.content: Input should be"),
		`{"model":"m","max_tokens":1,"messages":[{"role":"user","content":[{"type":"video"}]}]}`:                            bad("messages.0.content: Input tag 'video'"),
		`{"model":"m","max_tokens":1,"messages":[{"role":"user","content":[{"type":"text","text":"x","citations":[{}]}]}]}`: {"", "messages: citations are not supported"},
		`{"model":"m","max_tokens":1,"messages":[{"role":"user","content":[{"type":"text","text":"x","citations":[]}]}]}`:   {},
		schema(fine):                {},
		schema(`{"type":"object"}`): bad("output_config.format.schema: additionalProperties is not false"),
		schema(`{"type":"object","additionalProperties":false,"properties":{"a":{"type":"integer","minimum":1}}}`): bad(`output_config.format.schema.properties.a: the keyword \"minimum\" is not supported`),
		schema(`{"anyOf":[{"type":"string","format":"color"}]}`):                                                   bad(`output_config.format.schema.anyOf.0: the format \"color\"`),
		schema(`{"type":"array","minItems":2,"items":{"type":"string"}}`):                                          bad("output_config.format.schema: minItems is 2"),
		schema(`{"type":"array","items":{"type":"string","maxLength":2}}`):                                         bad(`output_config.format.schema.items: the keyword \"maxLength\"`),
		schema(`{"$ref":"#/$defs/a","$defs":{"a":{"type":"array","items":{"$ref":"#/$defs/a"}}}}`):                 bad("output_config.format.schema: the schema contains itself"),
		schema(optional(25)): bad("output_config.format.schema: 25 optional members"),
		schema(optional(24)): {},
		schema(`{"allOf":[{"type":"string","maxLength":2}]}`): bad("output_config.format.schema.allOf.0: the keyword"),
		`{"model":"m","max_tokens":1,"messages":[{"role":"user","content":"x"},{"role":"assistant","content":"{"}],"output_config":{"format":{"type":"json_schema","schema":` + fine + `}}}`: bad("output_config.format: cannot be used together with a prefilled"),
	}
	for _, version := range []string{"2023-06-01", "2026-10-21"} {
		synctest.Test(t, func(t *testing.T) {
			_, c := start(t, simulator.Config{Models: []string{"m", "claude-m"}})
			c = c.with("Anthropic-Version", version)
			var requests []string
			wants := map[string]string{"model": "model: claude-other"}
			names := map[string]string{}
			for p, want := range tests {
				id := fmt.Sprint("r", len(requests))
				requests, names[id], wants[id] = append(requests, request(id, p)), p, want.now
				if version == "2023-06-01" {
					wants[id] = want.old
				}
				if status, _, reply := c.do("POST", "/v1/messages", p); !strings.Contains(p, "stream") && (status == 200) != (wants[id] == "") {
					t.Errorf("%s: live under %s: %d %s", p, version, status, reply)
				}
			}
			requests = append(requests, request("model", strings.Replace(params("x"), "claude-m", "claude-other", 1)))
			id := c.create(requests...)
			pass(time.Hour)
			for row, result := range c.results(id) {
				if want := wants[row]; want == "" && !strings.Contains(result, `"succeeded"`) || want != "" && (!strings.Contains(result, `"errored"`) || !strings.Contains(result, want)) {
					t.Errorf("%s under %s: %s, want %q", names[row], version, result, want)
				}
			}
		})
	}
}

func TestAListIsPaged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, c := start(t, simulator.Config{})
		var ids []string // newest first
		for range 5 {
			ids = append([]string{c.create(request("a", params("x")))}, ids...)
			pass(time.Second)
		}
		for query, want := range map[string]struct {
			ids  []string
			more bool
		}{
			"":                             {ids, false},
			"?limit=2":                     {ids[:2], true},
			"?limit=2&after_id=" + ids[1]:  {ids[2:4], true},
			"?limit=2&after_id=" + ids[2]:  {ids[3:], false},
			"?limit=2&before_id=" + ids[4]: {ids[2:4], true},
			"?limit=2&before_id=" + ids[1]: {ids[:1], false},
			"?after_id=" + ids[4]:          {nil, false},
		} {
			list := c.want(200, "GET", batches+query, "")
			var got []string
			data, _ := list["data"].([]any)
			for _, item := range data {
				b, _ := item.(map[string]any)
				id, _ := b["id"].(string)
				got = append(got, id)
			}
			if diff := cmp.Diff(want.ids, got); diff != "" || list["has_more"] != want.more || (list["last_id"] == nil) != (len(got) == 0) {
				t.Errorf("%s: -want +got %s %v", query, diff, list)
			}
		}
		for _, query := range []string{"?limit=0", "?limit=1001", "?limit=x", "?after_id=x", "?after_id=" + ids[0] + "&before_id=" + ids[1], "?tag=x"} {
			c.want(400, "GET", batches+query, "")
		}
	})
}

func TestWhoMayDoWhat(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, c := start(t, simulator.Config{Keys: []string{"sk-one", "sk-two"}, Accounts: map[string]string{"sk-two": "acme"}})
		id := c.create(request("a", params("x")))
		path := batches + "/" + id
		c.with("X-Api-Key", "").want(401, "GET", path, "")
		c.with("X-Api-Key", "sk-three").want(401, "GET", path, "")
		c.with("X-Api-Key", "").with("Authorization", "Bearer sk-one").want(200, "GET", path, "")
		c.with("X-Api-Key", "sk-two").want(404, "GET", path, "")
		c.with("Anthropic-Version", "").want(400, "GET", path, "")
		c.with("Anthropic-Version", "2024-01-01").want(400, "GET", path, "")
		w := c.with("Anthropic-Workspace-Id", "wrkspc_1")
		w.want(404, "GET", path, "")
		inside := w.create(request("a", params("x")))
		c.want(404, "GET", batches+"/"+inside, "")
		w.want(200, "GET", batches+"/"+inside, "")
		if _, header, _ := c.with("X-Api-Key", "sk-two").do("GET", batches, ""); header.Get("Anthropic-Organization-Id") != "acme" || header.Get("Request-Id") == "" {
			t.Errorf("%v", header)
		}
		c.want(404, "GET", "/v1/batches", "")
	})
}

func TestLimitsAreSaidInAnthropicsWords(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv, c := start(t, simulator.Config{
			Limits:  simulator.Limits{EnqueuedRows: 3, RequestsPerMinute: 10, TokensPerMinute: 100},
			Latency: simulator.Latency{Processing: time.Hour},
		})
		two := `{"requests":[` + request("a", params("x")) + `,` + request("b", params("x")) + `]}`
		says := func(method, path, body string, status int, words string) {
			t.Helper()
			got, header, reply := c.do(method, path, body)
			if got != status || !strings.Contains(reply, words) || header.Get("Anthropic-Ratelimit-Requests-Limit") != "10" {
				t.Errorf("%d %s %v, want %d %s", got, reply, header, status, words)
			}
			if at, err := time.Parse(time.RFC3339, header.Get("Anthropic-Ratelimit-Requests-Reset")); err != nil || at.Before(time.Now().Add(-time.Second)) {
				t.Errorf("reset is %v, %v", at, err)
			}
		}
		says("POST", batches, two, 200, "msgbatch_")
		says("POST", batches, two, 429, "3 batch requests in the processing queue")
		says("POST", "/v1/messages", params(strings.Repeat("x", 600)), 200, "max_tokens") // more than all, once
		says("POST", "/v1/messages", params("x"), 429, "tokens per minute")
		for code, want := range map[string]struct {
			status int
			words  string
		}{
			"":                             {400, "Your credit balance is too low"},
			"billing_error":                {402, `"type":"billing_error"`},
			"enforced_spend_limit_reached": {429, `"error_code":"enforced_spend_limit_reached"`},
			"organization_on_hold":         {403, `"error_code":"organization_on_hold"`},
		} {
			srv.SetBlocked(simulator.Block{Code: code})
			says("POST", batches, two, want.status, want.words)
		}
		for range 4 {
			c.do("GET", batches, "")
		}
		if status, header, reply := c.do("GET", batches, ""); status != 429 || header.Get("Retry-After") == "" || !strings.Contains(reply, "rate_limit_error") {
			t.Errorf("%d %s %v", status, reply, header)
		}
	})
}
