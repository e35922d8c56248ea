package simulator

import (
	"cmp"
	"encoding/json"
	"errors"
	"os"

	"github.com/balerhq/baler/sink/simulator/internal/protocol"
)

// results writes the output file, the error file and the ledger of a batch.
type results struct {
	*Simulator
	b      protocol.Batch
	output *lineWriter
	errors *lineWriter
	ledger *lineWriter

	rows   protocol.Rows
	buf    []byte // one line
	counts protocol.Counts
	usage  protocol.Usage
}

func (s *Simulator) createResults(b protocol.Batch) (*results, error) {
	r := &results{Simulator: s, b: b, counts: b.Counts, rows: s.speaker(b.Identity).Rows(b)}
	r.counts.Completed, r.counts.Failed = 0, 0
	var err [3]error
	r.output, err[0] = createLines(s.contentPath(b.OutputFile)+partSuffix, s.cfg.Results)
	if r.errors = r.output; b.ErrorFile != "" {
		r.errors, err[1] = createLines(s.contentPath(b.ErrorFile)+partSuffix, s.cfg.Results)
	}
	r.ledger, err[2] = createLines(s.ledgerPath(b.ID), ResultQuirks{})
	if err := errors.Join(err[:]...); err != nil {
		r.abandon()
		return nil, err
	}
	return r, nil
}

// run puts one row to the model and writes down what comes of it.
func (r *results) run(line []byte) error {
	in := r.rows.Read(line)
	reply := r.answer(in)
	out := r.tally(reply)
	copies, stray := r.cfg.Rows.lines(r.cfg.Seed, r.b.Seq, in.CustomID)
	for range copies {
		if err := r.write(out, in, reply); err != nil {
			return err
		}
	}
	if stray != "" {
		other := in
		other.ID, _ = json.Marshal(stray) //nolint:errchkjson // a string cannot fail
		if err := r.write(out, other, reply); err != nil {
			return err
		}
	}
	r.buf = appendExecution(r.buf[:0], in.ID, reply)
	return r.ledger.write(r.buf)
}

// write writes the line of a row that ran.
func (r *results) write(out *lineWriter, row protocol.Row, reply Reply) error {
	r.buf = r.rows.AppendResult(r.buf[:0], row, reply.rendered())
	return out.write(r.buf)
}

// tally counts a reply and returns the file that it belongs in.
func (r *results) tally(reply Reply) *lineWriter {
	if reply.Error != nil {
		r.counts.Failed++
		return r.errors
	}
	r.counts.Completed++
	r.usage.InputTokens += reply.InputTokens
	r.usage.OutputTokens += reply.OutputTokens
	r.usage.CachedTokens += reply.CachedTokens
	return r.output
}

// answer returns what the model says, with what it costs.
func (r *results) answer(in protocol.Row) Reply {
	if wrong := cmp.Or(in.Error, r.missing(in.Body)); wrong != nil {
		return Reply{Error: (*RowError)(wrong)}
	}
	return r.ask(r.b.Seq, Row{
		Provider: protocolOf(r.b.Identity), Endpoint: r.b.Endpoint, Model: cmp.Or(in.Model, r.b.Model),
		CustomID: in.CustomID, Body: in.Body, request: in.Request, owner: r.b.Owner,
	})
}

// missing returns what a row fails with because of the files that it refers to.
func (r *results) missing(body []byte) *protocol.RowError {
	referring, refers := r.speaker(r.b.Identity).(protocol.Referring)
	if !refers {
		return nil
	}
	return referring.References(body, func(id string) (protocol.File, bool) {
		f, found := r.files.get(id)
		return f, found && f.Owner == r.b.Owner && f.Protocol == r.b.Protocol && !f.Gone(r.clock.now())
	})
}

// skip reports a row that never ran, because the batch expired or else because
// it was cancelled.
func (r *results) skip(line []byte, expired bool) error {
	in := r.rows.Read(line)
	if copies, _ := r.cfg.Rows.lines(r.cfg.Seed, r.b.Seq, in.CustomID); copies == 0 {
		return nil
	}
	if r.buf = r.rows.AppendNotRun(r.buf[:0], in, expired); len(r.buf) == 0 {
		return nil
	}
	return r.errors.write(r.buf)
}

// flush makes the ledger readable up to the last row.
func (r *results) flush() error { return r.ledger.Flush() }

// publish puts the files that hold rows in place.
func (r *results) publish() error {
	if err := r.ledger.close(); err != nil {
		return err
	}
	if err := r.place(r.output, r.b.OutputFile, protocol.Succeeded, r.output.lines > 0); err != nil || r.errors == r.output {
		return err
	}
	return r.place(r.errors, r.b.ErrorFile, protocol.NotSucceeded, r.hasErrorFile())
}

func (r *results) hasErrorFile() bool { return r.errors.lines > 0 || r.cfg.Results.EmptyErrorFile }

func (r *results) place(w *lineWriter, id string, kind protocol.ResultKind, wanted bool) error {
	if err := w.close(); err != nil || !wanted {
		return err
	}
	now := r.clock.now()
	f := r.rows.ResultFile(kind, now)
	f.ID, f.Protocol, f.Owner, f.Created, f.Bytes = id, r.b.Protocol, r.b.Owner, now, w.bytes
	_, err := r.addFile(f)
	return err
}

// record enters the outcome into b.
func (r *results) record(b *protocol.Batch) {
	b.Counts, b.Usage = r.counts, r.usage
	if r.output.lines == 0 {
		b.OutputFile = ""
	}
	if r.errors == r.output || !r.hasErrorFile() {
		b.ErrorFile = ""
	}
}

// abandon closes and removes what was not published. After publish it does
// nothing but remove empty files.
func (r *results) abandon() {
	for _, w := range []*lineWriter{r.output, r.errors} {
		if w != nil {
			_ = w.close()
			_ = os.Remove(w.file.Name())
		}
	}
	if r.ledger != nil {
		_ = r.ledger.close()
	}
}
