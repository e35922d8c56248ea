package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/balerhq/baler/flow/source"
	"github.com/balerhq/baler/sink/llm"
	"github.com/balerhq/baler/sink/simulator"
)

// parsed are the options of a command line.
func parsed(t *testing.T, args ...string) *options {
	t.Helper()
	o := new(options)
	cmd := newRun()
	cmd.ResetFlags()
	o.flags(cmd)
	if err := cmd.ParseFlags(args); err != nil {
		t.Fatal(err)
	}
	return o
}

// asked is the chat of a row, as its provider is asked.
func asked(t *testing.T, o *options, row string) (string, error) {
	t.Helper()
	o.setInputs(filepath.Join(t.TempDir(), "in.jsonl"))
	if err := os.WriteFile(o.input, []byte(row+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := o.messages.validate(o); err != nil {
		return "", err
	}
	if err := o.findChats(source.CSVFormat{}, func(string) {}); err != nil {
		return "", err
	}
	r, err := newRows(o, func(string) {})
	if err != nil || r.chat == nil {
		return "", err
	}
	chat, err := r.chat(source.Row{Line: 1, JSON: []byte(row)})
	if err != nil {
		return "", err
	}
	body, err := chatCodec.Encode(o.model, chat)
	return string(body), err
}

func TestChatsOfRows(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "prompt.txt")
	writeFile(t, filepath.Dir(file), "prompt.txt", "Sort:", "{{.a}}")
	writeFile(t, filepath.Dir(file), "tools.json", `[{"type":"function","function":{"name":"f"}}]`)
	for name, test := range map[string]struct {
		args      []string
		row, want string
	}{
		"an instruction": {
			[]string{"--prompt", "{{.a}}", "--system", "Speak {{.lang}}."},
			`{"a":"x","lang":"de"}`,
			`{"messages":[{"content":"Speak de.","role":"system"},{"content":"x","role":"user"}],"model":"m"}`,
		},
		"an instruction for some": {
			[]string{"--prompt", "{{.a}}", "--system", "{{with .lang}}Speak {{.}}.{{end}}"},
			`{"a":"x"}`,
			`{"messages":[{"content":"x","role":"user"}],"model":"m"}`,
		},
		"a file": {
			[]string{"--prompt-file", file},
			`{"a":"x"}`,
			`{"messages":[{"content":"Sort:\nx","role":"user"}],"model":"m"}`,
		},
		"options": {
			[]string{
				"--prompt", "{{.a}}", "--max-tokens", "9", "--temperature", "0", "--option", "top_p=0.5", "--option", "reasoning_effort=low",
				"--option", `stop=["a","b"]`, "--option", "tools=@" + filepath.Join(filepath.Dir(file), "tools.json"), "--option", `user="7"`,
			},
			`{"a":"x"}`,
			`{"max_completion_tokens":9,"messages":[{"content":"x","role":"user"}],"model":"m","reasoning_effort":"low","stop":["a","b"],"temperature":0,` +
				`"tools":[{"function":{"name":"f"},"type":"function"}],"top_p":0.5,"user":"7"}`,
		},
		"the row wins": {
			[]string{"--prompt", "{{.a}}", "--max-tokens", "9", "--temperature", "0", "--option", `{"top_p":0.5,"seed":3}`, "--options-field", "o"},
			`{"a":"x","o":{"max_completion_tokens":5,"temperature":null,"top_p":0.1}}`,
			`{"max_completion_tokens":5,"messages":[{"content":"x","role":"user"}],"model":"m","seed":3,"temperature":0,"top_p":0.1}`,
		},
		"options in a CSV file": {
			[]string{"--prompt", "{{.a}}", "--options-field", "o"},
			`{"a":"x","o":"{\"top_p\":0.1}"}`,
			`{"messages":[{"content":"x","role":"user"}],"model":"m","top_p":0.1}`,
		},
		"no options in a CSV file": {
			[]string{"--prompt", "{{.a}}", "--options-field", "o"},
			`{"a":"x","o":""}`,
			`{"messages":[{"content":"x","role":"user"}],"model":"m"}`,
		},
		"messages": {
			[]string{"--messages-field", "h", "--system", "Be brief.", "--prompt", "{{.a}}"},
			`{"a":"x","lang":"de","h":[{"role":"user","content":"hi"},{"role":"assistant","content":"yes?"}]}`,
			`{"messages":[{"content":"Be brief.","role":"system"},{"content":"hi","role":"user"},{"content":"yes?","role":"assistant"},{"content":"x","role":"user"}],"model":"m"}`,
		},
		"messages with an instruction, in a CSV file": {
			[]string{"--messages-field", "h", "--system", "Be brief."},
			`{"h":"[{\"role\":\"developer\",\"content\":\"Sing.\"},{\"role\":\"user\",\"content\":[{\"type\":\"image_url\",\"image_url\":{\"url\":\"https://x/y.png\"}}]}]"}`,
			`{"messages":[{"content":"Sing.","role":"developer"},{"content":[{"image_url":{"url":"https://x/y.png"},"type":"image_url"}],"role":"user"}],"model":"m"}`,
		},
		"a chat as it is": {
			[]string{"--max-tokens", "9", "--tenant-field", "whose"},
			`{"id":"a","whose":"acme","model":"m","messages":[{"role":"user","content":"hi"}],"temperature":0.5,"max_tokens":5,"seed":null,"tools":[{"type":"function"}]}`,
			`{"max_tokens":5,"messages":[{"content":"hi","role":"user"}],"model":"m","temperature":0.5,"tools":[{"type":"function"}]}`,
		},
		"a chat whose options are kept with its result": {
			[]string{"--keep-fields", "temperature,system,lang"},
			`{"id":"a","lang":"de","system":"Be brief.","messages":[{"role":"user","content":"hi"}],"temperature":0.5}`,
			`{"messages":[{"content":"Be brief.","role":"system"},{"content":"hi","role":"user"}],"model":"m","temperature":0.5}`,
		},
		"a chat with an instruction beside it": {
			nil, `{"custom_id":"a","system":"Be brief.","messages":[{"role":"user","content":"hi"}],"max_completion_tokens":5}`,
			`{"max_completion_tokens":5,"messages":[{"content":"Be brief.","role":"system"},{"content":"hi","role":"user"}],"model":"m"}`,
		},
		"a chat with a schema": {
			nil, `{"id":1,"messages":[{"role":"user","content":"hi"}],"response_format":{"type":"json_schema","json_schema":{"name":"n","schema":{"type":"object"}}}}`,
			`{"messages":[{"content":"hi","role":"user"}],"model":"m","response_format":{"json_schema":{"name":"n","schema":{"type":"object"}},"type":"json_schema"}}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := asked(t, parsed(t, append(test.args, "--model", "m")...), test.row)
			if err != nil || got != test.want {
				t.Errorf("%v: %s", err, cmp.Diff(test.want, got))
			}
		})
	}
}

func TestChatsThatAreNoneAreExplained(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	writeFile(t, dir, "empty.txt", "", "")
	const row = `{"id":"a","a":"x","o":5,"h":[],"messages":[{"role":"user","content":"hi"}]}`
	for want, test := range map[string]struct {
		args []string
		row  string
	}{
		"both given":                     {[]string{"--prompt", "{{.a}}", "--prompt-file", "x", "--model", "m"}, row},
		"no such file":                   {[]string{"--prompt-file", dir + "/none", "--model", "m"}, row},
		"empty.txt is empty":             {[]string{"--prompt-file", dir + "/empty.txt", "--model", "m"}, row},
		"the first row names none":       {nil, row},
		"--system: field \"no\" is":      {[]string{"--prompt", "{{.a}}", "--system", "{{.no}}", "--model", "m"}, row},
		"--system: prompt:1: unclosed":   {[]string{"--prompt", "{{.a}}", "--system", "{{.no", "--model", "m"}, row},
		"an object of options":           {[]string{"--prompt", "{{.a}}", "--options-field", "o", "--model", "m"}, row},
		`field "h" must be a list`:       {[]string{"--messages-field", "h", "--model", "m"}, row},
		`the row has "a", "h", "id"`:     {[]string{"--messages-field", "no", "--model", "m"}, row},
		"batch format ask what":          {[]string{"--max-tokens", "5"}, `{"custom_id":"a","method":"POST","url":"/v1/x","body":{}}`},
		"--system needs a --prompt":      {[]string{"--system", "x"}, `{"custom_id":"a","params":{}}`},
		`"gpt-x", and the run asks "m"`:  {[]string{"--model", "m"}, `{"id":"a","model":"gpt-x","messages":[{"role":"user","content":"hi"}]}`},
		`the option "lang" is not known`: {[]string{"--model", "m"}, `{"id":"a","lang":"de","messages":[{"role":"user","content":"hi"}]}`},
		"a row in batch format keeps it": {[]string{"--model", "m"}, `{"id":"a","messages":[{"role":"tool","tool_call_id":"x","content":"hi"}]}`},
	} {
		if got, err := asked(t, parsed(t, test.args...), test.row); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: want an error about %s: %s, %v", test.args, want, got, err)
		}
	}
}

func TestOptionsOfTheCommandLine(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"top_p": "NAME=VALUE", "=1": "NAME=VALUE", "x=": "missing", "x=null": "missing", "x=[1": "not JSON", "x=@none": "no such file",
		"model=m": "no option of a model", "{1": "JSON object", "a=1": "given twice", "max_output_tokens=1": "given twice",
	} {
		o := optionsFlag{llm.Options{"a": json.RawMessage("1"), "max_tokens": json.RawMessage("1")}}
		if err := o.Set(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", text, err)
		}
	}
	for flag, values := range map[string][]string{"max_tokens": {"0", "-1", "1.5", "x"}, "temperature": {"-1", "NaN", "Inf", "0x1p-2", "x"}} {
		for _, value := range values {
			if err := new(optionsFlag).number(flag).Set(value); err == nil {
				t.Errorf("%s takes %s", flag, value)
			}
		}
	}
	// What a run remembers is a flag again.
	o, again := optionsFlag{}, optionsFlag{}
	for _, text := range []string{"b=c d", "n=9007199254740993", `t=[{"a":null}]`} {
		if err := o.Set(text); err != nil {
			t.Fatal(err)
		}
	}
	if err := again.Set(o.text()); err != nil || again.text() != o.text() || o.text() != `{"b":"c d","n":9007199254740993,"t":[{"a":null}]}` {
		t.Errorf("%v: %s", err, again.text())
	}
}

// An option that a route refuses is told before a row is read, and a member of
// a chat that no route knows before anything is bought.
func TestOptionsAreCheckedByEachRoute(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	writeFile(t, dir, "in.jsonl", tickets(2)...)
	writeFile(t, dir, "chats.jsonl", `{"id":"a","messages":[{"role":"user","content":"hi"}]}`, `{"id":"b","lang":"de","messages":[{"role":"user","content":"hi"}]}`)
	routes := []string{"--route", "mini=openai/gpt-5.4-mini", "--route", "haiku=anthropic/claude-haiku-5.5"}
	for _, test := range []struct {
		args []string
		want string
	}{
		{append([]string{"in.jsonl", "--prompt", "{{.text}}", "--option", "seed=1"}, routes...), `baler: route "haiku": the option "seed" is not known here`},
		{[]string{"in.jsonl", "--prompt", "{{.text}}", "--temperature", "0", "--provider", "anthropic", "--model", "claude-haiku-5.5"}, `baler: anthropic: the option "temperature"`},
		{append([]string{"chats.jsonl"}, routes...), `chats.jsonl:2: route "mini":`},
		{append([]string{"chats.jsonl"}, routes...), `with --messages-field messages they are fields`},
		{[]string{"in.jsonl", "--prompt", "{{.tex", "--model", "m"}, `the row has "id", "text"`},
	} {
		r := runCommand(t, dir, withKey, append([]string{"plan"}, test.args...)...)
		if r.code != exitUsage || !strings.Contains(r.stderr, test.want) {
			t.Errorf("%q: want %s: %+v", test.args, test.want, r)
		}
	}
}

// Chats as they are run with what the command says beside them, which stays the
// same.
func TestRunOfChats(t *testing.T) {
	t.Parallel()
	server, dir := startSimulator(t, simulator.Config{}), t.TempDir()
	writeFile(t, dir, "in.jsonl",
		`{"id":"a","model":"m","messages":[{"role":"user","content":"hello"}],"temperature":0.5}`,
		`{"id":"b","messages":[{"role":"system","content":"Sing."},{"role":"user","content":"hello again"}]}`)
	args := runArgs(server, "in.jsonl", "--out", "out.jsonl", "--system", "Be brief.", "--max-tokens", "50")
	if r := runCommand(t, dir, withKey, args...); r.code != exitOK || !r.says("succeeded 2") {
		t.Fatalf("%+v", r)
	}
	if r := runCommand(t, dir, withKey, append(args, "--option", "seed=1")...); r.code != exitUsage || !strings.Contains(r.stderr, "--option") {
		t.Errorf("other options are taken: %+v", r)
	}
	if got := readResults(t, filepath.Join(dir, "out.jsonl")); got["a"].Text == "" || got["b"].Text == "" {
		t.Errorf("%+v", got)
	}
	r := runCommand(t, dir, withKey, append([]string{"preview"}, args[1:]...)...)
	for _, want := range []string{
		`{"content":"Be brief.","role":"system"},{"content":"hello","role":"user"}`, `{"content":"Sing.","role":"system"},{"content":"hello again"`,
		`"max_completion_tokens":50`, `"temperature":0.5`,
	} {
		if !strings.Contains(r.stdout, want) {
			t.Errorf("preview lacks %s: %+v", want, r)
		}
	}
	if r := runCommand(t, dir, withKey, append([]string{"plan"}, args[1:]...)...); !r.says(`a row is a chat`) || !r.says("instruction Be brief.") || !r.says(`options {"max_tokens":50}`) {
		t.Errorf("%+v", r)
	}
}
