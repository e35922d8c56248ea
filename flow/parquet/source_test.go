package parquet_test

import (
	"bytes"
	"iter"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/flow/parquet"
	"github.com/balerhq/baler/sink/llm"
)

// things are columns of many kinds.
type things struct {
	Text    string            `parquet:"text"`
	Maybe   *string           `parquet:"maybe,optional"`
	Price   int64             `parquet:"price,decimal(2:18)"`
	Big     int64             `parquet:"big"`
	Natural uint64            `parquet:"natural"`
	Ratio   float64           `parquet:"ratio"`
	Yes     bool              `parquet:"yes"`
	Day     int32             `parquet:"day,date"`
	At      time.Time         `parquet:"at,timestamp(microsecond)"`
	ID      [16]byte          `parquet:"uuid,uuid"`
	JSON    string            `parquet:"json,json"`
	Raw     []byte            `parquet:"raw"`
	Tags    []string          `parquet:"tags,list"`
	Plain   []int32           `parquet:"plain"`
	Names   map[string]string `parquet:"names"`
	Inner   inner             `parquet:"inner"`
	Inners  []inner           `parquet:"inners,list"`
	None    *inner            `parquet:"none,optional"`
}

type inner struct {
	A int32   `parquet:"a"`
	B []int32 `parquet:"b,list"`
}

func manyThings() []things {
	word := `"quoted" é`
	return []things{
		{
			Text: "line\nbreak", Maybe: &word, Price: -5, Big: 1<<62 + 1, Natural: 1<<64 - 1, Ratio: 0.1, Yes: true, Day: 20000,
			At: time.Date(2026, 11, 29, 12, 0, 0, 250_000_000, time.UTC), ID: [16]byte{0x12, 15: 0xff}, JSON: `{"x": [1]}`,
			Raw: []byte{0xff, 0xd8}, Tags: []string{"a", "b"}, Plain: []int32{7, 8}, Names: map[string]string{"k": "v"},
			Inner: inner{1, []int32{2, 3}}, Inners: []inner{{4, nil}, {5, []int32{6}}}, None: &inner{A: 9},
		},
		{JSON: "null", Price: 12345},
	}
}

func TestRowsAreJSONObjects(t *testing.T) {
	want := []string{
		`{"text":"line\nbreak","maybe":"\"quoted\" é","price":-0.05,"big":4611686018427387905,"natural":18446744073709551615,` +
			`"ratio":0.1,"yes":true,"day":"2024-10-04","at":"2026-11-29T12:00:00.25Z","uuid":"12000000-0000-0000-0000-0000000000ff",` +
			`"json":{"x": [1]},"raw":"/9g=","tags":["a","b"],"plain":[7,8],"names":{"k":"v"},"inner":{"a":1,"b":[2,3]},` +
			`"inners":[{"a":4,"b":[]},{"a":5,"b":[6]}],"none":{"a":9,"b":[]}}`,
		`{"text":"","maybe":null,"price":123.45,"big":0,"natural":0,"ratio":0,"yes":false,"day":"1970-01-01",` +
			`"at":"0001-01-01T00:00:00Z","uuid":"00000000-0000-0000-0000-000000000000","json":null,"raw":"","tags":[],"plain":[],` +
			`"names":{},"inner":{"a":0,"b":[]},"inners":[],"none":null}`,
	}
	if diff := cmp.Diff(want, texts(t, write(t, 100, manyThings()...))); diff != "" {
		t.Error(diff)
	}
}

