package simulator

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

func TestMembersVisitsEachMember(t *testing.T) {
	var got []string
	valid := members([]byte(` { "a" : 1 , "b":[ {"a":2}, "}" ] ,"c":{"d":"\"\\"}, "e":null} `), func(key, value []byte) {
		got = append(got, fmt.Sprintf("%s=%s", key, value))
	})
	want := `a=1 b=[ {"a":2}, "}" ] c={"d":"\"\\"} e=null`
	if joined := strings.Join(got, " "); !valid || joined != want {
		t.Errorf("%s, want %s", joined, want)
	}
}

func TestScannerEndsAtAnyCut(t *testing.T) {
	const text = `{"a":[1.5e-3,true,false,null,{"b":"text long enough for eight at a time \u00e9\n"}]}`
	for i := range text {
		if members([]byte(text[:i]), nil) {
			t.Errorf("%q is said to be valid", text[:i])
		}
	}
	if !members([]byte(text), nil) {
		t.Error("the whole is said to be invalid")
	}
}

func TestScannerRefusesDeepNesting(t *testing.T) {
	for depth, want := range map[int]bool{maxDepth - 1: true, maxDepth: false} {
		text := `{"a":` + strings.Repeat("[", depth) + strings.Repeat("]", depth) + `}`
		if got := members([]byte(text), nil); got != want {
			t.Errorf("depth %d: %t", depth, got)
		}
	}
}

// FuzzMembers holds the scanner to encoding/json.
func FuzzMembers(f *testing.F) {
	for _, seed := range []string{
		`{}`, `{"a":1}`, ` {"a" : -0.5e+9, "b":"x\u00e9\\\"", "a":[1,[],{}]} `, `{"a":01}`, `{"a":1}}`,
		`{"a":"` + "\x01" + `"}`, `{"long enough for eight":"tab` + "\t" + `"}`, `{"\u0061":1}`, `[]`, "{\"a\":\"\xff\"}",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		got := make(map[string]json.RawMessage)
		valid := members(data, func(key, value []byte) {
			name, isString := unquote([]byte(`"` + string(key) + `"`))
			if !isString {
				t.Errorf("key %q is no string", key)
			}
			got[name] = value
		})
		var want map[string]json.RawMessage
		err := json.Unmarshal(data, &want)
		if isObject := err == nil && want != nil; valid != isObject {
			t.Fatalf("%q: valid is %t, encoding/json says %v", data, valid, err)
		}
		if !valid {
			return
		}
		if len(got) != len(want) {
			t.Errorf("%q: members %q, want %q", data, got, want)
		}
		for key, value := range want {
			if string(got[key]) != string(value) {
				t.Errorf("%q: member %q is %q, want %q", data, key, got[key], value)
			}
		}
	})
}

// FuzzAppendString holds the encoder to encoding/json.
func FuzzAppendString(f *testing.F) {
	f.Add("plain")
	f.Add("quote \" backslash \\ line\nbreak \x00\x1f é \u2028 👟 \xff")
	f.Fuzz(func(t *testing.T, s string) {
		var got, want string
		if err := json.Unmarshal(appendString(nil, s), &got); err != nil {
			t.Fatal(err)
		}
		encoded, _ := json.Marshal(s)
		if err := json.Unmarshal(encoded, &want); err != nil || got != want {
			t.Errorf("%q, want %q", got, want)
		}
	})
}

// FuzzValidation validates any input file and executes it if it passes: each of
// its rows must then have one answer that is JSON and carries its custom_id.
func FuzzValidation(f *testing.F) {
	const row = `{"custom_id":"%s","method":"POST","url":"/v1/chat/completions","body":{"model":"m","messages":[%s]}}`
	f.Add(fmt.Appendf(nil, row, "a", ""))
	f.Add([]byte(fmt.Sprintf(row, "a", "") + "\r\n\n" + fmt.Sprintf(row, "b\\u00e9\\n", `{"role":"user","content":"Größe\n"}`)))
	f.Add([]byte(fmt.Sprintf(row, "a", `{"role":"user","content":[{"type":"text","text":"[[500]]"}]}`) + "\n{}\nx"))
	f.Add([]byte(strings.ReplaceAll(fmt.Sprintf(row, "a", ""), `"m"`, `"\ud800"`)))
	f.Add([]byte(`{"custom_id":"a","custom_id":"b","method":"POST","url":"/v1/chat/completions","body":{"model":"m","messages":7}}`))
	f.Fuzz(func(t *testing.T, input []byte) {
		cfg, _ := Config{}.withDefaults()
		v := &validation{cfg: cfg, endpoint: "/v1/chat/completions"}
		if err := v.file(bytes.NewReader(input)); err != nil {
			t.Fatal(err)
		}
		if len(v.errors) > 0 {
			return
		}
		if len(v.seen) != v.rows {
			t.Fatalf("%d rows with %d different ids were accepted", v.rows, len(v.seen))
		}
		answerLines(t, string(input), v)
	})
}

func answerLines(t *testing.T, input string, v *validation) {
	t.Helper()
	var e encoder
	for l, err := range lines(strings.NewReader(input)) {
		if err != nil {
			t.Fatal(err)
		}
		if len(l.text) == 0 {
			continue
		}
		in, _ := parseRow(l.text)
		req := Row{Endpoint: v.endpoint, Model: v.model, Body: in.body}
		line := e.appendResult(nil, in.customID, req, Echo(req))
		var answer struct {
			CustomID string `json:"custom_id"`
		}
		if err := json.Unmarshal(line, &answer); err != nil {
			t.Fatalf("%v in %s", err, line)
		}
		if _, asked := v.seen[answer.CustomID]; !asked {
			t.Errorf("answer for %q, which was not asked", answer.CustomID)
		}
		delete(v.seen, answer.CustomID)
	}
	if len(v.seen) > 0 {
		t.Errorf("no answer for %v", v.seen)
	}
}
