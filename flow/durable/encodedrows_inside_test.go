package durable

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/balerhq/baler/flow/durable/internal/jobdir"
	"github.com/balerhq/baler/flow/state"
	"github.com/balerhq/baler/sink"
)

// countedRows are the rows of a batch, which count how often they were encoded
// up to each row. Like a codec's they share memory.
type countedRows struct {
	bodies []string
	begun  int
	given  int
}

func rowsOfSizes(sizes ...int) *countedRows {
	c := new(countedRows)
	for n, size := range sizes {
		c.bodies = append(c.bodies, fmt.Sprintf(`"%d%s"`, n, strings.Repeat("x", size)))
	}
	return c
}

func (c *countedRows) encode(yield func(sink.Row, error) bool) {
	c.begun++
	var shared []byte
	for n, body := range c.bodies {
		c.given++
		shared = append(shared[:0], body...)
		if !yield(sink.Row{ID: fmt.Sprint("row", n), Body: shared}, nil) {
			return
		}
	}
}

// mustBe reads the rows and requires them to be all.
func (c *countedRows) mustBe(t *testing.T, rows sink.Rows) {
	t.Helper()
	n := 0
	for row, err := range rows {
		if err != nil || n >= len(c.bodies) || row.ID != fmt.Sprint("row", n) || string(row.Body) != c.bodies[n] {
			t.Fatalf("row %d is %q with %d bytes, %v", n, row.ID, len(row.Body), err)
		}
		n++
	}
	if n != len(c.bodies) {
		t.Fatalf("%d rows of %d", n, len(c.bodies))
	}
}

func tempDir(t *testing.T) *jobdir.Dir {
	t.Helper()
	root, err := os.OpenRoot(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = root.Close() })
	if err := root.Mkdir(jobdir.ManifestDir, 0o700); err != nil {
		t.Fatal(err)
	}
	return &jobdir.Dir{Root: root, Keys: jobdir.NewKeys("test", 0)}
}

func (c *countedRows) spilledTo(dir *jobdir.Dir) *encodedRows {
	return &encodedRows{encode: c.encode, spill: func() (*rowFile, error) { return newRowFile(dir, "TAG") }}
}

var sizesOfRows = map[string][]int{
	"none": {}, "one": {10}, "a few": {1, 20_000, 300, 7}, "just in memory": {maxInMemory},
	"a large one": {maxInMemory + 1}, "many": {1 << 19, 1 << 19, 1 << 19, 5, 1 << 19, 3 << 20, 100_000, 2},
}

func TestRowsAreEncodedOnce(t *testing.T) {
	t.Parallel()
	for name, sizes := range sizesOfRows {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, dir := rowsOfSizes(sizes...), tempDir(t)
			e := c.spilledTo(dir)
			for range 3 {
				c.mustBe(t, e.all)
			}
			if c.begun != 1 || c.given != len(sizes) {
				t.Errorf("they were encoded %d times, %d rows in all", c.begun, c.given)
			}
			e.close()
			mustBeEmpty(t, dir)
		})
	}
}

func mustBeEmpty(t *testing.T, dir *jobdir.Dir) {
	t.Helper()
	left, err := fs.ReadDir(dir.Root.FS(), jobdir.ManifestDir)
	if err != nil || len(left) > 0 {
		t.Errorf("%v is left, %v", left, err)
	}
}