func TestSourceDecodesIntoAStruct(t *testing.T) {
	// Other columns than the file has, in another order and wider.
	type part struct {
		Inners []inner   `parquet:"inners,list"`
		Absent *string   `parquet:"absent,optional"`
		Day    time.Time `parquet:"day,date"`
		Maybe  string    `parquet:"maybe,optional"`
		Text   string    `parquet:"text"`
		Price  int64     `parquet:"price,decimal(2:18)"`
	}
	rows, err := read(t, parquet.Source[part](write(t, 1, manyThings()...)), -1)
	if err != nil {
		t.Fatal(err)
	}
	want := part{
		Inners: []inner{{4, []int32{}}, {5, []int32{6}}}, Day: time.Date(2024, 10, 4, 0, 0, 0, 0, time.UTC),
		Maybe: `"quoted" é`, Text: "line\nbreak", Price: -5,
	}
	if diff := cmp.Diff(want, rows[0].Item); diff != "" {
		t.Error(diff)
	}
	if got := rows[1].Item; got.Maybe != "" || got.Price != 12345 {
		t.Errorf("the second row is %+v", got)
	}
}

func TestAColumnThatDoesNotFitIsRefused(t *testing.T) {
	path := write(t, 100, manyThings()...)
	_, absent := read(t, parquet.Source[struct {
		Texts string `parquet:"texts"`
	}](path), -1)
	_, number := read(t, parquet.Source[struct {
		Text int64 `parquet:"text"`
	}](path), -1)
	_, scale := read(t, parquet.Source[struct {
		Price int64 `parquet:"price"`
	}](path), -1)
	_, narrow := read(t, parquet.Source[struct {
		Big int32 `parquet:"big"`
	}](path), -1)
	_, signed := read(t, parquet.Source[struct {
		Natural int64 `parquet:"natural"`
	}](path), -1)
	_, clock := read(t, parquet.Source[struct {
		At int64 `parquet:"at"`
	}](path), -1)
	_, shape := read(t, parquet.Source[struct {
		Inner string `parquet:"inner"`
	}](path), -1)
	_, below := read(t, parquet.Source[struct {
		Inner struct {
			C int32 `parquet:"c"`
		} `parquet:"inner"`
	}](path), -1)
	for column, err := range map[string]error{
		`"texts", only text, maybe`: absent, `"text" is STRING`: number, `"price" is DECIMAL`: scale, `"big"`: narrow,
		`"natural"`: signed, `"at" is TIMESTAMP`: clock, `"inner" does not have the shape`: shape, `"inner.c", only a, b`: below,
	} {
		wantRefused(t, err, path, 0)
		if err != nil && !strings.Contains(err.Error(), column) {
			t.Errorf("%q does not say %s", err, column)
		}
	}
}

// The library keeps a time in nanoseconds on its way, where the year 9999 is
// another one.
func TestATimeThatTheLibraryChangesIsRefused(t *testing.T) {
	type event struct {
		At time.Time `parquet:"at,timestamp(microsecond)"`
	}
	type raw struct {
		At int64 `parquet:"at,timestamp(microsecond)"`
	}
	never := time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC)
	path := write(t, 10, raw{0}, raw{time.Date(2261, 1, 2, 0, 0, 0, 0, time.UTC).UnixMicro()}, raw{never.UnixMicro()})
	events, err := read(t, parquet.Source[event](path), -1)
	wantRefused(t, err, path, 3)
	if len(events) != 2 || events[1].Item.At.Year() != 2261 {
		t.Errorf("the events are %v", events)
	}
	all, err := read(t, parquet.Source[raw](path), -1)
	if err != nil || len(all) != 3 || all[2].Item.At != never.UnixMicro() {
		t.Errorf("the numbers are %v, %v", all, err)
	}
	if got := texts(t, path)[2]; got != `{"at":"9999-12-31T00:00:00Z"}` {
		t.Errorf("the row is %s", got)
	}
}

func TestAValueThatJSONCannotSayIsRefusedWithItsRow(t *testing.T) {
	bad := things{JSON: "{"}
	path := write(t, 100, things{JSON: "1"}, things{JSON: "2"}, bad)
	rows, err := read(t, parquet.Rows(path), -1)
	wantRefused(t, err, path, 3)
	if len(rows) != 2 || !strings.Contains(err.Error(), `column "json"`) {
		t.Errorf("%d rows, then %v", len(rows), err)
	}
}

