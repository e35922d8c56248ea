package scan

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

func TestMembersVisitsEachMember(t *testing.T) {
	var got []string
	valid := Members([]byte(` { "a" : 1 , "b":[ {"a":2}, "}" ] ,"c":{"d":"\"\\"}, "e":null} `), func(key, value []byte) {
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
		if Members([]byte(text[:i]), nil) {
			t.Errorf("%q is said to be valid", text[:i])
		}
	}
	if !Members([]byte(text), nil) {
		t.Error("the whole is said to be invalid")
	}
}

func TestScannerRefusesDeepNesting(t *testing.T) {
	for depth, want := range map[int]bool{maxDepth - 1: true, maxDepth: false} {
		text := `{"a":` + strings.Repeat("[", depth) + strings.Repeat("]", depth) + `}`
		if got := Members([]byte(text), nil); got != want {
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
		valid := Members(data, func(key, value []byte) {
			name, isString := Unquote([]byte(`"` + string(key) + `"`))
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
		if err := json.Unmarshal(AppendString(nil, s), &got); err != nil {
			t.Fatal(err)
		}
		encoded, _ := json.Marshal(s)
		if err := json.Unmarshal(encoded, &want); err != nil || got != want {
			t.Errorf("%q, want %q", got, want)
		}
	})
}
