package source

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

type ticket struct {
	ID   string `json:"id"`
	Text string `json:"text"`
}

func TestItemsAreDecoded(t *testing.T) {
	want := []ticket{{"1", "one"}, {"2", "two"}}
	for name, f := range map[string]*File[ticket]{
		"JSONL": JSONL[ticket](formats[0].write(t, `{"id":"1","text":"one"}`+"\n"+`{"id":"2","text":"two","more":3}`)),
		"CSV":   CSV[ticket](formats[1].write(t, "id,more,text\n1,,one\n2,3,two\n")),
	} {
		t.Run(name, func(t *testing.T) {
			for range 2 { // again from the start
				got, err := collect(f)
				if diff := cmp.Diff(want, got); err != nil || diff != "" {
					t.Errorf("err = %v: %s", err, diff)
				}
			}
		})
	}
}

// A decoded item must not share memory with the reader's buffers.
func TestItemsAreTheCallers(t *testing.T) {
	for _, format := range formats {
		path := format.write(t, map[string]string{
			"jsonl": "{\"a\":\"x\"}\n{\"a\":\"y\"}\n", "csv": "a\nx\ny\n",
		}[format.name])
		rows, err := collect(Rows(path))
		if err != nil || string(rows[0].JSON) != `{"a":"x"}` || string(rows[1].JSON) != `{"a":"y"}` {
			t.Errorf("%s: rows = %v, %v", format.name, rows, err)
		}
	}
}

// What was read of a row that is wrong may be a part of a buffer that is read into
// again, as the file is read ahead.
func TestARowThatIsWrongIsNoItem(t *testing.T) {
	var text strings.Builder
	for n := range 400 {
		fmt.Fprintf(&text, `{"id":"%05d","text":%q,x}`+"\n", n, strings.Repeat("y", 10<<10))
	}
	name := filepath.Join(t.TempDir(), "in.jsonl")
	if err := os.WriteFile(name, []byte(text.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	wrong := 0
	for row, err := range Rows(name).Items() {
		if wrong++; err == nil || len(row.JSON) > 0 || row.Line != 0 {
			t.Fatalf("row %d has %d bytes, line %d and error %v", wrong, len(row.JSON), row.Line, err)
		}
	}
	if wrong != 400 {
		t.Errorf("%d rows of 400", wrong)
	}
}

func TestTypeErrorsNameTheLine(t *testing.T) {
	_, err := collect(JSONL[ticket](formats[0].write(t, "{}\n{\"id\":1}\n")))
	wantError(t, err, 2, "rows.jsonl:2: json: cannot unmarshal number")
	_, err = collect(CSV[struct{ ID int }](formats[1].write(t, "id\n1\n")))
	wantError(t, err, 2, "rows.csv:2: json: cannot unmarshal string")
}

// broken is a type whose decoder fails with what also means the end of a file.
type broken struct{}

func (*broken) UnmarshalJSON([]byte) error { return io.EOF }

func TestADecoderCannotEndTheFile(t *testing.T) {
	_, err := collect(JSONL[broken](formats[0].write(t, "{}\n{}\n")))
	wantError(t, err, 1, "EOF")
}

func TestFilesThatCannotBeRead(t *testing.T) {
	dir := t.TempDir()
	for name, tc := range map[string]struct{ path, text string }{
		"a directory":   {dir, "is a directory"},
		"not there":     {filepath.Join(dir, "nobody"), "nobody: no such file or directory"},
		"empty":         {formats[0].write(t, ""), "the file is empty"},
		"blank":         {formats[0].write(t, "\n \n"), "the file has no rows"},
		"only a header": {formats[1].write(t, "a,b\n"), "the file has no rows"},
	} {
		t.Run(name, func(t *testing.T) {
			rows, err := collect(Rows(tc.path))
			wantError(t, err, 0, tc.text)
			if len(rows) > 0 {
				t.Errorf("%d rows", len(rows))
			}
		})
	}
	_, err := collect(Rows(filepath.Join(dir, "nobody")))
	if !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("err = %v, want fs.ErrNotExist", err)
	}
}

func TestRowsChoosesTheFormatByTheName(t *testing.T) {
	for name, csv := range map[string]bool{"a.csv": true, "a.CSV": true, "a.jsonl": false, "a": false, "csv": false} {
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, []byte("a\n1\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		if rows, err := collect(Rows(path)); (err == nil) != csv {
			t.Errorf("%s: %d rows, %v", name, len(rows), err)
		}
	}
}
