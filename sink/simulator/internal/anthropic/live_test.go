package anthropic_test

import (
	"strings"
	"testing"
	"testing/synctest"

	"github.com/balerhq/baler/sink/simulator"
)

func TestLiveCallsAreAnswered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv, c := start(t, simulator.Config{Answer: func(r simulator.Row) simulator.Reply {
			reply := simulator.Echo(r)
			reply.InputTokens, reply.CachedTokens = 9, 5
			return reply
		}})
		document := func(source string) string {
			return `{"model":"m","max_tokens":64,"messages":[{"role":"user","content":[{"type":"document","source":` + source +
				`,"citations":{"enabled":true}},{"type":"text","text":"what is in it"}]}]}`
		}
		for _, test := range []struct {
			path, body string
			status     int
			want       string
		}{
			{"", params("my parcel is late"), 200, `"text":"shipping: my parcel is late"`},
			{"", params("x"), 200, `"usage":{"input_tokens":4,"cache_creation_input_tokens":0,"cache_read_input_tokens":5`},
			{"", params("x"), 200, `"service_tier":"standard"`},
			{"", params("x"), 200, `"stop_reason":"end_turn","stop_sequence":null,"stop_details":null`},
			{"", params("[[refuse]]"), 200, `"content":[],"stop_reason":"refusal","stop_sequence":null,"stop_details":{"type":"refusal"`},
			{"", params("[[length]]"), 200, `"stop_reason":"max_tokens"`},
			{"", params("[[filter]]"), 200, `"stop_reason":"refusal"`},
			{"", params("[[429]]"), 429, `"type":"rate_limit_error"`},
			{"", params("[[timeout]]"), 504, `"type":"timeout_error"`},
			{"", params("x", `"output_config":{"format":{"type":"json_schema","schema":{"type":"object","additionalProperties":false,"properties":{"a":{"const":7}}}}}`), 200, `{\"a\":7}`},
			{"", document(`{"type":"text","media_type":"text/plain","data":"Größe"}`), 200, `"citations":[{"type":"char_location","cited_text":"Größe","document_index":0,"document_title":null,"file_id":null,"start_char_index":0,"end_char_index":5}]`},
			{"", document(`{"type":"base64","media_type":"application/pdf","data":"JVBERi0="}`), 200, `"type":"page_location"`},
			{"", document(`{"type":"content","content":[{"type":"text","text":"block"}]}`), 200, `"type":"content_block_location","cited_text":"block"`},
			{"", params("x", `"stream":true`), 400, `does not stream`},
			{"", `{"model":`, 400, `valid dictionary`},
			{"/count_tokens", params("x"), 200, `{"input_tokens":`},
			{"/count_tokens", `{"model":"m","messages":[{"role":"user","content":"x"}]}`, 200, `{"input_tokens":`},
			{"/count_tokens", `{"model":"m"}`, 400, `messages: Field required`},
		} {
			status, header, reply := c.with("X-Client-Request-Id", "name").do("POST", "/v1/messages"+test.path, test.body)
			if status != test.status || !strings.Contains(reply, test.want) || header.Get("Request-Id") == "" {
				t.Errorf("%s: %d %s, want %s", test.body, status, reply, test.want)
			}
		}
		for e, err := range srv.Executions() {
			if err != nil || !e.Live || e.Provider != "anthropic" || e.CustomID != "name" {
				t.Errorf("%+v, %v", e, err)
			}
		}
	})
}
