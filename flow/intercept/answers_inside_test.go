package intercept

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/balerhq/baler/internal/segment"
	"github.com/balerhq/baler/retry"
)

// What was recorded is there again, up to a tear, and no further.
func TestAnswersSurviveATear(t *testing.T) {
	dir, quiet := t.TempDir(), slog.New(slog.DiscardHandler)
	reopen := func() *answers {
		a, err := openAnswers(dir, time.Hour, time.Now(), quiet)
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	one, two := callHash{1}, callHash{2}
	a := reopen()
	if _, err := a.ask([]*row{{hash: one, id: 7, at: 100}, {hash: two, id: 8, at: 100}}); err != nil {
		t.Fatal(err)
	}
	want := Answer{Status: 200, Body: []byte(`{"a":1}`), Batch: "batch_1", Model: "m"}
	if err := a.put([]settled{{hash: one, id: 7, at: 200, answer: want}}); err != nil {
		t.Fatal(err)
	}
	if err := a.put([]settled{{hash: one, id: 6, at: 300, class: retry.Permanent, answer: want}}); err != nil { // an older row
		t.Fatal(err)
	}
	if err := a.close(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, answersDir, "00000001.seg")
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for cut := range 12 {
		if err := os.WriteFile(path, whole[:len(whole)-cut], 0o600); err != nil {
			t.Fatal(err)
		}
		a := reopen()
		what, _ := a.find(one)
		got, err := a.read(what)
		if err != nil || what.id != 7 || !what.settled || what.class != 0 || !bytes.Equal(got.Body, want.Body) || got.Batch != want.Batch || got.Status != 200 {
			t.Errorf("%d cut: %+v, %+v, %v", cut, what, got, err)
		}
		if what, known := a.find(two); !known || what.settled || what.id != 8 {
			t.Errorf("%d cut: %+v", cut, what)
		}
		if err := a.put([]settled{{hash: two, id: 8, at: 400, answer: want}}); err != nil {
			t.Error(err)
		}
		if err := a.close(); err != nil {
			t.Error(err)
		}
		a = reopen()
		if what, _ := a.find(two); !what.settled {
			t.Errorf("%d cut: what was recorded after it is gone", cut)
		}
		_ = a.close()
	}
}

// A row that is asked once more after its answer came stays answered: its job
// would never answer it again.
func TestAnAnswerStaysWhenItsRowIsAskedAgain(t *testing.T) {
	dir, one := t.TempDir(), callHash{1}
	reopen := func() *answers {
		a, err := openAnswers(dir, time.Hour, time.Now(), slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	ask := func(a *answers, id uint64, want int) {
		if left, err := a.ask([]*row{{hash: one, id: id, at: 100}}); err != nil || len(left) != want {
			t.Errorf("row %d: %d rows are asked, %v", id, len(left), err)
		}
	}
	a := reopen()
	ask(a, 7, 1)
	if err := a.put([]settled{{hash: one, id: 7, at: 200, answer: Answer{Status: 200}}}); err != nil {
		t.Fatal(err)
	}
	ask(a, 7, 0)
	if err := a.close(); err != nil {
		t.Fatal(err)
	}
	a = reopen()
	defer a.close()
	if what, _ := a.find(one); !what.settled || what.id != 7 {
		t.Errorf("%+v", what)
	}
	ask(a, 7, 0)
	ask(a, 8, 1) // a new row
	if what, _ := a.find(one); what.settled || what.id != 8 {
		t.Errorf("%+v", what)
	}
}

// Rows whose answers may have been lost are asked anew: their jobs know them as
// settled.
func TestRowsOfDamagedAnswersAreAskedAnew(t *testing.T) {
	dir, quiet := t.TempDir(), slog.New(slog.DiscardHandler)
	reopen := func() *answers {
		a, err := openAnswers(dir, time.Hour, time.Now(), quiet)
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	a := reopen()
	if err := a.segment.Close(); err != nil {
		t.Fatal(err)
	}
	var err error
	if a.segment, err = segment.OpenLog(a.root, answersDir, nil, 1, segment.Pos{}); err != nil { // a file for each record
		t.Fatal(err)
	}
	lost, late, after := callHash{1}, callHash{2}, callHash{3}
	for _, step := range []func() error{
		func() error { _, err := a.ask([]*row{{hash: lost, id: 7, at: 100}}); return err },
		func() error { _, err := a.ask([]*row{{hash: late, id: 8, at: 100}}); return err },
		func() error { return a.put([]settled{{hash: lost, id: 7, at: 200, answer: Answer{Status: 200}}}) },
		func() error { return a.put([]settled{{hash: late, id: 8, at: 200, answer: Answer{Status: 200}}}) },
		func() error { _, err := a.ask([]*row{{hash: after, id: 9, at: 300}}); return err },
	} {
		if err := step(); err != nil {
			t.Fatal(err)
		}
	}
	_ = a.close()
	files, err := filepath.Glob(filepath.Join(dir, answersDir, "*.seg"))
	if err != nil || len(files) < 5 {
		t.Fatalf("%v, %v", files, err)
	}
	b, err := os.ReadFile(files[2])
	if err != nil {
		t.Fatal(err)
	}
	b[len(b)-1] ^= 1
	if err := os.WriteFile(files[2], b, 0o600); err != nil {
		t.Fatal(err)
	}
	a = reopen()
	defer a.close()
	if what, known := a.find(lost); known {
		t.Errorf("%+v waits for ever", what)
	}
	if what, _ := a.find(late); !what.settled {
		t.Errorf("%+v: its answer is there", what)
	}
	if what, known := a.find(after); !known || what.id != 9 {
		t.Errorf("%+v: it was asked after the loss", what)
	}
}

// Damage in the middle of the last file is told, and what comes after it counts:
// also after the next start, and for what is written then.
func TestDamageIsNoTear(t *testing.T) {
	dir := t.TempDir()
	var said bytes.Buffer
	reopen := func() *answers {
		a, err := openAnswers(dir, time.Hour, time.Now(), slog.New(slog.NewTextHandler(&said, nil)))
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	want := Answer{Status: 200, Body: []byte(`{"a":1}`), Model: "m"}
	put := func(a *answers, n byte) {
		if err := a.put([]settled{{hash: callHash{n}, id: uint64(n), at: 200, answer: want}}); err != nil {
			t.Fatal(err)
		}
	}
	a := reopen()
	put(a, 1)
	damaged := a.segment.End().Offset + segment.Overhead + headSize + 1
	put(a, 2)
	put(a, 3)
	_ = a.close()
	path := filepath.Join(dir, answersDir, "00000001.seg")
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	b[damaged] ^= 1
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	for n := range byte(3) {
		said.Reset()
		a := reopen()
		if !bytes.Contains(said.Bytes(), []byte("cannot be read")) {
			t.Error("nothing is said")
		}
		for k := byte(1); k <= 3+n; k++ {
			what, known := a.find(callHash{k})
			if known == (k == 2) {
				t.Errorf("start %d, answer %d: %+v", n, k, what)
			}
			if got, err := a.read(what); known && (err != nil || !bytes.Equal(got.Body, want.Body)) {
				t.Errorf("start %d, answer %d: %+v, %v", n, k, got, err)
			}
		}
		put(a, 4+n)
		_ = a.close()
	}
}

// Old files are removed while others are written, with what was in them.
func TestOldAnswersAreRemovedWhileOthersCome(t *testing.T) {
	dir := t.TempDir()
	a, err := openAnswers(dir, time.Hour, time.Now(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer a.close()
	if err := a.segment.Close(); err != nil {
		t.Fatal(err)
	}
	if a.segment, err = segment.OpenLog(a.root, answersDir, nil, 1, segment.Pos{}); err != nil { // a file for each record
		t.Fatal(err)
	}
	a.reader = a.segment.NewReader()
	put := func(n byte) {
		if err := a.put([]settled{{hash: callHash{n}, id: uint64(n), at: 200, answer: Answer{Status: 200}}}); err != nil {
			t.Fatal(err)
		}
	}
	put(1)
	put(2)
	old := time.Now().Add(-2 * time.Hour)
	if err := os.Chtimes(filepath.Join(dir, answersDir, "00000001.seg"), old, old); err != nil {
		t.Fatal(err)
	}
	what, _ := a.find(callHash{1})
	if _, err := a.read(what); err != nil { // the file is open
		t.Fatal(err)
	}
	put(3) // too soon
	if _, known := a.find(callHash{1}); !known {
		t.Error("it looks each time")
	}
	a.swept = time.Now().Add(-sweepEvery)
	put(4)
	for n := byte(1); n <= 4; n++ {
		what, known := a.find(callHash{n})
		if known == (n == 1) {
			t.Errorf("%d: %+v", n, what)
		}
		if _, err := a.read(what); known && err != nil {
			t.Errorf("%d: %v", n, err)
		}
	}
	if files, _ := filepath.Glob(filepath.Join(dir, answersDir, "*.seg")); len(files) != 3 {
		t.Errorf("%q", files)
	}
}

// Answers of earlier versions, which have no price, are read as ever.
func TestAnswersWithoutAPriceAreRead(t *testing.T) {
	record := append(head(kindUnpriced, callHash{1}, 7, 100), 0, 200, 0, 1, 'b', 1, 'm', '{', '}')
	hash, what, ok := decode(record)
	a, err := decodeAnswer(record)
	if !ok || hash != (callHash{1}) || !what.settled || err != nil || a.Status != 200 || a.Batch != "b" || a.Model != "m" || string(a.Body) != "{}" || a.list.known {
		t.Errorf("%+v, %+v, %v", what, a, err)
	}
}
