package printable_test

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/balerhq/baler/internal/printable"
)

func TestLine(t *testing.T) {
	for s, want := range map[string]string{
		"":                            "",
		"plain words":                 "plain words",
		"Grüße, 漢字 🎉":                 "Grüße, 漢字 🎉",
		"\x1b[31mred\x1b[0m":          `\x1b[31mred\x1b[0m`,
		"\x1b]0;title\a":              `\x1b]0;title\x07`,
		"one\r\ntwo\tthree":           "one  two three",
		"c1 \u009b2J":                 `c1 \x9b2J`,
		"user\u202egnp.exe":           `user\u202egnp.exe`,
		"zero\u200bwidth\ufeff":       `zero\u200bwidth\ufeff`,
		"line\u2028end":               "line end",
		"tag \U000e0041":              `tag \U000e0041`,
		"bad \xff\xc3":                `bad \xff\xc3`,
		"a replacement \ufffd stays":  "a replacement \ufffd stays",
		strings.Repeat("x", 41):       strings.Repeat("x", 37) + "...",
		strings.Repeat("x", 40):       strings.Repeat("x", 40),
		strings.Repeat("ü", 30):       strings.Repeat("ü", 18) + "...",
		strings.Repeat("\x1b", 11):    strings.Repeat(`\x1b`, 9) + `\...`,
		strings.Repeat("x", 39) + "ü": strings.Repeat("x", 37) + "...",
	} {
		if got := printable.Line(s, 40); got != want {
			t.Errorf("%q is %q, want %q", s, got, want)
		}
	}
}

func TestTextKeepsItsLines(t *testing.T) {
	if got := printable.Text("one\r\n\x1b[1mtwo\n", 40); got != "one\n"+`\x1b[1mtwo`+"\n" {
		t.Errorf("%q", got)
	}
}

func TestJSONStaysTheSameJSON(t *testing.T) {
	for _, value := range []string{"plain", "ü 漢 🎉", "\u009b2J \u202e \x7f \x1b \u200b \U000e0041", "tab\tand\nline"} {
		before, err := json.MarshalIndent(map[string]string{value: value}, "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		after := printable.JSON(before)
		var back map[string]string
		if err := json.Unmarshal(after, &back); err != nil || back[value] != value {
			t.Errorf("%q became %q: %v", before, after, err)
		}
		for _, r := range string(after) {
			if r != '\n' && !unicode.IsPrint(r) {
				t.Errorf("%q holds %U", after, r)
			}
		}
	}
}

func FuzzLine(f *testing.F) {
	f.Add("\x1b[2J\u202e", 10)
	f.Add("ü\xff", 3)
	f.Fuzz(func(t *testing.T, s string, limit int) {
		limit = 3 + max(limit, 0)%1000
		line := printable.Line(s, limit)
		if len(line) > limit || !utf8.ValidString(line) {
			t.Errorf("%d bytes of at most %d: %q", len(line), limit, line)
		}
		for _, r := range line {
			if !unicode.IsPrint(r) {
				t.Errorf("%q holds %U", line, r)
			}
		}
	})
}