// A row whose values cannot be used is one error, and those after it follow.
func TestRowsAfterABadOneFollow(t *testing.T) {
	bad := things{JSON: "{"}
	path := write(t, 2, things{JSON: "1"}, bad, things{JSON: "3"}, bad, things{JSON: "5"})
	f := parquet.Rows(path)
	var good, wrong []int
	for item, err := range f.Items() {
		if err == nil {
			good = append(good, item.Line)
			continue
		}
		_, row := f.Position()
		wantRefused(t, err, path, row)
		wrong = append(wrong, row)
	}
	if !slices.Equal(good, []int{1, 3, 5}) || !slices.Equal(wrong, []int{2, 4}) || !f.PassesBadRows() {
		t.Errorf("rows %v, and %v cannot be used", good, wrong)
	}
}

// A job leaves out such rows, each once, and goes on after any of them.
func TestAJobRejectsBadRows(t *testing.T) {
	w := newWorld(t)
	late := func(n int) time.Time { return time.Date(2026+n, 1, 1, 0, 0, 0, 0, time.UTC) }
	type dated struct {
		ID   string    `parquet:"id"`
		Text string    `parquet:"text"`
		At   time.Time `parquet:"at,timestamp(millisecond)"`
	}
	type written struct {
		ID   string `parquet:"id"`
		Text string `parquet:"text"`
		At   int64  `parquet:"at,timestamp(millisecond)"`
	}
	path := write(t, 2, written{"a", "one", late(0).UnixMilli()}, written{"b", "two", late(1000).UnixMilli()}, written{"c", "three", late(1).UnixMilli()})
	var rejected []int
	job := durable.Job[dated]{
		Name: "dated", Source: parquet.Source[dated](path), Key: func(d dated) string { return d.ID },
		Prompt:   func(d dated) (llm.Chat, error) { return llm.Ask(d.Text), nil },
		Provider: w.client, Model: "gpt-5.4-mini", Batch: durable.BatchLimits{MaxWait: time.Millisecond}, Poll: time.Millisecond,
		Log: slog.New(slog.DiscardHandler), Dir: w.job(nil).Dir,
		Rejects: func(all iter.Seq2[durable.Reject, error]) error {
			for r, err := range all {
				if err != nil {
					return err
				}
				rejected = append(rejected, r.Line)
			}
			return nil
		},
	}
	report, err := durable.Run(t.Context(), job)
	if err != nil || report.Succeeded != 2 || report.Rejected != 1 || !slices.Equal(rejected, []int{2}) {
		t.Errorf("%+v, %v, %v", report, rejected, err)
	}
}

// numbered are tickets in five groups, the last one shorter, each of several
// pages.
func numbered(n int) (all []ticket) {
	for i := range n {
		all = append(all, ticket{strconv.Itoa(i + 1), strings.Repeat(strconv.Itoa(i), 20)})
	}
	return all
}

func TestAnyRowCanBeResumedAfter(t *testing.T) {
	path := write(t, 16, numbered(70)...)
	t.Run("rows", func(t *testing.T) { resumesAfterAnyRow(t, 70, func() *parquet.File[row] { return parquet.Rows(path) }) })
	t.Run("items", func(t *testing.T) {
		resumesAfterAnyRow(t, 70, func() *parquet.File[ticket] { return parquet.Source[ticket](path) })
	})
}

func resumesAfterAnyRow[T any](t *testing.T, n int, open func() *parquet.File[T]) {
	t.Helper()
	whole, err := read(t, open(), -1)
	if err != nil || len(whole) != n {
		t.Fatalf("%d rows, %v", len(whole), err)
	}
	for i, from := range whole {
		if from.Row != i+1 {
			t.Fatalf("row %d is said to be %d", i+1, from.Row)
		}
		f := open()
		if err := f.Resume(from.Checkpoint); err != nil {
			t.Fatal(err)
		}
		if f.Checkpoint() != from.Checkpoint {
			t.Fatal("the checkpoint is another before the first row")
		}
		rest, err := read(t, f, -1)
		if err != nil || !slices.EqualFunc(whole[i+1:], rest, equal[T]) {
			t.Fatalf("after row %d come %v, %v", i+1, rest, err)
		}
	}
}

