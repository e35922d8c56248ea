package simulator

import (
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"time"

	"github.com/balerhq/baler/sink/simulator/internal/protocol"
)

// Config says how a [Simulator] behaves. The zero Config plays providers
// that accept every key and model, work as fast as they can and never fail.
type Config struct {
	// Dir is where everything the provider knows is kept. A Simulator opened
	// on the Dir of one that was closed or killed goes on where that one
	// stopped. One Simulator may use a Dir at a time. Zero means a temporary
	// directory that Close removes.
	Dir string

	// Provider is the name of the provider that clients reach without a prefix
	// in the path; [Providers] lists the names. Every provider, that one too,
	// is also under a prefix that is its name. Zero means openai.
	Provider string

	// Keys are the API keys that are accepted. The objects made with one key
	// do not exist for another, unless they are of one of the Accounts. Zero
	// means every key is accepted.
	Keys []string

	// Accounts says whose a key is. The keys of one account see the same
	// objects, and answers to them name the account in the header
	// openai-organization, or that of the provider. Zero means that each key is
	// an account of its own, as is one that is not named.
	Accounts map[string]string

	// Models are the model names that validation accepts. Zero means all.
	Models []string

	// Speed is how many seconds pass on the simulator's clock in one second
	// of real time, at most 100,000. Zero means 1.
	Speed float64

	// Latency is how long batches and files stay in each state.
	Latency Latency

	// Limits are the limits of all providers, small if a test is to hit them.
	// Zero means those of each provider itself.
	Limits Limits

	// Blocked are the accounts that may create nothing and ask nothing from
	// the start, as if their quota was used up or a bill unpaid;
	// [Simulator.SetBlocked] replaces them. Zero means none.
	Blocked []Block

	// ResultsURL is the host that is named in the URLs of results, if the
	// provider hands out such URLs, as in http://127.0.0.1:8081. A test finds
	// out with it whether a client sends its key to another host. Zero means
	// the host by which the client came.
	ResultsURL string

	// Seed decides everything that is left to chance, so that the same
	// requests in the same order meet the same fate: the order of result rows
	// and which requests and rows an error rate hits. Only ids are always
	// new. Zero is a seed like any other.
	Seed uint64

	// Answer plays the model. It is called for every live call and every row
	// that runs, again if a restart interrupted the batch, by several
	// goroutines at once. Nil
	// means [Echo].
	Answer func(Row) Reply

	// PromptCache says how the beginnings of prompts are cached. Zero means
	// that they are not.
	PromptCache PromptCache

	// Rows makes rows fail at random. Zero means that none does.
	Rows RowFaults

	// Results says how result files differ from those of OpenAI itself. Zero
	// means that they do not.
	Results ResultQuirks

	// Faults are what goes wrong with requests from the start;
	// [Simulator.SetFaults] replaces them. Zero means nothing.
	Faults []Fault
}

// Latency is how long a batch or a file takes, on the simulator's clock. Zero means no
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
	// Files is for how long Gemini processes a file that rows are to refer to.
	Files time.Duration
}

// withDefaults returns c with its zero values replaced, or an error that names
// the field that cannot be used.
func (c Config) withDefaults(all map[string]protocol.Protocol) (Config, error) {
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
	check(c.Latency.Files < 0, "Latency.Files", c.Latency.Files)
	check(c.PromptCache.MinTokens < 0, "PromptCache.MinTokens", c.PromptCache.MinTokens)
	check(c.PromptCache.Life < 0, "PromptCache.Life", c.PromptCache.Life)
	check(c.PromptCache.Delay < 0, "PromptCache.Delay", c.PromptCache.Delay)
	c.Limits.each(func(name string, value int64) { check(value < 0, "Limits."+name, value) })
	if c.Provider == "" {
		c.Provider = firstProtocol
	}
	if _, known := all[c.Provider]; !known {
		errs = append(errs, fmt.Errorf("simulator: Config.Provider is none of %q: %q", slices.Sorted(maps.Keys(all)), c.Provider))
	}
	if u, err := url.Parse(c.ResultsURL); err != nil || (c.ResultsURL != "" && u.Host == "") {
		errs = append(errs, fmt.Errorf("simulator: Config.ResultsURL is no absolute URL: %q", c.ResultsURL))
	}
	errs = append(errs, c.Rows.validate(), validateFaults(c.routes(all), c.Faults))

	setDefault(&c.Speed, 1)
	if c.Answer == nil {
		c.Answer = Echo
	}
	return c, errors.Join(errs...)
}

// maxSpeed lets a day pass in less than a second, and a process run for a day
// before its simulated time leaves the range of a time.Duration.
const maxSpeed = 100_000

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}
