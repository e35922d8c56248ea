package main

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/flow/router"
	"github.com/balerhq/baler/flow/source"
	"github.com/balerhq/baler/sink"
)

// routing are the flags of a run over several models.
type routing struct {
	routes   []string
	choose   string
	field    string
	table    []string
	fallback string

	parsed []route
}

// strategies are what --choose takes, each but the table.
var strategies = []struct {
	name string
	of   func() router.Strategy[durable.Waiting]
}{
	{"first", router.InOrder[durable.Waiting]},
	{"round-robin", router.RoundRobin[durable.Waiting]},
	{"weighted", router.Weighted[durable.Waiting]},
	{"least-loaded", router.LeastLoaded[durable.Waiting]},
	{"cheapest", router.Cheapest[durable.Waiting]},
	{"fastest", router.Fastest[durable.Waiting]},
}

func (r *routing) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringArrayVar(&r.routes, "route", nil, "a model that answers a part of the rows: [NAME=]PROVIDER/MODEL[,OPTION...], with the options "+
		routeHelp()+"; may be given several times, instead of --provider and --model")
	f.StringVar(&r.choose, "choose", "", "which route a row takes, of those that can take it: "+orList(append(strategyNames(), chooseAll+" (each of them, for comparison)"))+" (default first, or as --route-map says)")
	f.StringVar(&r.field, "route-field", "", "field of a row whose value --route-map goes by")
	f.StringSliceVar(&r.table, "route-map", nil, "routes by the value of --route-field, as in legal=haiku,*=mini; * is for all other values (default of *: the first --route)")
	f.StringVar(&r.fallback, "fallback", "", "when a row takes another route than the chosen one: out (if that is blocked, down or paused), failed (also if it fails the row for good) or never (default out)")
}

// chooseAll is the --choose that asks about each row on all routes.
const chooseAll = "all"

// all reports whether each row is asked on all routes.
func (r *routing) all() bool { return r.choose == chooseAll }

func strategyNames() (names []string) {
	for _, s := range strategies {
		names = append(names, s.name)
	}
	return names
}

// given reports whether the run has routes.
func (r *routing) given() bool { return len(r.parsed) > 0 }

// parse reads the flags.
func (r *routing) parse() error {
	for _, text := range r.routes {
		parsed, err := parseRoute(text)
		if err != nil {
			return err
		}
		if r.find(parsed.name) != nil {
			return usage("--route %s/%s: another route is called %q, too: give it another name, as in other=%s/%s",
				parsed.provider, parsed.model, parsed.name, parsed.provider, parsed.model)
		}
		r.parsed = append(r.parsed, parsed)
	}
	if !r.given() {
		if r.choose != "" || r.field != "" || len(r.table) > 0 || r.fallback != "" {
			return usage("--choose, --route-field, --route-map and --fallback are about routes: give a --route for each model")
		}
		return nil
	}
	_, err := r.strategy()
	return err
}

// haveOptions reports whether a route has options of its model.
func (r *routing) haveOptions() bool {
	return slices.ContainsFunc(r.parsed, func(p route) bool { return len(p.options.all) > 0 })
}

func (r *routing) find(name string) *route {
	for i := range r.parsed {
		if r.parsed[i].name == name {
			return &r.parsed[i]
		}
	}
	return nil
}

// strategy returns which route an item takes.
func (r *routing) strategy() (router.Strategy[durable.Waiting], error) {
	switch {
	case len(r.table) > 0 && r.choose != "":
		return nil, usage("--choose and --route-map are both given, and each says which route a row takes")
	case (len(r.table) > 0) != (r.field != ""):
		return nil, usage("--route-field and --route-map go together: the field, and which route each of its values takes")
	case r.field != "":
		return r.byTable()
	case r.all():
		return nil, nil
	}
	for _, s := range strategies {
		if s.name == cmp.Or(r.choose, "first") {
			return s.of(), nil
		}
	}
	return nil, usage("--choose is %q: must be %s", r.choose, orList(append(strategyNames(), chooseAll)))
}