func TestResumeWithoutACheckpointBeginsAnew(t *testing.T) {
	f := parquet.Source[ticket](write(t, 2, numbered(5)...)).Named("tickets")
	for range 2 {
		if err := f.Resume(""); err != nil {
			t.Fatal(err)
		}
		rows, err := read(t, f, 3)
		if name, row := f.Position(); err != nil || rows[0].Item.ID != "1" || name != "tickets" || row != 3 {
			t.Errorf("%v, %q, %d, %v", rows, name, row, err)
		}
	}
}

func TestAChangedFileIsRefused(t *testing.T) {
	path := write(t, 2, numbered(5)...)
	f := parquet.Source[ticket](path)
	rows, err := read(t, f, 2)
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Resume(rows[1].Checkpoint); err != nil {
		t.Fatal(err)
	}
	for what, change := range map[string]func(){
		"another file": func() { replace(t, path, write(t, 2, numbered(6)...)) },
		"touched":      func() { touch(t, path) },
		"gone":         func() { _ = os.Remove(path) },
	} {
		t.Run(what, func(t *testing.T) {
			change()
			wantRefused(t, parquet.Source[ticket](path).Resume(rows[1].Checkpoint), path, 0)
			_, err := read(t, f, -1) // which has resumed before
			wantRefused(t, err, path, 0)
		})
	}
}

func TestAFileThatChangesWhileItIsReadIsRefused(t *testing.T) {
	path := write(t, 2, numbered(5)...)
	var last error
	for item, err := range parquet.Source[ticket](path).Items() {
		if last = err; item.ID == "5" {
			touch(t, path)
		}
	}
	wantRefused(t, last, path, 0)
}

func TestWhatIsNoFileOfRowsIsRefused(t *testing.T) {
	dir := t.TempDir()
	text, cut := filepath.Join(dir, "text"), filepath.Join(dir, "cut")
	whole, err := os.ReadFile(write(t, 2, numbered(5)...))
	if err != nil {
		t.Fatal(err)
	}
	put(t, text, []byte("id,text\n1,Where is my parcel?\n"))
	put(t, cut, whole[:len(whole)-9])
	for _, path := range []string{dir, text, cut, filepath.Join(dir, "absent"), write[ticket](t, 2)} {
		_, err := read(t, parquet.Rows(path), -1)
		wantRefused(t, err, path, 0)
	}
	if err := parquet.Rows(text).Resume("{"); err == nil {
		t.Error("a checkpoint that is none was taken")
	}
}

// The library panics at some damage, and the checkpoint may be of a row that is
// not there.
func TestDamageIsAnError(t *testing.T) {
	whole, err := os.ReadFile(write(t, 5, numbered(10)...))
	if err != nil {
		t.Fatal(err)
	}
	path, refused := filepath.Join(t.TempDir(), "damaged"), 0
	for i := 4; i < len(whole)-8; i += 3 {
		damaged := bytes.Clone(whole)
		damaged[i] ^= 0x11
		put(t, path, damaged)
		if _, err := read(t, parquet.Rows(path), -1); err != nil {
			refused++
			if !strings.HasPrefix(err.Error(), path) {
				t.Errorf("byte %d: %v", i, err)
			}
		}
	}
	if refused == 0 {
		t.Error("no damage was noticed")
	}
}

func put(tb testing.TB, path string, content []byte) {
	tb.Helper()
	if err := os.WriteFile(path, content, 0o600); err != nil {
		tb.Fatal(err)
	}
}

func replace(tb testing.TB, path, with string) {
	tb.Helper()
	if err := os.Rename(with, path); err != nil {
		tb.Fatal(err)
	}
}

// touch changes when a file was modified.
func touch(tb testing.TB, path string) {
	tb.Helper()
	if err := os.Chtimes(path, time.Time{}, time.Unix(1, 0)); err != nil {
		tb.Fatal(err)
	}
}
