package source

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestDialectsAreFound(t *testing.T) {
	const want = `{"id":"1","text":"one, or; two"}`
	for name, content := range map[string]string{
		"comma":                "id,text\n1,\"one, or; two\"\n2,b\n",
		"semicolon":            "id;text\n1;\"one, or; two\"\n2;b\n",
		"semicolon, no quotes": "id;text\n1;\"one, or; two\"\n2;a, b, c\n",
		"tab":                  "id\ttext\n1\tone, or; two\n2\tb\n",
		"bar":                  "id|text\n1|one, or; two\n2|b\n",
		"a mark":               "\ufeffid;text\r\n1;\"one, or; two\"\r\n2;b\r\n",
		"carriage returns":     "id,text\r1,\"one, or; two\"\r2,b\r",
		"trailing fields":      "id,text,,\n1,\"one, or; two\",,\n2,b,,x\n",
		"an index":             ",id,text\n0,1,\"one, or; two\"\n1,2,b\n",
		"doubled quotes":       "id,text\n1,\"one, or; two\"\n2,\"b\"\"\"\n",
	} {
		t.Run(name, func(t *testing.T) {
			got, err := scan(openCSV, content, position{})
			if err != nil || len(got) != 2 || got[0].JSON != want {
				t.Fatalf("%+v, %v", got, err)
			}
			rest, err := scan(openCSV, content, got[0].At)
			if err != nil || len(rest) != 1 || rest[0] != got[1] {
				t.Errorf("from the second record on: %+v, %v", rest, err)
			}
		})
	}
}

// A quote is text unless a field begins with it.
func TestQuotesWithinAFieldAreText(t *testing.T) {
	got, err := scan(openCSV, "id,a \"name\"\n1,the 27\" monitor\n2,\"x\"\"y\"\n3,5'3\"\n4,a\"\"b\n", position{})
	var text []string
	for _, row := range got {
		text = append(text, row.JSON)
	}
	want := []string{
		`{"id":"1","a \"name\"":"the 27\" monitor"}`, `{"id":"2","a \"name\"":"x\"y"}`,
		`{"id":"3","a \"name\"":"5'3\""}`, `{"id":"4","a \"name\"":"a\"\"b"}`,
	}
	if diff := cmp.Diff(want, text); err != nil || diff != "" {
		t.Errorf("%v: %s", err, diff)
	}
}

func TestCarriageReturnsDivideJSONLines(t *testing.T) {
	got, err := scan(openJSONL, `{"a":1}`+"\r"+`{"a":2}`+"\r", position{})
	if err != nil || len(got) != 2 || got[1].JSON != `{"a":2}` || got[1].Line != 2 {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestDialectsThatCannotBeTold(t *testing.T) {
	for name, tc := range map[string]struct {
		content string
		dialect CSVFormat
		line    int
		text    string
	}{
		"two ways":        {"a,b;c\n1,2;3\n", CSVFormat{}, 1, "name the delimiter"},
		"no way":          {"a,b;c\n1\n", CSVFormat{}, 1, "name the delimiter"},
		"a broken record": {"a,b\n1,2\n3\n", CSVFormat{}, 3, "another number of fields"},
		"another":         {"a,b\n1,2\n", CSVFormat{Delimiter: ';'}, 0, ""},
		"no delimiter":    {"a,b\n1,2\n", CSVFormat{Delimiter: '"'}, 1, "single ASCII character"},
		"a long one":      {"a,b\n1,2\n", CSVFormat{Delimiter: '\u2028'}, 1, "single ASCII character"},
		"a torn quote":    {"a,b\n1,\"a\" b\n2,c\n", CSVFormat{}, 2, "one within it is doubled"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := collect(Rows(formats[1].write(t, tc.content)).WithFormat(tc.dialect))
			switch {
			case tc.text != "":
				wantError(t, err, tc.line, tc.text)
			case err != nil:
				t.Error(err)
			}
		})
	}
}

func TestFilesThatAreNoTextAreExplained(t *testing.T) {
	for _, f := range foreign {
		for _, format := range formats {
			path := format.write(t, f.magic+"a,b\n1,2\n")
			_, err := collect(format.file(path))
			wantError(t, err, 0, string(f.advice))
		}
	}
}

func TestWithFormat(t *testing.T) {
	content := "a;b,c\n1;2,3\n"
	got, err := collect(Rows(formats[1].write(t, content)).WithFormat(CSVFormat{Delimiter: ';'}))
	if err != nil || len(got) != 1 || string(got[0].JSON) != `{"a":"1","b,c":"2,3"}` {
		t.Errorf("%+v, %v", got, err)
	}
	path := formats[0].write(t, `{"a":1}`)
	if got, err := collect(Rows(path).WithFormat(CSVFormat{Delimiter: ';'})); err != nil || len(got) != 1 {
		t.Errorf("JSONL: %+v, %v", got, err)
	}
	if _, err := collect(Rows(strings.TrimSuffix(path, ".jsonl") + ".tsv")); err == nil {
		t.Error("a file that is not there was read")
	}
}
