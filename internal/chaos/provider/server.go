package provider

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"
)

const (
	billFile  = "bill.jsonl"
	eventFile = "events.jsonl"
)

// server is a provider. Its lock guards all below it.
type server struct {
	dir    string
	plan   Plan
	front  front
	host   string    // its address
	notify io.Writer // gets a line for each thing that a driver may wait for

	mu       sync.Mutex
	dice     *dice
	bill     *lines
	journal  *lines
	files    map[string]*fileRecord
	order    []*fileRecord // oldest first
	batches  []*BatchRecord
	byID     map[string]*BatchRecord
	attempts map[string]int // of a question
	charged  map[string]map[string]bool
	rivals   int // batches of somebody else
	nevers   int // of these, that do not end until they are
	released bool
}

// Serve runs the provider of a directory until ctx is done. It prints its URL
// to w, and then a line for each call that changes something.
func Serve(ctx context.Context, dir, addr string, w io.Writer) error {
	s, err := open(dir, w)
	if err != nil {
		return err
	}
	var listen net.ListenConfig
	l, err := listen.Listen(ctx, "tcp", addr)
	if err != nil {
		return err
	}
	s.host = l.Addr().String()
	fmt.Fprintln(w, s.front.url(s.host))
	web := &http.Server{Handler: s, ReadHeaderTimeout: time.Minute}
	go s.tick(ctx)
	go func() {
		<-ctx.Done()
		_ = web.Close()
	}()
	if err := web.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

func open(dir string, w io.Writer) (s *server, err error) {
	s = &server{
		dir: dir, notify: w, files: make(map[string]*fileRecord), byID: make(map[string]*BatchRecord),
		attempts: make(map[string]int), charged: make(map[string]map[string]bool),
	}
	if s.plan, err = readPlan(dir); err != nil {
		return nil, err
	}
	s.front = newFront(s)
	if err := os.MkdirAll(filepath.Join(dir, "files"), 0o700); err != nil {
		return nil, err
	}
	if s.dice, err = newDice(dir, &s.plan); err != nil {
		return nil, err
	}
	if s.bill, err = openLines(filepath.Join(dir, billFile), s.recallCharge); err != nil {
		return nil, err
	}
	if s.journal, err = openLines(filepath.Join(dir, eventFile), s.recall); err != nil {
		return nil, err
	}
	s.front.addForeign()
	s.advance(time.Now())
	return s, nil
}

func (s *server) recallCharge(line []byte) error {
	var c Charge
	if err := json.Unmarshal(line, &c); err != nil {
		return err
	}
	s.charge(c)
	return nil
}

// charge notes which rows are on the bill.
func (s *server) charge(c Charge) {
	if s.charged[c.Batch] == nil {
		s.charged[c.Batch] = make(map[string]bool)
	}
	s.charged[c.Batch][c.CustomID] = true
}

// recall takes up an event of an earlier process.
func (s *server) recall(line []byte) error {
	var e event
	if err := json.Unmarshal(line, &e); err != nil {
		return err
	}
	return s.apply(e)
}

// happen makes something happen, durably.
func (s *server) happen(e event) {
	e.At = time.Now()
	s.journal.append(e)
	if err := s.apply(e); err != nil {
		panic(err)
	}
}

func (s *server) apply(e event) error {
	switch {
	case e.File != nil:
		if s.files[e.File.ID] == nil {
			s.order = append(s.order, e.File)
		}
		s.files[e.File.ID] = e.File
	case e.Batch != nil:
		s.batches = append(s.batches, e.Batch)
		s.byID[e.Batch.ID] = e.Batch
		s.count(e.Batch)
		return s.load(e.Batch)
	case e.Cancel != "":
		b := s.byID[e.Cancel]
		if b.Status == "failed" {
			return nil // it is about to be refused
		}
		b.Stop, b.Status = e.At, "cancelled"
		b.End = e.At.Add(s.plan.Cancelling)
		b.Output, b.Counts = b.End, b.End
	case e.Delete != "":
		s.files[e.Delete].deleted = true
	case e.Remove != "":
		s.byID[e.Remove].removed = true
		if f := s.files[resultFile(e.Remove, 0)]; f != nil {
			f.deleted = true
		}
	case e.Release:
		s.release(e.At)
	}
	return nil
}

// count counts the batches of somebody else.
func (s *server) count(b *BatchRecord) {
	if b.Foreign {
		s.rivals++
	}
	if b.Never {
		s.nevers++
	}
}

// load reads the rows of a batch and counts the attempts at each.
func (s *server) load(b *BatchRecord) error {
	content, err := os.ReadFile(s.path(b.Input))
	if errors.Is(err, os.ErrNotExist) {
		return nil // it fails for that
	}
	if err != nil {
		return err
	}
	b.Rows, _ = s.front.parse(content) // what is at fault is the reason why it fails
	if b.Status != "failed" && !b.Foreign {
		for i := range b.Rows {
			s.attempts[b.Rows[i].question]++
		}
	}
	return nil
}

func (s *server) path(file string) string { return filepath.Join(s.dir, "files", file) }

// tick lets time pass where nobody calls.
func (s *server) tick(ctx context.Context) {
	t := time.NewTicker(10 * time.Millisecond)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
			s.mu.Lock()
			s.advance(time.Now())
			s.obeyRelease()
			s.mu.Unlock()
		}
	}
}

// advance executes what is to be executed by now, and ends what has ended.
func (s *server) advance(now time.Time) {
	for _, b := range s.batches {
		if b.done || b.raw != nil || now.Before(b.Created) {
			continue
		}
		s.execute(b, b.ranBy(now))
		if !now.Before(b.End) {
			s.finish(b, now)
		}
	}
}

// execute runs the rows up to the nth, and puts them on the bill.
func (s *server) execute(b *BatchRecord, n int) {
	if b.Foreign {
		b.Ran = max(b.Ran, n)
		return
	}
	var charges []Charge
	for ; b.Ran < n; b.Ran++ {
		r := &b.Rows[b.Ran]
		if !runs(b.Fates[b.Ran]) || s.charged[b.ID][r.CustomID] {
			continue
		}
		charges = append(charges, Charge{
			At: time.Now(), CustomID: r.CustomID, Batch: b.ID, Late: b.Late, Vanished: b.Fates[b.Ran] == vanished,
			Question: Hash(r.question), Body: digest("body", string(r.Body)), Answer: digest("bill", Answer(r.question)),
		})
		s.charge(charges[len(charges)-1])
	}
	if len(charges) > 0 {
		appendAll(s.bill, charges)
	}
}

// say tells the driver.
func (s *server) say(what string) { fmt.Fprintln(s.notify, what) }
