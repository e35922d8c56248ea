package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"

	"github.com/balerhq/baler/flow/durable"
)

// answers is an Output that has each result in the table exactly once.
//
// Each Write is one transaction, and its number stands in its rows. The highest
// number in the table is therefore the mark, which is committed with the rows.
// The job records the mark in its journal afterwards. If it is killed between
// the two, the table is one transaction ahead of the journal, whose results
// will come again: Rewind deletes them.
type answers struct {
	db    *sql.DB
	chunk int64 // the number of the last Write
}

var _ durable.Rewinder = (*answers)(nil)

// Write implements durable.Output.
func (a *answers) Write(ctx context.Context, results []durable.Result) error {
	tx, err := a.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback() //nolint:errcheck // it does nothing after the commit
	insert, err := tx.PrepareContext(ctx, "INSERT INTO answers (ticket, chunk, status, text, error) VALUES (?, ?, ?, ?, ?)")
	if err != nil {
		return err
	}
	defer insert.Close()
	for i := range results {
		r := &results[i]
		if _, err := insert.ExecContext(ctx, r.ID, a.chunk+1, r.Status, r.Text, failure(r)); err != nil {
			return fmt.Errorf("ticket %s: %w", r.ID, err)
		}
	}
	if err := tx.Commit(); err != nil {
		return err
	}
	a.chunk++
	return nil
}

// failure says why a ticket has no answer.
func failure(r *durable.Result) (text sql.NullString) {
	if r.Error == nil {
		return text
	}
	return sql.NullString{String: r.Error.Code + ": " + r.Error.Message, Valid: true}
}

// Mark implements durable.Rewinder.
func (a *answers) Mark() string { return strconv.FormatInt(a.chunk, 10) }

// Rewind implements durable.Rewinder. A crash leaves one transaction too many
// at most: any other difference means that the table or the state directory is
// another one, and nothing is deleted.
func (a *answers) Rewind(mark string) (err error) {
	ctx := context.Background()
	var last int64
	if err := a.db.QueryRowContext(ctx, "SELECT coalesce(max(chunk), 0) FROM answers").Scan(&last); err != nil {
		return err
	}
	if mark == "" { // the table is new to the job
		if last > 0 {
			return errors.New("the table has answers that are not of this job: use another database, or the state directory that belongs to it")
		}
		return nil
	}
	if a.chunk, err = strconv.ParseInt(mark, 10, 64); err != nil {
		return err
	}
	if last < a.chunk || last > a.chunk+1 {
		return fmt.Errorf("the table has %d transactions, and the job has recorded %d: use the database and the state directory that belong together",
			last, a.chunk)
	}
	_, err = a.db.ExecContext(ctx, "DELETE FROM answers WHERE chunk > ?", a.chunk)
	return err
}
