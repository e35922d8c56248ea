package source

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func library(t *testing.T) (dir string) {
	t.Helper()
	dir = writeAll(t, map[string]string{
		"b.txt": "\ufeffGrüße", "a.md": "# One", "scan.pdf": "%PDF-1.7\n\xff", "empty.txt": "", ".hidden": "x", "page.html": "<html>hi",
	})
	for _, sub := range []string{"sub", ".git"} {
		if err := os.Mkdir(filepath.Join(dir, sub), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, sub, "c.txt"), []byte("deep"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestADirectoryIsReadFromAnyFileOn(t *testing.T) {
	dir := library(t)
	all, err := collectAll(Documents(dir))
	if err != nil {
		t.Fatal(err)
	}
	const text = "text/plain; charset=utf-8"
	want := []Document{
		{"a.md", filepath.Join(dir, "a.md"), "a.md", text, "# One"},
		{"b.txt", filepath.Join(dir, "b.txt"), "b.txt", text, "Grüße"},
		{"page.html", filepath.Join(dir, "page.html"), "page.html", "text/html; charset=utf-8", "<html>hi"},
		{"scan.pdf", filepath.Join(dir, "scan.pdf"), "scan.pdf", "application/pdf", ""},
		{"sub/c.txt", filepath.Join(dir, "sub", "c.txt"), "c.txt", text, "deep"},
	}
	if diff := cmp.Diff(want, all); diff != "" {
		t.Fatal(diff)
	}
	for n := 1; n <= len(want); n++ {
		one, two := Documents(dir), Documents(dir)
		var got []Document
		for doc, err := range one.Items() {
			if err != nil {
				t.Fatal(err)
			}
			if name, line := one.Position(); name != doc.Path || line != 1 {
				t.Errorf("it is at %s:%d", name, line)
			}
			if got = append(got, doc); len(got) == n {
				break
			}
		}
		if err := two.Resume(one.Checkpoint()); err != nil || two.Checkpoint() != one.Checkpoint() {
			t.Errorf("%v, %s, want %s", err, two.Checkpoint(), one.Checkpoint())
		}
		rest, err := collectAll(two)
		if diff := cmp.Diff(want, append(got, rest...)); diff != "" || err != nil {
			t.Errorf("stopped after file %d: %v %s", n, err, diff)
		}
	}
}

func TestDocumentsAreRows(t *testing.T) {
	rows, err := collectAll(DocumentRows(library(t)))
	if err != nil || len(rows) != 5 || rows[4].ID != "sub/c.txt" || rows[4].File != filepath.Join(filepath.Dir(rows[0].File), "sub", "c.txt") || !strings.Contains(string(rows[4].JSON), `"text":"deep"`) {
		t.Errorf("%+v, %v", rows, err)
	}
}

func TestADirectoryThatCannotBeUsedIsRefused(t *testing.T) {
	dir := library(t)
	d := Documents(dir)
	for _, err := range d.Items() {
		if err != nil {
			t.Fatal(err)
		}
		break
	}
	if err := os.WriteFile(filepath.Join(dir, "sub", "latin.txt"), []byte("Gr\xfc\xdfe"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := Documents(dir).Resume(d.Checkpoint()); err == nil || !strings.Contains(err.Error(), "have changed") {
		t.Error(err)
	}
	_, err := collectAll(Documents(dir))
	wantError(t, err, 0, filepath.Join("sub", "latin.txt")+": byte 3: not valid UTF-8")
	_, err = collectAll(Documents(t.TempDir()))
	wantError(t, err, 0, "has no files")
	_, err = collectAll(Documents(filepath.Join(dir, "nowhere")))
	wantError(t, err, 0, "nowhere")
	if err := os.Symlink("b.txt", filepath.Join(dir, "link.txt")); err != nil {
		t.Fatal(err)
	}
	_, err = collectAll(Documents(dir))
	wantError(t, err, 0, "link.txt: not a regular file")
}

func TestADirectoryMayGrow(t *testing.T) {
	dir := library(t)
	d := Documents(dir).Growing()
	all, err := collectAll(d)
	if err != nil || d.Checkpoint() != "" {
		t.Fatalf("%v, %q", err, d.Checkpoint())
	}
	if err := os.WriteFile(filepath.Join(dir, "0.txt"), []byte("new"), 0o600); err != nil {
		t.Fatal(err)
	}
	if more, err := collectAll(Documents(dir).Growing()); err != nil || len(more) != len(all)+1 {
		t.Errorf("%+v, %v", more, err)
	}
	if none, err := collectAll(Documents(t.TempDir()).Growing()); err != nil || len(none) > 0 {
		t.Errorf("%+v, %v", none, err)
	}
}
