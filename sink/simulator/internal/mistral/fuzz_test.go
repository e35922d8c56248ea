package mistral

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/balerhq/baler/sink/simulator/internal/protocol"
)

// FuzzValidate: a line that passes is read as a row, and its result is a line
// of JSON under the same id, whatever is in its body.
func FuzzValidate(f *testing.F) {
	for _, line := range append(strings.Split(`{"custom_id":"a","body":{"messages":[]}}
{"custom_id":"\ud83d\ude00","body":{"model":"m","messages":[{"role":"user","content":[{"type":"text","text":"hi"}]}],"x":1}}
{"custom_id":"","body":{}}
{"custom_id":null,"body":{}}
{"body":{}}
{"custom_id":"a","body":7}`, "\n"), "{", "[]", "") {
		f.Add(line, "/v1/chat/completions")
	}
	f.Fuzz(func(t *testing.T, line, endpoint string) {
		v := validation{seen: make(map[string]bool)}
		if v.line([]byte(line)); len(v.Errors) > 0 {
			return
		}
		b := protocol.Batch{Identity: protocol.Identity{ID: uuid()}, Endpoint: endpoint}
		rows := newRows(b)
		r := rows.Read([]byte(line))
		reply := protocol.Reply{Text: r.Request.Prompt(), Error: r.Error}
		out := rows.AppendResult(nil, r, reply)
		var got, sent struct {
			ID any `json:"custom_id"`
		}
		if json.Unmarshal([]byte(line), &sent) != nil {
			t.Fatalf("%s passes", line)
		}
		if err := json.Unmarshal(out, &got); err != nil || got.ID != sent.ID || out[len(out)-1] != '\n' {
			t.Errorf("%s is answered by %s, %v", line, out, err)
		}
	})
}

// FuzzCreate: a creation is refused or understood, and never more than that.
func FuzzCreate(f *testing.F) {
	f.Add(`{"endpoint":"/v1/chat/completions","model":"m","metadata":{"a":"b"},"timeout_hours":24}`)
	f.Add(`{"endpoint":7,"timeout_hours":1e99}`)
	f.Add(`{"Endpoint":"/v1/ocr"}`)
	f.Fuzz(func(t *testing.T, body string) {
		var req createRequest
		if req.parse([]byte(body)) != nil {
			return
		}
		if h := req.Hours; req.Endpoint == "" || h != nil && (*h < 1 || *h > maxHours) {
			t.Errorf("%s is %+v", body, req)
		}
		if m, err := checkMetadata(req.Metadata); err == nil && len(m) != len(req.Metadata) {
			t.Errorf("%s has the metadata %v", body, m)
		}
	})
}
