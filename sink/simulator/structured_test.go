package simulator_test

import (
	"encoding/json"
	"testing"

	"github.com/balerhq/baler/sink/simulator"
	"github.com/balerhq/baler/sink/simulator/internal/openai/openaitest"
)

func TestEchoFollowsASchema(t *testing.T) {
	for _, test := range []struct{ schema, want string }{
		{
			`{"type":"object","properties":{"category":{"type":"string","enum":["other","shipping"]},"summary":{"type":"string"}},"required":["category","summary"],"additionalProperties":false}`,
			`{"category":"shipping","summary":"Where is my parcel?"}`,
		},
		{
			`{"type":"object","properties":{"tags":{"type":"array","items":{"type":"string"},"minItems":2},"n":{"type":"integer","minimum":3},"ok":{"type":"boolean"}}}`,
			`{"n":3,"ok":true,"tags":["Where is my parcel?","Where is my parcel?"]}`,
		},
		{
			`{"type":"object","properties":{"due":{"type":["null","string"],"format":"date"},"kind":{"const":"ticket"},"either":{"anyOf":[{"type":"null"},{"type":"number"}]}}}`,
			`{"due":"2026-01-02","either":0,"kind":"ticket"}`,
		},
		{
			`{"type":"object","properties":{"a":{"$ref":"#/$defs/x"}},"$defs":{"x":{"type":"object","properties":{"b":{"type":"string","enum":["only"]}}}}}`,
			`{"a":{"b":"only"}}`,
		},
	} {
		for _, body := range []string{
			`{"model":"m","messages":[{"role":"user","content":"Where is my parcel?"}],"response_format":{"type":"json_schema","json_schema":{"name":"x","strict":true,"schema":` + test.schema + `}}}`,
			`{"model":"m","input":"Where is my parcel?","text":{"format":{"type":"json_schema","name":"x","strict":true,"schema":` + test.schema + `}}}`,
		} {
			if got := simulator.Echo(simulator.Row{Body: []byte(body)}).Text; got != test.want {
				t.Errorf("%s\ngave %s\nwant %s", body, got, test.want)
			}
		}
	}
}

func TestEchoEndsARecursiveSchema(t *testing.T) {
	const recursive = `{"type":"object","required":["name","next","children"],"additionalProperties":false,"properties":{` +
		`"name":{"type":"string"},"next":{"anyOf":[{"$ref":"#"},{"type":"null"}]},"children":{"type":"array","items":{"$ref":"#"}}}}`
	body := `{"model":"m","messages":[],"response_format":{"type":"json_schema","json_schema":{"schema":` + recursive + `}}}`
	text := simulator.Echo(simulator.Row{Body: []byte(body)}).Text
	var s openaitest.Schema
	if err := json.Unmarshal([]byte(recursive), &s); err != nil {
		t.Fatal(err)
	}
	var answer any
	if err := json.Unmarshal([]byte(text), &answer); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	if problems := s.Check(map[string]*openaitest.Schema{"#": &s}, "", answer); len(problems) > 0 {
		t.Errorf("%s: %v", text, problems)
	}
}

func TestEchoGivesUpOnAnEndlessSchema(t *testing.T) {
	for _, schema := range []string{
		`{"type":"object","properties":{"a":{"$ref":"#"},"b":{"$ref":"#"}}}`,
		`{"$ref":"#"}`,
		`{"type":"array","minItems":1000000000,"items":{"type":"array","minItems":1000000000}}`,
	} {
		body := `{"model":"m","messages":[],"response_format":{"type":"json_schema","json_schema":{"schema":` + schema + `}}}`
		if text := simulator.Echo(simulator.Row{Body: []byte(body)}).Text; !json.Valid([]byte(text)) || len(text) > 1<<20 {
			t.Errorf("%s: %d bytes", schema, len(text))
		}
	}
}

func TestEchoAnswersInJSONWhenAsked(t *testing.T) {
	body := `{"model":"m","messages":[{"role":"user","content":"hello"}],"response_format":{"type":"json_object"}}`
	if got := simulator.Echo(simulator.Row{Body: []byte(body)}).Text; got != `{"answer":"hello"}` {
		t.Errorf("got %s", got)
	}
	for _, format := range []string{`{"type":"text"}`, `{"type":"json_schema"}`, `7`} {
		body := `{"model":"m","messages":[{"role":"user","content":"hello"}],"response_format":` + format + `}`
		if got := simulator.Echo(simulator.Row{Body: []byte(body)}).Text; got != "general: hello" {
			t.Errorf("%s: %s", format, got)
		}
	}
}
