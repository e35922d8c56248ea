package batchapi

import (
	"bufio"
	"cmp"
	"encoding/json"
	"errors"
	"iter"
	"os"
	"strings"
	"time"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/flow/durable/archive"
	"github.com/balerhq/baler/flow/source"
	"github.com/balerhq/baler/internal/atomicfile"
	"github.com/balerhq/baler/sink/catalog"
	"github.com/balerhq/baler/sink/llm"
)

// outputs write the results of a batch.
type outputs struct {
	record
	codecs   map[string]llm.Codec // by provider
	provider map[string]string    // by route
	fallback string               // the provider of results without a route

	results, errors *bufio.Writer
	failed          int // lines of errors
	written         map[string]bool
}

// finish writes the results of a batch whose run is over, and then says so.
// Done again after a crash, it writes the same files. The run of a batch that is
// given up has no results for some requests: those never ran.
func (s *Server) finish(b *batch, a *Account, end status, givenUp bool) error {
	r, err := b.update(func(r *record) {
		r.Finalizing = time.Now()
		if r.Status == inProgress {
			r.Status = finalizing
		}
	})
	if err != nil {
		return err
	}
	out := outputsOf(r, a)
	_, id, _ := strings.Cut(r.ID, "_")
	output, errorFile := "file-"+id+"-output", "file-"+id+"-errors"
	err = atomicfile.Create(s.root, content(output), func(to *os.File) error {
		return atomicfile.Create(s.root, content(errorFile), func(errs *os.File) error {
			out.results, out.errors = bufio.NewWriterSize(to, 64<<10), bufio.NewWriterSize(errs, 64<<10)
			err := out.write(s.cfg.Dir, end)
			if givenUp && (err == nil || errors.Is(err, durable.ErrNoRun)) {
				err = out.rest(s.requests(&r), end)
			}
			return errors.Join(err, out.results.Flush(), out.errors.Flush())
		})
	})
	if err != nil {
		return err
	}
	keepErrors := out.failed > 0
	keepOutput := r.Protocol == Anthropic || out.Counts.Succeeded > 0
	for _, f := range []struct {
		id   *string
		kept bool
	}{{&output, keepOutput}, {&errorFile, keepErrors}} {
		if err := s.keepOutput(&r, f.id, f.kept); err != nil {
			return err
		}
	}
	_, err = b.update(func(r *record) {
		r.Status, r.Ended, r.Output, r.ErrorFile, r.Counts, r.Usage = end, time.Now(), output, errorFile, out.Counts, out.Usage
		r.Rows = max(r.Rows, out.Counts.Succeeded+out.Counts.Failed+out.Counts.NotRun)
	})
	return err
}

// keepOutput makes a file of what was written under an id, or removes it.
func (s *Server) keepOutput(r *record, id *string, kept bool) error {
	if !kept {
		err := s.drop(content(*id))
		*id = ""
		return err
	}
	info, err := s.root.Stat(content(*id))
	if err != nil {
		return err
	}
	now := time.Now()
	return s.addFile(file{
		ID: *id, Owner: r.Owner, Name: r.ID + (*id)[strings.LastIndex(*id, "-"):] + ".jsonl", Purpose: purposeOutput,
		Bytes: info.Size(), Created: now, Expires: now.Add(cmp.Or(r.OutputKeep, s.cfg.Keep)),
	})
}

// outputsOf knows the providers that the batch began with, also if its account
// has others now.
func outputsOf(r record, a *Account) *outputs {
	o := &outputs{record: r, codecs: make(map[string]llm.Codec), provider: a.names(), fallback: a.providers()[0].Info().Name, written: make(map[string]bool)}
	o.Counts, o.Usage = counts{}, llm.Usage{}
	for _, p := range a.providers() {
		o.codecs[p.Info().Name] = p.Info().Codec
	}
	for route, name := range r.Providers {
		o.provider[route] = name
		if entry, known := catalog.Find(name); known && o.codecs[name] == nil {
			o.codecs[name], _ = entry.CodecOf("") // without one, an answer is passed on as it is
		}
	}
	return o
}

// write writes a line for each request.
func (o *outputs) write(dir *durable.Dir, end status) error {
	a, err := archive.Open(dir, o.run())
	if err != nil {
		return err
	}
	defer a.Close()
	for r, err := range a.Results(archive.Query{Codec: o.codecs[o.fallback], Codecs: o.codecs}) {
		if err != nil {
			return err
		}
		if err := o.result(&r.Result, end); err != nil {
			return err
		}
	}
	for _, r := range o.Rejects { // none of OpenAI's
		o.Counts.Failed++
		o.written[r.CustomID] = true
		if err := o.line(o.results, messagesLine{r.CustomID, messagesResult{Type: "errored", Error: anthropicError(400, r.Reason)}}); err != nil {
			return err
		}
	}
	return nil
}

// answer is the answer of a result.
type answer struct {
	provider string
	reply    llm.Reply
	body     json.RawMessage // the provider's
	status   int
}

// answerOf returns the answer of a result. It is false if there is none. One
// that Baler takes for no full one is an answer here: the caller decides.
func (o *outputs) answerOf(r *durable.Result) (a answer, ok bool) {
	a = answer{provider: o.provider[r.Route], body: r.Response, status: r.HTTPStatus}
	if a.provider == "" {
		a.provider = o.fallback
	}
	isFine := r.Error == nil || a.status/100 == 2
	if len(a.body) == 0 || !isFine {
		return a, false
	}
	if a.status == 0 {
		a.status = 200
	}
	codec := o.codecs[a.provider]
	if codec == nil {
		return a, r.Error == nil
	}
	reply, err := codec.Decode(a.body)
	a.reply = reply
	return a, err == nil
}

// rest writes a line for each request that has none.
func (o *outputs) rest(requests iter.Seq[row], end status) error {
	for q := range requests {
		if o.written[q.CustomID] {
			continue
		}
		if err := o.result(&durable.Result{ID: q.CustomID, Status: durable.ItemCancelled}, end); err != nil {
			return err
		}
	}
	return nil
}

// requests are those of a batch that can be read.
func (s *Server) requests(r *record) iter.Seq[row] {
	return func(yield func(row) bool) {
		for q, err := range source.JSONL[row](s.path(r.Input)).Items() {
			if err != nil {
				s.log.Error("a request of a batch cannot be read", "batch", r.ID, "error", err)
			} else if !yield(q) {
				return
			}
		}
	}
}

func (o *outputs) result(r *durable.Result, end status) error {
	o.written[r.ID] = true
	if r.Usage != nil {
		o.Usage = o.Usage.Add(*r.Usage)
	}
	a, isAnswered := o.answerOf(r)
	switch {
	case isAnswered:
		o.Counts.Succeeded++
	case r.Status == durable.ItemCancelled:
		o.Counts.NotRun++
	default:
		o.Counts.Failed++
	}
	if o.Protocol == Anthropic {
		return o.line(o.results, messagesLine{r.ID, o.messagesResult(r, &a, isAnswered, end)})
	}
	if isAnswered {
		return o.line(o.results, o.batchLine(r, &a))
	}
	o.failed++
	return o.line(o.errors, o.errorLine(r, &a, end))
}

func (o *outputs) line(w *bufio.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false) // texts stay as they were written
	return e.Encode(v)
}
