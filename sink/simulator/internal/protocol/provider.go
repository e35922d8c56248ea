package protocol

import (
	"errors"
	"io"
	"iter"
	"net/http"
	"os"
	"time"
)

// A Provider is the part of the simulator that all protocols share, as the
// routes of one see it.
type Provider interface {
	// Session returns what the owner of key may see and do by request r. The
	// objects of different scopes, such as workspaces, do not see each other;
	// an empty scope is none. The error is ErrUnknownKey, or a *RefusalError if
	// the owner sends too many requests.
	Session(r *http.Request, key string, scope ...string) (Session, error)
}

// ErrUnknownKey says that the provider does not accept a key.
var ErrUnknownKey = errors.New("the simulator does not accept this key")

// A Session is what one request may see and do. It shows only the objects of
// one account, scope and protocol, and hides those that are deleted or have
// expired. A fault may let it show them as they were a while ago.
type Session interface {
	// Account is the name of the account, empty if it has none.
	Account() string
	// Now is the time on the simulator's clock.
	Now() time.Time
	// Rules are what input is held to.
	Rules() Rules
	// Rates are where the account stands with its limits per minute.
	Rates() Rates
	// URL is the absolute URL of a path of the protocol, which begins with a
	// slash, on the host by which the request came.
	URL(path string) string
	// ResultURL is the same for a path that sends results. It may lead to
	// another host.
	ResultURL(path string) string

	// Receive stores the content of a file that is yet to be added. An error of
	// content is returned as it is.
	Receive(id string, content io.Reader) (bytes int64, err error)
	// ReceiveAt continues content that was received under id. It returns how
	// much there is. If that is not offset, it stores nothing. An error of
	// content is returned as it is. Without content, it is [io/fs.ErrNotExist].
	ReceiveAt(id string, offset int64, content io.Reader) (bytes int64, err error)
	// ReceiveLines is Receive for content that consists of lines of JSON. Line
	// breaks within a line become spaces.
	ReceiveLines(id string, lines iter.Seq2[[]byte, error]) (bytes int64, err error)
	// Discard removes content that was received under id, if any was.
	Discard(id string)
	// AddFile adds a file, whose content was received under its ID. It sets the
	// rest of its identity.
	AddFile(f File) (File, error)
	// File returns a file, and whether there is one.
	File(id string) (File, bool)
	// Files returns all files but the hidden ones, the newest first.
	Files() []File
	// Open opens the content of a file. A file that a batch still reads may
	// have been deleted since: the error is then [io/fs.ErrNotExist].
	Open(f File) (*os.File, error)
	// DeleteFile deletes a file.
	DeleteFile(f File) error

	// AddBatch adds a batch, with the given ID, and starts it. It sets the rest
	// of its identity, its state, and when it expires: once lifetime has
	// passed. If that exceeds a limit of the account the error is a
	// *RefusalError, and a hidden input is deleted.
	AddBatch(b Batch, lifetime time.Duration) (Batch, error)
	// Batch returns a batch, and whether there is one.
	Batch(id string) (Batch, bool)
	// Batches returns all batches, the newest first.
	Batches() []Batch
	// CancelBatch begins to cancel a batch, unless it has ended or is being
	// cancelled already, and returns what it is now.
	CancelBatch(b Batch) (Batch, error)
	// DeleteBatch deletes a batch and its hidden files. Files that are not
	// hidden stay. A batch that has not ended goes on, and is billed, unless it
	// was cancelled before.
	DeleteBatch(b Batch) error

	// Answer puts a live call to the model, and enters it into the ledger. If
	// that exceeds a limit of the account the error is a *RefusalError.
	Answer(endpoint string, r Row) (Reply, error)
}

// Rules are what input is held to.
type Rules struct {
	Limits
	Models []string // none means that every model is accepted
	// Finalizing is how long a batch is finalizing. Where the results come
	// after the end, it is how late they are.
	Finalizing time.Duration
	// Files is for how long a file is processed that rows are to refer to.
	Files time.Duration
}

// Limits are the limits of the simulator's configuration, which explains them.
type Limits struct {
	UploadBytes       int64
	BatchBytes        int64
	Rows              int
	InlineBytes       int64
	InlineRows        int
	EmbeddingInputs   int
	EnqueuedTokens    int64
	EnqueuedRows      int
	OpenBatches       int
	RequestsPerMinute int
	TokensPerMinute   int64
}
