package main

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/balerhq/baler/retry"
)

const schema = `CREATE TABLE IF NOT EXISTS orders (
	id       bigint PRIMARY KEY,
	customer text   NOT NULL CHECK (customer <> ''),
	cents    bigint NOT NULL CHECK (cents >= 0)
)`

// statement takes a list for each column, so that it is the same for any number
// of rows. COPY would be faster, and cannot leave out what is there already.
const statement = `INSERT INTO orders (id, customer, cents)
	SELECT * FROM unnest($1::bigint[], $2::text[], $3::bigint[])
	ON CONFLICT (id) DO NOTHING`

func open(ctx context.Context, url string) (*pgxpool.Pool, error) {
	db, err := pgxpool.New(ctx, url)
	if err != nil {
		return nil, err
	}
	if _, err := db.Exec(ctx, schema); err != nil {
		db.Close()
		return nil, err
	}
	return db, nil
}

// inserter returns the function that inserts a batch.
func inserter(db *pgxpool.Pool) func(context.Context, []order) ([]error, error) {
	return func(ctx context.Context, orders []order) ([]error, error) {
		errs := make([]error, len(orders))
		if err := insert(ctx, db, orders, errs); err != nil {
			return nil, err
		}
		return errs, nil
	}
}

// insert inserts all orders in one statement. If the table refuses one of them
// it tries either half, so that n orders with one bad among them take about
// 2 log n statements.
func insert(ctx context.Context, db *pgxpool.Pool, orders []order, errs []error) error {
	ids, customers, cents := make([]int64, len(orders)), make([]string, len(orders)), make([]int64, len(orders))
	for i, o := range orders {
		ids[i], customers[i], cents[i] = o.ID, o.Customer, o.Cents
	}
	_, err := db.Exec(ctx, statement, ids, customers, cents)
	switch class := classOf(err); {
	case class != retry.Permanent:
		return retry.Mark(err, class)
	case len(orders) == 1:
		errs[0] = retry.Mark(err, class)
		return nil
	}
	half := len(orders) / 2
	return errors.Join(insert(ctx, db, orders[:half], errs[:half]), insert(ctx, db, orders[half:], errs[half:]))
}

// classOf says what an error of PostgreSQL means for the rows of a statement.
func classOf(err error) retry.Class {
	e, ok := errors.AsType[*pgconn.PgError](err)
	switch {
	case err == nil:
		return 0
	case !ok && pgconn.SafeToRetry(err):
		return retry.Retryable
	case !ok:
		return retry.Ambiguous // the connection broke
	}
	switch e.Code[:2] {
	case "22", "23": // data, constraints
		return retry.Permanent
	case "08", "40", "53", "55", "57": // connections, conflicts, resources, locks, a server that stops
		return retry.Retryable
	default: // a missing table or permission: no row would pass
		return retry.Blocked
	}
}
