package sink

import (
	"context"
	"iter"
	"time"

	"github.com/balerhq/baler/sink/llm"
)

// FileStore keeps files at the provider that rows refer to by their ID
// (llm.File.ID), so that a file which many rows have is sent once. It is safe
// for concurrent use. Its errors carry a retry.Class.
type FileStore interface {
	// Takes reports whether a row may refer to a file of this media type.
	Takes(mediaType string) bool
	// Refer returns a file of a chat as a row refers to it by its ID.
	Refer(f llm.File, id string) llm.File
	// Keeps is for how long a file is kept that nobody deletes. Zero means
	// without an end.
	Keeps() time.Duration
	// Put stores a file under a name and returns its ID. If a call is not
	// answered, there may be two files of the name. A Permanent error means that
	// the file will never be stored; it is errors.ErrUnsupported if none will,
	// because the server has no such store. Rows may refer to the file once Put
	// has returned.
	Put(ctx context.Context, name, mediaType string, data []byte) (id string, err error)
	// Has reports whether rows may refer to a file. It waits while the provider
	// is still processing it. It is false only if the provider itself says that
	// there is no such file, or that it cannot be used: anything else that comes
	// in between is an error.
	Has(ctx context.Context, id string) (bool, error)
	// Stored yields what Put has stored under names with the prefix, in any
	// order; Tag is the name. An error ends the sequence. It is
	// errors.ErrUnsupported if the provider keeps no list.
	Stored(ctx context.Context, prefix string) iter.Seq2[File, error]
	// Delete deletes a file. What is gone already is not an error.
	Delete(ctx context.Context, id string) error
}
