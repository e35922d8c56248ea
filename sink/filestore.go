package sink

import (
	"context"
	"iter"

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
	// Put stores a file under a name and returns its ID. If a call is not
	// answered, there may be two files of the name. A Permanent error means that
	// the file will never be stored; it is errors.ErrUnsupported if none will,
	// because the server has no such store.
	Put(ctx context.Context, name, mediaType string, data []byte) (id string, err error)
	// Stored yields what Put has stored under names with the prefix, in any
	// order; Tag is the name. An error ends the sequence. It is
	// errors.ErrUnsupported if the provider keeps no list.
	Stored(ctx context.Context, prefix string) iter.Seq2[File, error]
	// Delete deletes a file. What is gone already is not an error.
	Delete(ctx context.Context, id string) error
}
