package jobdir

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/balerhq/baler/internal/segment"
	"github.com/balerhq/baler/retry"
	"github.com/balerhq/baler/sink"
	"github.com/balerhq/baler/sink/llm/price"
)

// someEntries returns n entries that differ in all fields.
func someEntries(n int) []Entry {
	all := make([]Entry, n)
	for i := range all {
		all[i] = Entry{
			Key: fmt.Sprint("key ", i), Ref: segment.Ref{File: 1, Offset: uint64(100 * i), Len: uint32(90 + i)}, Content: Digest{1, byte(i)},
			Line: uint32(i + 1), Target: 2, Route: 3, Level: uint8(i % 2), Seq: uint64(i + 7),
		}
		if i%2 == 1 {
			all[i].SetTries([]Try{{Route: 3, Times: 2}, {Route: 1, Times: uint8(i)}})
			all[i].SetExtra(Extra{Meta: json.RawMessage(`{"a":1}`)})
		}
		if i%5 == 4 {
			all[i].SetLimit(uint32(i))
			all[i].SetPaid(price.Money(i))
		}
		if i%3 == 2 {
			all[i].Deadline, all[i].Since = uint32(1_800_000_000+i), 1_700_000_000
		}
		if i%3 == 1 {
			all[i].ownPast().appended = []byte(`[{"role":"user","text":"again"}]`)
			all[i].Frame, all[i].Alone = uint64(i), i%2 == 0
			x := *all[i].Extra()
			x.Source = fmt.Sprint("file ", i)
			x.FileBytes, x.FileTokens = uint64(i)<<33, uint32(i)
			all[i].SetExtra(x)
		}
	}
	return all
}

func noTarget(int) Target { return Target{} }

// newDir returns an empty directory of a job.
func newDir(t *testing.T) *Dir {
	t.Helper()
	root, err := os.OpenRoot(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { root.Close() })
	if err := root.Mkdir(ManifestDir, 0o700); err != nil {
		t.Fatal(err)
	}
	return &Dir{Root: root, ID: "job"}
}

func TestAnEntryIsDecodedAsItWas(t *testing.T) {
	t.Parallel()
	for _, e := range someEntries(10) {
		got, err := DecodeEntry(e.Encode())
		if diff := cmp.Diff(e, got, cmp.AllowUnexported(Entry{}, past{})); diff != "" || err != nil {
			t.Errorf("%s, %v", diff, err)
		}
		if _, err := DecodeEntry(e.Encode()[:EntrySize-1]); err == nil {
			t.Error("an entry that was cut is decoded")
		}
	}
}

// What precedes a request is its entry, and the rest is its body.
func TestARequestIsItsEntryAndItsBody(t *testing.T) {
	t.Parallel()
	e := someEntries(1)[0]
	record := AppendBody(e.RequestHead(), []byte(`"body"`))
	got, err1 := DecodeRequest(record)
	request, err2 := e.Request(record)
	if diff := cmp.Diff(e, got, cmp.AllowUnexported(Entry{}, past{})); diff != "" || string(request.Body) != `"body"` || errors.Join(err1, err2) != nil {
		t.Errorf("%s, request %+v, %v, %v", diff, request, err1, err2)
	}
	record[0] = GroupKind
	if _, err := e.Request(record); err == nil {
		t.Error("a record of another kind is a request")
	}
}

