package main

import (
	"encoding/csv"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestOnlyNewOrdersAreSorted(t *testing.T) {
	dir := t.TempDir()
	var b strings.Builder
	if err := twoNights(t.Context(), dir, &b); err != nil {
		t.Fatal(err)
	}
	const want = `5 orders of 3 shops, 5 of them new: 5 sorted, 0 failed
7 orders of 4 shops, 2 of them new: 7 sorted, 0 failed
`
	if b.String() != want {
		t.Errorf("got\n%swant\n%s", b.String(), want)
	}
	f, err := os.Open(filepath.Join(dir, "sorted.csv"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	records, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	column := func(name string) int { return slices.Index(records[0], name) }
	var got []string
	for _, r := range records[1:] {
		got = append(got, strings.Join([]string{r[column("id")], filepath.Base(r[column("source")]), r[column("line")], r[column("status")]}, " "))
	}
	slices.Sort(got)
	if wanted := []string{
		"B-1 1-berlin.csv 2 succeeded", "B-2 1-berlin.csv 3 succeeded", "O-1 4-oslo.csv 2 succeeded", "P-1 2-paris.csv 2 succeeded",
		"R-1 3-rome.csv 2 succeeded", "R-2 3-rome.csv 3 succeeded", "R-3 3-rome.csv 4 succeeded",
	}; !slices.Equal(got, wanted) {
		t.Errorf("%q", got)
	}
}
