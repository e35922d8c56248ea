package source

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// place is a row with where it comes from.
type place struct {
	File, JSON string
	Line       int
}

// several returns files in a directory, in the order of their names and
// contents.
func several(dir string, names ...string) *Files[Row] {
	var files []*File[Row]
	for _, name := range names {
		files = append(files, Rows(filepath.Join(dir, name)))
	}
	return Concat(files...)
}

// readPlaces reads up to n rows.
func readPlaces(t *testing.T, s *Files[Row], n int) (all []place) {
	t.Helper()
	for row, err := range s.Items() {
		if err != nil {
			t.Fatal(err)
		}
		name, line := s.Position()
		if name != row.File || line != row.Line {
			t.Errorf("the row of %s:%d is at %s:%d", row.File, row.Line, name, line)
		}
		if all = append(all, place{filepath.Base(row.File), string(row.JSON), row.Line}); len(all) == n {
			break
		}
	}
	return all
}

func writeAll(t *testing.T, contents map[string]string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	for name, content := range contents {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestSeveralFilesAreReadInOrderFromAnyRowOn(t *testing.T) {
	dir := writeAll(t, map[string]string{
		"b.csv": "n\n1\n2\n", "none.jsonl": "", "header.csv": "n\n", "a.jsonl": "{\"n\":\"3\"}\n\n{\"n\":\"4\"}\n", "z.jsonl": "",
		"c.csv.gz": pack(t, "gzip", "n,m\n5,x\n"),
	})
	names := []string{"none.jsonl", "b.csv", "header.csv", "a.jsonl", "c.csv.gz", "z.jsonl"}
	want := []place{
		{"b.csv", `{"n":"1"}`, 2},
		{"b.csv", `{"n":"2"}`, 3},
		{"a.jsonl", `{"n":"3"}`, 1},
		{"a.jsonl", `{"n":"4"}`, 3},
		{"c.csv.gz", `{"n":"5","m":"x"}`, 2},
	}
	for n := 1; n <= len(want); n++ {
		one, two := several(dir, names...), several(dir, names...)
		got := readPlaces(t, one, n)
		if err := two.Resume(one.Checkpoint()); err != nil {
			t.Fatal(err)
		}
		if two.Checkpoint() != one.Checkpoint() {
			t.Errorf("before its first item: %s, want %s", two.Checkpoint(), one.Checkpoint())
		}
		if n < len(want) {
			got = append(got, readPlaces(t, two, -1)...)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("stopped after row %d: %s", n, diff)
		}
	}
	whole := several(dir, names...)
	readPlaces(t, whole, -1)
	ended := several(dir, names...)
	if err := ended.Resume(whole.Checkpoint()); err != nil {
		t.Fatal(err)
	}
	if rest := readPlaces(t, ended, -1); len(rest) > 0 {
		t.Errorf("after the end there are %v", rest)
	}
}

func TestAnotherListOfFilesIsRefused(t *testing.T) {
	contents := map[string]string{"a.csv": "n\n1\n", "b.csv": "n\n2\n3\n", "c.csv": "n\n4\n"}
	for name, test := range map[string]struct {
		names  []string
		change string
	}{
		"another order":       {[]string{"b.csv", "a.csv", "c.csv"}, ""},
		"one more":            {[]string{"a.csv", "b.csv", "c.csv", "d.csv"}, ""},
		"one less":            {[]string{"a.csv", "b.csv"}, ""},
		"one that was read":   {[]string{"a.csv", "b.csv", "c.csv"}, "a.csv"},
		"one that is read":    {[]string{"a.csv", "b.csv", "c.csv"}, "b.csv"},
		"one that is gone":    {[]string{"a.csv", "b.csv", "c.csv"}, "-a.csv"},
		"fewer than was read": {[]string{"a.csv"}, ""},
	} {
		dir := writeAll(t, contents)
		s := several(dir, "a.csv", "b.csv", "c.csv")
		readPlaces(t, s, 2)
		switch {
		case strings.HasPrefix(test.change, "-"):
			if err := os.Remove(filepath.Join(dir, test.change[1:])); err != nil {
				t.Fatal(err)
			}
		case test.change != "":
			if err := os.WriteFile(filepath.Join(dir, test.change), []byte("n\n9\n9\n"), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if err := several(dir, test.names...).Resume(s.Checkpoint()); err == nil {
			t.Errorf("%s: it resumes", name)
		}
	}
}

func TestFilesWithoutRowsAreRefused(t *testing.T) {
	dir := writeAll(t, map[string]string{"a.csv": "n\n", "b.jsonl": ""})
	if _, err := collectAll(several(dir, "a.csv", "b.jsonl")); err == nil || !strings.Contains(err.Error(), "no rows") {
		t.Error(err)
	}
	_, err := collectAll(several(dir, "a.csv", "c.csv"))
	wantError(t, err, 0, "c.csv")
}

// collectAll reads a source up to its first error.
func collectAll[T any](s Source[T]) (all []T, err error) {
	for v, err := range s.Items() {
		if err != nil {
			return all, err
		}
		all = append(all, v)
	}
	return all, nil
}

// Files that grow go on where they ended, or begin anew if more has changed
// than that.
func TestFilesMayGrow(t *testing.T) {
	contents := map[string]string{"a.csv": "n\n1\n", "b.csv": "n\n2\n3\n"}
	for name, test := range map[string]struct {
		names   []string
		change  string
		content string
		want    string // the first row that is read
		err     string
		header  string // b.csv when it was read first, if it had no rows yet
	}{
		"no rows yet":       {names: []string{"a.csv", "b.csv"}, header: "n\n"},
		"the first rows":    {names: []string{"a.csv", "b.csv"}, header: "n\n", change: "b.csv", content: "n\n2\n", want: "2"},
		"nothing":           {names: []string{"a.csv", "b.csv"}},
		"the last":          {names: []string{"a.csv", "b.csv"}, change: "b.csv", content: "n\n2\n3\n4\n", want: "4"},
		"one after":         {names: []string{"a.csv", "b.csv", "c.csv"}, change: "c.csv", content: "n\n5\n", want: "5"},
		"one before":        {names: []string{"0.csv", "a.csv", "b.csv"}, change: "0.csv", content: "n\n0\n", want: "0"},
		"the first":         {names: []string{"a.csv", "b.csv"}, change: "a.csv", content: "n\n1\n9\n", want: "1"},
		"the first is gone": {names: []string{"b.csv"}, want: "2"},
		"what was read":     {names: []string{"a.csv", "b.csv"}, change: "b.csv", content: "n\n7\n3\n4\n", err: "changed before"},
	} {
		dir := writeAll(t, contents)
		if test.header != "" {
			if err := os.WriteFile(filepath.Join(dir, "b.csv"), []byte(test.header), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		s := several(dir, "a.csv", "b.csv").Growing()
		readPlaces(t, s, -1)
		if test.change != "" {
			if err := os.WriteFile(filepath.Join(dir, test.change), []byte(test.content), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		grown := several(dir, test.names...).Growing()
		if err := grown.Resume(s.Checkpoint()); (err == nil) != (test.err == "") || err != nil && !strings.Contains(err.Error(), test.err) {
			t.Errorf("%s: %v", name, err)
		} else if err != nil {
			continue
		}
		got := ""
		for _, p := range readPlaces(t, grown, 1) {
			got = p.JSON
		}
		if want := `{"n":"` + test.want + `"}`; got != want && got+test.want != "" {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
}

// Files that grow go on where a single file was read, if it is the first and as
// it was. Otherwise all rows come again.
func TestFilesThatGrowFollowASingleFile(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		names []string
		grown bool
		want  []string
	}{
		"as it was":       {[]string{"a.csv"}, false, nil},
		"another after":   {[]string{"a.csv", "b.csv"}, false, []string{"2"}},
		"another before":  {[]string{"b.csv", "a.csv"}, false, []string{"2", "1"}},
		"one that grew":   {[]string{"a.csv"}, true, []string{"1", "3"}},
		"both":            {[]string{"a.csv", "b.csv"}, true, []string{"1", "3", "2"}},
		"another instead": {[]string{"b.csv"}, false, []string{"2"}},
	} {
		dir := writeAll(t, map[string]string{"a.csv": "n\n1\n", "b.csv": "n\n2\n"})
		one := Rows(filepath.Join(dir, "a.csv"))
		for _, err := range one.Items() {
			if err != nil {
				t.Fatal(err)
			}
		}
		if err := several(dir, test.names...).Resume(one.Checkpoint()); err == nil {
			t.Errorf("%s: files that do not grow took the place", name)
		}
		if test.grown {
			if err := os.WriteFile(filepath.Join(dir, "a.csv"), []byte("n\n1\n3\n"), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		s := several(dir, test.names...).Growing()
		if err := s.Resume(one.Checkpoint()); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		var got []string
		for row, err := range s.Items() {
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			got = append(got, strings.Trim(string(row.JSON), `{}"n:`))
		}
		if !slices.Equal(got, test.want) {
			t.Errorf("%s: %q, want %q", name, got, test.want)
		}
	}
}
