package doctor_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/flow/durable/internal/durabletest"
	"github.com/balerhq/baler/flow/source"
	"github.com/balerhq/baler/flow/state"
	"github.com/balerhq/baler/internal/sparse"
	"github.com/balerhq/baler/sink/simulator"
)

// The half-finished run of the damage suite: job "first" is finished and job
// "half" took 60 answers from it. Of the others one batch is settled, one is
// settled in part, one is submitted, one is sealed, and 150 rows wait. A batch has
// more than one chunk.
const (
	firstRows, sharedRows = 120, 60
	halfBatch, halfRows   = 2001, sharedRows + 4*halfBatch + 150
)

// disk is a directory in memory, without the holes of its files.
type disk map[string]sparse.File

func readDisk(t *testing.T, dir string) disk {
	t.Helper()
	d := make(disk)
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		rel, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		d[filepath.ToSlash(rel)], err = sparse.Read(path)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func (d disk) write(t *testing.T, dir string) {
	t.Helper()
	for name, f := range d {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := f.Write(path); err != nil {
			t.Fatal(err)
		}
	}
}

// bench is a world where the two jobs run against a provider that remembers.
type bench struct {
	*durabletest.World
	inputs string // which are not the same files once they were copied
}

func newBench(tb testing.TB, dir, inputs string) *bench {
	tb.Helper()
	return &bench{durabletest.Piped(tb, dir, simulator.Config{Dir: filepath.Join(dir, "provider")}), inputs}
}

// job is one of the two, "first" or "half".
func (b *bench) job(name string, out durable.Output, dir *durable.Dir) durable.Job[durabletest.Ticket] {
	b.T.Helper()
	job := b.Job()
	job.Name, job.Source = name, source.JSONL[durabletest.Ticket](filepath.Join(b.inputs, name+".jsonl"))
	job.Dir, job.Output, job.MaxInFlight = dir, out, 3
	job.KeepRemote, job.ReadAll = durable.KeepForever, true
	job.Batch.MaxItems = halfBatch
	if name == "first" {
		job.Batch.MaxItems = firstRows / 2
	}
	return job
}

func (b *bench) state() string { return b.Path("state") }

func (b *bench) out(name string) string { return b.Path(name + ".out.jsonl") }

// run runs a job to its end.
func (b *bench) run(ctx context.Context, name string) error {
	dir := b.StateDir().With(state.Config{Log: slog.New(b.Log)})
	index, err := dir.Store()
	for errors.Is(err, state.ErrInUse) && ctx.Err() == nil { // a process that is just being started holds all locks
		time.Sleep(time.Millisecond)
		index, err = dir.Store()
	}
	if err != nil {
		return err
	}
	return errors.Join(b.runIn(ctx, dir, name), index.Close())
}

func (b *bench) runIn(ctx context.Context, dir *durable.Dir, name string) error {
	out, err := durable.Lines(b.out(name))
	if err != nil {
		return err
	}
	report, err := durable.Run(ctx, b.job(name, out, dir))
	if err == nil && !report.Finished {
		err = fmt.Errorf("it ended without an error, and is not finished: %+v", report)
	}
	return errors.Join(err, out.Close())
}

// held is what keeps the half-finished run where it is: the third batch does
// not end, and the fourth is not uploaded.
type held struct {
	uploads, creates atomic.Int32
	third            atomic.Value // name of the batch
	stuck            chan struct{}
}

func (h *held) wrap(next http.RoundTripper) http.RoundTripper {
	return durabletest.RoundTripper(func(r *http.Request) (*http.Response, error) {
		create := r.Method == http.MethodPost && r.URL.Path == "/v1/batches"
		if r.Method == http.MethodPost && r.URL.Path == "/v1/files" && h.uploads.Add(1) == 4 {
			close(h.stuck)
			<-r.Context().Done()
			return nil, context.Cause(r.Context())
		}
		reply, err := next.RoundTrip(r)
		if err != nil || reply.StatusCode != http.StatusOK || !create && !strings.HasPrefix(r.URL.Path, "/v1/batches/") {
			return reply, err
		}
		return h.edit(reply, create)
	})
}

func (h *held) edit(reply *http.Response, create bool) (*http.Response, error) {
	var batch map[string]any
	if err := errors.Join(json.NewDecoder(reply.Body).Decode(&batch), reply.Body.Close()); err != nil {
		return nil, err
	}
	if create && h.creates.Add(1) == 3 {
		h.third.Store(batch["id"])
	}
	if batch["id"] == h.third.Load() {
		batch["status"] = "in_progress"
	}
	body, err := json.Marshal(batch)
	reply.Body, reply.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	return reply, err
}

// halfWay dies at the second chunk of the second batch, once the others are
// where they are to be.
type halfWay struct {
	*durable.File
	writes int
	stuck  <-chan struct{}
}

func (o *halfWay) Write(ctx context.Context, results []durable.Result) error {
	if o.writes++; o.writes < 5 {
		return o.File.Write(ctx, results)
	}
	select {
	case <-o.stuck:
		return durabletest.ErrDied
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// halfFinished makes the run, and returns all that it leaves, as if its process
// had been killed, and where its inputs are.
func halfFinished(t *testing.T) (disk, string) {
	t.Helper()
	dir, inputs := filepath.Join(t.TempDir(), "half"), t.TempDir()
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	all := durabletest.Tickets(firstRows - sharedRows + halfRows)
	for name, lines := range map[string][]string{"first": all[:firstRows], "half": all[firstRows-sharedRows:]} {
		if err := os.WriteFile(filepath.Join(inputs, name+".jsonl"), []byte(strings.Join(lines, "\n")), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	b := newBench(t, dir, inputs)
	if err := b.run(t.Context(), "first"); err != nil {
		t.Fatal(err)
	}
	h := &held{stuck: make(chan struct{})}
	b.Interpose(h.wrap)
	index, err := b.StateDir().Store() // as if the process were killed
	if err != nil {
		t.Fatal(err)
	}
	out, err := durable.Lines(b.out("half"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := durable.Run(t.Context(), b.job("half", &halfWay{File: out, stuck: h.stuck}, b.StateDir())); !errors.Is(err, durabletest.ErrDied) {
		t.Fatalf("error %v", err)
	}
	handle, err := b.StateDir().Attach("half")
	if err == nil {
		err = errors.Join(handle.Pause(t.Context()), handle.Resume(t.Context()))
	}
	if err := errors.Join(err, out.Close(), b.Server.Close()); err != nil {
		t.Fatal(err)
	}
	d := readDisk(t, b.Dir)
	if err := errors.Join(index.Close(), os.RemoveAll(b.Dir)); err != nil {
		t.Fatal(err)
	}
	return d, b.inputs
}

// check compares the outputs and the bill with what they have to be; twice says
// whether the answers of "first" may have been asked again.
func (b *bench) check(twice bool) (wrong []string) {
	note := func(format string, args ...any) { wrong = append(wrong, fmt.Sprintf(format, args...)) }
	for name, span := range map[string][2]int{"first": {0, firstRows}, "half": {firstRows - sharedRows, firstRows - sharedRows + halfRows}} {
		f, err := os.Open(b.out(name))
		if err != nil {
			note("%v", err)
			continue
		}
		checkLines(f, span, note)
		f.Close()
	}
	bills, err := simulator.Tally(b.Server.Executions(), simulator.AfterTag)
	if err != nil {
		note("%v", err)
	}
	again := 0
	for _, bill := range bills {
		again += bill.Billed - 1
	}
	if want := firstRows - sharedRows + halfRows; len(bills) != want || again != 0 && (!twice || again > sharedRows) {
		note("%d rows were billed, want %d; %d again", len(bills), want, again)
	}
	return wrong
}

func checkLines(r io.Reader, span [2]int, note func(string, ...any)) {
	got := make(map[string]bool)
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var result durable.Result
		if err := json.Unmarshal(lines.Bytes(), &result); err != nil {
			note("torn line: %v", err)
			continue
		}
		checkResult(&result, note)
		if got[result.ID] {
			note("%s twice", result.ID)
		}
		got[result.ID] = true
	}
	for n := span[0]; n < span[1]; n++ {
		if !got[fmt.Sprint("t-", n)] {
			note("t-%d is missing", n)
		}
	}
	if want := span[1] - span[0]; len(got) != want {
		note("%d results, want %d", len(got), want)
	}
}

func checkResult(r *durable.Result, note func(string, ...any)) {
	number, _ := strings.CutPrefix(r.ID, "t-")
	if r.Status != durable.ItemSucceeded || !strings.HasSuffix(r.Text, "ticket number "+number) {
		note("%s: %s, %q", r.ID, r.Status, r.Text)
	}
}