func (r *routing) byTable() (router.Strategy[durable.Waiting], error) {
	table, otherwise := make(map[string]string), r.parsed[0].name
	for _, entry := range r.table {
		value, name, ok := cutLast(entry, "=")
		switch {
		case !ok:
			return nil, usage("--route-map %q: must be VALUE=ROUTE", entry)
		case r.find(name) == nil:
			return nil, usage("--route-map %q: there is no route %q: it must be %s", entry, name, orList(r.names()))
		case value == "*":
			otherwise = name
		default:
			table[value] = name
		}
	}
	return router.ByTable(func(w durable.Waiting) string { return w.RouteKey }, table, otherwise), nil
}

// cutLast is strings.Cut at the last separator: a value may have one.
func cutLast(s, sep string) (before, after string, found bool) {
	if i := strings.LastIndex(s, sep); i >= 0 {
		return s[:i], s[i+len(sep):], true
	}
	return s, "", false
}

func (r *routing) names() (names []string) {
	for i := range r.parsed {
		names = append(names, r.parsed[i].name)
	}
	return names
}

// key returns the value of --route-field in a row.
func (r *routing) key(row source.Row) string { return scalar(member(row.JSON, r.field)) }

// failedOn returns the route that has failed a row of --from-failed, and is to
// have it again; "" if that is none of the run's.
func (r *routing) failedOn(row source.Row) string {
	if r.find(row.Route) == nil {
		return ""
	}
	return row.Route
}

// settings adds what must be the same at each start.
func (r *routing) settings(settings map[string]string) {
	if r.all() {
		settings["--choose"] = chooseAll
	}
}

// validateAll refuses what --choose all leaves no place for.
func (r *routing) validateAll() error {
	if !r.all() {
		return nil
	}
	if len(r.parsed) < 2 {
		return usage("--choose all is for several routes: give a --route for each model")
	}
	if r.fallback != "" && durable.Failover(r.fallback) != durable.FailoverNever {
		return usage("--fallback is given beside --choose all, where a row takes all routes and none instead of another: leave it out")
	}
	for i := range r.parsed {
		switch p := &r.parsed[i]; {
		case p.least > 0 || p.within > 0:
			return usage("the options least and within of --route %s are given beside --choose all, where no row takes another route: leave them out", p.name)
		case strings.Contains(p.name, "@"):
			return usage("--route %s has a name with @, which --choose all puts between id and route: give it another, as in other=%s/%s", p.name, p.provider, p.model)
		}
	}
	return nil
}

// set gives a job its routes. Those to the same account share a client.
func (r *routing) set(job *durable.Job[source.Row], c *connections) error {
	job.Provider, job.Model = nil, ""
	for i := range r.parsed {
		route, err := r.parsed[i].connect(c)
		if err != nil {
			return err
		}
		job.Routes = append(job.Routes, route)
	}
	switch {
	case r.all():
		job.EveryRoute, job.RouteKey = true, r.failedOn
	case r.field != "":
		job.RouteKey = r.key
	}
	var err error
	job.Failover = durable.Failover(r.fallback)
	job.Choose, err = r.strategy()
	return err
}

// connect returns the route as a job has it.
func (r *route) connect(c *connections) (durable.Route, error) {
	provider, err := c.of(r)
	return durable.Route{
		Name: r.name, Provider: provider, Model: r.model, Weight: r.weight, Price: r.price, PriceAs: r.priceAs, MaxAttempts: r.attempts, Least: r.least, Within: r.within,
		Window: r.window, MaxInFlight: r.batches, Enqueued: r.enqueued,
		Options: r.options.all,
	}, err
}

// checkKeys refuses routes whose key is not set.
func (r *routing) checkKeys() error {
	for i := range r.parsed {
		if p := &r.parsed[i]; p.secret() == "" {
			return usage("route %q: %s is not set: set it to the key of the account that pays", p.name, orList(p.keys()))
		}
	}
	return nil
}

