package durable

import (
	"errors"
	"fmt"
	"slices"

	"github.com/balerhq/baler/sink/llm/document"
)

// FileUpload says which files are stored at the provider, so that rows refer to
// them. A stored file is sent once for each run, account and name. A file in
// the row itself is sent with each row, and again whenever the row is.
type FileUpload string

// The ways. The zero FileUpload is FileUploadNever.
const (
	// FileUploadNever leaves nothing at the provider but batches. It is the
	// default, as every provider takes it.
	FileUploadNever FileUpload = "never"
	// FileUploadAuto stores files of 1 MiB or more, and those that several rows
	// of one batch have: batches are bounded in bytes, such as 200 MB, and a
	// call for each small file costs more than it saves. A stored file may be
	// larger than one in a request, as far as the provider takes that
	// (llm.FileLimits). Rows have a file themselves that the provider refuses to
	// store, or all files if it has no store for them. A file that was refused
	// is not sent to the store again in the run.
	FileUploadAuto FileUpload = "auto"
	// FileUploadAlways stores all that the provider keeps for rows. Rows fail
	// with the code "file_refused", unsent and without cost, if they have a file
	// that the provider refuses to store; the others of their batch go on. A
	// provider without a store ends the run with ErrNoFileStore, before the
	// batch is bought.
	FileUploadAlways FileUpload = "always"
)

// largeFile is what FileUploadAuto takes for large, in bytes.
const largeFile = 1 << 20

// referenceSize is about what a reference to a file takes in a request, in
// bytes.
const referenceSize = 64

// validateFileUpload refuses what no route can do.
func (j *Job[T]) validateFileUpload() error {
	switch j.FileUpload {
	case "", FileUploadNever, FileUploadAuto:
		return nil
	case FileUploadAlways:
	default:
		return fmt.Errorf("durable: Job.FileUpload is %q: must be %s, %s or %s", j.FileUpload, FileUploadNever, FileUploadAuto, FileUploadAlways)
	}
	own, _ := j.ownRoutes()
	for _, r := range own {
		if r.service.info.FileStore != nil {
			return nil
		}
	}
	return errors.New("durable: Job.FileUpload is always, and no provider of the job keeps files that rows refer to: use auto or never")
}

// isStored reports whether a file is certainly stored, whatever route its row
// takes, so that the row has only a reference to it.
func (c *config) isStored(f *document.Info) bool {
	if !c.fileUpload.takes(int64(f.Bytes), 1) {
		return false
	}
	return !slices.ContainsFunc(c.own, func(r *ownRoute) bool { return !r.stores(f.Type) })
}

// stores reports whether the provider of the route stores files of a media type.
func (r *ownRoute) stores(mediaType string) bool {
	s := r.service.info.FileStore
	return s != nil && s.Takes(mediaType)
}

// takes reports whether a file is stored that so many rows of a batch have.
func (u FileUpload) takes(bytes int64, rows int) bool {
	switch u {
	case FileUploadAlways:
		return true
	case FileUploadAuto:
		return bytes >= largeFile || rows > 1
	case FileUploadNever:
	}
	return false
}
