package protocol

import (
	"io"
	"net/http"
	"os"
	"time"
)

// A Provider is the part of the simulator that all protocols share, as the
// routes of one see it.
type Provider interface {
	// Session returns what the owner of key may see and do by request r. It
	// reports false if the provider does not accept the key.
	Session(r *http.Request, key string) (Session, bool)
}

// A Session is what one request may see and do. It shows only the objects of
// one account, and hides those that are deleted or have expired. A fault may
// let it show them as they were a while ago.
type Session interface {
	// Account is the name of the account, empty if it has none.
	Account() string
	// Now is the time on the simulator's clock.
	Now() time.Time
	// Rules are what input is held to.
	Rules() Rules

	// Receive stores the content of a file that is yet to be added. An error of
	// content is returned as it is.
	Receive(id string, content io.Reader) (bytes int64, err error)
	// Discard removes content that was received under id, if any was.
	Discard(id string)
	// AddFile adds a file, whose content was received under its ID. It sets the
	// rest of its identity.
	AddFile(f File) (File, error)
	// File returns a file, and whether there is one.
	File(id string) (File, bool)
	// Files returns all files, the newest first.
	Files() []File
	// Open opens the content of a file. A file that a batch still reads may
	// have been deleted since: the error is then [io/fs.ErrNotExist].
	Open(f File) (*os.File, error)
	// DeleteFile deletes a file.
	DeleteFile(f File) error

	// AddBatch adds a batch, with the given ID, and starts it. It sets the rest
	// of its identity, its state, and when it expires: once lifetime has
	// passed.
	AddBatch(b Batch, lifetime time.Duration) (Batch, error)
	// Batch returns a batch, and whether there is one.
	Batch(id string) (Batch, bool)
	// Batches returns all batches, the newest first.
	Batches() []Batch
	// CancelBatch begins to cancel a batch, unless it has ended or is being
	// cancelled already, and returns what it is now.
	CancelBatch(b Batch) (Batch, error)
}

// Rules are what input is held to.
type Rules struct {
	Limits
	Models []string // none means that every model is accepted
}

// Limits are the limits of the simulator's configuration, which explains them.
type Limits struct {
	UploadBytes     int64
	BatchBytes      int64
	Rows            int
	EmbeddingInputs int
	EnqueuedTokens  int64
}