// providerOf returns the provider that an error is about, that of the first
// route if it says nothing.
func (r *routing) providerOf(err error) string {
	for i := range r.parsed {
		if strings.Contains(err.Error(), r.parsed[i].provider+": ") {
			return r.parsed[i].provider
		}
	}
	return r.parsed[0].provider
}

// keys are the variables that may hold the key of a route.
func (r *route) keys() []string {
	if r.keyVariable != "" {
		return []string{r.keyVariable}
	}
	return r.entry.Keys
}

// secret is the key of a route, "" if there is none.
func (r *route) secret() string { return firstSet(r.keys()) }

// onlyProvider returns the provider of all routes, "" if there are several.
func (r *routing) onlyProvider() string {
	first := r.parsed[0].provider
	if slices.ContainsFunc(r.parsed, func(p route) bool { return p.provider != first }) {
		return ""
	}
	return first
}

func (r *routing) validate(o *options) error {
	if err := r.parse(); err != nil || !r.given() {
		return err
	}
	for i := range r.parsed {
		if err := errors.Join(r.parsed[i].checkWithin(o), r.parsed[i].checkOptions(o)); err != nil {
			return err
		}
	}
	if err := r.validateAll(); err != nil {
		return err
	}
	switch {
	case o.provider != "" || o.model != "":
		return usage("--route and --provider or --model are both given: each --route names its own")
	case o.room.enqueued() != (sink.Enqueued{}):
		return usage("--enqueued-tokens and --enqueued-rows are for a run without --route: give each --route its own, as in %s/%s,enqueued-tokens=N",
			r.parsed[0].provider, r.parsed[0].model)
	case r.choose != "weighted" && slices.ContainsFunc(r.parsed, func(p route) bool { return p.weight > 0 }):
		return usage("the option weight of a --route is for --choose weighted")
	case r.choose != "cheapest" && slices.ContainsFunc(r.parsed, func(p route) bool { return p.price > 0 }):
		return usage("the option price of a --route is for --choose cheapest")
	case o.baseURL != "" && r.onlyProvider() == "":
		return usage("--base-url is for one provider: give each --route its own, as in %s/%s,base-url=URL", r.parsed[0].provider, r.parsed[0].model)
	}
	switch durable.Failover(r.fallback) {
	case "", durable.FailoverOut, durable.FailoverFailed, durable.FailoverNever:
		return nil
	}
	return usage("--fallback is %q: must be out, failed or never", r.fallback)
}

// checkWithin refuses a margin that cannot be kept.
func (r *route) checkWithin(o *options) error {
	switch least := o.grace + o.maxWait; {
	case r.within == 0:
		return nil
	case o.line.deadline == "":
		return usage("the option within of --route %s is about deadlines: name the --deadline-field", r.name)
	case r.within < least:
		return usage("the option within of --route %s is %v: must be at least %v, --grace and --max-wait together, "+
			"since that long it takes until it is certain which rows of a cancelled batch did not run", r.name, r.within, least)
	}
	return nil
}

// checkOptions refuses options of the model that are given for all routes, too:
// those would win without a word.
func (r *route) checkOptions(o *options) error {
	for _, name := range slices.Sorted(maps.Keys(r.options.all)) {
		if o.messages.options.all[name] != nil {
			return usage("--route %s has the option %s, and there is one for all routes: leave out one of them", r.name, name)
		}
	}
	return nil
}

// rule says which route a row takes.
func (r *routing) rule() string {
	if r.field != "" {
		table := r.table
		if !slices.ContainsFunc(table, func(entry string) bool { return strings.HasPrefix(entry, "*=") }) {
			table = append(slices.Clone(table), "*="+r.parsed[0].name)
		}
		return fmt.Sprintf("the route of its %q: %s", r.field, strings.Join(table, ", "))
	}
	if r.all() {
		return "each route, as a row of its own: its id ends with @ and the route, and \"item\" is the id without"
	}
	return "the route by --choose " + cmp.Or(r.choose, "first")
}
