package schema_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/balerhq/baler/sink/llm/schema"
)

const ticket = `{"type":"object","properties":{"why":{"type":"string","minLength":3},"kind":{"enum":["bug","bill"]},"score":{"type":"number","minimum":0}},"required":["why"]}`

func TestLower(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name     string
		dialect  *schema.Dialect
		in, want string
		moved    string
	}{
		{
			"all members are required, and null is for those that may be absent", schema.OpenAI, ticket,
			`{"type":"object","properties":{"why":{"type":"string","description":"JSON Schema of this value, too: {\"minLength\":3}"},` +
				`"kind":{"type":["string","null"],"enum":["bug","bill",null]},"score":{"type":["number","null"],"minimum":0}},` +
				`"required":["why","kind","score"],"additionalProperties":false}`,
			"#/properties/why/minLength",
		},
		{
			"numbers have no range", schema.Anthropic, ticket,
			`{"type":"object","properties":{"why":{"type":"string","description":"JSON Schema of this value, too: {\"minLength\":3}"},` +
				`"kind":{"type":"string","enum":["bug","bill"]},"score":{"type":"number","description":"JSON Schema of this value, too: {\"minimum\":0}"}},` +
				`"required":["why"],"additionalProperties":false}`,
			"#/properties/score/minimum #/properties/why/minLength",
		},
		{
			"objects stay open", schema.Gemini, ticket,
			`{"type":"object","properties":{"why":{"type":"string","description":"JSON Schema of this value, too: {\"minLength\":3}"},` +
				`"kind":{"type":"string","enum":["bug","bill"]},"score":{"type":"number","minimum":0}},"required":["why"]}`,
			"#/properties/why/minLength",
		},
		{
			"a list that contains itself", schema.OpenAI,
			`{"$ref":"#/definitions/node","definitions":{"node":{"type":"object","properties":{"next":{"$ref":"#/definitions/node"}}},"unused":true}}`,
			`{"type":"object","properties":{"next":{"anyOf":[{"$ref":"#/$defs/node"},{"type":"null"}]}},"required":["next"],"additionalProperties":false,` +
				`"$defs":{"node":{"type":"object","properties":{"next":{"anyOf":[{"$ref":"#/$defs/node"},{"type":"null"}]}},"required":["next"],"additionalProperties":false}}}`,
			"",
		},
		{
			"allOf and a described reference are written out", schema.Anthropic,
			`{"$defs":{"name":{"type":"string","title":"Name"}},"allOf":[{"type":"object","properties":{"a":{"$ref":"#/$defs/name","description":"of the author"}},` +
				`"required":["a"]},{"properties":{"b":{"type":["integer","null"],"default":1}},"required":["b"]}]}`,
			`{"type":"object","properties":{"a":{"title":"Name","description":"of the author","type":"string"},` +
				`"b":{"type":["integer","null"],"description":"JSON Schema of this value, too: {\"default\":1}"}},"required":["a","b"],"additionalProperties":false}`,
			"",
		},
		{
			"oneOf becomes anyOf, with what stands beside it", schema.OpenAI,
			`{"type":"object","properties":{"v":{"type":"object","oneOf":[{"properties":{"a":{"type":"string"}},"required":["a"]},{"const":5},{"type":"object","properties":{"b":{"const":1}},"required":["b"]}]}},"required":["v"]}`,
			`{"type":"object","properties":{"v":{"anyOf":[{"type":"object","properties":{"a":{"type":"string"}},"required":["a"],"additionalProperties":false},` +
				`{"type":"object","properties":{"b":{"type":"integer","const":1}},"required":["b"],"additionalProperties":false}]}},"required":["v"],"additionalProperties":false}`,
			"#/properties/v/oneOf",
		},
		{
			"a tuple and several types", schema.OpenAI,
			`{"type":"object","properties":{"p":{"prefixItems":[{"type":"number"},{"type":["string","boolean"]}],"items":false}},"required":["p"]}`,
			`{"type":"object","properties":{"p":{"type":"array","items":{"anyOf":[{"type":"number"},{"type":"string"},{"type":"boolean"}]},` +
				`"description":"JSON Schema of this value, too: {\"prefixItems\":[{\"type\":\"number\"},{\"type\":[\"string\",\"boolean\"]}],\"items\":false}"}},` +
				`"required":["p"],"additionalProperties":false}`,
			"#/properties/p/items #/properties/p/prefixItems",
		},
		{
			"what Gemini has no enums for", schema.Gemini,
			`{"type":"object","properties":{"a":{"enum":["x",null]},"b":{"const":true},"c":{"type":"string","pattern":"^x"}},"additionalProperties":{"type":"string"}}`,
			`{"type":"object","properties":{"a":{"anyOf":[{"type":"string","enum":["x"]},{"type":"null"}]},` +
				`"b":{"type":"boolean","description":"JSON Schema of this value, too: {\"enum\":[true]}"},` +
				`"c":{"type":"string","description":"JSON Schema of this value, too: {\"pattern\":\"^x\"}"}},"additionalProperties":{"type":"string"}}`,
			"#/properties/b/enum #/properties/c/pattern",
		},
		{
			"the root is the object of its alternatives", schema.OpenAI,
			`{"type":["object","null"],"properties":{"a":{"type":"string"}},"anyOf":[{"required":["a"]},{"maxProperties":0}]}`,
			`{"type":"object","properties":{"a":{"type":["string","null"]}},"required":["a"],"additionalProperties":false,` +
				`"description":"JSON Schema of this value, too: {\"anyOf\":[{\"required\":[\"a\"]},{\"maxProperties\":0}]}"}`,
			"#/anyOf",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got, err := c.dialect.Lower([]byte(c.in))
			if err != nil {
				t.Fatal(err)
			}
			if !sameJSON(got.JSON, []byte(c.want)) {
				t.Errorf("got  %s\nwant %s", got.JSON, c.want)
			}
			if moved := strings.Join(slices.Sorted(slices.Values(got.Moved)), " "); moved != c.moved {
				t.Errorf("moved %s, want %s", moved, c.moved)
			}
		})
	}
}

