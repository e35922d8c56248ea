package source

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var samples = map[string][]string{
	"jsonl": {
		"{\"n\":1}\n{\"n\":2}\n\n{\"n\":3}\n",
		"\ufeff{\"n\":1}\r\n \r\n{\"n\":2}\r\n{\"n\":3}",
	},
	"csv": {
		"n,text\n1,a\n2,\"b\nc\"\n\n3,d\n",
		"\ufeffn,\"te\nxt\"\r\n1,a\r\n2,\"b\r\nc\"\r\n3,\"\"\"\"",
	},
}

// Whoever stops behind any row and goes on in another process gets exactly the
// rest, with the same lines and checkpoints.
func TestResumeBehindEveryRow(t *testing.T) {
	type row struct {
		Row        Row
		Line       int
		Checkpoint string
	}
	read := func(t *testing.T, f *File[Row], n int) (rows []row) {
		t.Helper()
		for r, err := range f.Items() {
			if err != nil {
				t.Fatal(err)
			}
			_, line := f.Position()
			rows = append(rows, row{r, line, f.Checkpoint()})
			if len(rows) == n {
				break
			}
		}
		return rows
	}
	for _, format := range formats {
		for _, content := range samples[format.name] {
			path := format.write(t, content)
			all := read(t, Rows(path), -1)
			if len(all) != 3 {
				t.Fatalf("%d rows of %q", len(all), content)
			}
			for n := 1; n <= len(all); n++ {
				one := Rows(path)
				begun := read(t, one, n)
				two := Rows(path)
				if err := two.Resume(one.Checkpoint()); err != nil {
					t.Fatal(err)
				}
				if got := two.Checkpoint(); got != one.Checkpoint() {
					t.Errorf("before its first item: %s, want %s", got, one.Checkpoint())
				}
				got := slices.Concat(begun, read(t, two, -1))
				if diff := cmp.Diff(all, got); diff != "" {
					t.Errorf("%q, stopped behind row %d:\n%s", content, n, diff)
				}
			}
		}
	}
}

// first reads one row.
func first(t *testing.T, f *File[Row]) {
	t.Helper()
	for _, err := range f.Items() {
		if err != nil {
			t.Fatal(err)
		}
		return
	}
}

func TestResumeWithNothingBeginsAnew(t *testing.T) {
	path := formats[0].write(t, "{}\n{}\n")
	f := Rows(path)
	first(t, f)
	if err := f.Resume(f.Checkpoint()); err != nil {
		t.Fatal(err)
	}
	if rows, err := collect(f); len(rows) != 1 || err != nil {
		t.Errorf("%d rows behind the first, %v", len(rows), err)
	}
	if err := f.Resume(""); err != nil || f.Checkpoint() != "" {
		t.Errorf("checkpoint %q, %v", f.Checkpoint(), err)
	}
	if rows, err := collect(f); len(rows) != 2 || err != nil {
		t.Errorf("%d rows from the start, %v", len(rows), err)
	}
}

// changes are what may happen to a file between two runs.
var changes = map[string]func(path string) error{
	"another size": func(path string) error { return os.WriteFile(path, []byte("{}\n{}\n{}\n"), 0o600) },
	"another head": func(path string) error {
		info, err := os.Stat(path)
		if err == nil {
			err = os.WriteFile(path, []byte("{}\n[]\n"), 0o600)
		}
		if err == nil {
			err = os.Chtimes(path, time.Time{}, info.ModTime())
		}
		return err
	},
	"another time": func(path string) error { return os.Chtimes(path, time.Time{}, time.Unix(1, 0)) },
	"cut off":      func(path string) error { return os.Truncate(path, 3) },
	"removed":      os.Remove,
}

func TestResumeRefusesAChangedFile(t *testing.T) {
	for name, change := range changes {
		t.Run(name, func(t *testing.T) {
			path := formats[0].write(t, "{}\n{}\n")
			f := Rows(path)
			first(t, f)
			text := f.Checkpoint()
			late := Rows(path)
			if err := late.Resume(text); err != nil {
				t.Fatal(err)
			}
			if err := change(path); err != nil {
				t.Fatal(err)
			}
			early := Rows(path)
			wantError(t, early.Resume(text), 0, "")
			rows, err := collect(late)
			wantError(t, err, 0, "")
			if len(rows) > 0 {
				t.Errorf("%d rows of another file", len(rows))
			}
		})
	}
}

func TestAFileThatChangesWhileItIsRead(t *testing.T) {
	path := formats[0].write(t, strings.Repeat("{}\n", bufferSize))
	f := Rows(path)
	n := 0
	var err error
	for _, err = range f.Items() {
		if n++; n == 1 {
			if err := os.WriteFile(path, []byte("{}\n{}\n"), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	wantError(t, err, 0, "was changed while it was read")
}

func TestResumeRefusesCheckpointsThatAreNone(t *testing.T) {
	path := formats[0].write(t, "{}\n")
	f := Rows(path)
	if _, err := collect(f); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*checkpoint){
		"negative offset": func(c *checkpoint) { c.Offset = -1 },
		"negative line":   func(c *checkpoint) { c.Line = -1 },
		"behind the end":  func(c *checkpoint) { c.Offset = 4 },
	} {
		var c checkpoint
		if err := json.Unmarshal([]byte(f.Checkpoint()), &c); err != nil {
			t.Fatal(err)
		}
		change(&c)
		b, err := json.Marshal(c)
		if err != nil {
			t.Fatal(err)
		}
		t.Run(name, func(t *testing.T) {
			wantError(t, f.Resume(string(b)), 0, "not within the file")
		})
	}
	if err := f.Resume("{"); err == nil {
		t.Error("no error for a text that is not JSON")
	}
}
