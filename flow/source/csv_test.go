package source

import (
	"io"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestCSVRows(t *testing.T) {
	type rows = []seen
	for name, tc := range map[string]struct {
		content string
		want    rows
	}{
		"two records":       {"a,b\n1,2\n3,4\n", rows{{`{"a":"1","b":"2"}`, 2, position{8, 2}}, {`{"a":"3","b":"4"}`, 3, position{12, 3}}}},
		"no final newline":  {"a\n1", rows{{`{"a":"1"}`, 2, position{3, 2}}}},
		"CRLF":              {"a\r\n1\r\n2\r\n", rows{{`{"a":"1"}`, 2, position{6, 2}}, {`{"a":"2"}`, 3, position{9, 3}}}},
		"byte order mark":   {"\ufeffa\n1\n", rows{{`{"a":"1"}`, 2, position{7, 2}}}},
		"a mark and quotes": {"\ufeff\"a\"\n1\n", rows{{`{"a":"1"}`, 2, position{9, 2}}}},
		"blank lines":       {"a\n\n1\n\n2\n", rows{{`{"a":"1"}`, 3, position{5, 3}}, {`{"a":"2"}`, 5, position{8, 5}}}},
		"quotes":            {"a,b\n\"x,\"\"y\"\"\",\n", rows{{`{"a":"x,\"y\"","b":""}`, 2, position{15, 2}}}},
		"several lines":     {"a,b\n\"1\n2\",\"3\r\n4\"\n5,6\n", rows{{`{"a":"1\n2","b":"3\n4"}`, 2, position{17, 4}}, {`{"a":"5","b":"6"}`, 5, position{21, 5}}}},
		"control":           {"a\n\t\x00\x1f\\\n", rows{{`{"a":"\t\u0000\u001f\\"}`, 2, position{7, 2}}}},
		"other languages":   {"größe\n中<&>\u2028\n", rows{{"{\"größe\":\"中<&>\u2028\"}", 2, position{18, 2}}}},
		"only a header":     {"a,b\n", nil},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := scan(openCSV, tc.content, position{})
			if diff := cmp.Diff(tc.want, got); err != nil || diff != "" {
				t.Errorf("err = %v: %s", err, diff)
			}
		})
	}
}

func TestCSVRefuses(t *testing.T) {
	for name, tc := range map[string]struct {
		content string
		line    int
		text    string
	}{
		"too few fields":            {"a,b\n1,2\n3\n", 3, "another number of fields"},
		"too many fields":           {"a,b\n\"1\n\",2\n3,4,5\n", 4, "another number of fields"},
		"an unclosed quote":         {"a\n1\n\"2\n3\n", 3, "extraneous or missing"},
		"text behind a quote":       {"a\n\"1\"2\n", 2, "column 3: extraneous"},
		"invalid UTF-8":             {"a,b\n1,\xff\n", 2, `field "b" is not valid UTF-8`},
		"invalid UTF-8 over lines":  {"a,b\n1,2\n\"\n\n\",\xff\n", 3, `field "b" is not valid UTF-8`},
		"a surrogate half in UTF-8": {"a\n\xed\xa0\x80\n", 2, `field "a" is not valid UTF-8`},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := scan(openCSV, tc.content, position{})
			wantError(t, err, tc.line, tc.text)
		})
	}
}

func TestCSVRefusesHeaders(t *testing.T) {
	for name, tc := range map[string]struct{ content, text string }{
		"none":          {"\n\n", "the file has no header"},
		"only a mark":   {"\ufeff", "the file has no header"},
		"no names":      {",,\n1,2,3\n", "the header names no field"},
		"a name twice":  {"a,b,a\n", `names "a" twice`},
		"invalid UTF-8": {"a,\xff\n", "field 2 of the header is not valid UTF-8"},
		"bad quotes":    {"\"a\"b\n", "column 3: extraneous"},
	} {
		t.Run(name, func(t *testing.T) {
			path := formats[1].write(t, tc.content)
			_, err := collect(Rows(path))
			wantError(t, err, 1, tc.text)
		})
	}
}

// testMost is a bound that takes less memory to test than MaxRow.
const testMost = 1 << 20

func shortCSV(r io.ReadSeeker, at position) (rowReader, error) {
	return CSVFormat{}.openUpTo(r, at, testMost)
}

func TestCSVLongRecords(t *testing.T) {
	long := strings.Repeat("x", testMost-2)
	for name, tc := range map[string]struct {
		record string
		fits   bool
	}{
		"fits":            {long + "\n", true},
		"fits in quotes":  {`"` + long[2:] + `"` + "\n", true},
		"too long":        {long + "xxx\n", false},
		"too long quoted": {`"` + long + `"` + "\n", false},
		"many lines":      {`"` + strings.Repeat("x\n", testMost/2) + `"` + "\n", false},
	} {
		t.Run(name, func(t *testing.T) {
			rows, err := scan(shortCSV, "a\n1\n"+tc.record+"2\n", position{})
			if !tc.fits {
				wantError(t, err, 3, "longer than 1048576 bytes")
			} else if err != nil || len(rows) != 3 {
				t.Errorf("%d rows, %v", len(rows), err)
			}
		})
	}
}

// A quote that is not closed takes all that follows into one field, which cost
// seven times the size of the file until it ended.
func TestCSVUnclosedQuoteIsBounded(t *testing.T) {
	for name, text := range map[string]string{"lines": "x,y\n", "one line": "x", "blank lines": "\n"} {
		t.Run(name, func(t *testing.T) {
			r := &endless{head: "a\n1\n\"", text: text}
			c, err := shortCSV(r, position{})
			if err != nil {
				t.Fatal(err)
			}
			if _, _, err := c.next(); err != nil {
				t.Fatal(err)
			}
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			row, _, err := c.next()
			runtime.ReadMemStats(&after)
			wantError(t, &Error{Line: row.Line, Err: err}, 3, "longer than")
			if r.read > testMost+2*bufferSize {
				t.Errorf("%d bytes were read before it was noticed", r.read)
			}
			if spent := after.TotalAlloc - before.TotalAlloc; spent > 12*testMost {
				t.Errorf("%d bytes were allocated before it was noticed", spent)
			}
		})
	}
}
