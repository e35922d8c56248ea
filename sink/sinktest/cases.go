package sinktest

import (
	"bytes"
	"context"
	"errors"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/balerhq/baler/retry"
	"github.com/balerhq/baler/sink"
)

func (s *suite) everyRow() {
	const n = 300
	h := s.buy("every-row", s.good(n)...)
	s.Finish()
	if status := s.await(h); status.Err != nil || status.Phase == "" {
		s.Errorf("ended as %+v", status)
	}
	got := s.outcomes(h)
	if len(got) != n {
		s.Errorf("%d outcomes of %d rows", len(got), n)
	}
	for i := range n {
		o, ok := got[id(i)]
		if !ok || o.Err != nil || o.Status != 200 || !bytes.Contains(o.Body, []byte(marker(i))) {
			s.Fatalf("row %d: %+v", i, o)
		}
	}
}

func (s *suite) badRow() {
	h := s.buy("bad-row", s.Good(marker(0)), s.Bad, s.Good(marker(2)))
	s.Finish()
	s.await(h)
	got := s.outcomes(h)
	if e := got[id(1)].Err; e == nil || e.Class != retry.Permanent || e.Code == "" {
		s.Errorf("the bad row's error is %+v", e)
	}
	for _, i := range []int{0, 2} {
		if o, ok := got[id(i)]; !ok || o.Err != nil {
			s.Errorf("row %d beside it: %+v", i, o)
		}
	}
}

func (s *suite) untilEnded() {
	h := s.buy("until-ended", s.good(3)...)
	time.Sleep(time.Minute) //nolint:forbidigo // fake time
	status, err := s.Provider.Status(s.ctx, h)
	s.must(err)
	if status.Ended {
		s.Fatal("the batch ended before it was made to: the harness is at fault")
	}
	for _, err := range s.Provider.Results(s.ctx, h) {
		s.want(retry.Retryable, "reading results before the end", err)
	}
	s.Finish()
	if status := s.await(h); status.Succeeded != 3 && status.Succeeded != 0 {
		s.Errorf("counts are %+v", status)
	}
}

func (s *suite) uploadAgain() {
	first, err := s.Provider.Upload(s.ctx, s.spec("upload-again"), rows(s.good(3)...))
	s.must(err)
	h := s.buy("upload-again", s.good(3)...)
	if (first == "") != (h.File == "") {
		s.Errorf("uploads are named %q and %q", first, h.File)
	}
	s.Finish()
	s.await(h)
	if got := s.outcomes(h); len(got) != 3 {
		s.Errorf("%d outcomes", len(got))
	}
}

func (s *suite) lostCreate() {
	if s.LoseCreate == nil {
		s.Skip("no creation can be lost")
	}
	bodies := s.good(3)
	file, err := s.Provider.Upload(s.ctx, s.spec("lost"), rows(bodies...))
	s.must(err)
	s.LoseCreate()
	_, err = s.Provider.Create(s.ctx, s.spec("lost"), file, rows(bodies...))
	s.want(retry.Ambiguous, "a creation without an answer", err)
	if n := s.Created(); n != 1 {
		s.Errorf("%d batches were created", n)
	}
	found := s.find("lost")
	if len(found) != 1 {
		s.Fatalf("found %q", found)
	}
	s.Finish()
	h := sink.Handle{Batch: found[0], File: file}
	s.await(h)
	if got := s.outcomes(h); len(got) != 3 {
		s.Errorf("%d outcomes", len(got))
	}
}

func (s *suite) refusedCreate() {
	bodies := s.good(1)
	file, err := s.Provider.Upload(s.ctx, s.spec("refused"), rows(bodies...))
	s.must(err)
	s.RefuseCreate()
	_, err = s.Provider.Create(s.ctx, s.spec("refused"), file, rows(bodies...))
	s.want(retry.Retryable, "a creation that was turned away", err)
	if n := s.Created(); n != 0 {
		s.Errorf("%d batches were created", n)
	}
}

