package source_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/balerhq/baler/flow/source"
)

// firstN returns the first items of a source, and its checkpoint after them.
func firstN[T any](t *testing.T, n int, from source.Source[T]) (got []T, checkpoint string) {
	t.Helper()
	for v, err := range from.Items() {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, v)
		if checkpoint = from.Checkpoint(); len(got) == n {
			break
		}
	}
	return got, checkpoint
}

func thrice(r source.Row) (parts []string, _ error) {
	for k := range (r.Line - 1) % 4 { // the first has none
		parts = append(parts, fmt.Sprintf("%d.%d", r.Line, k))
	}
	return parts, nil
}

// Wherever a fan-out is interrupted, no part is lost, and those that come again
// are of one item.
func TestAFanOutResumesAnywhere(t *testing.T) {
	path := filepath.Join(t.TempDir(), "in.jsonl")
	if err := os.WriteFile(path, []byte(strings.Repeat("{}\n", 9)), 0o600); err != nil {
		t.Fatal(err)
	}
	all, _ := firstN(t, -1, source.FanOut(source.Rows(path), thrice))
	if len(all) != 12 {
		t.Fatalf("%v", all)
	}
	for n := 1; n <= len(all); n++ {
		_, checkpoint := firstN(t, n, source.FanOut(source.Rows(path), thrice))
		again := resumed(t, path, checkpoint)
		for v, err := range again.Items() {
			if _, number := again.Position(); err != nil || all[number-1] != v {
				t.Fatalf("%s is number %d: %v", v, number, err)
			}
		}
		rest, _ := firstN(t, -1, resumed(t, path, checkpoint))
		from := len(all) - len(rest)
		if from > n || n-from > 3 || !slices.Equal(rest, all[from:]) {
			t.Errorf("after %d: %v", n, rest)
		}
	}
}

func resumed(t *testing.T, path, checkpoint string) source.Source[string] {
	t.Helper()
	f := source.FanOut(source.Rows(path), thrice)
	if err := f.Resume(checkpoint); err != nil {
		t.Fatal(err)
	}
	return f
}

// An item is acknowledged once all its parts are kept.
func TestAFanOutAcknowledgesWholeItems(t *testing.T) {
	items := make(chan int, 5)
	for _, n := range []int{2, 0, 3, 0, 1} {
		items <- n
	}
	close(items)
	var acks []int
	f := source.FanOut(source.Chan("numbers", items, func(kept []int) error {
		acks = append(acks, kept...)
		return nil
	}), func(n int) ([]int, error) { return make([]int, n), nil })
	if got, _ := firstN(t, -1, f); len(got) != 6 {
		t.Fatalf("%v", got)
	}
	for i, want := range [][]int{nil, {2, 0}, {2, 0}, {2, 0}, {2, 0, 3, 0}, {2, 0, 3, 0, 1}} {
		if err := f.Kept(1); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, acks); diff != "" {
			t.Errorf("after %d parts: %s", i+1, diff)
		}
	}
}

func TestAFanOutPassesErrorsOn(t *testing.T) {
	broken := errors.New("broken")
	f := source.FanOut(source.Seq("one", slices.Values([]int{1})), func(int) ([]int, error) { return nil, broken })
	var got error
	for _, err := range f.Items() {
		got = err
	}
	if !errors.Is(got, broken) {
		t.Error(got)
	}
	if c := f.Checkpoint(); c != "" {
		t.Errorf("a checkpoint %q of a source that has none", c)
	}
	if err := f.Resume("{"); err == nil {
		t.Error("a broken checkpoint is taken")
	}
}

func TestAnInboxEndsWithItsContextOrInput(t *testing.T) {
	failed := errors.New("failed")
	for want, next := range map[error]func(context.Context) (int, error){
		nil:              func(context.Context) (int, error) { return 0, fmt.Errorf("no more: %w", io.EOF) },
		failed:           func(context.Context) (int, error) { return 0, failed },
		context.Canceled: func(ctx context.Context) (int, error) { <-ctx.Done(); return 0, context.Cause(ctx) },
	} {
		b := source.Pull("box", next, nil)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		b.Begin(ctx)
		var got error
		for _, err := range b.Items() {
			got = err
		}
		if !errors.Is(got, want) {
			t.Errorf("%v, want %v", got, want)
		}
	}
	b := source.Pull("box", func(context.Context) (int, error) { return 7, nil }, nil)
	if err := b.Resume("41"); err != nil {
		t.Fatal(err)
	}
	next, stop := iter.Pull2(b.Items())
	defer stop()
	if v, err, ok := next(); v != 7 || err != nil || !ok {
		t.Errorf("%d, %v", v, err)
	}
	if name, n := b.Position(); name != "box" || n != 42 || b.Checkpoint() != "42" {
		t.Errorf("%s %d", name, n)
	}
	if b.Resume("") == nil {
		t.Error("an inbox began again")
	}
}
