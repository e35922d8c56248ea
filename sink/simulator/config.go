package simulator

import (
	"errors"
	"fmt"
	"time"

	"github.com/balerhq/baler/sink/simulator/internal/openai"
	"github.com/balerhq/baler/sink/simulator/internal/protocol"
)

// Config says how a [Simulator] behaves. The zero Config is a provider that
// accepts every key and model, works as fast as it can and never fails.
type Config struct {
	// Dir is where everything the provider knows is kept. A Simulator opened
	// on the Dir of one that was closed or killed goes on where that one
	// stopped. One Simulator may use a Dir at a time. Zero means a temporary
	// directory that Close removes.
	Dir string

	// Keys are the API keys that are accepted. The objects made with one key
	// do not exist for another, unless they are of one of the Accounts. Zero
	// means every key is accepted.
	Keys []string

	// Accounts says whose a key is. The keys of one account see the same
	// objects, and answers to them name the account in the header
	// openai-organization. Zero means that each key is an account of its own,
	// as is one that is not named.
	Accounts map[string]string

	// Models are the model names that validation accepts. Zero means all.
	Models []string

	// Speed is how many seconds pass on the simulator's clock in one second
	// of real time, at most 100,000. Zero means 1.
	Speed float64

	// Latency is how long a batch stays in each state.
	Latency Latency

	// Limits are the provider's limits, small if a test is to hit them.
	Limits Limits

	// Seed decides everything that is left to chance, so that the same
	// requests in the same order meet the same fate: the order of result rows
	// and which requests and rows an error rate hits. Only ids are always
	// new. Zero is a seed like any other.
	Seed uint64

	// Answer plays the model. It is called for every row that runs, again if
	// a restart interrupted the batch, by several goroutines at once. Nil
	// means [Echo].
	Answer func(Row) Reply

	// Rows makes rows fail at random. Zero means that none does.
	Rows RowFaults

	// Results says how result files differ from those of OpenAI itself. Zero
	// means that they do not.
	Results ResultQuirks

	// Faults are what goes wrong with requests from the start;
	// [Simulator.SetFaults] replaces them. Zero means nothing.
	Faults []Fault
}

// Latency is how long a batch takes, on the simulator's clock. Zero means no
// longer than the work itself takes.
type Latency struct {
	// Validation is the time from creation to in_progress or failed.
	Validation time.Duration
	// Processing is the time from in_progress to finalizing. The rows are
	// spread evenly over it: a batch that is cancelled or expires half way
	// has half of its rows done.
	Processing time.Duration
	// Finalizing is the time from finalizing to completed.
	Finalizing time.Duration
	// Cancelling is the time from cancelling to cancelled.
	Cancelling time.Duration
}

// Limits are the sizes above which the provider refuses.
type Limits struct {
	// UploadBytes is the largest upload. Zero means 512 MB.
	UploadBytes int64
	// BatchBytes is the largest batch input file. Zero means 200 MB.
	BatchBytes int64
	// Rows is the largest number of rows in a batch. Zero means 50,000.
	Rows int
	// EmbeddingInputs is the largest number of inputs over all rows of an
	// embeddings batch. Zero means 50,000.
	EmbeddingInputs int
	// EnqueuedTokens is the largest number of input tokens that the
	// unfinished batches of one key and model may hold. Zero means no limit.
	EnqueuedTokens int64
}

// withDefaults returns c with its zero values replaced, or an error that names
// the field that cannot be used.
func (c Config) withDefaults(p protocol.Protocol) (Config, error) {
	var errs []error
	check := func(bad bool, field string, value any) {
		if bad {
			errs = append(errs, fmt.Errorf("simulator: Config.%s is out of range: %v", field, value))
		}
	}
	check(!(c.Speed >= 0 && c.Speed <= maxSpeed), "Speed", c.Speed)
	check(c.Latency.Validation < 0, "Latency.Validation", c.Latency.Validation)
	check(c.Latency.Processing < 0, "Latency.Processing", c.Latency.Processing)
	check(c.Latency.Finalizing < 0, "Latency.Finalizing", c.Latency.Finalizing)
	check(c.Latency.Cancelling < 0, "Latency.Cancelling", c.Latency.Cancelling)
	check(c.Limits.UploadBytes < 0, "Limits.UploadBytes", c.Limits.UploadBytes)
	check(c.Limits.BatchBytes < 0, "Limits.BatchBytes", c.Limits.BatchBytes)
	check(c.Limits.Rows < 0, "Limits.Rows", c.Limits.Rows)
	check(c.Limits.EmbeddingInputs < 0, "Limits.EmbeddingInputs", c.Limits.EmbeddingInputs)
	check(c.Limits.EnqueuedTokens < 0, "Limits.EnqueuedTokens", c.Limits.EnqueuedTokens)
	errs = append(errs, c.Rows.validate(), validateFaults(p, c.Faults))

	setDefault(&c.Speed, 1)
	setDefault(&c.Limits.UploadBytes, 512_000_000)
	setDefault(&c.Limits.BatchBytes, 200_000_000)
	setDefault(&c.Limits.Rows, 50_000)
	setDefault(&c.Limits.EmbeddingInputs, 50_000)
	if c.Answer == nil {
		c.Answer = Echo
	}
	return c, errors.Join(errs...)
}

// protocol is the wire protocol that the provider speaks. Another one is chosen
// here.
func (c Config) protocol() protocol.Protocol { return openai.Protocol{} }

// maxSpeed lets a day pass in less than a second, and a process run for a day
// before its simulated time leaves the range of a time.Duration.
const maxSpeed = 100_000

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}