func (s *suite) findByTag() {
	for _, tag := range []string{"tag", "Tag", "tag_1", "tag-1"} {
		h := s.buy(tag, s.good(1)...)
		if found := s.find(tag); s.tagged() && !slices.Equal(found, []string{h.Batch}) {
			s.Errorf("%s: found %q, want %q", tag, found, h.Batch)
		}
	}
	if found := s.find("ta"); s.tagged() && len(found) != 0 {
		s.Errorf("found %q under a tag that no batch has", found)
	}
	s.Finish()
}

func (s *suite) cancel() {
	h := s.buy("cancel", s.good(5)...)
	for range 2 {
		s.must(s.Provider.Cancel(s.ctx, h))
	}
	s.Finish()
	s.await(h)
	s.must(s.Provider.Cancel(s.ctx, h))
	for id, o := range s.outcomes(h) {
		if o.Err != nil && o.Err.Class != retry.Retryable {
			s.Errorf("row %s, which may go again, is %s", id, o.Err.Class)
		}
	}
	done := s.buy("done", s.good(1)...)
	s.Finish()
	s.await(done)
	s.must(s.Provider.Cancel(s.ctx, done))
}

func (s *suite) remove() {
	h := s.buy("remove", s.good(2)...)
	s.Finish()
	s.await(h)
	for range 2 {
		s.must(s.Provider.Remove(s.ctx, sink.Handle{File: h.File}))
		if got := s.outcomes(h); len(got) != 2 {
			s.Errorf("%d outcomes without the upload", len(got))
		}
	}
	for range 2 {
		s.must(s.Provider.Remove(s.ctx, h))
	}
	for _, err := range s.Provider.Results(s.ctx, h) {
		s.want(retry.Permanent, "reading removed results", err)
	}
}

func (s *suite) readAgain() {
	h := s.buy("again", s.good(50)...)
	s.Finish()
	s.await(h)
	n := 0
	for _, err := range s.Provider.Results(s.ctx, h) {
		s.must(err)
		if n++; n == 3 {
			break
		}
	}
	if got := s.outcomes(h); len(got) != 50 {
		s.Errorf("%d outcomes", len(got))
	}
}

// lateResults: as long as results are withheld, no row is said to have failed,
// or to have never run.
func (s *suite) lateResults() {
	if s.Withhold == nil {
		s.Skip("no results can be late")
	}
	const n = 3
	h := s.buy("late", s.good(n)...)
	s.Finish()
	s.Withhold(true)
	status := s.await(h)
	for o, err := range s.Provider.Results(s.ctx, h) {
		if err != nil {
			s.want(retry.Retryable, "results that are late", err)
		} else if o.ID != "" || o.Line != 0 {
			s.Errorf("an outcome of a row: %+v", o)
		}
	}
	if missing := status.Unaccounted(n, 0, 0); missing != n {
		s.Errorf("%d of %d rows may have run, says %+v", missing, n, status)
	}
	s.Withhold(false)
	if got := s.outcomes(h); len(got) != n {
		s.Errorf("%d outcomes", len(got))
	}
}

func (s *suite) wrongKey() {
	s.want(retry.Blocked, "the check of a wrong key", s.Stranger.Check(s.ctx))
	s.must(s.Provider.Check(s.ctx))
	_, err := s.Stranger.Create(s.ctx, s.spec("stranger"), "file", rows(s.good(1)...))
	s.want(retry.Blocked, "a creation with a wrong key", err)
	if s.Stranger.Info().Account == s.Provider.Info().Account {
		s.Error("two keys are one account")
	}
}

func (s *suite) unknownBatch() {
	h := sink.Handle{Batch: "batch_that/is?unknown"}
	_, err := s.Provider.Status(s.ctx, h)
	s.want(retry.Permanent, "the status", err)
	n := 0
	for _, err := range s.Provider.Results(s.ctx, h) {
		s.want(retry.Permanent, "a result", err)
		n++
	}
	if n != 1 {
		s.Errorf("%d results, want an error", n)
	}
	s.want(retry.Permanent, "cancelling", s.Provider.Cancel(s.ctx, h))
	s.must(s.Provider.Remove(s.ctx, h))
}

