package wire_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/balerhq/baler/sink/internal/wire"
	"github.com/balerhq/baler/sink/llm"
)

func TestConfirm(t *testing.T) {
	for _, test := range []struct{ body, encoded, member string }{
		{`{"a":1}`, `{"a":1}`, ""},
		{` {"b":0.50,"a":"\u0041"}`, `{"a":"A","b":0.5}`, ""},
		{`{"a":1e2}`, `{"a":100}`, ""},
		{`{"a":1,"b":2}`, `{"a":1}`, "b"},
		{`{"a":1}`, `{"a":1,"b":2}`, "b"},
		{`{"z":1,"b":2}`, `{"a":1,"b":2}`, "z"},
		{`{"a":9007199254740993}`, `{"a":9007199254740992}`, "a"},
		{`{"a":null}`, `{}`, "a"},
		{`{"a":[{"b":{"c":1}}]}`, `{"a":[{"b":{"c":2}}]}`, "a[0].b.c"},
		{`{"a":[1,2]}`, `{"a":[1]}`, "a[1]"},
		{`{"a":{}}`, `{"a":[]}`, "a"},
	} {
		err := wire.Confirm(json.RawMessage(test.body), json.RawMessage(test.encoded))
		unknown, isUnknown := errors.AsType[*llm.UnknownMemberError](err)
		if isUnknown != (test.member != "") || isUnknown && unknown.Member != test.member || !isUnknown && err != nil {
			t.Errorf("%s and %s: %v, want %q", test.body, test.encoded, err, test.member)
		}
	}
}

// The name of a member is foreign text, and may be anything.
func TestConfirmQuotesNamesSafely(t *testing.T) {
	body, err := json.Marshal(map[string]int{"\x1b[2J" + strings.Repeat("x", 1000): 1})
	if err != nil {
		t.Fatal(err)
	}
	if err := wire.Confirm(body, json.RawMessage(`{}`)); err == nil || len(err.Error()) > 200 || strings.ContainsRune(err.Error(), '\x1b') {
		t.Error(err)
	}
}

func TestFileAt(t *testing.T) {
	for url, want := range map[string]llm.File{
		"data:image/png;base64,iVBORw==":        {Type: "image/png", Data: []byte("\x89PNG")},
		"data:text/plain;charset=x;base64,YQ==": {Type: "text/plain;charset=x", Data: []byte("a")},
		"https://example.com/;base64,YQ==":      {URL: "https://example.com/;base64,YQ=="},
		"data:image/png;base64,iVBORw":          {URL: "data:image/png;base64,iVBORw"},
		"data:image/png;base64,iVBO\nRw==":      {URL: "data:image/png;base64,iVBO\nRw=="},
		"data:image/png;base64,iVBORx==":        {URL: "data:image/png;base64,iVBORx=="},
		"data:image/png;base64,":                {URL: "data:image/png;base64,"},
		"data:;base64,YQ==":                     {URL: "data:;base64,YQ=="},
		"data:text/plain,a":                     {URL: "data:text/plain,a"},
		"":                                      {},
	} {
		got := wire.FileAt(url)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", url, diff)
		}
		if len(got.Data) > 0 && wire.DataURL(&got) != url {
			t.Errorf("%s came back as %s", url, wire.DataURL(&got))
		}
	}
}

func TestSetKeepsWhatIsThere(t *testing.T) {
	f := wire.Fields{"a": 1}
	for path, want := range map[string]bool{"a": false, "a.b": false, "c.d.e": true} {
		if f.Set(path, 2) != want {
			t.Errorf("%s: %v", path, !want)
		}
	}
	if f.Set("c.d.e", 3) || f.Set("c.d", 3) {
		t.Error("a member was set twice")
	}
	if body, err := wire.Body(f); err != nil || string(body) != `{"a":1,"c":{"d":{"e":2}}}` {
		t.Errorf("%s, %v", body, err)
	}
}
