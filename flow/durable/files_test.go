package durable_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/flow/durable/internal/durabletest"
	"github.com/balerhq/baler/sink/simulator"
)

// The name of a file is safe everywhere, and no two ids have the same, whatever
// the file system makes of capitals.
func TestNamesOfFiles(t *testing.T) {
	t.Parallel()
	for id, want := range map[string]string{
		"t-1": "t-1.json", "line:7": "line%3A7.json", "a/../b": "a%2F..%2Fb.json", ".hidden": "%2Ehidden.json", "-rf": "%2Drf.json",
		"a b%": "a%20b%25.json", "T-1": "T-1~", "con": "con~", "aux.x": "aux.x~", "é": "%C3%A9.json", "..": "%2E..json",
		strings.Repeat("x", 120): strings.Repeat("x", 120) + ".json", strings.Repeat("x", 121): strings.Repeat("x", 100) + "~",
	} {
		if got := durable.FileName(id); got != want && (!strings.HasSuffix(want, "~") || !strings.HasPrefix(got, want)) {
			t.Errorf("%q is %q, want %q", id, got, want)
		}
	}
	safe, seen := regexp.MustCompile(`^[A-Za-z0-9_%][A-Za-z0-9_.%~-]*\.json$`), make(map[string]string)
	for _, id := range []string{
		"a", "A", "a.json", "A.JSON", "a~1", "%41", "ä", "Ä", "ß", "SS", "ss", "a ", "a\x00", "a\xff", "a/", "a\\", "a:", "a*", "nul", "NUL", "nul.txt", "com1",
		"K", "k", "\u212a", strings.Repeat("x", 256), strings.Repeat("X", 256), strings.Repeat("x", 255) + "y", strings.Repeat("é", 128),
	} {
		name := durable.FileName(id)
		if !safe.MatchString(name) || len(name) > 200 {
			t.Errorf("%q: %q", id, name)
		}
		if other, clash := seen[strings.ToLower(name)]; clash {
			t.Errorf("%q and %q are both %q", id, other, name)
		}
		seen[strings.ToLower(name)] = id
	}
}

// Each result is a file, once, though a run died while it wrote some, and one
// was left half.
func TestFilesAfterACrash(t *testing.T) {
	t.Parallel()
	w := durabletest.New(t, simulator.Config{})
	w.Write("in.jsonl", durabletest.Tickets(60)...)
	run := func(change func(durable.Output) durable.Output) error {
		out, err := durable.OpenFiles(w.Path("out"))
		if err != nil {
			t.Fatal(err)
		}
		job := w.Job()
		job.Batch.MaxItems, job.Dir, job.Output = 20, w.StateDir(), change(out)
		_, err = durable.Run(t.Context(), job)
		return errors.Join(err, out.Close())
	}
	dying := func(o durable.Output) durable.Output { return &dyingFiles{Files: o.(*durable.Files), after: 1} }
	if err := run(dying); !errors.Is(err, durabletest.ErrDied) {
		t.Fatal(err)
	}
	undelivered := 0
	for ; ; undelivered++ {
		if _, err := os.Stat(filepath.Join(w.Path("out"), fmt.Sprintf("t-%d.json", undelivered))); err != nil {
			break
		}
	}
	if err := os.WriteFile(filepath.Join(w.Path("out"), fmt.Sprintf("t-%d.json.tmp", undelivered)), []byte(`{"id":"t-`), 0o600); err != nil {
		t.Fatal(err)
	}
	same := func(o durable.Output) durable.Output { return o }
	if err := run(same); err != nil {
		t.Fatal(err)
	}
	for i := range 60 {
		var r durable.Result
		b, err := os.ReadFile(filepath.Join(w.Path("out"), fmt.Sprintf("t-%d.json", i)))
		if err != nil || json.Unmarshal(b, &r) != nil || r.ID != fmt.Sprintf("t-%d", i) || r.Text == "" {
			t.Errorf("t-%d: %q, %v", i, b, err)
		}
	}
	if found, err := os.ReadDir(w.Path("out")); err != nil || len(found) != 60 {
		t.Errorf("%d files, %v", len(found), err)
	}
	w.WantBilledOnce(60)
	// What was removed is missed.
	if err := os.Remove(filepath.Join(w.Path("out"), "t-7.json")); err != nil {
		t.Fatal(err)
	}
	if err := run(same); !isMismatch(err) {
		t.Errorf("err = %v", err)
	}
}

// dyingFiles fails after it wrote a chunk, before the run records it.
type dyingFiles struct {
	*durable.Files
	after int
}

func (o *dyingFiles) Write(ctx context.Context, results []durable.Result) error {
	err := o.Files.Write(ctx, results)
	if o.after--; o.after < 0 && err == nil {
		return durabletest.ErrDied
	}
	return err
}

func TestAnOutputOfFilesIsNew(t *testing.T) {
	t.Parallel()
	path := t.TempDir() + "/out"
	out, err := durable.OpenFiles(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := durable.OpenFiles(path); !errors.Is(err, durable.ErrOutputInUse) {
		t.Errorf("a second writer: %v", err)
	}
	if err := out.Close(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(path); err == nil {
		t.Error("an empty directory is left behind")
	}
	if err := errors.Join(os.Mkdir(path, 0o700), os.WriteFile(path+"/note", nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	if out, err = durable.OpenFiles(path); err != nil {
		t.Fatal(err)
	}
	if err := out.Rewind(""); !isMismatch(err) || !strings.Contains(err.Error(), "note") {
		t.Errorf("err = %v", err)
	}
	if err := out.Close(); err != nil {
		t.Error(err)
	}
	if _, err := durable.OpenFiles(path + "/note"); err == nil {
		t.Error("a file is taken for a directory")
	}
}
