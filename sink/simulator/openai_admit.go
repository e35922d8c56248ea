package simulator

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// validate checks the input file of b and moves b to in_progress, or to failed
// with an error for every bad line.
func (s *Simulator) validate(ctx context.Context, b batch) error {
	v := &validation{cfg: s.cfg, endpoint: b.Endpoint}
	if b.Refused {
		return s.admit(b, v)
	}
	if err := s.work(ctx, func() error { return s.check(b, v) }); err != nil {
		return fmt.Errorf("simulator: validate %s: %w", b.ID, err)
	}
	return s.admit(b, v)
}

// check runs v over the input file.
func (s *Simulator) check(b batch, v *validation) error {
	f, found := s.files.get(b.InputFile)
	if !found || f.Owner != b.Owner || f.gone(b.Created) || f.Purpose != "batch" {
		v.report("invalid_request", "file_id", 0,
			fmt.Sprintf("Cannot find file %s, or your organization does not have access to it.", b.InputFile))
		return nil
	}
	if f.Bytes > s.cfg.Limits.BatchBytes {
		v.report("file_too_large", "", 0,
			fmt.Sprintf("The input file is larger than %d bytes.", s.cfg.Limits.BatchBytes))
		return nil
	}
	in, err := os.Open(s.contentPath(b.InputFile))
	if errors.Is(err, fs.ErrNotExist) { // deleted before validation began
		v.report("invalid_request", "file_id", 0, fmt.Sprintf("Cannot find file %s.", b.InputFile))
		return nil
	}
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }()
	return v.file(in)
}

// admit writes the verdict. The tokens of a batch count against the limit from
// here until it ends.
func (s *Simulator) admit(seen batch, v *validation) error {
	s.admission.Lock()
	defer s.admission.Unlock()
	if limit := s.cfg.Limits.EnqueuedTokens; limit > 0 && len(v.errors) == 0 {
		if held := s.enqueued(seen.Owner, v.model); held+v.tokens > limit {
			v.report("token_limit_exceeded", "", 0, fmt.Sprintf(
				"Enqueued token limit reached for %s in organization org-simulator. Limit: %d enqueued tokens. "+
					"Please try again once some in_progress batches have been completed.", v.model, limit))
		}
	}
	_, err := s.batches.update(seen.ID, func(b *batch) bool {
		if b.Status != validating { // cancelled meanwhile
			return false
		}
		now := s.clock.now()
		if b.Refused {
			b.Status, b.EndedAt = failed, now
			return true
		}
		if len(v.errors) > 0 {
			b.Status, b.EndedAt, b.Errors = failed, now, v.errors
			return true
		}
		b.Status, b.InProgressAt = inProgress, now
		b.Model, b.Tokens, b.Counts.Total = v.model, v.tokens, v.rows
		return true
	})
	return err
}

// enqueued returns how many input tokens the owner's running batches of a model
// hold.
func (s *Simulator) enqueued(owner, model string) (tokens int64) {
	for _, b := range s.batches.all() {
		if b.Owner == owner && b.Model == model && !b.ended() {
			tokens += b.Tokens
		}
	}
	return tokens
}
