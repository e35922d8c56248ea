package main

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/balerhq/baler/flow/source"
	"github.com/balerhq/baler/sink/catalog"
	"github.com/balerhq/baler/sink/simulator"
)

// noKeys unsets all that the environment may say of providers.
func noKeys(t *testing.T) {
	t.Helper()
	for _, p := range catalog.All() {
		for _, name := range append(slices.Clone(p.Keys), p.BaseURLVariable) {
			if name != "" {
				t.Setenv(name, "")
			}
		}
	}
}

// The model decides for a provider, if its key is set.
func TestModelDecidesForAProvider(t *testing.T) {
	dir := t.TempDir()
	writeFile(t, dir, "gpt.jsonl", `{"custom_id":"a","method":"POST","url":"/v1/x","body":{"model":"gpt-5"}}`)
	writeFile(t, dir, "other.jsonl", `{"custom_id":"a","method":"POST","url":"/v1/x","body":{"model":"m"}}`)
	for name, test := range map[string]struct {
		keys       []string
		o          options
		want, says string
	}{
		"named":                  {nil, options{provider: "x", model: "gpt-5"}, "x", ""},
		"of the default":         {[]string{"OPENAI_API_KEY"}, options{model: "gpt-5"}, "openai", ""},
		"of the default, no key": {nil, options{model: "gpt-5"}, "openai", ""}, // and it is said which one is missing
		"unknown":                {nil, options{model: "m"}, "", "OPENAI_API_KEY"},
		"unknown, with a key":    {[]string{"OPENAI_API_KEY"}, options{model: "m"}, "openai", ""},
		"unknown, at an address": {nil, options{model: "m", baseURL: "http://127.0.0.1:1"}, "openai", ""},
		"unknown, at a variable": {[]string{"OPENAI_BASE_URL"}, options{model: "m"}, "openai", ""},
		"no model":               {nil, options{prompt: "x"}, "", "name the --provider"},
		"of the first row":       {nil, options{input: filepath.Join(dir, "gpt.jsonl")}, "openai", ""},
		"unknown in a row":       {nil, options{input: filepath.Join(dir, "other.jsonl")}, "", `"m" is of no provider`},
		"no row":                 {nil, options{input: filepath.Join(dir, "missing.jsonl")}, "", "name the --provider"},
	} {
		t.Run(name, func(t *testing.T) {
			noKeys(t)
			for _, key := range test.keys {
				t.Setenv(key, "sk-marker")
			}
			o, told := test.o, ""
			o.setInputs(o.input)
			err := o.chooseProvider(source.CSVFormat{}, func(text string) { told += text })
			switch {
			case test.want != "" && (err != nil || o.provider != test.want || told != ""):
				t.Errorf("%q, %v, %s", o.provider, err, told)
			case test.want == "" && (err == nil || exitCode(err) != exitUsage || !strings.Contains(err.Error(), test.says)):
				t.Errorf("%q, %v", o.provider, err)
			case err != nil && strings.Contains(err.Error(), "sk-marker"):
				t.Error(err)
			}
		})
	}
}

// Each provider is the one for its models, once its key is set, and says what
// is missing before that.
func TestModelsOfEachProvider(t *testing.T) {
	for _, p := range withClient() {
		if p.Name == defaultProvider.Name {
			continue
		}
		for _, prefix := range p.Models {
			o := options{model: prefix + "x"}
			o.setInputs("")
			noKeys(t)
			t.Setenv(defaultProvider.Keys[0], "sk-marker")
			tell := func(text string) {
				if !strings.Contains(text, p.Name) || !strings.Contains(text, o.model) {
					t.Errorf("%s: told %q", o.model, text)
				}
			}
			err := o.chooseProvider(source.CSVFormat{}, tell)
			if err == nil || !strings.Contains(err.Error(), p.Keys[0]) || !strings.Contains(err.Error(), "--provider") {
				t.Errorf("%s without a key: %v", o.model, err)
			}
			t.Setenv(p.Keys[0], "sk-other")
			if err := o.chooseProvider(source.CSVFormat{}, tell); err != nil || o.provider != p.Name {
				t.Errorf("%s: %q, %v", o.model, o.provider, err)
			}
		}
	}
}

func TestWrongNamesAreGuessed(t *testing.T) {
	for name, want := range map[string]string{
		"opnai": "openai", "OpenAI": "openai", "openia": "openai", "open-ai": "openai", "opnai2": "openai",
		"x": "", "": "", "azure": "", "something else": "",
	} {
		got := didYouMean(name)
		if (want == "") != (got == "") || !strings.Contains(got, want) {
			t.Errorf("%q: %q", name, got)
		}
	}
	for _, p := range catalog.Names() {
		if got := didYouMean(p[1:]); !strings.Contains(got, p) {
			t.Errorf("%q: %q", p[1:], got)
		}
	}
	_, err := findProvider("opnai")
	if err == nil || !strings.Contains(err.Error(), "did you mean openai?") || exitCode(err) != exitUsage {
		t.Error(err)
	}
}

// The doctor asks the provider of the runs, and which one if there are several.
func TestDoctorAsksTheProviderOfTheRuns(t *testing.T) {
	t.Parallel()
	server, dir := startSimulator(t, simulator.Config{}), t.TempDir()
	for i, name := range []string{"anthropic", "gemini"} {
		writeFile(t, dir, name+".jsonl", tickets(3)...)
		r := runCommand(t, dir, withKey, "run", name+".jsonl", "--out", name+".out", "--model", modelOf(name), "--prompt", "{{.text}}",
			"--base-url", server.BaseURL(name), "--poll", "5ms")
		if r.code != exitOK || !strings.Contains(r.stderr, "provider: "+name) {
			t.Fatalf("%s: %+v", name, r)
		}
		asked := runCommand(t, dir, withKey, "doctor", "--orphans", "--base-url", server.BaseURL(name))
		if i == 0 && asked.code != exitOK {
			t.Errorf("%s: %+v", name, asked)
		}
		if i == 1 && (asked.code != exitUsage || !strings.Contains(asked.stderr, "anthropic, gemini")) {
			t.Errorf("two providers: %+v", asked)
		}
	}
	if r := runCommand(t, dir, withKey, "doctor"); r.code != exitOK {
		t.Errorf("nobody is asked: %+v", r)
	}
	if r := runCommand(t, dir, withKey, "doctor", "--orphans", "--provider", "gemini", "--base-url", server.BaseURL("gemini")); r.code != exitOK {
		t.Errorf("one is named: %+v", r)
	}
}

// modelOf is the name of a model of a provider.
func modelOf(provider string) string {
	p, _ := catalog.Find(provider)
	return p.Models[0] + "x"
}
