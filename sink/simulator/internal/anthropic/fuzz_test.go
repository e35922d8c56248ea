package anthropic

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/balerhq/baler/sink/simulator/internal/protocol"
)

// FuzzCreation creates any batch, and runs its rows if it passes: each of them
// must then have one result that is JSON and carries its custom_id.
func FuzzCreation(f *testing.F) {
	const good = `{"custom_id":"a","params":{"model":"m","max_tokens":5,"messages":[{"role":"user","content":"hi"}]}}`
	for _, body := range []string{
		`{"requests":[` + good + `]}`, `{"requests":[` + good + `,{"custom_id":"b","params":{}}]}`, `{"requests":[{"custom_id":"\u0061","params":{"a":[1e3]}}],"x":1}`,
		`{"requests":[{"custom_id":"c","params":{"model":"m","max_tokens":5,"top_k":1,"messages":[{"role":"user","content":[{"type":"document","source":{"type":"text","data":"x"},"citations":{"enabled":true}}]}]}}]}`,
		`{"requests":[{"custom_id":"d","params":{"model":"m","max_tokens":5,"messages":[{"role":"user","content":[]}],"output_config":{"format":{"type":"json_schema","schema":{"anyOf":[{"type":"object"}]}}}}}]}`,
	} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		in := input{rules: protocol.Rules{Limits: protocol.Limits{Rows: 1000}}, body: bytes.NewReader(body), seen: make(map[string]struct{})}
		var lines [][]byte
		for line, err := range in.rows() {
			if err != nil {
				return
			}
			lines = append(lines, bytes.Clone(line))
		}
		if len(lines) != len(in.seen) || len(lines) == 0 || !json.Valid(body) {
			t.Fatalf("%d rows with %d different ids were accepted", len(lines), len(in.seen))
		}
		for _, version := range []string{version2023, version2026} {
			checkResults(t, version, lines, in.seen)
		}
	})
}

func checkResults(t *testing.T, version string, lines [][]byte, asked map[string]struct{}) {
	t.Helper()
	e := Protocol{}.Rows(protocol.Batch{Data: []byte(`{"version":"` + version + `"}`)})
	for _, line := range lines {
		r := e.Read(line)
		reply := protocol.Reply{Text: r.Request.Prompt(), Error: r.Error}
		for _, d := range r.Request.Documents() {
			reply.Citations = append(reply.Citations, protocol.Citation{Kind: d.Kind, Text: d.Text})
		}
		for _, result := range [][]byte{e.AppendResult(nil, r, reply), e.AppendNotRun(nil, r, true)} {
			var answer struct {
				CustomID string `json:"custom_id"`
				Result   struct{ Type string }
			}
			if err := json.Unmarshal(result, &answer); err != nil || answer.Result.Type == "" {
				t.Fatalf("%v in %s", err, result)
			}
			if _, is := asked[answer.CustomID]; !is {
				t.Errorf("a result of %q, which was not asked", answer.CustomID)
			}
		}
	}
}
