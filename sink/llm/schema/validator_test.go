package schema_test

import (
	"encoding/json"
	"math/big"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/balerhq/baler/sink/llm/schema"
)

func validator(t *testing.T, text string) *schema.Validator {
	t.Helper()
	v, err := schema.NewValidator([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestValueOfAnAnswer(t *testing.T) {
	t.Parallel()
	v := validator(t, `{"type":"object","properties":{"n":{"type":"integer"},"s":{"type":"string","pattern":"^[a-z]*$"},"may":{"type":["string","null"]},`+
		`"of":{"type":"object","propertyNames":{"maxLength":9},"additionalProperties":{"type":"object","properties":{"x":{"type":"number"}},"required":["x"]}},`+
		`"list":{"type":"array","items":{"type":"object","properties":{"x":{"type":"number"},"when":{"type":"string","format":"date"}},"required":["x"]}}},"required":["n"],"additionalProperties":false}`)
	for _, c := range []struct{ answer, want, wrong string }{
		{answer: `{"n":9007199254740993}`, want: `{"n":9007199254740993}`},
		{answer: "```json\n{\"n\": 1}\n```\n", want: `{"n": 1}`},
		{answer: " ```\n{\"n\":1.0}\n``` ", want: `{"n":1.0}`},
		{answer: `{"s":null,"n":1,"may":null,"list":[{"x":0.10,"when":null}]}`, want: `{"n":1,"may":null,"list":[{"x":0.10}]}`},
		{answer: `{"n":null}`, wrong: "missing property 'n'"},
		{answer: `{"n":1.5,"s":"SECRET","list":[{"x":"1"},{"x":1,"when":"SECRET"}],"SECRET":1}`, wrong: "1 additional properties not allowed; at /list/0/x: got string, want number; " +
			"at /list/1/when: is not a valid date; at /n: got number, want integer; at /s: does not match the pattern \"^[a-z]*$\""},
		{answer: `{"n":1,"of":{"SECRET 12":{"x":"1"}}}`, wrong: "at /of/*/x: got string, want number"},
		{answer: `{"n":1,"of":{"12":{"SECRET":1}}}`, wrong: "at /of/*: missing property 'x'"},
		{answer: `{"n":1`, wrong: "not complete JSON"},
		{answer: "", wrong: "not complete JSON"},
		{answer: `Here it is: {"n":1}`, wrong: "not JSON: at byte 0"},
		{answer: `{"n":1} and more`, wrong: "something after its JSON"},
		{answer: `{"n":1e1000000000}`, wrong: "too large an exponent"},
	} {
		got, err := v.Value(c.answer)
		switch {
		case c.wrong == "" && (err != nil || string(got) != c.want):
			t.Errorf("%s: %s, %v", c.answer, got, err)
		case c.wrong != "" && (err == nil || !strings.Contains(err.Error(), c.wrong) || strings.Contains(err.Error(), "SECRET")):
			t.Errorf("%s: %s, %v", c.answer, got, err)
		}
	}
}

func TestViolationsAreNotWithoutEnd(t *testing.T) {
	t.Parallel()
	_, err := validator(t, `{"items":{"type":"string"}}`).Value("[" + many(30, "%d") + "]")
	if err == nil || !strings.HasSuffix(err.Error(), "; and 10 more") {
		t.Errorf("error %v", err)
	}
}

// Neither a file nor the network is read for a schema.
func TestASchemaIsComplete(t *testing.T) {
	t.Parallel()
	for _, ref := range []string{"file:///etc/passwd", "http://127.0.0.1:1/x.json", "other.json"} {
		if _, err := schema.NewValidator([]byte(`{"$ref":"` + ref + `"}`)); err == nil || !strings.Contains(err.Error(), "outside of the schema") {
			t.Errorf("%s: %v", ref, err)
		}
	}
	if _, err := schema.NewValidator([]byte(`{"type":"text"}`)); err == nil {
		t.Error("a type that there is not is taken")
	}
}

func TestUnfence(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"```json\n[1]\n```": "[1]", "```\n[1]```": "[1]", "[1]\n": "[1]", "```json": "```json",
		"```a\n1\n```\nand\n```\n2\n```": "```a\n1\n```\nand\n```\n2\n```",
	} {
		if got := schema.Unfence(in); got != want {
			t.Errorf("%q: %q", in, got)
		}
	}
}

type person struct {
	Name  string          `json:"name" jsonschema:"as in the passport"`
	Born  time.Time       `json:"born"`
	Tags  []string        `json:"tags,omitempty"`
	Boss  *string         `json:"boss"`
	Mood  mood            `json:"mood"`
	Photo []byte          `json:"photo,omitzero"`
	Rest  json.RawMessage `json:"rest,omitempty"`
	Big   *big.Int        `json:"big,omitempty"`
	skip  int
}

func TestInfer(t *testing.T) {
	t.Parallel()
	got, err := schema.Infer(reflect.TypeFor[person]())
	if err != nil {
		t.Fatal(err)
	}
	want := `{"type":"object","properties":{"name":{"type":"string","description":"as in the passport"},"born":{"type":"string","format":"date-time"},` +
		`"tags":{"type":"array","items":{"type":"string"}},"boss":{"type":["null","string"]},"mood":{"type":"string","enum":["good","bad"]},` +
		`"photo":{"type":"string","contentEncoding":"base64"},"rest":true,"big":{"type":["null","integer"]}},` +
		`"required":["name","born","boss","mood"],"additionalProperties":false}`
	if string(got) != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	_ = person{}.skip
	if name := schema.NameOf(reflect.TypeFor[person]()); name != "person" {
		t.Errorf("name %q", name)
	}
}

type tree struct{ Left, Right *tree }

type odd struct{ A strange }

type strange struct{ B int }

func (*strange) UnmarshalJSON([]byte) error { return nil }

func TestATypeWithoutSchemaIsNamed(t *testing.T) {
	t.Parallel()
	for of, want := range map[reflect.Type]string{
		reflect.TypeFor[tree]():                    "schema_test.tree",
		reflect.TypeFor[odd]():                     "schema_test.strange",
		reflect.TypeFor[struct{ C chan string }](): "chan string",
	} {
		if _, err := schema.Infer(of); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", of, err)
		}
	}
}
