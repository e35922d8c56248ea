package durable

import (
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"time"

	"github.com/balerhq/baler/flow/router"
	"github.com/balerhq/baler/queue"
	"github.com/balerhq/baler/retry"
	"github.com/balerhq/baler/sink"
	"github.com/balerhq/baler/sink/llm"
)

// These are the defaults of a Job's zero fields.
const (
	DefaultMaxWait        = time.Minute
	DefaultPoll           = 10 * time.Second
	DefaultGrace          = 10 * time.Minute
	DefaultMaxInFlight    = 100
	DefaultMaxAttempts    = 4
	DefaultReasks         = 1
	DefaultCreatesPerHour = 2000
	DefaultTransfers      = 2
	DefaultPollsPerMinute = 3000
	DefaultPollsAtOnce    = 8
	DefaultCache          = 30 * 24 * time.Hour
)

// maxKey limits the length of an item's key, in bytes.
const maxKey = 256

// Job describes what to do. Name, Source, Key, Prompt or Request, Provider or
// Routes, and Dir or Output are required.
type Job[T any] struct {
	// Name identifies the job among all in the Dir.
	Name string
	// Settings must not change while the job is unfinished, for example where
	// the results go. Resuming with other settings is refused, and the error
	// names the keys. So is a job whose Key, Where, Prompt or Request says
	// something else about the first item than before. The Model and all limits
	// may change: rows that are in no batch yet follow.
	Settings map[string]string

	// Source yields the items.
	Source Source[T]
	// Key names an item. It must not be empty, nor longer than 256 bytes. A
	// second item with the same key and content is dropped as a duplicate; one
	// with other content is an error. White space in a request's body and the
	// order of an object's members do not count as content.
	Key func(T) string
	// Where reports whether an item is wanted. The others are left out and
	// counted as filtered. Zero means that all are.
	Where func(T) bool
	// Prompt returns what to ask about an item. The Provider must have a
	// Codec. Zero means that Request is used.
	Prompt func(T) (llm.Chat, error)
	// Request returns the request itself. Zero means that Prompt is used.
	Request func(T) (sink.Request, error)
	// Formats read Requests in the formats of other providers, for example
	// catalog.Formats("openai"). Such a Request becomes a chat for the Model,
	// if every member of its body has a place in a chat; otherwise it is
	// refused. A Request to an endpoint that the Provider's own Codec reads is
	// always in its format. Zero means that all Requests are.
	Formats []llm.Codec
	// Meta returns what comes back with the item's Result: a value that
	// json.Marshal takes, of 4 KiB at most. It is not sent to the provider.
	// Zero means nothing.
	Meta func(T) any
	// Check reports what is wrong with the answer of the item with that key,
	// nil if nothing is. An item whose answer fails the check is asked again:
	// the answer and the error become further turns of its chat. After Reasks
	// of these it fails with the code "invalid_answer", and the answer is kept
	// in its result. So does an item whose Request is no chat, at once. Usage
	// counts each answer. Check must say the same each time, since it is called
	// again for answers of the Cache and after a restart; it is called by one
	// goroutine at a time. Zero means that every answer is right.
	Check func(key string, reply llm.Reply) error
	// Reasks is how often an item is asked again after its answer failed the
	// Check, within MaxAttempts. Zero means once; negative means never.
	Reasks int
	// Priority orders the items that are ready. Zero means that all are normal.
	Priority func(T) queue.Priority

	// Routes are the ways by which items get their answers, if there are
	// several: each has a Provider and a Model of its own. A route is chosen
	// when an item leaves the line of those that are ready, and stays once its
	// batch is sealed. Routes may change between starts, as long as those of
	// open batches are there. A Request that is a chat may take any route, for
	// the model of that; one that is none stays with a route of its provider,
	// and with its model. Zero means Provider and Model.
	Routes []Route
	// Choose chooses the route of an item among those that can take it, for
	// example router.Weighted or router.ByTable. One goroutine calls it at a
	// time, a microsecond being a long time for it. Zero means the first that
	// can.
	Choose router.Strategy[Waiting]
	// RouteKey returns what Choose goes by, such as a type of work. It is kept
	// with the item and is no part of what is asked. There may be some ten
	// thousand different ones. Zero means "".
	RouteKey func(T) string

	// Failover says when an item takes another route than Choose has in mind.
	// Zero means FailoverOut.
	Failover Failover

	// Provider sells the batches of a job without Routes.
	Provider sink.Provider
	// Model answers the prompts of a job without Routes. Items that are in no
	// batch yet get another one if the job is resumed with it.
	Model string
	// Batch bounds the batches.
	Batch BatchLimits
	// Creates limits how fast batches are created; a sixth of them may be
	// created at once. Zero means 2,000 an hour, which is OpenAI's limit.
	Creates Rate
	// Transfers is how many uploads and downloads are under way at a time. Zero
	// means 2: each holds a batch's worth of bandwidth, not of memory.
	Transfers int
	// MaxInFlight is the number of batches that may be open at the provider.
	// Zero means 100.
	MaxInFlight int
	// MaxAttempts is how often an item is sent at most. Zero means 4.
	MaxAttempts int
	// Classes override the class of codes of the provider, for example
	// {"model_overloaded": retry.Retryable}: of rows, as their results show the
	// code, of refused batches, and of refused uploads and creations.
	// Retryable, Permanent and Blocked can be given. A creation that may have
	// happened stays ambiguous, whatever its code. A batch that is blocked
	// stays so, because rows of it may have run. An upload never becomes
	// Retryable, because its repetition would have no end. Zero means that the
	// provider's client decides.
	Classes map[string]retry.Class
	// Poll is the shortest interval between two polls of a batch. The interval
	// grows with the batch's age up to five minutes. Zero means ten seconds.
	Poll time.Duration
	// Polls limits status polling over all open batches. Zero means 3,000 a
	// minute.
	Polls Rate
	// PollsAtOnce limits concurrent polls. Zero means 8.
	PollsAtOnce int
	// Grace is how long Baler looks for a batch whose creation was not answered
	// before it creates the batch again. It must exceed the time that the
	// provider takes to apply and list a creation, and to bring the counts and
	// files of an ended batch up to its status: rows that have no result never
	// ran only if the counts still say so after the grace. A batch also has the
	// grace beyond the provider's window before it is cancelled, and once more
	// before it is given up; its results so far are used. If the provider still
	// shows it as unfinished, its other rows may yet run, and a person decides
	// about them (Handle.Settle). Zero means ten minutes.
	Grace time.Duration
	// AmbiguousCreate says what happens to a batch whose creation was not
	// answered, if the provider keeps no tag with a batch. Anthropic keeps
	// none. Until their results come, any batch of the same size created at
	// about that time could be the missing one. Zero means AmbiguousWait.
	AmbiguousCreate AmbiguousCreate
	// ExclusiveWorkspace says that nobody but this job creates batches in the
	// provider's workspace, or project. If only one batch may be the one whose
	// creation was not answered, the job goes on with it, and makes sure once
	// it has ended. Being wrong about this costs time, not money. Zero means
	// that others may create batches.
	ExclusiveWorkspace bool
	// Cache is the maximum age of an answer that is reused instead of asking
	// again. An item whose request has succeeded in another job of the Dir,
	// at the same provider, gets that result and is not sent. Answers count if
	// their batch was settled when this job began to send. The latest two
	// million are used and take 32 bytes of memory each. Zero means 30 days;
	// negative means that nothing is taken from other jobs or kept for them.
	//
	// Identical items of this job, see Samples, do not depend on it.
	Cache time.Duration
	// Samples sends every item, even if another item of this job or of another
	// one asks the same: for example several samples of one prompt. Zero means
	// that of items with the same request and model, under different keys, only
	// the first is sent. The others follow it, whatever their priority: they
	// wait until it is settled and then get its result (Result.Shared). That
	// happens when nothing else is ready to be sent, Batch.MaxWait after the
	// batch was settled or at the end of the run, whichever comes first. A
	// failure of class retry.Permanent is shared, too, because the provider
	// said it about the same request. If the first gets no result or its
	// attempts are used up, one follower is sent, and if that fails likewise,
	// the others. In a cancelled run followers are cancelled. Requests are
	// recognized among the first four million different ones, about 20 bytes of
	// memory each, until the source has ended.
	Samples bool
	// TimeLimit is how long after its first start the run is cancelled, as by
	// Handle.Cancel, if it is not completed. The time also counts while the run
	// is paused or no process runs it. Zero means never.
	TimeLimit time.Duration
	// ReadAll reads the source to its end before anything is bought, so that
	// an error in its last item costs nothing. Until then the job may begin
	// anew with another input or other settings.
	ReadAll bool
	// KeepRemote is how long after the end of the run, completed or cancelled,
	// the provider keeps the results of its batches. If the state directory is
	// lost, a run in another directory can go on from these (see Dir.Adopt).
	// Until the run has ended, results are kept in any case, with one
	// exception: while the source has not ended, a batch's results are removed
	// once the batch has been settled for KeepRemote, or for seven days if
	// KeepRemote is zero. Uploads are removed when their batch is settled. A
	// later Run or Dir.RemoveKept removes what could not be removed, and what
	// becomes due after the end of Run. Zero means until the end of the run;
	// KeepForever leaves all files.
	KeepRemote time.Duration

	// Fresh begins the job anew if the Dir has one with its Name: with this
	// Source and these Settings, and an Output that is new to the job. Answers
	// of the earlier job can still be taken from the Cache, as from another
	// job. It is refused, with an *OpenError, while batches of the earlier job
	// are open.
	Fresh bool

	// Dir holds the state of the job. Zero means a temporary directory: for a
	// job that is not to survive its process. It is removed when the run is
	// over. If the run ends before, and has bought something, or if the
	// provider still stores files of it, the directory stays, and the error or
	// a notice names it.
	Dir *Dir
	// Output receives the results. Zero means that they are only kept in the
	// Dir, from which package archive reads them.
	Output Output
	// Progress is called when counts or the state change, and with the last of
	// them before Run returns. Changes during a call become one call with the
	// latest counts, so a slow function holds up nothing but the end of Run.
	// Progress and Notify are called by one goroutine of the run, one call at a
	// time, outside all locks. They may call each method of the Handle. Zero
	// means that it is not called.
	Progress func(Progress)
	// Notify is called about problems that cost money or hours, such as a
	// provider that cannot be reached. It is called when the problem begins,
	// again after five minutes, and then less and less often while it lasts, at
	// least once an hour. If a notice repeats before the function gets to it,
	// it is reported once, with its latest text and count. See Progress about
	// the call. Zero means that notices are in the log and the Status only.
	Notify func(Notice)
	// Log receives events, never a payload. Zero means slog.Default().
	Log *slog.Logger
}

