// Package floor is the batch client that a good engineer writes by hand in an
// afternoon, with the standard library alone: the rows of a file become batches
// of OpenAI's API, and their answers become lines of another file. It is the
// floor that the library is measured against.
//
// It keeps nothing for a restart. A call that fails ends the run, and no row is
// sent twice. But each row of the input is answered exactly once, or Run fails.
package floor

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"sync"
	"time"
)

// Config says what to run and where. All fields but Client, Format and Read must
// be set.
type Config struct {
	URL, Key, Model string        // URL as OpenAI's clients want it, ending in /v1
	In, Out         string        // paths; Out is overwritten
	Batch           int           // rows in a batch
	Poll            time.Duration // between two polls of a batch
	Client          *http.Client  // nil means http.DefaultClient

	// Format is the response_format of each request, and Read reads an answer
	// into its type, so that the output has it as a value. Nil means text.
	Format json.RawMessage
	Read   func(answer []byte) error
}

// Counts are what a run did.
type Counts struct{ Rows, Batches, Succeeded, Failed int }

// row is a line of the input.
type row struct {
	ID   string `json:"id"`
	Text string `json:"text"`
}

// run is one call of Run. The mutex guards what the goroutines of the batches
// share.
type run struct {
	cfg    Config
	lines  *bufio.Scanner
	cancel context.CancelCauseFunc

	mu       sync.Mutex
	counts   Counts
	answered map[string]bool // by id, for every row that was read
	out      *json.Encoder
}

// Run answers every row of the input. It streams one upload after the other and
// has a goroutine for each batch after that.
func Run(ctx context.Context, cfg Config) (Counts, error) {
	in, err := os.Open(cfg.In)
	if err != nil {
		return Counts{}, err
	}
	defer in.Close()
	out, err := os.Create(cfg.Out)
	if err != nil {
		return Counts{}, err
	}
	defer out.Close()
	if cfg.Client == nil {
		cfg.Client = http.DefaultClient
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	w := bufio.NewWriterSize(out, 1<<20)
	r := &run{cfg: cfg, lines: bufio.NewScanner(in), cancel: cancel, answered: map[string]bool{}, out: json.NewEncoder(w)}
	r.lines.Buffer(make([]byte, 64<<10), 64<<20)
	if err := r.all(ctx); err != nil {
		return r.counts, err
	}
	if err := w.Flush(); err != nil {
		return r.counts, err
	}
	return r.counts, out.Close()
}

func (r *run) all(ctx context.Context) error {
	var batches sync.WaitGroup
	for r.lines.Scan() && ctx.Err() == nil {
		file, err := r.upload(ctx)
		if err != nil {
			r.cancel(err)
			break
		}
		r.counts.Batches++
		batches.Go(func() {
			if err := r.batch(ctx, file); err != nil {
				r.cancel(err)
			}
		})
	}
	batches.Wait()
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if err := r.lines.Err(); err != nil {
		return err
	}
	if missing := r.counts.Rows - r.counts.Succeeded - r.counts.Failed; missing > 0 {
		return fmt.Errorf("floor: %d of %d rows were not answered", missing, r.counts.Rows)
	}
	return nil
}

// batch buys the answers to an uploaded file and writes them.
func (r *run) batch(ctx context.Context, file string) error {
	b, err := r.create(ctx, file)
	for err == nil && !b.ended() {
		if err = wait(ctx, r.cfg.Poll); err == nil {
			b, err = r.poll(ctx, b.ID)
		}
	}
	if err != nil {
		return err
	}
	if b.Status != "completed" {
		return fmt.Errorf("floor: batch %s is %s", b.ID, b.Status)
	}
	for _, file := range []string{b.OutputFile, b.ErrorFile} {
		if file == "" {
			continue
		}
		if err := r.results(ctx, file); err != nil {
			return fmt.Errorf("floor: results of batch %s: %w", b.ID, err)
		}
	}
	return nil
}

func wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
