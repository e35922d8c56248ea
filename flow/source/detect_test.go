package source

import (
	"strings"
	"testing"
)

func TestTheFormatOfAFileIsFoundInIt(t *testing.T) {
	for name, test := range map[string]struct{ content, want string }{
		"lines":         {"\ufeff\n {\"a\":\"1\"}\n", `{"a":"1"}`},
		"records":       {"a,b\n1,2\n", `{"a":"1","b":"2"}`},
		"packed lines":  {pack(t, "gzip", `{"a":"1"}`), `{"a":"1"}`},
		"one column":    {"a\n1\n", `{"a":"1"}`},
		"a quoted name": {"\"a\";b\n1;2\n", `{"a":"1","b":"2"}`},
	} {
		rows, err := collect(Detect(writeFile(t, "input", test.content)).Named("standard input"))
		if err != nil || len(rows) != 1 || string(rows[0].JSON) != test.want || rows[0].File != "standard input" {
			t.Errorf("%s: %+v, %v", name, rows, err)
		}
	}
	_, err := collect(Detect(writeFile(t, "input", "[1,2]\n")).Named("standard input"))
	wantError(t, err, 1, "standard input:1: not a JSON object")
	rows, err := collect(Detect(writeFile(t, "input", "a:b\n1:2\n")).WithFormat(CSVFormat{Delimiter: ':'}))
	if err != nil || !strings.Contains(string(rows[0].JSON), `"b":"2"`) {
		t.Errorf("%+v, %v", rows, err)
	}
}
