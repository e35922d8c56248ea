package sink

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/balerhq/baler/sink/llm"
)

// Info describes a provider: who it is, who pays, and what it can do. A wrapper
// of a provider passes it on, so that nothing is lost.
type Info struct {
	// Name is the provider's short name, in lower case, for example "openai".
	Name string
	// Origin names the service, such as "api.openai.com", whoever pays. Several
	// services may have the same Name, as all that speak one protocol. What one
	// of them answered is not taken for the answer of another.
	Origin string
	// Account identifies who pays, without revealing the key. It begins with
	// the Name and a colon. Batches can be polled only by the account that
	// created them. One account may have several names, as of several keys:
	// what sees a batch is its account.
	Account string
	// Codec writes and reads the bodies of the provider's rows. Nil means that
	// it has none: rows are raw requests, and answers are not read.
	Codec llm.Codec
	// Strict says that a row with a member that the provider does not know
	// fails. A server that speaks the protocol may know more than its codec.
	Strict bool
	// OneSchema says that the chats of a batch have to have the same Schema.
	OneSchema bool

	// Tags says how the provider keeps the tag of a batch.
	Tags TagSupport
	// RepeatableCreate says that a Create with the tag of an earlier one makes
	// no second batch, but returns the first, unless that was refused. Then an
	// unanswered Create is repeated at once.
	RepeatableCreate bool
	// PartialResults says that Results of a batch that has not ended yields the
	// rows that are done.
	PartialResults bool
	// Lists says that List lists the account's batches.
	Lists bool
	// Files says that Upload stores files, and that Files lists them.
	Files bool
	// Clock says that the provider tells its time.
	Clock bool
	// Attachments says what a model takes of the files in a request. Nil means
	// that nothing is known.
	Attachments Attachments
	// PromptCaching says how the beginnings of prompts are cached. Nil means
	// that nothing is known.
	PromptCaching PromptCaching
	// FileStore keeps files that rows refer to. Nil means that each row has its
	// files itself.
	FileStore FileStore
	// Live says that the rows are run one by one at the synchronous price.
	Live bool
}

// Attachments says what a provider takes of the files in a request.
type Attachments interface {
	FileLimits(model string) llm.FileLimits
}

// PromptCaching says how a provider caches the beginnings of prompts.
type PromptCaching interface {
	PromptCache(model string) llm.PromptCache
}

// PromptCache returns how the provider caches the beginnings of prompts to a
// model, the zero PromptCache if nothing is known.
func (i Info) PromptCache(model string) llm.PromptCache {
	if i.PromptCaching == nil {
		return llm.PromptCache{}
	}
	return i.PromptCaching.PromptCache(model)
}

// Service is the name by which people know the provider: its Origin, or else
// its Name.
func (i Info) Service() string {
	if i.Origin != "" {
		return i.Origin
	}
	return i.Name
}

// TagSupport says how a provider keeps the tag of a batch.
type TagSupport string

// The ways to keep a tag. The zero TagSupport is that it is not known before
// Find was called.
const (
	TagMetadata TagSupport = "metadata" // in the batch's metadata
	TagName     TagSupport = "name"     // as the batch's display name
	TagNone     TagSupport = "none"     // nowhere: the IDs of its rows tell, once it has ended
)

// Basic has the methods of a Provider that one may lack. A provider embeds it,
// and replaces those that it has.
type Basic struct{}

// Find implements Provider.
func (Basic) Find(context.Context, string, time.Time) ([]string, error) {
	return nil, fmt.Errorf("sink: find: %w", errors.ErrUnsupported)
}

// List implements Provider.
func (Basic) List(context.Context, time.Time) iter.Seq2[Listing, error] {
	return func(yield func(Listing, error) bool) {
		yield(Listing{}, fmt.Errorf("sink: list: %w", errors.ErrUnsupported))
	}
}

// Files implements Provider.
func (Basic) Files(context.Context) iter.Seq2[File, error] {
	return func(yield func(File, error) bool) {
		yield(File{}, fmt.Errorf("sink: list files: %w", errors.ErrUnsupported))
	}
}

// Clock implements Provider.
func (Basic) Clock() (now time.Time, known bool) { return time.Time{}, false }