// Models answer in the order of the members, so that the order stays.
func TestMembersKeepTheirOrder(t *testing.T) {
	t.Parallel()
	for _, d := range dialects {
		got, err := d.Lower([]byte(ticket))
		if err != nil {
			t.Fatal(err)
		}
		text := string(got.JSON)
		at := func(name string) int { return strings.Index(text, name) }
		if at(`"why"`) > at(`"kind"`) || at(`"kind"`) > at(`"score"`) {
			t.Errorf("%s", got.JSON)
		}
	}
}

func TestWhatCannotBeSentIsNamed(t *testing.T) {
	t.Parallel()
	nested := func(levels int) string {
		return strings.Repeat(`{"type":"object","properties":{"in":`, levels-1) + `{"type":"object","properties":{}}` + strings.Repeat(`}}`, levels-1)
	}
	for _, c := range []struct {
		dialect  *schema.Dialect
		in, want string
	}{
		{schema.OpenAI, `{"type":"array","items":{"type":"string"}}`, "# must be an object"},
		{schema.OpenAI, `{"type":"object","properties":{"a":{"type":"object","additionalProperties":{"type":"string"}}}}`, "#/properties/a is an object of any members"},
		{schema.Anthropic, `{"type":"object","properties":{"a":{"type":"object"}}}`, "#/properties/a is an object of any members"},
		{schema.OpenAI, `{"type":"object","properties":{"a/b":{"items":{}}}}`, "#/properties/a~1b/items says of no type"},
		{schema.OpenAI, `{"type":"object","properties":{"a":{"type":"array"}}}`, "#/properties/a is an array of anything"},
		{schema.OpenAI, `{"type":"object","properties":{"a":{"$ref":"other.json"}}}`, `#/properties/a refers to "other.json", outside`},
		{schema.Gemini, `{"type":"object","properties":{"a":{"$ref":"#/$defs/x"}}}`, `#/properties/a refers to "#/$defs/x", which is not there`},
		{schema.OpenAI, `{"$ref":"#/$defs/a","$defs":{"a":{"$ref":"#/$defs/a"}}}`, "# refers to itself"},
		{schema.OpenAI, `{"$ref":"#/$defs/a","$defs":{"a":{"allOf":[{"$ref":"#/$defs/a"},{"type":"object"}]}}}`, "which contains this"},
		{schema.OpenAI, `{"type":"object","properties":{},"required":["a"]}`, `# requires "a", which is not under its properties`},
		{schema.OpenAI, `{"type":"object","properties":{"a":{"type":"string","enum":[1]}},"required":["a"]}`, "takes no value"},
		{schema.OpenAI, nested(11), "has 11 levels of objects, and 10 are allowed"},
		{schema.Anthropic, `{"type":"object","properties":{"a":{"$ref":"#"}}}`, "#/properties/a contains the whole schema"},
		{schema.Anthropic, `{"$ref":"#/$defs/n","$defs":{"n":{"type":"object","properties":{"n":{"$ref":"#/$defs/n"}}}}}`, "#/$defs/n/properties/n contains itself"},
		{schema.Gemini, `{"$ref":"#/$defs/n","$defs":{"n":{"type":"object","properties":{"n":{"$ref":"#/$defs/n"}},"required":["n"]}}}`, "contains itself where a value is required"},
		{schema.Anthropic, `{"type":"object","properties":{` + many(25, `"p%d":{"type":"string"}`) + `}}`, "25 members that may be absent, and 24 are allowed"},
		{schema.Anthropic, `{"type":"object","required":[` + many(17, `"p%d"`) + `],"properties":{` + many(17, `"p%d":{"type":["string","null"]}`) + `}}`, "17 values of several types, and 16 are allowed"},
		{schema.OpenAI, `{"type":"object","properties":{"a":{"enum":[` + many(1001, `"%d"`) + `]}}}`, "values in enums, and 1000 are allowed"},
		{schema.OpenAI, `[]`, "# is no schema"},
		{schema.OpenAI, `{`, "the schema is not JSON"},
		{schema.OpenAI, `{} {}`, "followed by something else"},
	} {
		if got, err := c.dialect.Lower([]byte(c.in)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%.200s\ngives %s, %v\nwant %s", c.in, got.JSON, err, c.want)
		}
	}
	got, err := schema.OpenAI.Lower([]byte(nested(6)))
	if err != nil || len(got.Warnings) != 1 || !strings.Contains(got.Warnings[0], "6 levels") {
		t.Errorf("six levels: %+v, %v", got, err)
	}
}

// many writes a list, with the numbers from 0 on.
func many(n int, format string) string {
	all := make([]string, n)
	for i := range all {
		all[i] = fmt.Sprintf(format, i)
	}
	return strings.Join(all, ",")
}

// A schema that doubles with each reference is refused, and not written out.
func TestASchemaCannotGrowWithoutBound(t *testing.T) {
	t.Parallel()
	defs := make([]string, 0, 40)
	for i := range 39 {
		ref := fmt.Sprintf(`{"$ref":"#/$defs/d%d","minProperties":1}`, i+1)
		defs = append(defs, fmt.Sprintf(`"d%d":{"type":"object","properties":{"a":%s,"b":%s}}`, i, ref, ref))
	}
	defs = append(defs, `"d39":{"type":"object","properties":{}}`)
	_, err := schema.Anthropic.Lower([]byte(`{"$ref":"#/$defs/d0","$defs":{` + strings.Join(defs, ",") + `}}`))
	if err == nil || !strings.Contains(err.Error(), "20000 parts") {
		t.Errorf("error %v", err)
	}
}