func (s *suite) doneContext() {
	h := s.buy("context", s.good(1)...)
	ctx, cancel := context.WithCancelCause(s.ctx)
	cause := errors.New("enough")
	cancel(cause)
	for name, call := range map[string]func() error{
		"Check":  func() error { return s.Provider.Check(ctx) },
		"Upload": func() error { _, err := s.Provider.Upload(ctx, s.spec("done"), rows(s.Bad)); return err },
		"Find":   func() error { _, err := s.Provider.Find(ctx, "done", s.begin); return err },
		"Status": func() error { _, err := s.Provider.Status(ctx, h); return err },
		"Cancel": func() error { return s.Provider.Cancel(ctx, h) },
		"Remove": func() error { return s.Provider.Remove(ctx, h) },
		"Results": func() (last error) {
			for _, err := range s.Provider.Results(ctx, h) {
				last = err
			}
			return last
		},
	} {
		if err := call(); err != nil && !errors.Is(err, cause) && !errors.Is(err, errors.ErrUnsupported) {
			s.Errorf("%s hides the cause: %v", name, err)
		} else if err == nil && name != "Upload" { // which some have nothing to do for
			s.Errorf("%s did not notice", name)
		}
	}
	_, err := s.Provider.Create(ctx, s.spec("done"), h.File, rows(s.good(1)...))
	s.want(retry.Retryable, "a creation that was not sent", err)
	if n := s.Created(); n != 1 {
		s.Errorf("%d batches were created", n)
	}
	s.Finish()
}

func (s *suite) brokenRows() {
	broken := func(yield func(sink.Row, error) bool) {
		_ = yield(sink.Row{ID: id(0), Body: s.Good("a")}, nil) && yield(sink.Row{}, errBroken)
	}
	start := time.Now()
	file, err := s.Provider.Upload(s.ctx, s.spec("broken"), broken)
	if err == nil {
		_, err = s.Provider.Create(s.ctx, s.spec("broken"), file, broken)
	}
	if !errors.Is(err, errBroken) || s.Created() != 0 {
		s.Errorf("%v, and %d batches were created", err, s.Created())
	}
	s.want(retry.Permanent, "an error of the rows", err)
	if took := time.Since(start); took != 0 {
		s.Errorf("it was retried for %s", took)
	}
}

func (s *suite) identity() {
	p := s.Provider
	info := p.Info()
	if info.Name == "" || info.Name != strings.ToLower(info.Name) {
		s.Errorf("name is %q", info.Name)
	}
	if !strings.HasPrefix(info.Account, info.Name+":") {
		s.Errorf("account is %q", info.Account)
	}
	if info != p.Info() {
		s.Error("it describes itself in two ways")
	}
	if info.Tags == sink.TagNone && !info.Lists {
		s.Error("it keeps no tags and lists no batches, so that none can be found")
	}
	s.describes("tags", info.Tags != sink.TagNone, func() error {
		_, err := p.Find(s.ctx, "any", s.begin)
		return err
	})
	s.describes("lists", info.Lists, func() error { return firstError(p.List(s.ctx, s.begin)) })
	s.describes("files", info.Files, func() error { return firstError(p.Files(s.ctx)) })
	if _, known := p.Clock(); known && !info.Clock {
		s.Error("it tells its time, and says that it does not")
	}
	limits := p.Limits(s.Model)
	if limits.Rows < 0 || limits.Bytes < 0 || limits.Window < time.Hour {
		s.Errorf("limits are %+v", limits)
	}
}

// describes fails unless a method works just if the provider says so.
func (s *suite) describes(what string, has bool, call func() error) {
	s.Helper()
	if err := call(); has == errors.Is(err, errors.ErrUnsupported) {
		s.Errorf("it says that it has %s: %v; the method: %v", what, has, err)
	}
}

// firstError is the error that a list begins with.
func firstError[T any](list iter.Seq2[T, error]) error {
	for _, err := range list {
		return err
	}
	return nil
}
