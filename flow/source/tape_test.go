package source

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// outcomes are the rows of a source and its errors, in order.
func outcomes(t *testing.T, s Source[Row]) (all []string) {
	t.Helper()
	for row, err := range s.Items() {
		_, line := s.Position()
		var bad *Error
		switch {
		case errors.As(err, &bad) && bad.Raw == nil:
			all = append(all, "end: "+err.Error())
		case errors.As(err, &bad):
			all = append(all, fmt.Sprintf("%d %d bad %q", line, bad.Line, bad.Raw))
		case err != nil:
			t.Fatal(err)
		default:
			all = append(all, fmt.Sprintf("%d %s", line, row.JSON))
		}
	}
	return all
}

// Whoever goes on after a bad row gets the next, and may resume in between.
func TestRowsAfterABadOneAreRead(t *testing.T) {
	for name, test := range map[string]struct {
		content string
		want    []string
	}{
		"rows.jsonl": {
			"\ufeff{\"a\":1}\n\n{\"a\":\r\n[1]\n{\"a\":2}\n{\"b\":\"\xff\"}\n{\"a\":3}\nend",
			[]string{`1 {"a":1}`, `3 3 bad "{\"a\":"`, `4 4 bad "[1]"`, `5 {"a":2}`, `6 6 bad "{\"b\":\"\xff\"}"`, `7 {"a":3}`, `8 8 bad "end"`},
		},
		"rows.csv": {
			"\ufeffa,b\nx\n1,2\n3,\"4\"x\n\n5,\"6\n7\",8\n9,\xff\n10,11\n12,\"",
			[]string{
				`2 2 bad "x"`, `3 {"a":"1","b":"2"}`, `4 4 bad "3,\"4\"x"`, `6 6 bad "5,\"6\n7\",8"`, `8 8 bad "9,\xff"`,
				`9 {"a":"10","b":"11"}`, `10 10 bad "12,\""`,
			},
		},
		"quote.csv": {
			"a,b\n1,2\n3,\"4\n5,6\n7,8\n", []string{`2 {"a":"1","b":"2"}`, `end: `},
		},
		"packed.csv.gz": {pack(t, "gzip", "a\n1\n2,3\n4\n"), []string{`2 {"a":"1"}`, `3 3 bad "2,3"`, `4 {"a":"4"}`}},
	} {
		path := writeFile(t, name, test.content)
		got := outcomes(t, Rows(path))
		for i := range got {
			if strings.HasPrefix(got[i], "end: ") {
				got[i] = "end: "
			}
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
		for n := 1; n < len(test.want); n++ {
			one, two := Rows(path), Rows(path)
			i := 0
			for range one.Items() { //nolint:errcheck // bad rows are wanted
				if i++; i == n {
					break
				}
			}
			if err := two.Resume(one.Checkpoint()); err != nil {
				t.Fatal(err)
			}
			if rest := outcomes(t, two); !strings.HasPrefix(rest[0], "end: ") && cmp.Diff(test.want[n:], rest) != "" {
				t.Errorf("%s, stopped after %d: %s", name, n, cmp.Diff(test.want[n:], rest))
			}
		}
	}
}

// A file that is torn is no file with a bad row.
func TestACompressedFileThatEndsHasNoBadRow(t *testing.T) {
	whole := pack(t, "gzip", strings.Repeat("{\"text\":\"a b c d\"}\n", 100)+"{\"a\":\"end\"}")
	for _, got := range outcomes(t, Rows(writeFile(t, "rows.jsonl", whole[:len(whole)-9]))) {
		if strings.Contains(got, "bad") {
			t.Error(got)
		}
	}
}

func appendTo(t *testing.T, path, content string) {
	t.Helper()
	file, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := file.WriteString(content); err != nil {
		t.Fatal(err)
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
}

// growing reads a file that grows up to a row, and returns the checkpoint.
func growing(t *testing.T, path string, rows int) string {
	t.Helper()
	f := Rows(path).Growing()
	for _, err := range f.Items() {
		if err != nil {
			t.Fatal(err)
		}
		if rows--; rows == 0 {
			break
		}
	}
	return f.Checkpoint()
}

func TestRowsThatWereAddedAreRead(t *testing.T) {
	for name, parts := range map[string][2]string{
		"a.jsonl":  {"{\"n\":1}\n{\"n\":2}\n", "{\"n\":3}\n"},
		"b.jsonl":  {"\ufeff{\"n\":1}\n\n{\"n\":2}", "\n{\"n\":3}"},
		"c.csv":    {"\ufeffn\n1\n2\n", "3\n"},
		"d.csv":    {"n\r1\r2", "\r3"},
		"e.csv.gz": {pack(t, "gzip", "n\n1\n2\n"), pack(t, "gzip", "3\n")},
	} {
		for n := 1; n <= 2; n++ {
			path := writeFile(t, name, parts[0])
			before := growing(t, path, n)
			appendTo(t, path, parts[1])
			f := Rows(path).Growing()
			if err := f.Resume(before); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if f.Checkpoint() != before {
				t.Errorf("%s: before its first item: %s, want %s", name, f.Checkpoint(), before)
			}
			got, err := collect(f)
			if err != nil || len(got) != 3-n || !strings.Contains(string(got[len(got)-1].JSON), "3") {
				t.Errorf("%s, stopped after %d: %v, %v", name, n, got, err)
			}
			if err := Rows(path).Growing().Resume(f.Checkpoint()); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			if err := Rows(path).Resume(f.Checkpoint()); err != nil {
				t.Errorf("%s, which grows no more: %v", name, err)
			}
		}
	}
}

func TestAFileThatWasChangedBeforeTheMarkIsRefused(t *testing.T) {
	const content = "{\"n\":1}\n{\"n\":2}"
	for changed, want := range map[string]string{
		"{\"n\":1}\n{\"n\":9}\n{\"n\":3}\n":        "changed before",
		"{\"n\":0}\n{\"n\":2}\n":                   "changed before",
		"{\"n\":2}\n{\"n\":3}\n{\"n\":4}\n":        "changed before",
		"{\"n\":1}\n":                              "changed before",
		"":                                         "changed before",
		"{\"n\":1}\n{\"n\":2},\n{\"n\":3}\n":       "went on",
		"{\"n\":1}\n{\"n\":2}{\"n\":4}\n{\"n\":3}": "went on",
	} {
		path := writeFile(t, "rows.jsonl", content)
		before := growing(t, path, -1)
		if err := os.WriteFile(path, []byte(changed), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := Rows(path).Growing().Resume(before); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %s", changed, err, want)
		}
	}
}

// A mark that was made when the file was not to grow does not say what is
// before it.
func TestAMarkWithoutASumBeginsAnew(t *testing.T) {
	path := writeFile(t, "rows.jsonl", "{\"n\":1}\n{\"n\":2}\n")
	f := Rows(path)
	if _, err := collect(f); err != nil {
		t.Fatal(err)
	}
	for rows, more := range []string{"", "", "{\"n\":3}\n"} {
		appendTo(t, path, more)
		g := Rows(path).Growing()
		if err := g.Resume(f.Checkpoint()); err != nil {
			t.Fatal(err)
		}
		if got, err := collect(g); err != nil || len(got) != map[int]int{2: 3}[rows] {
			t.Errorf("%v, %v", got, err)
		}
	}
}

func TestAFileThatIsToGrowMayBeEmpty(t *testing.T) {
	path := filepath.Join(t.TempDir(), "rows.csv")
	for _, content := range []string{"", "n\n"} {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if got, err := collect(Rows(path).Growing()); err != nil || len(got) != 0 {
			t.Errorf("%v, %v", got, err)
		}
	}
}
