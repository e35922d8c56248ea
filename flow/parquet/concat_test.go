package parquet_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	pq "github.com/parquet-go/parquet-go"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/flow/parquet"
	"github.com/balerhq/baler/sink/llm"
)

// writeNamed makes a file of a directory with tickets of these ids, two in a
// group of rows.
func writeNamed(tb testing.TB, dir, name string, ids ...string) string {
	tb.Helper()
	rows := make([]ticket, len(ids))
	for i, id := range ids {
		rows[i] = ticket{id, "text of " + id}
	}
	path := filepath.Join(dir, name)
	if err := pq.WriteFile(path, rows, pq.MaxRowsPerRowGroup(2)); err != nil {
		tb.Fatal(err)
	}
	return path
}

func tickets(paths ...string) *parquet.Files[ticket] {
	files := make([]*parquet.File[ticket], len(paths))
	for i, path := range paths {
		files[i] = parquet.Source[ticket](path).Named(filepath.Base(path))
	}
	return parquet.Concat(files...)
}

// readFiles reads up to n rows of several files, as FILE:ROW:ID.
func readFiles(tb testing.TB, s *parquet.Files[ticket], n int) (all []string) {
	tb.Helper()
	for item, err := range s.Items() {
		if err != nil {
			tb.Fatal(err)
		}
		name, row := s.Position()
		if all = append(all, fmt.Sprintf("%s:%d:%s", name, row, item.ID)); len(all) == n {
			break
		}
	}
	return all
}

func TestSeveralFilesAreReadInOrderFromAnyRowOn(t *testing.T) {
	dir := t.TempDir()
	paths := []string{
		writeNamed(t, dir, "b", "1", "2", "3"), writeNamed(t, dir, "none"), writeNamed(t, dir, "a", "1"), writeNamed(t, dir, "c", "4", "5"), writeNamed(t, dir, "end"),
	}
	want := []string{"b:1:1", "b:2:2", "b:3:3", "a:1:1", "c:1:4", "c:2:5"}
	for n := 1; n <= len(want); n++ {
		one, two := tickets(paths...), tickets(paths...)
		got := readFiles(t, one, n)
		if err := two.Resume(one.Checkpoint()); err != nil {
			t.Fatal(err)
		}
		if two.Checkpoint() != one.Checkpoint() {
			t.Errorf("before its first item: %s, want %s", two.Checkpoint(), one.Checkpoint())
		}
		got = append(got, readFiles(t, two, -1)...)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("stopped after row %d: %s", n, diff)
		}
	}
}

func TestAnotherListOfFilesIsRefused(t *testing.T) {
	for name, change := range map[string]func(paths []string) []string{
		"another order": func(p []string) []string { return []string{p[1], p[0], p[2]} },
		"one less":      func(p []string) []string { return p[:2] },
		"fewer":         func(p []string) []string { return p[:1] },
		"one that was read": func(p []string) []string {
			writeNamed(t, filepath.Dir(p[0]), "a", "8", "9")
			return p
		},
		"one that is read": func(p []string) []string {
			writeNamed(t, filepath.Dir(p[1]), "b", "8", "9")
			return p
		},
		"one that is gone": func(p []string) []string {
			if err := os.Remove(p[0]); err != nil {
				t.Fatal(err)
			}
			return p
		},
	} {
		dir := t.TempDir()
		paths := []string{writeNamed(t, dir, "a", "1"), writeNamed(t, dir, "b", "2", "3"), writeNamed(t, dir, "c", "4")}
		s := tickets(paths...)
		readFiles(t, s, 2)
		if err := tickets(change(paths)...).Resume(s.Checkpoint()); err == nil {
			t.Errorf("%s: it resumes", name)
		}
	}
	one := parquet.Source[ticket](writeNamed(t, t.TempDir(), "a", "1"))
	if _, err := read(t, one, 1); err != nil {
		t.Fatal(err)
	}
	if err := tickets(writeNamed(t, t.TempDir(), "a", "1")).Resume(one.Checkpoint()); err == nil || !strings.Contains(err.Error(), "of one file") {
		t.Error(err)
	}
}

func TestFilesWithoutRowsAreRefused(t *testing.T) {
	dir := t.TempDir()
	for _, err := range tickets(writeNamed(t, dir, "a"), writeNamed(t, dir, "b")).Items() {
		if err == nil || !strings.Contains(err.Error(), "no rows") {
			t.Error(err)
		}
	}
	missing := filepath.Join(dir, "missing")
	var last error
	for _, err := range tickets(writeNamed(t, dir, "c", "1"), missing).Items() {
		last = err
	}
	wantRefused(t, last, "missing", 0)
}

// A run reads several files as one. Ids that are unique within a file only are
// told apart, and results say where they come from.
func TestARunOfSeveralFiles(t *testing.T) {
	w := newWorld(t)
	dir := t.TempDir()
	files := make([]*parquet.File[parquet.Placed[ticket]], 3)
	for i := range files {
		path := writeNamed(t, dir, fmt.Sprint("day-", i), "1", "2", "3")
		files[i] = parquet.Place(parquet.Source[ticket](path).Named(filepath.Base(path)))
	}
	base := w.job(nil)
	var got []string
	report, err := durable.Run(t.Context(), durable.Job[parquet.Placed[ticket]]{
		Name: base.Name, Provider: base.Provider, Model: base.Model, Batch: base.Batch, Poll: base.Poll, Dir: base.Dir, Log: base.Log,
		Source: parquet.Concat(files...), Lineage: true,
		Key:    func(p parquet.Placed[ticket]) string { return p.ID(p.Item.ID) },
		Prompt: func(p parquet.Placed[ticket]) (llm.Chat, error) { return llm.Ask(p.ID(p.Item.Text)), nil },
		Output: durable.Each(func(_ context.Context, r durable.Result) error {
			got = append(got, r.ID)
			if !strings.HasPrefix(r.ID, r.Source+":") || r.ID != fmt.Sprintf("%s:%d", r.Source, r.Line) {
				t.Errorf("%s comes from %s, row %d", r.ID, r.Source, r.Line)
			}
			return nil
		}),
	})
	if err != nil || report.Succeeded != 9 || len(got) != 9 {
		t.Errorf("%+v, %v, %q", report, err, got)
	}
}

// Rows that are not decoded say their number, too.
func TestPlacedRows(t *testing.T) {
	f := parquet.Place(parquet.Rows(writeNamed(t, t.TempDir(), "a", "1", "2")).Named("a"))
	rows, err := read(t, f, -1)
	if err != nil || len(rows) != 2 {
		t.Fatal(rows, err)
	}
	if p := rows[1].Item; p.Item.Line != 2 || p.Row != 2 || p.ID("x") != "a:x" || !strings.Contains(string(p.Item.JSON), `"id":"2"`) {
		t.Errorf("%+v", p)
	}
}
