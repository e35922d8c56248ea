// Database answers the tickets in a table of a database with a language model,
// and puts the answers into another table of it.
//
// However often the program is stopped or killed, each ticket has one answer in
// the end: the answers are committed together with a mark, and a run goes on
// from the mark that its journal has. See answers.go. If it is run again, it
// answers the tickets that were added. The provider is a simulator in this
// process.
package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"time"

	_ "modernc.org/sqlite" // the driver

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/flow/source"
	"github.com/balerhq/baler/sink/llm"
	"github.com/balerhq/baler/sink/openai"
	"github.com/balerhq/baler/sink/simulator"
)

const schema = `
CREATE TABLE IF NOT EXISTS tickets (id INTEGER PRIMARY KEY, text TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS answers (
	ticket INTEGER PRIMARY KEY REFERENCES tickets,
	chunk  INTEGER NOT NULL, -- the Write that it came with
	status TEXT NOT NULL,
	text   TEXT NOT NULL,
	error  TEXT
);
CREATE INDEX IF NOT EXISTS answers_chunk ON answers (chunk);`

// open opens the database. What is committed is on the disk.
func open(ctx context.Context, path string) (*sql.DB, error) {
	db, err := sql.Open("sqlite", "file:"+path+"?_pragma=journal_mode(wal)&_pragma=synchronous(full)&_pragma=busy_timeout(10000)")
	if err != nil {
		return nil, err
	}
	if _, err := db.ExecContext(ctx, schema); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return db, nil
}

// ticket is a row of the table.
type ticket struct {
	id   int64
	text string
}

func scan(rows *sql.Rows) (t ticket, key int64, err error) {
	err = rows.Scan(&t.id, &t.text)
	return t, t.id, err
}

func (t ticket) key() string { return strconv.FormatInt(t.id, 10) }

func (t ticket) prompt() (llm.Chat, error) {
	return llm.Ask(t.text).As("Sort this support ticket into a category."), nil
}

// job returns the job that answers the tickets of the database. It reads them
// by pages. With Append it goes on with what was added since it ended.
func job(ctx context.Context, db *sql.DB, client *openai.Client, dir string) (durable.Job[ticket], error) {
	stateDir, err := durable.Open(dir)
	return durable.Job[ticket]{
		Name:     "tickets",
		Source:   source.SQL(ctx, db, "SELECT id, text FROM tickets WHERE id > ? ORDER BY id LIMIT 1000", scan),
		Key:      ticket.key,
		Prompt:   ticket.prompt,
		Provider: client,
		Model:    "gpt-5.4-mini",
		Batch:    durable.BatchLimits{MaxItems: 10},
		Poll:     20 * time.Millisecond, // a real provider takes minutes or hours
		Append:   true,
		Dir:      stateDir,
		Output:   &answers{db: db},
	}, err
}

// run answers the tickets of the database in dir. A new one has some tickets.
func run(ctx context.Context, dir string, w io.Writer) error {
	provider, err := simulator.Start("", simulator.Config{Dir: filepath.Join(dir, "provider")})
	if err != nil {
		return err
	}
	defer provider.Close()
	client, err := openai.New("sk-simulated", openai.Config{BaseURL: provider.URL + "/v1"})
	if err != nil {
		return err
	}
	defer client.CloseIdle()
	db, err := open(ctx, filepath.Join(dir, "tickets.db"))
	if err != nil {
		return err
	}
	defer db.Close()
	if err := fill(ctx, db); err != nil {
		return err
	}

	j, err := job(ctx, db, client, filepath.Join(dir, "job"))
	if err != nil {
		return err
	}
	report, err := durable.Run(ctx, j)
	if err != nil {
		return err
	}
	var rows, chunks int
	if err := db.QueryRowContext(ctx, "SELECT count(*), count(DISTINCT chunk) FROM answers").Scan(&rows, &chunks); err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "%d tickets, %d of them new: the table has %d answers, of %d transactions\n",
		report.Rows, report.Rows-report.Earlier.Rows, rows, chunks)
	return err
}

// fill adds tickets to a database that has none.
func fill(ctx context.Context, db *sql.DB) error {
	_, err := db.ExecContext(ctx, `
		WITH RECURSIVE n(id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM n WHERE id < 60)
		INSERT INTO tickets SELECT id, 'Where is parcel ' || id || '?' FROM n
		WHERE NOT EXISTS (SELECT * FROM tickets)`)
	return err
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, "state", os.Stdout)
	stop()
	if err != nil {
		log.Fatal(err)
	}
}
