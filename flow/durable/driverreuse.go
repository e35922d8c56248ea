package durable

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/balerhq/baler/flow/durable/internal/jobdir"
	"github.com/balerhq/baler/internal/intent"
	"github.com/balerhq/baler/internal/segment"
)

// reuse settles entries with the answers of their hits. The entries become a
// batch of their own that begins as fetched, so that the ordinary settlement
// follows. A crash leaves the rest to the next run. Once the batch is sealed,
// it is settled even if the run is cancelled. Entries whose answer cannot be
// read any more are returned, because they have to be sent.
func (d *driver) reuse(ctx, life context.Context, entries []jobdir.Entry) (lost []jobdir.Entry, err error) {
	slices.SortFunc(entries, func(a, b jobdir.Entry) int { // in the order on disk
		return cmp.Or(strings.Compare(a.Hit.Tag, b.Hit.Tag), cmp.Compare(a.Hit.Offset, b.Hit.Offset))
	})
	tag := d.TagOfJob()
	var found []jobdir.Entry
	err = jobdir.WriteRecords(d.Root, jobdir.ResultName(tag), d.LabelOf(jobdir.ResultsKind, tag), func(put jobdir.Put) (err error) {
		found, lost, err = d.copyAnswers(ctx, entries, put)
		return err
	})
	if err != nil {
		return nil, err
	}
	if len(found) == 0 {
		return lost, d.Root.Remove(jobdir.ResultName(tag))
	}
	if err := d.gate.enter(ctx); err != nil {
		return nil, err
	}
	in, err := d.batches.seal(context.WithoutCancel(ctx), intent.Intent{Tag: tag, State: intent.Fetched}, found)
	d.gate.leave()
	if err != nil {
		return nil, err
	}
	return lost, d.drive(life, &in)
}

// copyAnswers writes the records of all answers that can be read.
func (d *driver) copyAnswers(ctx context.Context, entries []jobdir.Entry, put jobdir.Put) (found, lost []jobdir.Entry, err error) {
	var file jobdir.OpenFile
	defer file.Close()
	var buf []byte
	gone := 0
	for _, row := range entries {
		o, err := d.readAnswer(&file, &row)
		if err != nil {
			d.log.DebugContext(ctx, "an answer that was kept is not used", "tag", row.Hit.Tag, "error", err)
			if !d.isOwn(row.Hit) && !errors.Is(err, errUnfit) {
				gone++
			}
			row.Hit = nil
			lost = append(lost, row)
			continue
		}
		buf, err = jobdir.PutOutcome(put, buf, uint32(len(found)), &o.Outcome, row.Hit.Batch, d.isOwn(row.Hit)) //nolint:gosec // bounded by a batch
		if err != nil {
			return nil, nil, err
		}
		found = append(found, row)
	}
	if gone > 0 {
		d.anomalies.addGone(gone)
		d.log.WarnContext(ctx, "answers of other runs are gone, so that rows are sent", "rows", gone)
	}
	return found, lost, nil
}

// errUnfit means that an answer can be read, and does not count as one here.
var errUnfit = errors.New("the answer does not fit")

// isOwn reports whether the answer is one of this job.
func (d *driver) isOwn(h *jobdir.Hit) bool { return h.Job == d.Keys.Dir() }

// readAnswer reads the answer of a row's hit. One of another job must be a
// success, and must still count as one. One of this job counts as it is.
func (d *driver) readAnswer(file *jobdir.OpenFile, row *jobdir.Entry) (jobdir.Outcome, error) {
	h := row.Hit
	record, err := file.ReadRecord(d.store.Root(), path.Join(h.Job, jobdir.ResultName(h.Tag)), h.Offset, jobdir.Label{
		Format: jobdir.FileFormat, Kind: jobdir.ResultsKind, Tag: h.Tag,
	})
	if err != nil {
		return jobdir.Outcome{}, err
	}
	o, err := jobdir.DecodeOutcome(record)
	if err == nil && (o.Err != nil && !d.isOwn(h) || h.Batch == "") {
		err = fmt.Errorf("%w: it is not of a row that succeeded", segment.ErrDamaged)
	}
	if err != nil {
		return o, err
	}
	a := jobdir.ReadAnswer(&o.Outcome, d.batches.routes.serviceOf(int(row.Route)).info.Codec)
	switch {
	case a.Err != nil && d.isOwn(h):
		return o, nil // it failed for good
	case a.Err == nil && a.Reply != nil:
		_, a.Err = d.judge.value(row.Key, *a.Reply)
	}
	if a.Err != nil {
		return o, fmt.Errorf("%w: %w", errUnfit, a.Err)
	}
	return o, nil
}
