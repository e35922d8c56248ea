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
			wantInBatch(t, a, asking(schema), want)
		}
	})
}

// wantInBatch wants a row to be refused with these words, or to succeed if
// there are none.
func wantInBatch(t *testing.T, a api, request, want string) {
	t.Helper()
	b := a.fromFile(line("a", request))
	time.Sleep(time.Minute)
	_, _, text := a.send("GET", "/v1beta/"+a.get(b).text("metadata.output.responsesFile")+":download?alt=media", "")
	if strings.Contains(string(text), `"error":{"code":3`) != (want != "") || !strings.Contains(string(text), want) {
		t.Errorf("in a batch, %s: %s", request, text)
	}
}

// A schema in the API's own format is a part of OpenAPI's, however its members
// are written.
func TestASchemaOfTheOwnFormatThatTheModelDoesNotTake(t *testing.T) {
	inBubble(t, simulator.Config{}, func(a api) {
		for schema, want := range map[string]string{
			`{"type":"OBJECT","properties":{"a_b":{"type":"string","max_length":"5"},"n":{"type":"INTEGER","format":"int32","nullable":true}},"property_ordering":["a_b","n"],"required":["a_b"]}`: "",
			`{"any_of":[{"type":"STRING","enum":["x"]},{"type":"NULL"}]}`:                         "",
			`{"type":"OBJECT","properties":{"a":{"type":"STRING"}},"additionalProperties":false}`: `#: the keyword \"additionalProperties\" is not supported`,
			`{"type":"OBJECT","properties":{"a":{"$ref":"#/$defs/a"}}}`:                           `#/properties/a: the keyword \"$ref\" is not supported`,
			`{"type":"OBJECT","properties":{"a":{"type":"ARRAY"}}}`:                               "#/properties/a: has no items",
			`{"type":"OBJECT","properties":{}}`:                                                   "properties should be non-empty for OBJECT type",
			`{"type":["STRING","NULL"]}`:                                                          "has the type",
			`{"type":"OBJECT","properties":{"a":{"description":"no type"}}}`:                      "#/properties/a: has no type",
			`{"type":"INTEGER","enum":[1]}`:                                                       "only a STRING has an enum",
			`{"type":"STRING","enum":[""]}`:                                                       "an enum has",
			`{"type":"OBJECT","properties":{"a":{"type":"STRING"}},"required":["b"]}`:             `requires \"b\", which is no property`,
			`{"type":"OBJECT","properties":{"a":{"type":"STRING"}},"propertyOrdering":["b"]}`:     `orders \"b\", which is no property`,
		} {
			request := strings.Replace(asking(schema), "responseJsonSchema", "response_schema", 1)
			status, _, text := a.send("POST", "/v1beta/models/m:generateContent", request)
			if (status == 200) != (want == "") || !strings.Contains(string(text), want) {
				t.Errorf("live, %s: %d %s", schema, status, text)
			}
			wantInBatch(t, a, request, want)
		}
	})
}
