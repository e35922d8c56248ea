package simulator

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"
)

// results writes the output file, the error file and the ledger of a batch.
type results struct {
	*Simulator
	b      batch
	output *lineWriter
	errors *lineWriter
	ledger *lineWriter

	encoder encoder
	buf     []byte // one line
	counts  counts
	usage   usage
}

func (s *Simulator) createResults(b batch) (*results, error) {
	r := &results{
		Simulator: s, b: b, counts: b.Counts,
		encoder: encoder{batch: b.ID, created: b.InProgressAt.Unix()},
	}
	r.counts.Completed, r.counts.Failed = 0, 0
	var err [3]error
	r.output, err[0] = createLines(s.contentPath(b.OutputFile)+partSuffix, s.cfg.Results)
	r.errors, err[1] = createLines(s.contentPath(b.ErrorFile)+partSuffix, s.cfg.Results)
	r.ledger, err[2] = createLines(s.ledgerPath(b.ID), ResultQuirks{})
	if err := errors.Join(err[:]...); err != nil {
		r.abandon()
		return nil, err
	}
	return r, nil
}

// run puts one row to the model and writes down what comes of it.
func (r *results) run(line []byte) error {
	in, _ := parseRow(line) // valid, or the batch would not run
	req := Row{Endpoint: r.b.Endpoint, Model: r.b.Model, Body: in.body}
	req.CustomID, _ = unquote(in.customID)
	req.params, _ = parseParams(in.body)
	reply := r.answer(req)
	out := r.tally(reply)
	copies, stray := r.cfg.Rows.lines(r.cfg.Seed, r.b.Seq, req.CustomID)
	for range copies {
		r.buf = r.encoder.appendResult(r.buf[:0], in.customID, req, reply)
		if err := out.write(r.buf); err != nil {
			return err
		}
	}
	if stray != "" {
		id, _ := json.Marshal(stray) //nolint:errchkjson // a string cannot fail
		r.buf = r.encoder.appendResult(r.buf[:0], id, req, reply)
		if err := out.write(r.buf); err != nil {
			return err
		}
	}
	r.buf = appendExecution(r.buf[:0], in.customID, reply)
	return r.ledger.write(r.buf)
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
	return r.output
}

// answer returns what the model says, with what it costs.
func (r *results) answer(req Row) Reply {
	reply, faulty := r.cfg.Rows.reply(r.cfg.Seed, r.b.Seq, req)
	if !faulty {
		reply = r.cfg.Answer(req)
	}
	if reply.InputTokens == 0 {
		reply.InputTokens = estimateTokens(len(req.Body))
	}
	if reply.OutputTokens == 0 {
		reply.OutputTokens = estimateTokens(len(reply.Text) + len(reply.Refusal))
	}
	return reply
}

// skip reports a row that never ran.
func (r *results) skip(line []byte, code string) error {
	in, _ := parseRow(line)
	id, _ := unquote(in.customID)
	if copies, _ := r.cfg.Rows.lines(r.cfg.Seed, r.b.Seq, id); copies == 0 {
		return nil
	}
	r.buf = r.encoder.appendFailure(r.buf[:0], in.customID, code, notRunReason[code])
	return r.errors.write(r.buf)
}

// flush makes the ledger readable up to the last row.
func (r *results) flush() error { return r.ledger.Flush() }

// publish puts the files that hold rows in place.
func (r *results) publish() error {
	if err := r.ledger.close(); err != nil {
		return err
	}
	if err := r.place(r.output, r.b.OutputFile, "output", r.output.lines > 0); err != nil {
		return err
	}
	return r.place(r.errors, r.b.ErrorFile, "error", r.hasErrorFile())
}

func (r *results) hasErrorFile() bool { return r.errors.lines > 0 || r.cfg.Results.EmptyErrorFile }

func (r *results) place(w *lineWriter, id, kind string, wanted bool) error {
	if err := w.close(); err != nil || !wanted {
		return err
	}
	if err := os.Rename(r.contentPath(id)+partSuffix, r.contentPath(id)); err != nil {
		return err
	}
	now := r.clock.now()
	keep := r.b.KeepFor
	if keep == 0 {
		keep = defaultKeep
	}
	_, err := r.files.add(func(seq int) file {
		return file{
			identity: identity{ID: id, Owner: r.b.Owner, Seq: seq, Created: now},
			Name:     fmt.Sprintf("%s_%s.jsonl", r.b.ID, kind),
			Purpose:  "batch_output",
			Bytes:    w.bytes,
			Expires:  now.Add(keep),
		}
	})
	return err
}

// record enters the outcome into b.
func (r *results) record(b *batch) {
	b.Counts, b.Usage = r.counts, r.usage
	if r.output.lines == 0 {
		b.OutputFile = ""
	}
	if !r.hasErrorFile() {
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

// defaultKeep is how long batch files live unless the client says otherwise.
const defaultKeep = 30 * 24 * time.Hour
