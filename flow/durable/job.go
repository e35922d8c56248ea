package durable

import (
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"math"
	"time"

	"github.com/balerhq/baler/flow/router"
	"github.com/balerhq/baler/queue"
	"github.com/balerhq/baler/retry"
	"github.com/balerhq/baler/sink"
	"github.com/balerhq/baler/sink/llm"
	"github.com/balerhq/baler/sink/llm/document"
	"github.com/balerhq/baler/sink/llm/price"
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

	// Labels are kept with the run and are in its Status: for people and
	// programs, which may select runs by them. At most 32, of names of 1 to 64
	// bytes and values of at most 256. They may change between starts. Zero
	// means those of the start before.
	Labels map[string]string
	// RunPriority orders the jobs that a process runs in one Dir, where they
	// wait for room at one account (Enqueued, MaxInFlight of a route): batches of
	// the highest go first, and those of one priority in the order in which they
	// ask. A job of a low priority waits for as long as higher ones fill the
	// account. Batches that are open already are left alone. Zero is the
	// priority of most.
	RunPriority int

	// Source yields the items. See Feed about items that come by and by,
	// Through about stages between a source and the job, and archive.Follow
	// about the results of another run.
	Source Source[T]
	// Key names an item. It must not be empty, nor longer than 256 bytes. A
	// second item with the same key and content is dropped as a duplicate; one
	// with other content is an error. White space in a request's body and the
	// order of an object's members do not count as content.
	Key func(T) string
	// Where reports whether an item is wanted. The others are left out and
	// counted as filtered. Zero means that all are.
	Where func(T) bool
	// Rejects gets the items that cannot be used, in the order in which they
	// were found, once the Source is read to its end: rows that the Source
	// cannot read, and items whose Key or Prompt or Request is an error, that
	// are too large, or that have the key of another one. They are kept until
	// then, each once, and may come again as a whole: let it replace what it
	// wrote before. An error ends the job. Zero means that the first such item
	// ends the job. So does, with Rejects, a row that cannot be read of a
	// Source that does not go on after it: one goes on that is made by
	// source.JSONL, CSV, Rows or Concat, or by source.FanOut of these, and one
	// whose method PassesBadRows() bool says so.
	Rejects func(iter.Seq2[Reject, error]) error
	// Prompt returns what to ask about an item. The Provider must have a
	// Codec. Files of the chat that are given by Path or Data are read with the
	// item, checked, and kept by their digest in the job's directory until they
	// are uploaded: a file that changes later changes nothing. Zero means that
	// Request is used.
	Prompt func(T) (llm.Chat, error)
	// Attached is called with each file of an item's chat that is read, before
	// anything is bought: what it is, how many pages it has, and what may
	// surprise in it (Info.Warning). It is called again if the item is read
	// again. Zero means that warnings are logged.
	Attached func(item T, file document.Info)
	// AnyFile leaves it to the provider which files it takes. Zero means that
	// files are refused, with their item, that its documents say it does not
	// take.
	AnyFile bool
	// FileUpload says which files of chats are stored at the provider once, and
	// referred to by rows. Where the provider keeps no files for rows, or not of
	// a type, each row has its files itself. Stored files are deleted when the
	// run has ended, completed or cancelled, unless KeepRemote is KeepForever; a
	// later Run or Dir.RemoveKept deletes what could not be deleted. Zero means
	// FileUploadNever.
	FileUpload FileUpload
	// Request returns the request itself. Zero means that Prompt is used.
	Request func(T) (sink.Request, error)
	// Formats read Requests in the formats of other providers, for example
	// catalog.Formats("openai"). Such a Request becomes a chat for the Model,
	// if every member of its body has a place in a chat; otherwise it is
	// refused. A Request to an endpoint that the Provider's own Codec reads is
	// always in its format. Zero means that all Requests are.
	Formats []llm.Codec
	// OnlyRouteModels refuses a Request that cannot be read as a chat, unless a
	// route to its provider has the model that it names. Zero means that such a
	// Request asks the model that it names, also with Routes.
	OnlyRouteModels bool
	// Meta returns what comes back with the item's Result: a value that
	// json.Marshal takes, of 4 KiB at most. It is not sent to the provider.
	// Zero means nothing.
	Meta func(T) any
	// Lineage keeps with each item where it comes from: the Position of the
	// Source. Results then name it (Result.Source, Line), and so does the error
	// about two items with one key. It is for a Source of several inputs. It
	// takes the length of a name in each record of an item. Zero means that
	// only the line is kept, for errors.
	Lineage bool
	// Answer says what the answers have to look like, such as
	// llm.JSON[Ticket](). Its schema goes into each chat, in the form that the
	// chat's route takes; a schema that a route cannot take is refused before
	// anything is bought. Each answer is checked against the schema as it was
	// given. One that does not meet it is asked for again with what is wrong,
	// and then fails, as under Check, which comes after it. A result has the
	// value (see the function Value). The Answer must not change while the job
	// is unfinished. Zero means text, or whatever the chats ask for.
	Answer llm.Answer
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
	// Answer or the Check, within MaxAttempts. Zero means once; negative means
	// never.
	Reasks int
	// RetryTruncated asks again, within MaxAttempts, for an answer that was cut
	// off at its limit of tokens: with twice as many as it had, and never more
	// than RetryTruncated. Usage counts each answer. Items whose Request is no
	// chat, and answers without usage, are not asked for again. Zero means
	// never: such an item fails with the code "max_tokens".
	RetryTruncated int
	// Priority orders the items that are ready. Zero means that all are normal.
	Priority func(T) queue.Priority
	// Deadline orders them before Priority, to the second: the earliest is
	// the most urgent. The zero time means that an item has none. Unless a
	// route has Route.Within, it only orders; nothing happens when it has
	// passed. It is kept with the item.
	// Zero means that Priority does.
	Deadline func(T) time.Time
	// Tenant names whose item it is, in at most 256 bytes. It is kept with the
	// item and is no part of what is asked, but an item never follows one of
	// another tenant (see Samples). With RouteKey, there may be some ten
	// thousand different combinations. Zero means that all items are of one
	// tenant, "".
	Tenant func(T) string
	// Queue says in which order items leave that are ready, and how they are
	// shared among tenants. It may change between starts.
	Queue Queue

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

	// EveryRoute asks each item on each of the Routes, for example to compare
	// models. Each is a row of its own, and counts as one: its key is that of
	// the item, "@" and the name of the route, and its result has the item's
	// (Result.Item). A RouteKey that is not "" names the only route of an item.
	// No row takes another route than its own, so that the rows of one that is
	// out wait for it. All requests must be chats that each route takes. The
	// names of the Routes and their order must not change while the job is
	// unfinished. Zero means that an item takes one route.
	EveryRoute bool

	// Failover says when an item takes another route than Choose has in mind.
	// Zero means FailoverOut.
	Failover Failover

	// Guard says when a failing route is paused, so that it does not spend all
	// before somebody looks: above which share of rows that fail, out of those
	// that were asked lately, once there are enough to judge by. A batch is
	// judged as a whole. The rows of a paused route take another one, unless
	// Failover is FailoverNever. If no route is left, the run is paused:
	// nothing is bought until Handle.Resume, not even by a later Run. Notify
	// tells. The hooks must be zero. Zero means the defaults: a notice above 20
	// %, a pause above 50 %, of at least 20 rows in 10 minutes.
	Guard retry.GuardConfig

	// Canary asks a few items first, and the others only if those did well.
	// Zero means that all are asked at once.
	Canary Canary

	// PrimeCache lets providers cache what prompts have in common: a system
	// prompt, a document, the first messages. Of at least three items whose
	// chats are the same but for the last part of the last message, or its
	// text, one is asked first. The others follow once its batch has ended,
	// while the provider has that beginning in its cache, and pay less for it.
	// It must be as long as the provider caches (sink.Info.PromptCaching):
	// 1,024 to 4,096 tokens, by an estimate. At Anthropic, each of these chats
	// gets a mark at the end of the beginning, unless it has one: an hour in the
	// cache costs twice the tokens once, and a tenth when they are read. At the
	// others nothing is marked, and hits are up to them: they are never certain
	// anywhere, and Usage.CachedInput says how many there were. What a Budget
	// reserves goes by what earlier answers had of them.
	//
	// It costs time: the first items are a batch that all others wait for, up
	// to the provider's window. So it pays where the beginning is long beside
	// the rest of the prompts and many share it. After a restart, nothing is
	// asked first again that a cache still has. If no batch was open for longer
	// than the life of a cache, one item is asked first again. Of several
	// Routes, those are primed that the first items take. Items of the first
	// 200,000 different beginnings count; the rest is asked at once. It needs
	// ReadAll and goes with the order of priorities alone. Zero means that all
	// items are asked at once, without marks.
	PrimeCache bool
	// Provider sells the batches of a job without Routes.
	Provider sink.Provider
	// Model answers the prompts of a job without Routes. Items that are in no
	// batch yet get another one if the job is resumed with it.
	Model string
	// Enqueued is how much the account may have enqueued, as far as you know
	// better than the Provider, in a job without Routes. A batch is uploaded
	// once it fits beside the unfinished batches of all jobs of the Dir. They
	// count by an estimate: four bytes of a request are a token. A row that is
	// certainly larger than all of it is refused with its line. Zero fields
	// mean what the Provider says, and if it does not, what its refusals teach
	// this process.
	Enqueued sink.Enqueued
	// Prices are what models cost. They may change between starts; what is
	// settled keeps its price. Zero means price.Listed().
	Prices *price.Table
	// UnknownPrice says what a model counts that has no known price.
	UnknownPrice UnknownPrice
	// Budget bounds what the job spends. Zero means no limit.
	Budget Budget
	// Batch bounds the batches.
	Batch BatchLimits
	// Pack lets items share requests: one prompt asks about several of them,
	// and the answer, an array with their ids, is split into a result for each.
	// Its Response then says which item of how many it was; that of the first
	// has the provider's body. Usage is shared out and adds up to the whole.
	//
	// Items share a request if their chats are one text, after at most one
	// instruction, and equal but for that text, and if they have the same
	// Tenant and RouteKey: without a Schema, parts and options that belong to
	// one answer. Their MaxTokens add up. All others have requests of their
	// own. So does, from then on, an item without an answer of its own: because
	// its id is missing, occurs twice or is out of order, because the answer
	// has more items than were asked, or because the request failed for good.
	// It is asked again at least once, whatever MaxAttempts says. A request
	// that fails for now is sent again as it is, and the next time item by
	// item. Nothing shows that two answers have changed their places with their
	// ids, or that an answer goes by another item's text: Check may. The
	// answers count as those of the items for the Cache, too. If the Dir is
	// lost, Dir.Adopt cannot use the answers to shared requests. Items that
	// were read before Pack was set have requests of their own. Zero means that
	// every item has a request of its own.
	Pack PackLimits
	// Creates limits how fast batches are created; a sixth of them may be
	// created at once. Those of a live route do not count. Zero means 2,000 an
	// hour, which is OpenAI's limit.
	Creates Rate
	// Transfers is how many uploads and downloads are under way at a time. Zero
	// means 2: each holds a batch's worth of bandwidth, not of memory.
	Transfers int
	// MaxInFlight is the number of batches that may be open at the provider. Of
	// several providers, those of one that is down do not count meanwhile. Zero
	// means 100.
	MaxInFlight int
	// MaxAttempts is how often an item is sent at most, counted by route with
	// FailoverFailed or a Route.MaxAttempts. Zero means 4; more than 255 are
	// refused.
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
	// KeepRaw keeps what the provider sends about batches as it comes, beside
	// the results: the lines of its files, and its objects of batches, with
	// their counts and errors. Package archive exports them. They take about as
	// much room in the Dir as the results, until Prune removes them. It may
	// change between starts: what was downloaded without it is not kept. Live
	// routes have no files.
	KeepRaw bool

	// Fresh begins the job anew if the Dir has one with its Name: with this
	// Source and these Settings, and an Output that is new to the job. Answers
	// of the earlier job can still be taken from the Cache, as from another
	// job. It is refused, with an *OpenError, while batches of the earlier job
	// are open.
	Fresh bool

	// Append lets the job go on, under its Name, with what its Source has had
	// since the job ended: for a file that grows (source.File.Growing), for a
	// table, or a directory. Only new items are sent. Where the Source knows no
	// place in what it had, all items come again, and those that are known are
	// dropped by their keys; one that asks for something else now is an error.
	// A job that has ended may have other Settings, but the Prompt or Request,
	// the Answer and the Key must be as they were. A new Output gets only what
	// is added; the same Output goes on. TimeLimit counts anew. The counts are
	// those of all; Progress.Earlier has those of before. It is refused, with a
	// *MismatchError, after archive.Prune. A job that has not ended goes on as
	// ever, and so it must be set as it was.
	Append bool

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
	// Observe is called with each Event, in their order, by the goroutine that
	// calls Progress. It may call each method of the Handle. If it is slow,
	// 16,384 results wait at most: those that come then are left out, so that
	// Seq has a gap, and so are other events beyond twice that number. Zero
	// means that nothing is made up for it.
	Observe func(Event)
	// Log receives events, never a payload. Zero means slog.Default().
	Log *slog.Logger
}

