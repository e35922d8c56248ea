package source

import (
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestJSONLRows(t *testing.T) {
	type rows = []seen
	for name, tc := range map[string]struct {
		content string
		want    rows
	}{
		"two lines":          {"{}\n{\"a\":1}\n", rows{{"{}", 1, position{3, 1}}, {`{"a":1}`, 2, position{11, 2}}}},
		"no final newline":   {"{}\n{}", rows{{"{}", 1, position{3, 1}}, {"{}", 2, position{5, 2}}}},
		"CRLF":               {"{}\r\n{}\r\n", rows{{"{}", 1, position{4, 1}}, {"{}", 2, position{8, 2}}}},
		"byte order mark":    {"\ufeff{}\n", rows{{"{}", 1, position{6, 1}}}},
		"blank lines":        {"\n \t\r\n{}\n\n", rows{{"{}", 3, position{8, 3}}}},
		"a mark and a blank": {"\ufeff\n{}", rows{{"{}", 2, position{6, 2}}}},
		"space around":       {" {} \n", rows{{"{}", 1, position{5, 1}}}},
		"escaped characters": {`{"a":"\ud83d\ude00\u0000\\ud800"}`, rows{{`{"a":"\ud83d\ude00\u0000\\ud800"}`, 1, position{33, 1}}}},
		"large numbers stay": {`{"n":9007199254740993,"f":1.0}`, rows{{`{"n":9007199254740993,"f":1.0}`, 1, position{30, 1}}}},
		"nothing":            {"", nil},
		"only a mark":        {"\ufeff", nil},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := scan(openJSONL, tc.content, position{})
			if diff := cmp.Diff(tc.want, got); err != nil || diff != "" {
				t.Errorf("err = %v: %s", err, diff)
			}
		})
	}
}

func TestJSONLRefusesWhatWouldBeMended(t *testing.T) {
	for name, tc := range map[string]struct{ row, text string }{
		"invalid UTF-8":        {"{\"a\":\"\xff\"}", "column 7: not valid UTF-8"},
		"surrogates in UTF-8":  {"{\"a\":\"\xed\xa0\x80\"}", "column 7: not valid UTF-8"},
		"a high half alone":    {`{"a":"\ud800"}`, "column 7: a \\u escape that is half"},
		"a low half alone":     {`{"a":"\\\udc00"}`, "column 9: a \\u escape that is half"},
		"halves in disorder":   {`{"a":"\udc00\ud800"}`, "column 7: a \\u escape that is half"},
		"a half at the end":    {`{"a":"\ud83d\ude0"}`, "column 7: a \\u escape that is half"},
		"two high halves":      {`{"a":"\ud83d\ud83d\ude00"}`, "column 7: a \\u escape that is half"},
		"not JSON":             {`{"a":1,}`, "column 8: not valid JSON"},
		"not JSON at all":      {`id,text`, "column 1: not valid JSON"},
		"behind a space":       {` {"a" 1}`, "column 7: not valid JSON"},
		"cut off":              {`{"a":"`, "column 6: not valid JSON"},
		"a backslash":          {`\`, "column 1: not valid JSON"},
		"a member twice":       {`{"a":1,"b":{"c":2,"\u0063":3}}`, `column 19: the member "c" comes twice`},
		"two values":           {`{}{}`, "column 3: not valid JSON"},
		"an array":             {`[{}]`, "not a JSON object"},
		"a string":             {`"{}"`, "not a JSON object"},
		"too deep":             {strings.Repeat(`{"a":`, 20_000), "exceeded max depth"},
		"no space of JSON":     {"\u00a0", "not valid JSON"},
		"a mark in the middle": {"\ufeff{}", "not valid JSON"},
	} {
		t.Run(name, func(t *testing.T) {
			rows, err := scan(openJSONL, "{}\n\n"+tc.row+"\n{}\n", position{})
			wantError(t, err, 3, tc.text)
			if len(rows) != 1 {
				t.Errorf("%d rows, want the one before", len(rows))
			}
		})
	}
}

func shortJSONL(r io.ReadSeeker, at position) (rowReader, error) {
	return openJSONLUpTo(r, at, testMost)
}

func TestJSONLLongLines(t *testing.T) {
	long := func(n int) string { return `{"a":"` + strings.Repeat("x", n-8) + `"}` }
	for _, end := range []string{"", "\r\n"} {
		rows, err := scan(shortJSONL, "{}\n"+long(testMost)+end, position{})
		if err != nil || len(rows) != 2 || len(rows[1].JSON) != testMost {
			t.Errorf("a line of testMost bytes and %q: %d rows, %v", end, len(rows), err)
		}
		_, err = scan(shortJSONL, "{}\n"+long(testMost+1)+end, position{})
		wantError(t, err, 2, "longer than 1048576 bytes")
	}
}

// Lines around the buffer's size go through another branch than others.
func TestJSONLLinesAroundTheBuffer(t *testing.T) {
	for n := bufferSize - 2; n <= bufferSize+2; n++ {
		line := `{"a":"` + strings.Repeat("x", n-9) + "\"}\n"
		rows, err := scan(openJSONL, line+line+"{}", position{})
		if err != nil || len(rows) != 3 || rows[1].JSON+"\n" != line || rows[2].At.Offset != int64(2*n+2) {
			t.Errorf("lines of %d bytes: %d rows, %v", n, len(rows), err)
		}
	}
}

func TestJSONLEndlessLine(t *testing.T) {
	r := &endless{text: "x"}
	rows, err := shortJSONL(r, position{})
	if err != nil {
		t.Fatal(err)
	}
	row, _, err := rows.next()
	wantError(t, &Error{Line: row.Line, Err: err}, 1, "longer than")
	if r.read > testMost+bufferSize {
		t.Errorf("%d bytes were read before it was noticed", r.read)
	}
}
