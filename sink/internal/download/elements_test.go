package download

import (
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/balerhq/baler/retry"
)

func TestElementsAreLines(t *testing.T) {
	for object, want := range map[string]string{
		`{"id":"x","outputs":[{"a":"[,]\"\\"},{"b":[1,{"c":"}"}]}],"z":1}`: `{"a":"[,]\"\\"}|{"b":[1,{"c":"}"}]}|`,
		"{\"outputs\": [\n  {\"a\":\r\n 1},\n  2\n]\n}":                    `{"a":   1}|2|`,
		`{"outputs":[]}`:        ``,
		`{"outputs":null}`:      ``,
		`{"status":"x"}`:        ``,
		`{"outputs":[1],"cut":`: `1|`, // the list is whole
	} {
		for _, r := range []io.Reader{strings.NewReader(object), iotest.OneByteReader(strings.NewReader(object))} {
			all, err := io.ReadAll(Elements(r, "outputs"))
			var got strings.Builder
			for line := range strings.Lines(string(all)) {
				if line = strings.TrimSpace(line); line != "" {
					got.WriteString(line + "|")
				}
			}
			if got.String() != want || err != nil {
				t.Errorf("%s: %s, %v; want %s", object, got.String(), err, want)
			}
		}
	}
	nested := `{"response":{"n":{"list":[1]},"list":[2]}}`
	if all, err := io.ReadAll(Elements(strings.NewReader(nested), "response", "n", "list")); string(all) != "1\n" || err != nil {
		t.Errorf("%q, %v", all, err)
	}
}

// What breaks off, or is something else, is no empty list: it passes later.
func TestWhatIsNoListIsNotEmpty(t *testing.T) {
	for _, object := range []string{
		``, `<html>`, `[1]`, `"words"`, `{`, `{"outputs"`, `{"outputs":`, `{"outputs":[`, `{"outputs":[{"a":1}`, `{"outputs":[{"a":1},`,
		`{"outputs":["]`, `{"outputs":{}}`, `{"outputs":7}`, `{"status":"x"`,
	} {
		if all, err := io.ReadAll(Elements(strings.NewReader(object), "outputs")); retry.ClassOf(err) != retry.Retryable {
			t.Errorf("%s: %q, %v", object, all, err)
		}
	}
	broken := retry.Mark(errors.New("reset"), retry.Blocked)
	for _, begin := range []string{``, `{"outp`, `{"outputs":[1`} {
		r := io.MultiReader(strings.NewReader(begin), iotest.ErrReader(broken))
		if _, err := io.ReadAll(Elements(r, "outputs")); !errors.Is(err, broken) || retry.ClassOf(err) != retry.Blocked {
			t.Errorf("after %q: %v", begin, err)
		}
	}
}

// FuzzElements: the lines of a list are its elements, whatever is in them.
func FuzzElements(f *testing.F) {
	for _, object := range []string{`{"outputs":[{"a":1},[2],"\"]"]}`, `{"x":{"outputs":[1]},"outputs":[]}`, `{"outputs":[1,`, `null`} {
		f.Add([]byte(object))
	}
	f.Fuzz(func(t *testing.T, object []byte) {
		all, err := io.ReadAll(Elements(strings.NewReader(string(object)), "outputs"))
		var want struct {
			Outputs []json.RawMessage `json:"outputs"`
		}
		if !json.Valid(object) || strings.Count(string(object), "outputs") != 1 || json.Unmarshal(object, &want) != nil {
			return
		}
		var got []string
		for line := range strings.Lines(string(all)) {
			if line = strings.TrimSpace(line); line != "" {
				got = append(got, line)
			}
		}
		if err == nil && len(got) != len(want.Outputs) && len(want.Outputs) > 0 {
			t.Errorf("%s: %q, %v", object, got, err)
		}
		for _, line := range got {
			if !json.Valid([]byte(line)) {
				t.Errorf("%s: %q is no element", object, line)
			}
		}
	})
}
