// Postgres inserts the orders that it reads into a table of PostgreSQL, up to a
// thousand in one statement.
//
//	DATABASE_URL=postgres://... postgres rejected.jsonl <orders.jsonl
//
// An order that the table refuses does not keep the others out: it goes to the
// file, with the reason. While the database is away the program waits, and goes
// on. On SIGTERM it reads no more, inserts what it has read, and ends. If it is
// killed, run it again: an order that is there is left as it is.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"log"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/balerhq/baler/accumulator"
	"github.com/balerhq/baler/flow"
	"github.com/balerhq/baler/flow/call"
	"github.com/balerhq/baler/retry"
)

type order struct {
	ID       int64  `json:"id"`
	Customer string `json:"customer"`
	Cents    int64  `json:"cents"`
}

// lines yields the order of each line until ctx is done.
func lines(ctx context.Context, in io.Reader) iter.Seq2[order, error] {
	return func(yield func(order, error) bool) {
		scanner := bufio.NewScanner(in)
		for number := 1; scanner.Scan(); number++ {
			var o order
			err := json.Unmarshal(scanner.Bytes(), &o)
			if err != nil {
				err = fmt.Errorf("line %d: %w", number, err)
			}
			if !yield(o, err) {
				return
			}
		}
		if err := scanner.Err(); err != nil && ctx.Err() == nil { // it was closed to end the reading
			yield(order{}, err)
		}
	}
}

// count is how many orders were read, and what became of them.
type count struct{ read, inserted, rejected int }

// run inserts the orders of in, and closes it to stop when ctx is done.
func run(ctx context.Context, db *pgxpool.Pool, in io.ReadCloser, rejected *retry.DeadLetters[order]) (n count, err error) {
	// The rows of a batch that was sent are safe to send again.
	server, err := call.New(call.Config{Name: "PostgreSQL", Repeat: true, Retry: retry.Policy{MaxAttempts: 10}})
	if err != nil {
		return n, err
	}
	stop := context.AfterFunc(ctx, func() { _ = in.Close() })
	defer stop()

	p := flow.New(ctx, flow.WithDrain(20*time.Second))
	orders := flow.Via(p, flow.FromSeq2(p, lines(ctx, in)), flow.Each(func(context.Context, order) error {
		n.read++
		return nil
	}))
	batches := flow.Via(p, orders, accumulator.New[order](accumulator.Config{MaxItems: 1000, MaxWait: 100 * time.Millisecond}))
	done := flow.Via(p, batches, flow.Parallel(call.Batches(server, inserter(db), rejected.Write), flow.Concurrency{Workers: 4}))
	flow.To(p, done, func(_ context.Context, row retry.Row[order]) error {
		if row.Err == nil {
			n.inserted++
		} else {
			n.rejected++
		}
		return nil
	})
	err = p.Wait()
	if ctx.Err() != nil && n.inserted+n.rejected == n.read {
		err = nil // nothing that was read is lost
	}
	return n, err
}

func main() {
	if len(os.Args) != 2 {
		log.Fatal("usage: DATABASE_URL=... postgres REJECTED.jsonl <ORDERS.jsonl")
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := load(ctx, os.Args[1]); err != nil {
		log.Print(err)
		os.Exit(1) //nolint:gocritic // there is nothing left to stop
	}
}

// stdin returns the standard input with a Close that ends a Read: that of
// os.Stdin lets one go on which waits for a pipe or a terminal.
func stdin() io.ReadCloser {
	in, out := io.Pipe()
	go func() { // until the input ends, or the program does
		_, err := io.Copy(out, os.Stdin)
		_ = out.CloseWithError(err)
	}()
	return in
}

func load(ctx context.Context, file string) (err error) {
	db, err := open(ctx, os.Getenv("DATABASE_URL"))
	if err != nil {
		return err
	}
	defer db.Close()
	rejected, err := retry.OpenDeadLetters[order](file)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rejected.Close()) }()
	n, err := run(ctx, db, stdin(), rejected)
	fmt.Printf("%d orders read, %d inserted, %d rejected\n", n.read, n.inserted, n.rejected)
	return err
}
