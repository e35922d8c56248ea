package gemini_test

import (
	"strings"
	"testing"
	"time"

	"github.com/balerhq/baler/sink/simulator"
)

func asking(schema string) string {
	return `{"contents":[{"parts":[{"text":"x"}]}],"generationConfig":{"responseMimeType":"application/json","responseJsonSchema":` + schema + `}}`
}

func TestABatchHasOneSchema(t *testing.T) {
	inBubble(t, simulator.Config{}, func(a api) {
		text, number := asking(`{"type":"string"}`), asking(`{"type":"number"}`)
		for input, want := range map[string]string{
			line("a", text) + line("b", text):                           "BATCH_STATE_SUCCEEDED",
			line("a", text) + line("b", asking(`{"type": "string"}`)):   "BATCH_STATE_SUCCEEDED",
			line("a", text) + line("b", chat("hi")):                     "BATCH_STATE_SUCCEEDED",
			line("a", text) + line("b", chat("hi")) + line("c", number): "BATCH_STATE_FAILED",
		} {
			b := a.fromFile(input)
			time.Sleep(time.Minute)
			o := a.get(b)
			if o.text("metadata.state") != want || want == "BATCH_STATE_FAILED" && !strings.Contains(o.text("error.message"), "Line 3 of the input file: all requests") {
				t.Errorf("%s: %v", input, o)
			}
		}
	})
}

func TestASchemaThatTheModelDoesNotTake(t *testing.T) {
	inBubble(t, simulator.Config{}, func(a api) {
		for schema, want := range map[string]string{
			`{"type":"object","properties":{"a":{"type":"string","pattern":"x"}}}`:                     `#/properties/a: the keyword \"pattern\" is not supported`,
			`{"$ref":"#/$defs/a","$defs":{"a":{"type":"array","items":{"$ref":"#/$defs/a"}}}}`:         "the schema contains itself",
			`{"type":"object","properties":{"a":{"type":"string","format":"email"}},"required":["a"]}`: `the format \"email\" is not supported`,
			`{"type":"object","properties":{"a":{"type":"string","enum":["x"]}},"required":["a"]}`:     "",
		} {
			status, _, text := a.send("POST", "/v1beta/models/m:generateContent", asking(schema))
			if (status == 200) != (want == "") || !strings.Contains(string(text), want) {
				t.Errorf("live, %s: %d %s", schema, status, text)
			}
			b := a.fromFile(line("a", asking(schema)))
			time.Sleep(time.Minute)
			_, _, text = a.send("GET", "/v1beta/"+a.get(b).text("metadata.output.responsesFile")+":download?alt=media", "")
			if strings.Contains(string(text), `"error":{"code":3`) != (want != "") || !strings.Contains(string(text), want) {
				t.Errorf("in a batch, %s: %s", schema, text)
			}
		}
	})
}
