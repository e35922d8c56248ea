package loose

import (
	"encoding/json"
	"testing"
	"time"
)

func TestValuesAreReadHoweverTheyAreWritten(t *testing.T) {
	at := time.Unix(1763600000, 0)
	for text, want := range map[string]time.Time{
		`1763600000`: at, `1763600000.75`: at, `"2025-11-20T00:53:20Z"`: at,
		`null`: {}, `0`: {}, `"soon"`: {}, `{}`: {}, `-5`: {},
	} {
		var got Timestamp
		if err := json.Unmarshal([]byte(text), &got); err != nil || !got.Equal(want) {
			t.Errorf("%s is %v, %v", text, got, err)
		}
	}
	for text, want := range map[string]Number{
		`3`: 3, `"3"`: 3, `3.0`: 3, `"9007199254740993"`: 9007199254740993, `-1`: -1,
		`null`: 0, `""`: 0, `"x"`: 0, `{}`: 0, `true`: 0, `1e300`: 0,
	} {
		var got Number
		if err := json.Unmarshal([]byte(text), &got); err != nil || got != want {
			t.Errorf("%s is %v, %v", text, got, err)
		}
	}
	for text, want := range map[string]string{`"a"`: "a", `12`: "12", `null`: "", `{}`: "", `["a"]`: "", ``: ""} {
		if got := Text(json.RawMessage(text)); got != want {
			t.Errorf("%s is %q", text, got)
		}
	}
	for text, want := range map[string]string{`"a"`: "a", `12`: "12", `{"n": 1}`: `{"n": 1}`, ``: "", "\"\xff\"": "\ufffd"} {
		if got := AsWritten([]byte(text)); got != want {
			t.Errorf("%s is written %q", text, got)
		}
	}
	for text, want := range map[string]bool{`true`: true, `1`: true, `"yes"`: true, `false`: false, `"False"`: false, `null`: false, ``: false} {
		if Truth(json.RawMessage(text)) != want {
			t.Errorf("%s is not %v", text, want)
		}
	}
}
