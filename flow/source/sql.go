package source

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
)

// Querier is a *sql.DB, *sql.Conn or *sql.Tx.
type Querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// SQL yields the rows of a database in the order of a key column, whose values
// are unique and only grow. The query has the key after which to go on as its
// only argument, and gives a page of rows, which is in memory as a whole:
//
//	SELECT id, text FROM tickets WHERE id > $1 ORDER BY id LIMIT 1000
//
// It is asked again until it gives no row, so no cursor stays open and the
// database may be written meanwhile. Scan makes an item of the row at which the
// rows stand, and returns its key, of a type that JSON gives back unchanged.
// The first page is of keys after the zero value, see After. The end of ctx is
// that of the queries.
//
// It resumes after any row, and goes on with rows that were added since it
// ended: that is Job.Append.
func SQL[K comparable, T any](ctx context.Context, db Querier, query string, scan func(*sql.Rows) (T, K, error)) *Table[K, T] {
	return &Table[K, T]{ctx: ctx, db: db, query: query, scan: scan}
}

// Table is the source that SQL returns. It is not safe for concurrent use.
type Table[K comparable, T any] struct {
	ctx   context.Context //nolint:containedctx // of Items, which takes none
	db    Querier
	query string
	scan  func(*sql.Rows) (T, K, error)
	first K

	text string // of the last Resume
	at   tablePosition[K]
}

// tablePosition is a place between two rows.
type tablePosition[K any] struct {
	Key K   `json:"key"` // of the row before it
	N   int `json:"n"`   // rows before it
}

// tableRow is a row that was read.
type tableRow[K, T any] struct {
	item T
	key  K
}

// After makes the first page one of keys after this one, and returns t.
func (t *Table[K, T]) After(key K) *Table[K, T] {
	t.first = key
	if t.text == "" {
		t.at.Key = key
	}
	return t
}

// Items yields the items.
func (t *Table[K, T]) Items() iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for {
			page, err := t.page()
			if err != nil {
				var none T
				yield(none, &Error{File: tableName, Err: err})
				return
			}
			if len(page) == 0 {
				return
			}
			for i := range page {
				t.at = tablePosition[K]{page[i].key, t.at.N + 1}
				if !yield(page[i].item, nil) {
					return
				}
			}
		}
	}
}

// page returns the rows after the place.
func (t *Table[K, T]) page() (page []tableRow[K, T], err error) {
	rows, err := t.db.QueryContext(t.ctx, t.query, t.at.Key)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	before := t.at.Key
	for rows.Next() {
		var row tableRow[K, T]
		if row.item, row.key, err = t.scan(rows); err != nil {
			return nil, err
		}
		if row.key == before {
			return nil, fmt.Errorf("the query gives the key %v again: it must give unique keys that are greater than its argument, in their order", row.key)
		}
		before = row.key
		page = append(page, row)
	}
	return page, rows.Err()
}

// tableName is what a query is called.
const tableName = "database"

// Position returns the number of the row yielded last.
func (t *Table[K, T]) Position() (name string, line int) { return tableName, t.at.N }

// Checkpoint returns the key and the number of the row yielded last.
func (t *Table[K, T]) Checkpoint() string {
	b, err := json.Marshal(t.at)
	if err != nil {
		return ""
	}
	return string(b)
}

// Resume makes Items go on after a checkpoint, or begin anew if it is "".
func (t *Table[K, T]) Resume(checkpoint string) error {
	t.text, t.at = checkpoint, tablePosition[K]{Key: t.first}
	if checkpoint == "" {
		return nil
	}
	if err := json.Unmarshal([]byte(checkpoint), &t.at); err != nil {
		return fmt.Errorf("source: checkpoint: %w", err)
	}
	return nil
}
