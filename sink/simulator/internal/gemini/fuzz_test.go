package gemini

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/balerhq/baler/sink/simulator/internal/protocol"
)

// FuzzRows: whatever a line is, what is written of it is a row of results.
func FuzzRows(f *testing.F) {
	for _, text := range []string{
		`{"key":"a","request":{"contents":[{"parts":[{"text":"hi"}]}]}}`, `{"metadata":{"key":"a\u0000"},"request":{"content":{"parts":{"text":"x"}}}}`,
		`{"key":7}`, `{"request":{"generation_config":{"response_schema":{"type":"OBJECT","minItems":"x"},"response_mime_type":"application/json"}}}`,
		`[]`, `{"key":"a","request":null}`, `{"request":{"contents":{"role":"x"}}}`, ``,
	} {
		f.Add([]byte(text), false)
		f.Add([]byte(text), true)
	}
	f.Fuzz(func(t *testing.T, text []byte, embeds bool) {
		b := protocol.Batch{Identity: protocol.Identity{ID: "b"}, Endpoint: contentEndpoint, Model: "m", Ordered: embeds}
		if embeds {
			b.Endpoint = embedEndpoint
		}
		if in := parseRow(text); in.problem != "" {
			if strings.TrimSpace(in.problem) == "" {
				t.Error("a problem without words")
			}
			return
		}
		rows := Protocol{}.Rows(b)
		r := rows.Read(text)
		_, _, _ = r.Request.Prompt(), r.Request.Schema(), r.Request.MaxTokens()
		for _, line := range [][]byte{
			rows.AppendResult(nil, r, protocol.Reply{Text: r.Request.Prompt()}), rows.AppendNotRun(nil, r, true),
			rows.AppendResult(nil, r, protocol.Reply{Error: r.Error}), rows.AppendResult(nil, r, protocol.Reply{Refusal: "no"}),
		} {
			if !json.Valid(line) || strings.Count(string(line), "\n") != strings.Count(string(text), "\n")+1 && !strings.Contains(string(text), "\n") {
				t.Errorf("%s of %s", line, text)
			}
		}
	})
}

// FuzzUploadID: an upload id that nobody handed out leads to no other place.
func FuzzUploadID(f *testing.F) {
	f.Add(uploadSession{ID: protocol.NewID(""), Name: "n", Size: 3}.encode())
	f.Add("e30")
	f.Add("")
	f.Fuzz(func(t *testing.T, id string) {
		u, valid := decodeSession(id)
		if valid && (len(u.ID) != idSize || strings.ContainsAny(u.ID, `/\.`)) {
			t.Errorf("%q is %+v", id, u)
		}
	})
}
