// Etl loads orders from a CSV file into SQLite. It drops the cancelled ones,
// turns amounts into cents, and inserts the rest in batches, each by one INSERT
// of many rows.
package main

import (
	"context"
	"database/sql"
	"fmt"
	"io"
	"log"
	"math"
	"os"
	"strings"
	"time"

	_ "modernc.org/sqlite" // the driver

	"github.com/balerhq/baler/accumulator"
	"github.com/balerhq/baler/flow"
	"github.com/balerhq/baler/flow/source"
)

// row is a line of the file. All that a CSV file has is strings, hence the tags
// of the numbers.
type row struct {
	ID                        int64 `json:",string"`
	Customer, Country, Status string
	Amount                    float64 `json:",string"`
}

type order struct {
	ID, Cents         int64
	Customer, Country string
}

func paid(r row) bool { return r.Status == "paid" }

func toOrder(_ context.Context, r row) (order, error) {
	cents := int64(math.Round(r.Amount * 100))
	return order{ID: r.ID, Cents: cents, Customer: r.Customer, Country: strings.ToUpper(r.Country)}, nil
}

// insert adds all orders or none: one statement is one transaction. It replaces
// orders that are there already, so a load that was cut short can be run again.
func insert(ctx context.Context, db *sql.DB, orders []order) error {
	values := strings.TrimSuffix(strings.Repeat("(?,?,?,?),", len(orders)), ",")
	args := make([]any, 0, 4*len(orders))
	for _, o := range orders {
		args = append(args, o.ID, o.Customer, o.Country, o.Cents)
	}
	_, err := db.ExecContext(ctx, "INSERT OR REPLACE INTO orders (id, customer, country, cents) VALUES "+values, args...)
	return err
}

func run(ctx context.Context, w io.Writer, from, to string) error {
	db, err := sql.Open("sqlite", to)
	if err != nil {
		return err
	}
	defer db.Close()
	const table = "CREATE TABLE IF NOT EXISTS orders (id INTEGER PRIMARY KEY, customer TEXT, country TEXT, cents INTEGER)"
	if _, err := db.ExecContext(ctx, table); err != nil {
		return err
	}

	inserted := map[accumulator.Reason]int{}
	p := flow.New(ctx)
	rows := flow.FromSeq2(p, source.CSV[row](from).Items())
	orders := flow.Via(p, rows, flow.Then(flow.Filter(paid), flow.Map(toOrder)))
	batches := flow.Via(p, orders, accumulator.New[order](accumulator.Config{MaxItems: 20, MaxWait: time.Minute}))
	flow.To(p, batches, func(ctx context.Context, b accumulator.Batch[order]) error {
		if err := insert(ctx, db, b.Items); err != nil {
			return err
		}
		inserted[b.Reason] += len(b.Items)
		b.Release() // its memory is used again
		return nil
	})
	if err := p.Wait(); err != nil {
		return err
	}
	_, err = fmt.Fprintln(w, "orders inserted, by what closed their batch:", inserted)
	return err
}

func main() {
	if err := run(context.Background(), os.Stdout, "orders.csv", "orders.db"); err != nil {
		log.Fatal(err)
	}
}
