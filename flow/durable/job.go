package durable

import (
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"time"

	"github.com/balerhq/baler/accumulator"
	"github.com/balerhq/baler/flow/state"
	"github.com/balerhq/baler/queue"
	"github.com/balerhq/baler/ratelimit"
	"github.com/balerhq/baler/sink"
	"github.com/balerhq/baler/sink/llm"
)

// Defaults of a Job's zero fields.
const (
	DefaultMaxWait        = time.Minute
	DefaultPoll           = 10 * time.Second
	DefaultGrace          = 10 * time.Minute
	DefaultMaxInFlight    = 100
	DefaultMaxAttempts    = 4
	DefaultCreatesPerHour = 2000
	DefaultTransfers      = 2
	DefaultPollsPerMinute = 3000
	DefaultPollsAtOnce    = 8
	DefaultCache          = 30 * 24 * time.Hour
)

// maxKey bounds the key of an item.
const maxKey = 256

// Job says what to do. Name, Source, Key, Prompt or Request, Provider, Store
// and Output are required.
type Job[T any] struct {
	// Name identifies the job among all in the store.
	Name string
	// Settings is what must not change while the job is unfinished, such as the
	// prompt. Resuming with others is refused, and the error names the keys.
	Settings map[string]string

	// Source yields the items.
	Source Source[T]
	// Key names an item: not empty, at most 256 bytes. A second item of the
	// same key and content is dropped as a duplicate; one of other content is
	// an error. Neither white space in a request's body nor the order of the
	// members of an object makes it another.
	Key func(T) string
	// Prompt is what to ask about an item; the Provider must be an llm.Codec.
	// Zero means Request is used.
	Prompt func(T) (llm.Chat, error)
	// Request is the request itself. Zero means Prompt is used.
	Request func(T) (Request, error)
	// Priority orders the items that are ready. Zero means all are normal.
	Priority func(T) queue.Priority

	// Provider sells the batches.
	Provider sink.Provider
	// Model answers the prompts.
	Model string
	// Codec reads replies. Zero means the Provider, if it is one.
	Codec llm.Codec
	// Batch bounds the batches, within the provider's own limits: MaxItems,
	// MaxWeight in bytes, MaxWait. Zero fields mean the provider's limits and
	// a MaxWait of one minute.
	Batch accumulator.Config
	// Creates bounds how fast batches are created. Zero Requests mean 2,000 an
	// hour, which is OpenAI's limit, of which a sixth may go at once.
	Creates ratelimit.Config
	// Transfers is how many uploads and downloads are under way at a time. Zero
	// means 2: each holds a batch's worth of bandwidth, not of memory.
	Transfers int
	// MaxInFlight is the number of batches that may be open at the provider.
	// Zero means 100.
	MaxInFlight int
	// MaxAttempts is how often an item is sent at most. Zero means 4.
	MaxAttempts int
	// Poll is the shortest interval between two looks at a batch; it grows
	// with the batch's age up to five minutes. Zero means ten seconds.
	Poll time.Duration
	// Polls bounds how fast the open batches together are looked at, in
	// Requests, and how many at a time, in Slots. Zero Requests mean 50 a
	// second, zero Slots 8 at a time.
	Polls ratelimit.Config
	// Grace is how long a batch is looked for whose creation was not answered,
	// before it is created again. It must exceed the time in which the
	// provider applies and lists a creation. It is also how much longer than
	// the provider's window a batch is waited for before it is cancelled, and
	// how long again before it is given up: its results so far are used. If the
	// provider still shows it as unfinished, its other rows may yet run, and a
	// person decides about them (Handle.Settle). Zero means ten minutes.
	Grace time.Duration
	// AmbiguousCreate is what becomes of a batch whose creation was not answered if the
	// provider keeps no tag with a batch, as Anthropic does: then others of the
	// same size, made at the same time, may be it until their results tell. Zero
	// means AmbiguousWait.
	AmbiguousCreate AmbiguousCreate
	// ExclusiveWorkspace says that nobody but this job creates batches in the
	// provider's workspace, or project. If a single batch may be the one whose
	// creation was not answered, the job then goes on with it, and makes sure
	// when it has ended. Being wrong about this costs time, not money. Zero
	// means that others may.
	ExclusiveWorkspace bool
	// Cache is how old an answer may be that is taken instead of asking again:
	// an item whose request has succeeded in another job of the Store, at the
	// same provider, gets that result, and is not sent. What counts are batches
	// that were settled when this job began to send, the latest two million
	// answers of them, which take 32 bytes of memory each. Two items of this
	// job that ask the same are both sent. Zero means 30 days; negative means
	// that nothing is taken from other jobs or kept for them.
	Cache time.Duration
	// TimeLimit is how long after its first start the run is cancelled, as by
	// Handle.Cancel, if it is not completed; the time counts while it is paused
	// or no process runs it. Zero means never.
	TimeLimit time.Duration
	// ReadAll reads the source to its end before anything is bought, so that
	// an error in its last item costs nothing. Until then the job may begin
	// anew with another input or other settings.
	ReadAll bool
	// KeepRemote is how long after the end of the run, completed or cancelled,
	// the provider keeps the results of its batches: from these a run in
	// another directory can go on if the state directory is lost (see Adopt).
	// Until the run has ended they are kept in any case; but if the source has
	// not ended when a batch has been settled for KeepRemote, or zero for seven
	// days, then its results go. Uploads go when their batch is settled. What
	// could not be removed is removed by a later Run, or by RemoveKept, as is
	// all that becomes due after the end of Run. Zero means until the end;
	// KeepForever leaves all.
	KeepRemote time.Duration

	// Fresh begins the job anew if the Store has one of its Name: with this
	// Source and these Settings, and an Output that is new to it. What the one
	// before was answered can still be taken from the Cache, as from another
	// job. Refused, with an *OpenError, as long as batches of it are open.
	Fresh bool

	// Store remembers.
	Store *state.Dir
	// Output receives the results.
	Output Output
	// Progress is called, from one goroutine at a time, when counts change.
	// Zero means nobody is told.
	Progress func(Progress)
	// Notify is called with what costs money or hours, such as a provider that
	// cannot be reached: when it begins, again after five minutes, and ever
	// more rarely while it lasts, at least once an hour. It is called for one
	// notice at a time, in their order, outside all locks. Zero means that
	// notices are in the log and the Status only.
	Notify func(Notice)
	// Log receives what happens, never a payload. Zero means slog.Default().
	Log *slog.Logger
}

