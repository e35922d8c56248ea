package jobfile

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"pgregory.net/rapid"
)

var options = []Option{
	{Name: "out", Usage: "Where results go.", Group: "Results"},
	{Name: "model", Usage: "Who answers.", Group: "Model"},
	{Name: "prompt", Usage: "What is asked.", Group: "Model"},
	{Name: "option", Repeats: true, Usage: "Options of the model.", Group: "Model"},
	{Name: "keep-fields", Repeats: true, Usage: "Fields that results repeat.", Group: "Results"},
	{Name: "batch-size", Kind: Int, Default: "10000", Usage: "Most rows in a batch.", Group: "Batches"},
	{Name: "temperature", Kind: Number, Usage: "Of the model.", Group: "Model"},
	{Name: "fresh", Kind: Bool, Default: "false", Usage: "Begin anew.", Group: "Run"},
	{Name: "time-limit", Usage: "Time for the run.", Group: "Run"},
}

func noSecrets(name string) string {
	if name == "api-key" {
		return "set a variable"
	}
	return ""
}

func parse(t *testing.T, text string) []Stage {
	t.Helper()
	stages, err := Parse("job.yaml", []byte(text), options, noSecrets)
	if err != nil {
		t.Fatal(err)
	}
	return stages
}

func texts(s Stage) map[string][]string {
	all := map[string][]string{"input": s.Inputs}
	for _, v := range s.Values {
		all[v.Name] = v.Texts
	}
	return all
}

func TestParse(t *testing.T) {
	t.Parallel()
	stages := parse(t, `
# A comment.
input: tickets.jsonl
out: sorted.jsonl # here
model: gpt-5.4-mini
prompt: |
  Sort:
    {{.text}}
option:
  top_p: 0.9
  stop: "x"
keep-fields: [lang, customer]
batch-size: 1_000
temperature: 0
fresh: true
time-limit: 12h
`)
	want := map[string][]string{
		"input": {"tickets.jsonl"}, "out": {"sorted.jsonl"}, "model": {"gpt-5.4-mini"}, "prompt": {"Sort:\n  {{.text}}\n"},
		"option": {"top_p=0.9", "stop=x"}, "keep-fields": {"lang", "customer"}, "batch-size": {"1000"}, "temperature": {"0"},
		"fresh": {"true"}, "time-limit": {"12h"},
	}
	if got := texts(stages[0]); len(stages) != 1 || !reflect.DeepEqual(got, want) {
		t.Errorf("%d stages, %v, want %v", len(stages), got, want)
	}
	if v, _ := stages[0].Get("batch-size"); v.Place.String() != "job.yaml:13:1" {
		t.Errorf("batch-size is at %s", v.Place)
	}
}

// A stage says what the file says, unless it says something else.
func TestStages(t *testing.T) {
	t.Parallel()
	stages := parse(t, `
input: [a.jsonl, b.jsonl]
model: gpt-5.4-mini
stages:
  - out: first.jsonl
    prompt: 'Summarise: {{.text}}'
  - out: second.jsonl
    prompt: 'Translate: {{.text}}'
    model: claude-haiku-5.5
    batch-size:
`)
	want := []map[string][]string{
		{"input": {"a.jsonl", "b.jsonl"}, "model": {"gpt-5.4-mini"}, "out": {"first.jsonl"}, "prompt": {"Summarise: {{.text}}"}},
		{"input": nil, "model": {"claude-haiku-5.5"}, "out": {"second.jsonl"}, "prompt": {"Translate: {{.text}}"}},
	}
	for i := range want {
		if got := texts(stages[i]); !reflect.DeepEqual(got, want[i]) {
			t.Errorf("stage %d: %v, want %v", i+1, got, want[i])
		}
	}
}

