package parquet_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	pq "github.com/parquet-go/parquet-go"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/flow/durable/archive"
	"github.com/balerhq/baler/flow/parquet"
	"github.com/balerhq/baler/sink/llm"
	"github.com/balerhq/baler/sink/simulator"
)

func TestAKilledRunGoesOnInTheFileAndItsResultsAreThereOnce(t *testing.T) {
	const n = 50
	w, path := newWorld(t), write(t, 16, numbered(n)...)
	w.killed(path, 30, 0)
	w.killed(path, 0, 25)
	if read := w.killed(path, 0, 0); len(read) >= n {
		t.Errorf("the rows were read from the start again: %v", read)
	}

	out := filepath.Join(t.TempDir(), "results.parquet")
	q := archive.Query{Ordered: true, Codec: w.client.Info().Codec}
	if rows, err := parquet.WriteResults(t.Context(), w.archive(), q, out); rows != n || err != nil {
		t.Fatalf("%d rows, %v", rows, err)
	}
	records, err := pq.ReadFile[parquet.Record](out)
	if err != nil || len(records) != n {
		t.Fatalf("%d records, %v", len(records), err)
	}
	for i, want := range numbered(n) {
		r := &records[i]
		if r.ID != want.ID || r.Status != "succeeded" || !strings.HasSuffix(r.Text, want.Text) || r.Line != int64(i+1) || *r.InputTokens == 0 {
			t.Errorf("row %d is %+v", i, r)
		}
	}
	w.wantBilledOnce(n)
}

// wantBilledOnce requires that the provider has run so many rows, each once.
func (w *world) wantBilledOnce(n int) {
	w.Helper()
	bills, err := simulator.Tally(w.server.Executions(), simulator.AfterTag)
	if err != nil || len(bills) != n {
		w.Errorf("%d rows were executed, %v", len(bills), err)
	}
	for id, b := range bills {
		if b.Billed != 1 {
			w.Errorf("row %s was billed %d times", id, b.Billed)
		}
	}
}

// ended runs a job of a value, a failure and a plain answer.
func ended(t *testing.T, adjust func(*durable.Job[ticket])) *world {
	t.Helper()
	w := newWorld(t)
	job := w.job(parquet.Source[ticket](write(t, 10, ticket{"a", "Where is my parcel?"}, ticket{"b", "[[400]]"})))
	adjust(&job)
	if _, err := durable.Run(t.Context(), job); err != nil {
		t.Fatal(err)
	}
	return w
}

func TestRecordsHaveWhatResultsHave(t *testing.T) {
	w := ended(t, func(job *durable.Job[ticket]) {
		job.Answer = llm.JSON[struct {
			Category string `json:"category"`
		}]()
		job.Meta = func(t ticket) any { return map[string]string{"of": t.ID} }
		job.Tenant = func(ticket) string { return "shop" }
		job.Lineage = true
	})
	a, out := w.archive(), filepath.Join(t.TempDir(), "results.parquet")
	q := archive.Query{Ordered: true, Codec: w.client.Info().Codec}
	if _, err := parquet.WriteResults(t.Context(), a, q, out); err != nil {
		t.Fatal(err)
	}
	rows, err := read(t, parquet.Source[parquet.Record](out), -1)
	if err != nil || len(rows) != 2 {
		t.Fatalf("%d rows, %v", len(rows), err)
	}
	i := 0
	for r, err := range a.Results(q) {
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(fieldsOf(&r.Result), fieldsOfRecord(&rows[i].Item)); diff != "" {
			t.Errorf("row %d: %s", i, diff)
		}
		i++
	}
	if rows[0].Item.Value == nil || rows[1].Item.ErrorCode != "invalid_value" || rows[0].Item.Source == "" {
		t.Errorf("the records are %+v", rows)
	}
	if text := texts(t, out)[0]; !strings.Contains(text, `"value":{"category":`) || !strings.Contains(text, `"error":null`) {
		t.Errorf("the row reads %s", text)
	}
}

func fieldsOf(r *durable.Result) string {
	class, code, message, usage := "", "", "", llm.Usage{}
	if r.Error != nil {
		class, code, message = r.Error.Class.String(), r.Error.Code, r.Error.Message
	}
	if r.Usage != nil {
		usage = *r.Usage
	}
	return fmt.Sprint(r.ID, r.Status, r.Text, string(r.Value), class, code, message, r.Model, r.Route, r.Tenant, r.Batch,
		r.Attempts, r.Cached, r.Shared, usage, r.Source, r.Line, string(r.Meta))
}

func fieldsOfRecord(r *parquet.Record) string {
	tokens := func(n *int64) int {
		if n == nil {
			return 0
		}
		return int(*n)
	}
	usage := llm.Usage{
		Input: tokens(r.InputTokens), CachedInput: tokens(r.CachedInput), CacheWrites: tokens(r.CacheWrites),
		Output: tokens(r.OutputTokens), Reasoning: tokens(r.Reasoning),
	}
	return fmt.Sprint(r.ID, r.Status, r.Text, string(r.Value), r.ErrorClass, r.ErrorCode, r.Error, r.Model, r.Route, r.Tenant, r.Batch,
		r.Attempts, r.Cached, r.Shared, usage, r.Source, r.Line, string(r.Meta))
}

func TestTheFileIsWholeOrAsItWas(t *testing.T) {
	w := ended(t, func(*durable.Job[ticket]) {})
	a, dir := w.archive(), t.TempDir()
	out := filepath.Join(dir, "results.parquet")
	stop, cancel := context.WithCancelCause(t.Context())
	cancel(errKilled)

	if _, err := parquet.WriteResults(stop, a, archive.Query{}, out); !errors.Is(err, errKilled) {
		t.Errorf("err = %v", err)
	}
	wantFiles(t, dir)
	put(t, out, []byte("old"))
	if _, err := parquet.WriteResults(stop, a, archive.Query{}, out); !errors.Is(err, errKilled) {
		t.Errorf("err = %v", err)
	}
	if b, err := os.ReadFile(out); string(b) != "old" || err != nil {
		t.Errorf("the file holds %q, %v", b, err)
	}
	put(t, out+".tmp", []byte("what a crash has left"))
	for range 2 { // as a program that is killed after it
		if rows, err := parquet.WriteResults(t.Context(), a, archive.Query{Status: durable.ItemFailed}, out); rows != 1 || err != nil {
			t.Errorf("%d rows, %v", rows, err)
		}
		wantFiles(t, dir, "results.parquet")
	}
	if got := texts(t, out); len(got) != 1 || !strings.Contains(got[0], `"status":"failed"`) {
		t.Errorf("the rows are %s", got)
	}
	if _, err := parquet.WriteResults(t.Context(), a, archive.Query{}, filepath.Join(dir, "absent", "x")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("err = %v", err)
	}
}

// wantFiles requires a directory to have these files and no others.
func wantFiles(t *testing.T, dir string, want ...string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	if !slices.Equal(names, want) {
		t.Errorf("the directory has %q, want %q", names, want)
	}
}
