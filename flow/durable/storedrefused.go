package durable

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"

	"github.com/balerhq/baler/flow/durable/internal/jobdir"
	"github.com/balerhq/baler/internal/intent"
	"github.com/balerhq/baler/retry"
	"github.com/balerhq/baler/sink"
	"github.com/balerhq/baler/sink/llm"
)

// The codes of files that a provider does not store.
const (
	codeFileRefused = "file_refused"  // this one, and rows fail with it
	codeNoFileStore = "no_file_store" // none at all
)

// ErrNoFileStore means that Job.FileUpload is FileUploadAlways, and that a
// provider has no store for files. It would hit every batch, so it ends the run
// before one is bought. The same job goes on with another FileUpload.
var ErrNoFileStore = errors.New("all files are to be uploaded for rows to refer to, and the provider has no store for such files")

// refusal returns why the provider will not store a file, or else the error.
func (s *stored) refusal(ctx context.Context, file *llm.File, err error) (*intent.Reason, error) {
	if !refuses(ctx, err) {
		return nil, fmt.Errorf("file %q of a row: %w", file.Name, err)
	}
	code := codeFileRefused
	if errors.Is(err, errors.ErrUnsupported) {
		code = codeNoFileStore
	}
	if code == codeNoFileStore && s.fileUpload == FileUploadAlways {
		return nil, fmt.Errorf("durable: %w: %w", ErrNoFileStore, err)
	}
	s.log.WarnContext(ctx, "the provider does not store a file of rows", "file", file.Name, "upload", s.fileUpload, "error", err)
	text := fmt.Sprintf("the provider does not store the file %q: %s", file.Name, said(refusalReason(retry.Permanent, err)))
	reason := newReason(retry.Permanent, code, text)
	return &reason, nil
}

// refused returns an error if rows of a batch are to fail because of a file
// that the provider does not store. With FileUploadAuto they have it
// themselves, each time they are sent.
func (s *stored) refused(account string, all map[string]*llm.File) error {
	if s.fileUpload != FileUploadAlways {
		return nil
	}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if f, _ := s.get(account, name); f.Refused != nil {
			return failureOf(f)
		}
	}
	return nil
}

// failureOf is how rows fail that have a file which is not stored.
func failureOf(f jobdir.StoredFile) *sink.RowError {
	return &sink.RowError{Class: retry.Permanent, Code: codeFileRefused, Message: f.Refused.Message}
}

// isFileRefused reports whether a batch was not bought because of files of its
// rows.
func isFileRefused(in intent.Intent) bool {
	return in.Batch == "" && in.Reason != nil && in.Reason.Code == codeFileRefused
}

// refusedRows yields a failure for each request of a batch that has a file
// which the provider does not store. Its errors are those of this machine.
func (s *stored) refusedRows(in intent.Intent) iter.Seq2[sink.Outcome, error] {
	return func(yield func(sink.Outcome, error) bool) {
		r := s.batches.requests.NewReader()
		defer r.Close()
		account := s.batches.serviceOf(in).info.Account
		for rows, err := range s.Requests(in) {
			var refused *sink.RowError
			for i := 0; i < len(rows) && err == nil; i++ {
				var files []*llm.File
				files, err = s.filesOf(r, &rows[i])
				for _, file := range files {
					if f, _ := s.get(account, s.StoredName(file)); f.Refused != nil {
						refused = failureOf(f)
					}
				}
			}
			switch {
			case err != nil:
				yield(sink.Outcome{}, err)
				return
			case refused == nil:
				continue
			}
			if !yield(sink.Outcome{ID: jobdir.RowID(in.Tag, jobdir.RequestHash(rows)), Err: refused}, nil) {
				return
			}
		}
	}
}
