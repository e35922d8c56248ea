package openai

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/balerhq/baler/sink/simulator/internal/protocol"
	"github.com/balerhq/baler/sink/simulator/internal/scan"
)

// FuzzValidation validates any input file and executes it if it passes: each of
// its rows must then have one answer that is JSON and carries its custom_id.
func FuzzValidation(f *testing.F) {
	const row = `{"custom_id":"%s","method":"POST","url":"/v1/chat/completions","body":{"model":"m","messages":[%s]}}`
	f.Add(fmt.Appendf(nil, row, "a", ""))
	f.Add([]byte(fmt.Sprintf(row, "a", "") + "\r\n\n" + fmt.Sprintf(row, "b\\u00e9\\n", `{"role":"user","content":"Größe\n"}`)))
	f.Add([]byte(fmt.Sprintf(row, "a", `{"role":"user","content":[{"type":"text","text":"[[500]]"}]}`) + "\n{}\nx"))
	f.Add([]byte(strings.ReplaceAll(fmt.Sprintf(row, "a", ""), `"m"`, `"\ud800"`)))
	f.Add([]byte(`{"custom_id":"a","custom_id":"b","method":"POST","url":"/v1/chat/completions","body":{"model":"m","messages":7}}`))
	f.Fuzz(func(t *testing.T, input []byte) {
		rules := protocol.Rules{Limits: protocol.Limits{Rows: 50_000}}
		v := &validation{rules: rules, endpoint: "/v1/chat/completions"}
		if err := v.file(bytes.NewReader(input)); err != nil {
			t.Fatal(err)
		}
		if len(v.errors) > 0 {
			return
		}
		if len(v.seen) != v.rows {
			t.Fatalf("%d rows with %d different ids were accepted", v.rows, len(v.seen))
		}
		answerLines(t, string(input), v)
	})
}

func answerLines(t *testing.T, input string, v *validation) {
	t.Helper()
	e := Protocol{}.Rows(protocol.Batch{Endpoint: v.endpoint, Model: v.model})
	for l, err := range scan.Lines(strings.NewReader(input)) {
		if err != nil {
			t.Fatal(err)
		}
		if len(l.Text) == 0 {
			continue
		}
		r := e.Read(l.Text)
		reply := protocol.Reply{Text: r.Request.Prompt()}
		if strings.Contains(reply.Text, "[[500]]") {
			reply = protocol.Reply{Error: &protocol.RowError{Status: 500, Message: reply.Text}}
		}
		line := e.AppendResult(nil, r, reply)
		var answer struct {
			CustomID string `json:"custom_id"`
		}
		if err := json.Unmarshal(line, &answer); err != nil {
			t.Fatalf("%v in %s", err, line)
		}
		if _, asked := v.seen[answer.CustomID]; !asked {
			t.Errorf("answer for %q, which was not asked", answer.CustomID)
		}
		delete(v.seen, answer.CustomID)
	}
	if len(v.seen) > 0 {
		t.Errorf("no answer for %v", v.seen)
	}
}
