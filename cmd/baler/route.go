package main

import (
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/balerhq/baler/sink"
	"github.com/balerhq/baler/sink/catalog"
)

// route is a --route.
type route struct {
	name, provider, model string
	entry                 catalog.Provider
	weight                int
	price                 float64
	priceAs               string // the model whose price it has
	attempts              int    // of a row; 0: those of --retries
	least                 int
	within                time.Duration // of a deadline; 0: for all rows
	window                time.Duration // of a batch
	batches               int           // open at a time
	enqueued              sink.Enqueued
	timeout               time.Duration // of a call, if it is live
	baseURL, keyVariable  string
	live                  bool
	parallel              int         // calls under way, if it is live
	perMinute, tokens     int         // requests and tokens, if it is live
	options               optionsFlag // of its model
}

// routeOptions are what may follow a route's model.
var routeOptions = []struct {
	name, help string
	set        func(r *route, value string) error
}{
	{"weight", "its share under weighted", func(r *route, v string) error { return positive(v, &r.weight) }},
	{"price", "a number to compare under cheapest, or the name of a model whose price it has, as a fine-tuned model or a deployment needs", func(r *route, v string) error { return r.setPrice(v) }},
	{"retries", "its own --retries; after that --fallback decides whether a row goes on", func(r *route, v string) error {
		n, err := strconv.Atoi(v)
		if r.attempts = n + 1; err != nil || n < 0 || n > mostRetries {
			return usage("must be a whole number from 0 to %d", mostRetries)
		}
		return nil
	}},
	{"least", "rows that are worth a batch; fewer take another route", func(r *route, v string) error { return positive(v, &r.least) }},
	{"within", "only for rows with less than twice this time to --deadline-field, as in 30m; batches with rows that have less than it left are cancelled in time for them", func(r *route, v string) error { return duration(v, &r.within) }},
	{"max-tokens", "most tokens of an answer", func(r *route, v string) error { return r.options.number("max_tokens").Set(v) }},
	{"temperature", "temperature of the model", func(r *route, v string) error { return r.options.number("temperature").Set(v) }},
	{"option.NAME", "as --option, without a comma in the value; what a row says itself wins", nil},
	{"batches", "most batches of it that are open at a time", func(r *route, v string) error { return positive(v, &r.batches) }},
	{"window", "how long a batch may take, as in 4h; then it is cancelled, and that was a try of the rows that never ran", func(r *route, v string) error { return duration(v, &r.window) }},
	{"enqueued-tokens", "most input tokens that its account may have in unfinished batches", func(r *route, v string) (err error) {
		if r.enqueued.Tokens, err = strconv.ParseInt(v, 10, 64); err != nil || r.enqueued.Tokens < 1 {
			return usage("must be a whole number above 0")
		}
		return nil
	}},
	{"enqueued-rows", "most rows of these", func(r *route, v string) error { return positive(v, &r.enqueued.Rows) }},
	{"key", "the environment variable that holds its key", func(r *route, v string) error { return variable(v, &r.keyVariable) }},
	{"base-url", "its address", func(r *route, v string) error { return word(v, &r.baseURL) }},
	{"live", "ask row by row at the synchronous endpoint", func(r *route, v string) error {
		if r.live = v == ""; !r.live {
			return usage("takes no value")
		}
		return nil
	}},
	{"parallel", "live calls under way", func(r *route, v string) error { return positive(v, &r.parallel) }},
	{"timeout", "time for a live call, as in 90s", func(r *route, v string) error { return duration(v, &r.timeout) }},
	{"rpm", "live calls a minute", func(r *route, v string) error { return positive(v, &r.perMinute) }},
	{"tpm", "tokens a minute of live calls", func(r *route, v string) error { return positive(v, &r.tokens) }},
}

// setPrice takes a price to compare, or the name of a model that has one.
func (r *route) setPrice(text string) (err error) {
	number, err := strconv.ParseFloat(text, 64)
	switch {
	case err != nil:
		return word(text, &r.priceAs)
	case !(number >= 0):
		return usage("must be a number that is not negative, or the name of a model")
	}
	r.price = number
	return nil
}

func routeHelp() string {
	var all []string
	for _, o := range routeOptions {
		all = append(all, o.name+" ("+o.help+")")
	}
	return strings.Join(all, ", ")
}

// mostRetries is how often a job sends a row at most, but the first time.
const mostRetries = 254

func positive(text string, n *int) (err error) {
	if *n, err = strconv.Atoi(text); err != nil || *n < 1 {
		return usage("must be a whole number above 0")
	}
	return nil
}

func duration(text string, d *time.Duration) (err error) {
	if *d, err = time.ParseDuration(text); err != nil || *d <= 0 {
		return usage("must be a duration, as in 30m")
	}
	return nil
}

func word(text string, s *string) error {
	if *s = text; text == "" {
		return usage("must not be empty")
	}
	return nil
}

// variable takes the name of an environment variable. What is none may be the
// key itself, so no error shows it.
func variable(text string, s *string) error {
	if *s = text; !variableName.MatchString(text) {
		return usage("must be the name of the environment variable that holds the key, in capitals, and not the key")
	}
	return nil
}

var variableName = regexp.MustCompile(`^[A-Z_][A-Z0-9_]*$`)

// parseRoute reads [NAME=]PROVIDER/MODEL[,OPTION[=VALUE]]... No error shows the
// values of options, which may be secrets.
func parseRoute(text string) (r route, err error) {
	given, options, _ := strings.Cut(text, ",")
	path := given
	if name, rest, named := strings.Cut(path, "="); named && !strings.Contains(name, "/") {
		r.name, path = name, rest
	}
	provider, model, ok := strings.Cut(path, "/")
	if !ok || provider == "" || model == "" {
		return r, usage("--route %q: must be NAME=PROVIDER/MODEL, as in fast=openai/gpt-5.4-mini", given)
	}
	if r.entry, err = findProvider(provider); err != nil {
		return r, usage("--route %q: %w", given, err)
	}
	r.provider, r.model = provider, model
	if r.name == "" {
		r.name = model
	}
	for option := range strings.SplitSeq(options, ",") {
		if option == "" {
			continue
		}
		if err := r.set(option); err != nil {
			return r, usage("--route %q: %w", given, err)
		}
	}
	if !r.live && (r.parallel > 0 || r.perMinute > 0 || r.tokens > 0 || r.timeout > 0) {
		return r, usage("--route %q: parallel, timeout, rpm and tpm are limits of live calls: add the option live", given)
	}
	if r.live && r.enqueued != (sink.Enqueued{}) {
		return r, usage("--route %q: enqueued-tokens and enqueued-rows are about batches, and the route is live: leave them out", given)
	}
	return r, nil
}

func (r *route) set(option string) error {
	name, value, _ := strings.Cut(option, "=")
	if inner, is := strings.CutPrefix(name, "option."); is && inner != "" {
		if err := r.options.Set(inner + "=" + value); err != nil {
			return usage("the option %s: %w", name, err)
		}
		return nil
	}
	var known []string
	for _, o := range routeOptions {
		if o.name != name || o.set == nil {
			known = append(known, o.name)
			continue
		}
		if err := o.set(r, value); err != nil {
			return usage("the option %s: %w", name, err)
		}
		return nil
	}
	return usage("there is no option %q: it must be %s", name, orList(known))
}
