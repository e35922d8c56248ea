package durable

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/balerhq/baler/flow/durable/internal/jobdir"
	"github.com/balerhq/baler/internal/intent"
	"github.com/balerhq/baler/internal/tag"
	"github.com/balerhq/baler/sink"
)

// maxLineErrors bounds the lines of an old output that are named.
const maxLineErrors = 20

// OutputAdoption counts the lines of an old output by what AdoptOutput did with
// them.
type OutputAdoption struct {
	Adopted    int            `json:"adopted"`               // rows of the run that get their result from it
	Failed     int            `json:"failed,omitempty"`      // rows that had failed or were cancelled: they are bought again
	Settled    int            `json:"settled,omitempty"`     // rows that do not wait: the run has a result or a batch for them
	Unknown    int            `json:"unknown,omitempty"`     // rows whose item the run does not have
	OtherModel int            `json:"other_model,omitempty"` // rows for which the run asks another model
	Repeated   int            `json:"repeated,omitempty"`    // lines whose id appears earlier in the file
	Unusable   int            `json:"unusable,omitempty"`    // lines that are no result
	Lines      map[int]string `json:"lines,omitempty"`       // what is wrong with the first of those, by their number
}

// oldOutput is the file of an earlier run.
type oldOutput struct {
	file     *os.File
	at       map[jobdir.ItemHash]oldLine
	adoption *OutputAdoption
}

// oldLine is the position of a row's result in the file.
type oldLine struct {
	offset, length int64
	model          string
}

// read finds the rows that succeeded.
func (o *oldOutput) read(ctx context.Context) error {
	r := bufio.NewReaderSize(o.file, 1<<20)
	offset, models := int64(0), make(map[string]string)
	for n := 1; ; n++ {
		line, err := r.ReadBytes('\n')
		last := errors.Is(err, io.EOF)
		if err != nil && !last {
			return err
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		text := bytes.TrimSpace(bytes.TrimPrefix(line, []byte("\ufeff")))
		if len(text) > 0 {
			o.note(n, text, oldLine{offset: offset, length: int64(len(line))}, models)
		}
		if last {
			return nil
		}
		offset += int64(len(line))
	}
}

// note adds a line. Each model's name is kept once, since there are only a few.
func (o *oldOutput) note(n int, text []byte, at oldLine, models map[string]string) {
	a := o.adoption
	row, err := parseOldLine(text)
	switch h := jobdir.HashKey(row.ID); {
	case err != nil:
		if a.Unusable++; len(a.Lines) < maxLineErrors {
			if a.Lines == nil {
				a.Lines = make(map[int]string)
			}
			a.Lines[n] = err.Error()
		}
	case row.Status != ItemSucceeded:
		a.Failed++
	case o.at[h].length > 0:
		a.Repeated++
	default:
		if _, ok := models[row.Model]; !ok {
			models[row.Model] = row.Model
		}
		at.model = models[row.Model]
		o.at[h] = at
	}
}

// parseOldLine reads a result. Its errors do not quote the content.
func parseOldLine(text []byte) (row Result, err error) {
	if json.Unmarshal(text, &row) != nil {
		return row, errors.New("it is no JSON object of a result, or a part of one")
	}
	response := bytes.TrimSpace(row.Response)
	switch {
	case row.ID == "":
		return row, errors.New("it has no id")
	case row.Status == ItemFailed || row.Status == ItemCancelled:
		return row, nil
	case row.Status != ItemSucceeded:
		return row, errors.New("its status is none of succeeded, failed and cancelled")
	case len(response) == 0 || bytes.Equal(response, []byte("null")):
		return row, errors.New("it has no response")
	case row.Batch == "":
		return row, errors.New("it names no batch")
	}
	return row, nil
}

// result reads a row again.
func (o *oldOutput) result(h jobdir.ItemHash) (Result, error) {
	at := o.at[h]
	line := make([]byte, at.length)
	if _, err := o.file.ReadAt(line, at.offset); err != nil {
		return Result{}, fmt.Errorf("durable: adopt output: %w", err)
	}
	row, err := parseOldLine(bytes.TrimSpace(bytes.TrimPrefix(line, []byte("\ufeff"))))
	if err == nil && (row.Status != ItemSucceeded || jobdir.HashKey(row.ID) != h) {
		err = errors.New("it is being written to")
	}
	if err != nil {
		return row, fmt.Errorf("durable: adopt output: %w", err)
	}
	return row, nil
}

// adoptOutput seals the waiting rows that are in the file, in batches of one
// route each.
func (ad *adopter) adoptOutput(ctx context.Context, old *oldOutput) error {
	byRoute := make(map[uint16][]jobdir.Entry)
	a := old.adoption
	for row, err := range ad.batches.ready.Waiting() {
		if err != nil {
			return ad.IfDamaged(jobdir.ReadyDir, err)
		}
		if row, err = ad.batches.routed(row); err != nil {
			return err
		}
		switch at, ok := old.at[jobdir.HashKey(row.Key)]; {
		case !ok:
		case !ad.asks(row.Route, at.model):
			a.OtherModel++
		default:
			byRoute[row.Route] = append(byRoute[row.Route], row)
		}
	}
	if err := ad.countOthers(old, byRoute); err != nil {
		return err
	}
	for _, entries := range byRoute {
		for len(entries) > 0 {
			some := entries[:min(len(entries), reuseRows)]
			entries = entries[len(some):]
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			if err := ad.adoptLines(ctx, old, some); err != nil {
				return err
			}
			a.Adopted += len(some)
		}
	}
	return nil
}

// reuseRows bounds a batch of adopted lines: its entries are in memory when it
// is settled.
const reuseRows = 10_000

// countOthers counts the rows of the file that do not wait.
func (ad *adopter) countOthers(old *oldOutput, byRoute map[uint16][]jobdir.Entry) error {
	waiting := old.adoption.OtherModel
	for _, entries := range byRoute {
		waiting += len(entries)
	}
	if waiting == len(old.at) {
		return nil
	}
	known, err := knownOf(ad, old.at)
	old.adoption.Settled, old.adoption.Unknown = known-waiting, len(old.at)-known
	return err
}

// adoptLines seals entries as a batch whose results are here already, as reuse
// does with the answers of another run.
func (ad *adopter) adoptLines(ctx context.Context, old *oldOutput, entries []jobdir.Entry) error {
	batch := tag.New()
	err := jobdir.WriteRecords(ad.Root, jobdir.ResultName(batch), ad.LabelOf(jobdir.ResultsKind, batch), func(put jobdir.Put) error {
		var buf []byte
		for n := range entries {
			row, err := old.result(jobdir.HashKey(entries[n].Key))
			if err != nil {
				return err
			}
			buf, err = jobdir.PutOutcome(put, buf, uint32(n), &sink.Outcome{Status: 200, Body: row.Response}, row.Batch, false) //nolint:gosec // at most reuseRows
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	_, err = ad.batches.seal(context.WithoutCancel(ctx), intent.Intent{Tag: batch, State: intent.Fetched}, entries)
	ad.batches.ready.Taken(entries)
	return err
}