// Source yields items and can resume after any of them.
type Source[T any] interface {
	// Items yields the items, from the start or from the last Resume on. An
	// error ends the job, see also Job.Rejects.
	Items() iter.Seq2[T, error]
	// Position tells people where the last yielded item is: the name of the
	// input and a 1-based line or number in it. No two items have the same, and
	// the numbers grow within an input.
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

// AlsoObserve adds a function to those that get the job's events, after those
// that Observe has already.
func (j *Job[T]) AlsoObserve(observe func(Event)) {
	before := j.Observe
	if before == nil {
		j.Observe = observe
		return
	}
	j.Observe = func(e Event) {
		before(e)
		observe(e)
	}
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
	if err := errors.Join(j.validateRoutes(), j.validateEveryRoute(), j.validateQueue(), j.Failover.validate(), validateGuard(j.Guard), validateLabels(j.Labels), j.validatePack(), j.validateBudget(), j.validateCanary(), j.validatePrimeCache(), j.AmbiguousCreate.validate(), classes(j.Classes).validate()); err != nil {
		return err
	}
	if err := j.validateFileUpload(); err != nil {
		return err
	}
	if err := j.validateAnswer(); err != nil {
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
		{"Batch.MaxTokens", j.Batch.MaxTokens < 0, j.Batch.MaxTokens},
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
		{"RetryTruncated", j.RetryTruncated < 0, j.RetryTruncated},
	} {
		if field.negative {
			return fmt.Errorf("durable: Job.%s is %v: must not be negative", field.name, field.value)
		}
	}
	if j.MaxAttempts > mostAttempts {
		return fmt.Errorf("durable: Job.MaxAttempts is %d: must be at most %d", j.MaxAttempts, mostAttempts)
	}
	return nil
}

// mostAttempts bounds attempts: the log counts no further, so that a higher
// limit would never be reached.
const mostAttempts = math.MaxUint8

// KeepForever as Job.KeepRemote leaves all files at the provider.
const KeepForever time.Duration = -1
