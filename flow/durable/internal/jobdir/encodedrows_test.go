package jobdir_test

import (
	"encoding/json"
	"fmt"
	"os"
	"reflect"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/balerhq/baler/flow/durable/internal/jobdir"
)

// The rows of a manifest are the same whether they are decoded at once or one
// at a time, in any order.
func TestEncodedRowsAreThoseOfTheManifest(t *testing.T) {
	t.Parallel()
	root, err := os.OpenRoot(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	if err := root.Mkdir(jobdir.ManifestDir, 0o700); err != nil {
		t.Fatal(err)
	}
	a := &jobdir.Dir{ID: "a-job", Root: root}
	var entries []jobdir.Entry
	for n := range 50 {
		e := jobdir.Entry{Key: fmt.Sprintf("key-%d", n), Line: uint32(n), Seq: uint64(n)} //nolint:gosec // small
		if n%3 == 0 {
			e.SetExtra(jobdir.Extra{Meta: json.RawMessage(fmt.Sprintf(`{"n":%d}`, n))})
			e.SetTries([]jobdir.Try{{Route: 0, Times: uint8(n)}}) //nolint:gosec // small
		}
		entries = append(entries, e)
	}
	const tag = "a-tag"
	if err := a.WriteManifest(tag, entries, jobdir.Route{}, func(int) jobdir.Target { return jobdir.Target{} }); err != nil {
		t.Fatal(err)
	}
	rows, err := a.EncodedRows(tag, len(entries))
	if err != nil || rows.Len() != len(entries) {
		t.Fatalf("%d rows, %v", rows.Len(), err)
	}
	at := func(n int) jobdir.Entry {
		t.Helper()
		e, err := rows.Row(n)
		if err != nil {
			t.Fatal(err)
		}
		return e
	}
	whole := cmp.Exporter(func(reflect.Type) bool { return true })
	for n := range entries {
		k := n * 7 % len(entries)
		if diff := cmp.Diff(entries[k], at(k), whole); diff != "" {
			t.Error(diff)
		}
	}
	kept := at(3)
	at(6)
	if diff := cmp.Diff(entries[3], kept, whole); diff != "" {
		t.Error("a row changes when another one is decoded: " + diff)
	}
	if _, err := a.EncodedRows(tag, len(entries)+1); err == nil {
		t.Error("a manifest that has not all rows is taken for whole")
	}
}