// Source yields items and can resume after any of them.
type Source[T any] interface {
	// Items yields the items, from the start or from the last Resume on. An
	// error ends the job.
	Items() iter.Seq2[T, error]
	// Position tells people where the last yielded item is: the name of the
	// input and a 1-based line or number in it. No two items have the same, and
	// the numbers grow.
	Position() (name string, line int)
	// Checkpoint returns the position after the last yielded item, for Resume,
	// or "" if the source cannot resume. It is called only while Items waits
	// for the next item.
	Checkpoint() string
	// Resume makes Items continue after a checkpoint, or from the start if it
	// is "". It fails if the checkpoint was taken from another input. A job
	// that is resumed reads its first item again before, to see whether it
	// still asks the same.
	Resume(checkpoint string) error
}

func (j *Job[T]) validate() error {
	for _, field := range []struct {
		name    string
		missing bool
	}{
		{"Name", j.Name == ""},
		{"Source", j.Source == nil},
		{"Key", j.Key == nil},
		{"Output or Dir", j.Dir == nil && j.Output == nil},
		{"Prompt or Request", j.Prompt == nil && j.Request == nil},
	} {
		if field.missing {
			return fmt.Errorf("durable: Job.%s is missing", field.name)
		}
	}
	if j.Prompt != nil && j.Request != nil {
		return errors.New("durable: Job.Prompt and Job.Request are both set")
	}
	if err := errors.Join(j.validateRoutes(), j.Failover.validate(), j.AmbiguousCreate.validate(), classes(j.Classes).validate()); err != nil {
		return err
	}
	return j.mayNotBeNegative()
}

// mayNotBeNegative refuses the first number that is negative.
func (j *Job[T]) mayNotBeNegative() error {
	for _, field := range []struct {
		name     string
		negative bool
		value    any
	}{
		{"Batch.MaxItems", j.Batch.MaxItems < 0, j.Batch.MaxItems},
		{"Batch.MaxBytes", j.Batch.MaxBytes < 0, j.Batch.MaxBytes},
		{"Batch.MaxWait", j.Batch.MaxWait < 0, j.Batch.MaxWait},
		{"Creates.Requests", j.Creates.Requests < 0, j.Creates.Requests},
		{"Creates.Per", j.Creates.Per < 0, j.Creates.Per},
		{"Polls.Requests", j.Polls.Requests < 0, j.Polls.Requests},
		{"Polls.Per", j.Polls.Per < 0, j.Polls.Per},
		{"PollsAtOnce", j.PollsAtOnce < 0, j.PollsAtOnce},
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

// KeepForever as Job.KeepRemote leaves all files at the provider.
const KeepForever time.Duration = -1