// What a process that was killed has left is no hindrance.
func TestAFileOfRowsReplacesOneThatWasLeft(t *testing.T) {
	t.Parallel()
	c, dir := rowsOfSizes(maxInMemory, maxInMemory), tempDir(t)
	if err := dir.Root.WriteFile(jobdir.ManifestName("TAG")+".upload.tmp", []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	e := c.spilledTo(dir)
	c.mustBe(t, e.all)
	c.mustBe(t, e.all)
	e.close()
	mustBeEmpty(t, dir)
	if c.begun != 1 {
		t.Errorf("they were encoded %d times", c.begun)
	}
}

// A reader that stops in the middle, or that meets an error, leaves nothing that
// a later one takes for all rows.
func TestRowsAreKeptOnlyWhole(t *testing.T) {
	t.Parallel()
	c, dir := rowsOfSizes(1<<20, 1<<20, 10), tempDir(t)
	broken := errors.New("broken")
	e := c.spilledTo(dir)
	for range 2 {
		for row, err := range e.all {
			if err != nil || row.ID == "row1" {
				break
			}
		}
	}
	e.encode = func(yield func(sink.Row, error) bool) {
		for row, err := range c.encode {
			if row.ID == "row2" {
				err = broken
			}
			if !yield(row, err) {
				return
			}
		}
	}
	failed := 0
	for _, err := range e.all {
		if errors.Is(err, broken) {
			failed++
		}
	}
	e.encode = c.encode
	c.mustBe(t, e.all)
	c.mustBe(t, e.all)
	if e.close(); failed != 1 || c.begun != 4 {
		t.Errorf("the error came %d times, the rows were encoded %d times", failed, c.begun)
	}
	mustBeEmpty(t, dir)
}

// A disk without room costs time, and no row.
func TestRowsThatFindNoRoomAreEncodedAgain(t *testing.T) {
	t.Parallel()
	c := rowsOfSizes(1<<20, 1<<20)
	e := &encodedRows{encode: c.encode, spill: func() (*rowFile, error) { return nil, syscall.ENOSPC }}
	c.mustBe(t, e.all)
	c.mustBe(t, e.all)
	if e.close(); c.begun != 2 {
		t.Errorf("they were encoded %d times", c.begun)
	}
}

// A call that failed may hold its rows while another one reads them, and after
// they are closed.
func TestRowsThatACallStillHoldsAreEncodedForAnother(t *testing.T) {
	t.Parallel()
	c, dir := rowsOfSizes(1<<20, 1<<20, 5), tempDir(t)
	e := c.spilledTo(dir)
	next, stop := iter.Pull2(e.all)
	for range 2 { // both of which are kept
		if row, err, _ := next(); err != nil || !json.Valid(row.Body) {
			t.Fatal(err)
		}
	}
	c.mustBe(t, e.all)
	e.close()
	if _, err, ok := next(); err != nil || !ok {
		t.Error("the rows have ended", err)
	}
	if c.begun != 2 {
		t.Errorf("they were encoded %d times", c.begun)
	}
	stop()
	mustBeEmpty(t, dir)
	if e.kept.rest.f.Close() == nil {
		t.Error("the file was open")
	}
}

func TestKeptRowsServeSeveralReaders(t *testing.T) {
	t.Parallel()
	c, dir := rowsOfSizes(1<<20, 1<<20, 200_000, 5), tempDir(t)
	e := c.spilledTo(dir)
	defer e.close()
	c.mustBe(t, e.all)
	var readers sync.WaitGroup
	for range 4 {
		readers.Go(func() {
			n := 0
			for row, err := range e.all {
				if err != nil || string(row.Body) != c.bodies[n] {
					t.Errorf("row %d: %v", n, err)
				}
				n++
			}
		})
	}
	readers.Wait()
}

// A file that does not hold what was written ends the run, and no batch.
func TestDamageOfTheFileOfRowsIsNoRefusal(t *testing.T) {
	t.Parallel()
	c, dir := rowsOfSizes(1<<20, 1<<20), tempDir(t)
	e := c.spilledTo(dir)
	defer e.close()
	c.mustBe(t, e.all)
	if _, err := e.kept.rest.f.WriteAt([]byte("y"), 1000); err != nil {
		t.Fatal(err)
	}
	var last error
	for _, err := range e.all {
		last = err
	}
	if !errors.Is(last, state.ErrDamaged) || refuses(t.Context(), last) {
		t.Errorf("%v, a refusal: %t", last, refuses(t.Context(), last))
	}
}
