package batchapi

import (
	"bytes"
	"encoding/json"
	"testing"
)

// Whatever a file holds, each of its lines is counted, and only lines that it
// has are blamed.
func FuzzLines(f *testing.F) {
	const endpoint = "/v1/chat/completions"
	for _, seed := range []string{
		"", "\n\n", "\xef\xbb\xbf{}", "null", "[]\n{", `{"custom_id":1,"method":"GET","url":"/v1","body":{}}`,
		`{"custom_id":"a","method":"POST","url":"/v1/chat/completions","body":{"model":"m","stream": true ,"messages":[{}]}}`,
		`{"custom_id":"a","custom_id":"b","method":"POST","url":"/v1/chat/completions","body":"text"}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		found := findings{protocol: OpenAI}
		if err := found.lines(bytes.NewReader(data), endpoint); err != nil {
			t.Fatal(err)
		}
		lines := bytes.Count(data, []byte("\n")) + 1
		if found.rows > lines {
			t.Errorf("%d rows in %d lines", found.rows, lines)
		}
		for _, e := range found.errors {
			if e.Line == nil || *e.Line < 1 || *e.Line > lines || e.Code == "" || e.Message == "" {
				t.Errorf("%+v of %d lines", e, lines)
			}
		}
	})
}

// The arguments of a tool are valid JSON in both protocols, whatever a provider
// has written.
func FuzzArguments(f *testing.F) {
	for _, seed := range []string{``, `{}`, `"{\"a\":1}"`, `"no json"`, `null`, `[1]`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 0 && !json.Valid(data) {
			return // codecs let none through
		}
		if got := argumentsObject(data); !json.Valid(got) {
			t.Errorf("%q", got)
		}
		_ = argumentsText(data)
	})
}
