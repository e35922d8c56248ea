package source

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
)

// fakeDB is a table of numbers and texts, of which a query gives up to four
// that are greater than its argument.
type fakeDB struct {
	keys   []int64
	broken error
	open   int // results that were not closed
}

func (f *fakeDB) Open(string) (driver.Conn, error)           { return f, nil }
func (f *fakeDB) Prepare(string) (driver.Stmt, error)        { return f, nil }
func (f *fakeDB) Begin() (driver.Tx, error)                  { return nil, errors.ErrUnsupported }
func (f *fakeDB) Close() error                               { return nil }
func (f *fakeDB) NumInput() int                              { return 1 }
func (f *fakeDB) Exec([]driver.Value) (driver.Result, error) { return nil, errors.ErrUnsupported }

func (f *fakeDB) Query(args []driver.Value) (driver.Rows, error) {
	if f.broken != nil {
		return nil, f.broken
	}
	f.open++
	i := slices.IndexFunc(f.keys, func(key int64) bool { return key > args[0].(int64) })
	if i < 0 {
		i = len(f.keys)
	}
	return &fakeRows{f, f.keys[i:min(i+4, len(f.keys))]}, nil
}

type fakeRows struct {
	db   *fakeDB
	keys []int64
}

func (r *fakeRows) Columns() []string { return []string{"id"} }

func (r *fakeRows) Close() error {
	r.db.open--
	return nil
}

func (r *fakeRows) Next(dest []driver.Value) error {
	if len(r.keys) == 0 {
		return io.EOF
	}
	dest[0], r.keys = r.keys[0], r.keys[1:]
	return nil
}

type connector struct{ *fakeDB }

func (c connector) Connect(context.Context) (driver.Conn, error) { return c.fakeDB, nil }
func (c connector) Driver() driver.Driver                        { return c.fakeDB }

func query(t *testing.T, f *fakeDB) *Table[int64, int64] {
	t.Helper()
	db := sql.OpenDB(connector{f})
	t.Cleanup(func() { db.Close() })
	db.SetMaxOpenConns(1) // whoever holds one while an item is handled gets stuck
	return SQL(t.Context(), db, "SELECT ...", func(rows *sql.Rows) (key, _ int64, err error) {
		err = rows.Scan(&key)
		return key, key, err
	})
}

func TestADatabaseIsReadFromAnyRowOn(t *testing.T) {
	f := &fakeDB{keys: []int64{-3, 1, 2, 5, 6, 9, 12, 13, 20, 21}}
	want := f.keys[1:]
	for n := 1; n <= len(want); n++ {
		one, two := query(t, f), query(t, f)
		var got []int64
		for v, err := range one.Items() {
			if err != nil || f.open > 0 {
				t.Fatalf("%v, %d results are open", err, f.open)
			}
			if got = append(got, v); len(got) == n {
				break
			}
		}
		if name, line := one.Position(); name != tableName || line != n {
			t.Errorf("it is at %s:%d", name, line)
		}
		if err := two.Resume(one.Checkpoint()); err != nil || two.Checkpoint() != one.Checkpoint() {
			t.Errorf("%v, %s, want %s", err, two.Checkpoint(), one.Checkpoint())
		}
		rest, err := collectAll(two)
		if got = append(got, rest...); err != nil || !slices.Equal(got, want) {
			t.Errorf("stopped after row %d: %v, %v", n, got, err)
		}
	}
	all, err := collectAll(query(t, f).After(-10))
	if err != nil || !slices.Equal(all, f.keys) {
		t.Errorf("%v, %v", all, err)
	}
}

func TestRowsThatWereAddedSinceAreReadToo(t *testing.T) {
	f := &fakeDB{keys: []int64{1, 2}}
	one := query(t, f)
	if _, err := collectAll(one); err != nil {
		t.Fatal(err)
	}
	f.keys = append(f.keys, 3)
	two := query(t, f)
	if err := two.Resume(one.Checkpoint()); err != nil {
		t.Fatal(err)
	}
	if got, err := collectAll(two); err != nil || !slices.Equal(got, []int64{3}) {
		t.Errorf("%v, %v", got, err)
	}
}

func TestAQueryThatDoesNotGoOnIsRefused(t *testing.T) {
	_, err := collectAll(query(t, &fakeDB{keys: []int64{1, 2, 2}}))
	wantError(t, err, 0, "the key 2 again")
	broken := errors.New("no such table")
	if _, err := collectAll(query(t, &fakeDB{broken: broken})); !errors.Is(err, broken) || !strings.Contains(err.Error(), tableName) {
		t.Error(err)
	}
	if err := query(t, &fakeDB{}).Resume("x"); err == nil {
		t.Error("it resumes from no checkpoint")
	}
}
