package source

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

// Whatever a file holds, its rows are objects that read the same from any
// place, and no byte is skipped without an error.
func FuzzJSONL(f *testing.F) {
	for _, s := range samples["jsonl"] {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, content string) {
		all, err := scan(openJSONL, content, position{})
		for n, row := range all {
			if row.JSON[0] != '{' || !json.Valid([]byte(row.JSON)) || !utf8.ValidString(row.JSON) {
				t.Fatalf("row %d is %q", n+1, row.JSON)
			}
			if !strings.Contains(content[:row.At.Offset], row.JSON) || strings.Count(row.JSON, "\n") > 0 {
				t.Fatalf("row %d is not a line of the file: %q", n+1, row.JSON)
			}
			checkPlace(t, openJSONL, content, all, n, err)
		}
		lines := bytes.Split([]byte(strings.TrimPrefix(content, bom)), []byte("\n"))
		filled := 0
		for _, line := range lines {
			if len(bytes.Trim(line, blank)) > 0 {
				filled++
			}
		}
		if err == nil && len(all) != filled {
			t.Errorf("%d rows of %d lines", len(all), filled)
		}
	})
}

// The rows of a CSV file hold what encoding/csv reads, and are the same from
// any place.
func FuzzCSV(f *testing.F) {
	for _, s := range samples["csv"] {
		f.Add(s)
	}
	commas := CSVFormat{Delimiter: ','}.open // the one that encoding/csv takes
	f.Fuzz(func(t *testing.T, content string) {
		if onlyCR([]byte(content)) {
			t.Skip("encoding/csv knows no such lines")
		}
		all, err := scan(commas, content, position{})
		for n := range all {
			checkPlace(t, commas, content, all, n, err)
		}
		if err != nil {
			return
		}
		records, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(content, bom))).ReadAll()
		if errors.Is(err, csv.ErrBareQuote) {
			return // which is text here
		}
		if err != nil || len(records) != len(all)+1 {
			t.Fatalf("%d rows; encoding/csv has %d records: %v", len(all), len(records), err)
		}
		for n, row := range all {
			want := make(map[string]string)
			for i, name := range records[0] {
				if name != "" {
					want[name] = records[n+1][i]
				}
			}
			var got map[string]string
			err := json.Unmarshal([]byte(row.JSON), &got)
			if diff := cmp.Diff(want, got); err != nil || diff != "" {
				t.Fatalf("row %d: %v: %s", n+1, err, diff)
			}
		}
	})
}

// checkPlace reads on behind a row and compares with what was read at once.
func checkPlace(t *testing.T, open opener, content string, all []seen, n int, err error) {
	t.Helper()
	at := all[n].At
	if at.Line != strings.Count(content[:at.Offset], "\n") && int(at.Offset) < len(content) {
		t.Fatalf("row %d ends in line %d of %q", n+1, at.Line, content[:at.Offset])
	}
	rest, restErr := scan(open, content, at)
	if diff := cmp.Diff(append([]seen{}, all[n+1:]...), append([]seen{}, rest...)); diff != "" {
		t.Fatalf("behind row %d:\n%s", n+1, diff)
	}
	if (err == nil) != (restErr == nil) || err != nil && err.Error() != restErr.Error() {
		t.Fatalf("behind row %d: %v, at once: %v", n+1, restErr, err)
	}
}