// Source yields items and knows how to go on behind any of them.
type Source[T any] interface {
	// Items yields the items, from the start or behind the last Resume. An
	// error ends the job.
	Items() iter.Seq2[T, error]
	// Position tells people where the item yielded last stands: the name of
	// the input and a 1-based line or number in it.
	Position() (name string, line int)
	// Checkpoint is the position behind the item yielded last, for Resume; ""
	// if the source cannot resume. Called only while Items waits for the next.
	Checkpoint() string
	// Resume makes Items go on behind a checkpoint. It fails if the input is
	// not the one that the checkpoint was taken of.
	Resume(checkpoint string) error
}

// Request is what is asked for one item.
type Request struct {
	Endpoint string // such as "/v1/chat/completions"
	Model    string
	Body     []byte // JSON

	encoded bool // by a Codec
}

func (j *Job[T]) validate() error {
	for _, field := range []struct {
		name    string
		missing bool
	}{
		{"Name", j.Name == ""},
		{"Source", j.Source == nil},
		{"Key", j.Key == nil},
		{"Provider", j.Provider == nil},
		{"Store", j.Store == nil},
		{"Output", j.Output == nil},
		{"Prompt or Request", j.Prompt == nil && j.Request == nil},
	} {
		if field.missing {
			return fmt.Errorf("durable: Job.%s is missing", field.name)
		}
	}
	if j.Prompt != nil && j.Request != nil {
		return errors.New("durable: Job.Prompt and Job.Request are both set")
	}
	if j.Prompt != nil && j.codec() == nil {
		return errors.New("durable: Job.Codec is missing: the Provider cannot encode a Prompt")
	}
	if j.Batch.PerKey != nil {
		return errors.New("durable: Job.Batch.PerKey cannot be set: batches are keyed by endpoint and model")
	}
	if err := j.AmbiguousCreate.validate(); err != nil {
		return err
	}
	for _, field := range []struct {
		name     string
		negative bool
		value    any
	}{
		{"Poll", j.Poll < 0, j.Poll},
		{"Grace", j.Grace < 0, j.Grace},
		{"TimeLimit", j.TimeLimit < 0, j.TimeLimit},
		{"KeepRemote", j.KeepRemote < 0 && j.KeepRemote != KeepForever, j.KeepRemote},
		{"MaxInFlight", j.MaxInFlight < 0, j.MaxInFlight},
		{"Transfers", j.Transfers < 0, j.Transfers},
		{"MaxAttempts", j.MaxAttempts < 0, j.MaxAttempts},
	} {
		if field.negative {
			return fmt.Errorf("durable: Job.%s is %v: must not be negative", field.name, field.value)
		}
	}
	return nil
}

func (j *Job[T]) codec() llm.Codec {
	if j.Codec != nil {
		return j.Codec
	}
	c, _ := j.Provider.(llm.Codec)
	return c
}

// request is what to ask about an item.
func (j *Job[T]) request(item T) (Request, error) {
	if j.Request != nil {
		return j.Request(item)
	}
	chat, err := j.Prompt(item)
	if err != nil {
		return Request{}, err
	}
	endpoint, body, err := j.codec().Encode(j.Model, chat)
	return Request{Endpoint: endpoint, Model: j.Model, Body: body, encoded: true}, err
}

// KeepForever is the Job.KeepRemote that leaves all files at the provider.
const KeepForever time.Duration = -1