func TestAnOutcomeIsDecodedAsItWas(t *testing.T) {
	t.Parallel()
	for _, o := range []Outcome{
		{Row: 7, Outcome: sink.Outcome{Status: 200, Body: json.RawMessage(`{"a":1}`)}},
		{Row: 8, Outcome: sink.Outcome{Status: 400, Err: &sink.RowError{Class: retry.Permanent, Code: "c", Message: "m"}}},
		{Row: 9, Outcome: sink.Outcome{Status: 200, Body: json.RawMessage(`[]`)}, Origin: "batch_1"},
		{Row: 9, Outcome: sink.Outcome{Status: 200, Body: json.RawMessage(`[]`)}, Origin: "batch_1", Shared: true},
	} {
		var b []byte
		put := func(parts ...[]byte) error { b = bytes.Join(parts, nil); return nil }
		if _, err := PutOutcome(put, []byte("used before"), o.Row, &o.Outcome, o.Origin, o.Shared); err != nil {
			t.Error(err)
		}
		got, err := DecodeOutcome(b)
		if diff := cmp.Diff(o, got); diff != "" || err != nil {
			t.Errorf("%s, %v", diff, err)
		}
		for n := range b {
			if _, err := DecodeOutcome(b[:n]); err == nil {
				t.Errorf("%d of %d bytes are decoded", n, len(b))
			}
		}
	}
}

func TestAManifestHoldsItsRowsInOrder(t *testing.T) {
	t.Parallel()
	d, rows := newDir(t), someEntries(5)
	if err := d.WriteManifest("TAG", rows, Route{}, noTarget); err != nil {
		t.Fatal(err)
	}
	got, err := d.Entries("TAG", len(rows))
	if diff := cmp.Diff(rows, got, cmp.AllowUnexported(Entry{}, past{})); diff != "" || err != nil {
		t.Errorf("%s, %v", diff, err)
	}
	h, err := d.Header("TAG")
	if err != nil || h.Rows != 5 || h.N != 3 || h.Last[0] != 11 || h.Last[1] != 10 {
		t.Errorf("header %+v, %v", h, err)
	}
	if _, err := d.Entries("TAG", 4); !errors.Is(err, segment.ErrDamaged) {
		t.Errorf("another number of rows: %v", err)
	}
}

// Wherever a manifest is cut or a bit of it flips, it is refused.
func TestADamagedManifestIsRefused(t *testing.T) {
	t.Parallel()
	d, rows := newDir(t), someEntries(3)
	if err := d.WriteManifest("TAG", rows, Route{}, noTarget); err != nil {
		t.Fatal(err)
	}
	whole, err := d.Root.ReadFile(ManifestName("TAG"))
	if err != nil {
		t.Fatal(err)
	}
	check := func(what string, at int, b []byte) {
		t.Helper()
		if err := d.Root.WriteFile(ManifestName("TAG"), b, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := d.Entries("TAG", len(rows)); !errors.Is(err, segment.ErrDamaged) {
			t.Errorf("%s at %d of %d: %v", what, at, len(whole), err)
		}
	}
	for at := range whole {
		check("cut", at, whole[:at])
		flipped := slices.Clone(whole)
		flipped[at] ^= 4
		check("flipped", at, flipped)
	}
	check("followed", len(whole), append(slices.Clone(whole), whole...))
}

// A file that is whole is not taken for that of another batch, job or kind.
func TestAnExchangedFileIsRefused(t *testing.T) {
	t.Parallel()
	d := newDir(t)
	if err := d.WriteManifest("TAG", someEntries(1), Route{}, noTarget); err != nil {
		t.Fatal(err)
	}
	if err := d.Root.Rename(ManifestName("TAG"), ManifestName("OTHER")); err != nil {
		t.Fatal(err)
	}
	other := &Dir{Root: d.Root, ID: "another"}
	for name, label := range map[string]Label{
		"of another batch": d.LabelOf(manifestKind, "OTHER"),
		"of another job":   other.LabelOf(manifestKind, "TAG"),
		"of another kind":  d.LabelOf(ResultsKind, "TAG"),
	} {
		var last error
		for _, err := range ReadRecords(d.Root, ManifestName("OTHER"), label) {
			last = err
		}
		if !errors.Is(last, segment.ErrDamaged) {
			t.Errorf("%s: %v", name, last)
		}
	}
	for _, err := range ReadRecords(d.Root, ManifestName("OTHER"), d.LabelOf(manifestKind, "TAG")) {
		if err != nil {
			t.Errorf("under its own label: %v", err)
		}
	}
}