func TestMistakes(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                              "job.yaml:1:1: has no options",
		"# nothing\n":                   "job.yaml:1:1: has no options",
		"- model\n":                     "job.yaml:1:1: must be a mapping",
		"modell: x\n":                   `job.yaml:1:1: "modell" is no option: did you mean "model"?`,
		"out: x\nbatch_size: 5\n":       `job.yaml:2:1: "batch_size" is no option: did you mean "batch-size"?`,
		"something: x\n":                `job.yaml:1:1: "something" is no option: they are named as the flags`,
		"out: x\napi-key: sk-secret\n":  `job.yaml:2:1: "api-key" is no option: set a variable`,
		"out: x\nbatch-size: many\n":    "job.yaml:2:13: batch-size must be a whole number",
		"out: x\nbatch-size: 1.5\n":     "job.yaml:2:13: batch-size must be a whole number",
		"temperature: hot\n":            "job.yaml:1:14: temperature must be a number",
		"fresh: maybe\n":                "job.yaml:1:8: fresh must be true or false",
		"out: [a, b]\n":                 "out takes one value, not a list",
		"out: {a: b}\n":                 "out takes no mapping",
		"input: {a: b}\n":               "input takes no mapping",
		"keep-fields: [a, [b]]\n":       "keep-fields must be a single value",
		"keep-fields:\n  - a\n  -\n":    "keep-fields has an empty item",
		"out: &a x\nmodel: *a\n":        "is an anchor, alias or tag",
		"out: x\nout: y\n":              "job.yaml:2:1: ",
		"out: 'x\n":                     "job.yaml:1:6: ",
		"out: x\n---\nout: y\n":         `is a second document`,
		"stages: x\n":                   `job.yaml:1:1: "stages" must be a list of runs`,
		"stages: []\n":                  `job.yaml:1:1: "stages" must be a list of runs`,
		"stages: [x]\n":                 "a stage must be a mapping",
		"stages:\n  - modell: x\n":      `job.yaml:2:5: "modell" is no option`,
		"stages:\n  - stages: []\n":     `"stages" is no option`,
		"modell: x\nbatch-size: many\n": "batch-size must be a whole number",
	} {
		_, err := Parse("job.yaml", []byte(text), options, noSecrets)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
		if err != nil && strings.Contains(err.Error(), "sk-secret") {
			t.Errorf("%q: the error shows the secret", text)
		}
	}
}

// What is written is read as it was, whatever it says, and meets the schema.
func TestRoundTrip(t *testing.T) {
	t.Parallel()
	schema := compiled(t)
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{"true", "null", "~", "1e3", "0x1", "- x", "a: b", "#", " x ", "\n", "x\n\n", "  x\ny\n", "'", `"`, "{{.a}}", "*", "&a", "1:30", "\t", "A job.\nIs a job.\n", "Sort: {{.text}}", "Sort:\n\n   {{.text}}  \n  \n x\n"}))
		s := Stage{Inputs: rapid.SliceOfN(text, 1, 3).Draw(t, "inputs")}
		for _, o := range options {
			if !rapid.Bool().Draw(t, o.Name) {
				continue
			}
			v := Value{Name: o.Name}
			switch {
			case o.Repeats:
				v.Texts, v.List = rapid.SliceOfN(text, 1, 3).Draw(t, "values"), true
			case o.Kind == Text:
				v.Texts = []string{text.Draw(t, "value")}
			case o.Kind == Bool:
				v.Texts = []string{"true"}
			default:
				v.Texts = []string{"12"}
			}
			s.Values = append(s.Values, v)
		}
		var b bytes.Buffer
		if err := Write(&b, "A job.", options, s); err != nil {
			t.Fatal(err)
		}
		stages, err := Parse("job.yaml", b.Bytes(), options, noSecrets)
		if err != nil {
			t.Fatalf("%v in\n%s", err, b.String())
		}
		if got, want := texts(stages[0]), texts(s); !reflect.DeepEqual(got, want) {
			t.Fatalf("%q, want %q, in\n%s", got, want, b.String())
		}
		var document any
		if err := yaml.Unmarshal(b.Bytes(), &document); err != nil {
			t.Fatal(err)
		}
		if err := schema.Validate(asJSON(t, document)); err != nil {
			t.Fatalf("%v in\n%s", err, b.String())
		}
	})
}

func TestSchemaRefuses(t *testing.T) {
	t.Parallel()
	schema := compiled(t)
	for _, text := range []string{"modell: x", "batch-size: many", "fresh: 1", "out: [x]", "stages: []", "stages: [{stages: []}]"} {
		var document any
		if err := yaml.Unmarshal([]byte(text), &document); err != nil {
			t.Fatal(err)
		}
		if schema.Validate(asJSON(t, document)) == nil {
			t.Errorf("%s is allowed", text)
		}
	}
}

func compiled(t *testing.T) *jsonschema.Schema {
	t.Helper()
	text, err := Schema(options)
	if err != nil {
		t.Fatal(err)
	}
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource(SchemaID, document); err != nil {
		t.Fatal(err)
	}
	schema, err := c.Compile(SchemaID)
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

func asJSON(t interface{ Fatal(...any) }, v any) any {
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return document
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{"out: x\n", "stages:\n  - out: x\n", "input: [a, b]\n", "option: {a: b}\n", "prompt: |\n  x\n", "a: &b [*b]\n", "? x\n: y\n", "<<: {a: b}\n", "!!str x: y\n"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		stages, err := Parse("job.yaml", []byte(text), options, noSecrets)
		if (err == nil) != (len(stages) > 0) {
			t.Errorf("%d stages and %v", len(stages), err)
		}
	})
}
