package main

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/flow/source"
	"github.com/balerhq/baler/queue"
	"github.com/balerhq/baler/sink"
	"github.com/balerhq/baler/sink/llm"
)

// line are the flags that say in which order rows leave that wait for a batch.
type line struct {
	priority, deadline, tenant string // fields
	order                      string
	aging                      time.Duration
	weights                    []string
	limit, batches             int
	separate                   bool

	parsed map[string]int // of weights
}

func (l *line) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&l.priority, "priority-field", "", "field with the priority of a row: low, normal, high or critical, or a whole number from -127 to 127, the greatest first; a row without it is normal")
	f.StringVar(&l.deadline, "deadline-field", "", "field with the time by which rows leave, the earliest first: a date (its first moment, in UTC), or a time as in 2026-12-31T18:00:00Z; a row without it comes last, or with --queue aged is due --aging after it was read")
	f.StringVar(&l.tenant, "tenant-field", "", "field that says whose a row is; results name it")
	f.StringVar(&l.order, "queue", "", "order in which rows leave: strict (the most urgent first), aged (so, but none waits for good) or fair (shared among the tenants of --tenant-field) (default strict)")
	f.DurationVar(&l.aging, "aging", 0, "head start that a level of priority gives with --queue aged (default 1h)")
	f.StringArrayVar(&l.weights, "tenant-weight", nil, "weight of a tenant with --queue fair, as in acme=3; may be given for several (default 1)")
	f.IntVar(&l.limit, "tenant-limit", 0, "most rows of a tenant that are on their way at a time (default: any number)")
	f.IntVar(&l.batches, "tenant-batches", 0, "most open batches with rows of a tenant at a time (default: any number)")
	f.BoolVar(&l.separate, "separate-tenants", false, "put no rows of different tenants into a batch")
}

func (l *line) validate() error {
	switch durable.QueueOrder(l.order) {
	case "", durable.QueueStrict, durable.QueueAged, durable.QueueFair:
	default:
		return usage("--queue is %q: must be strict, aged or fair", l.order)
	}
	switch fair := l.order == string(durable.QueueFair); {
	case l.priority != "" && l.deadline != "":
		return usage("--priority-field and --deadline-field are both given: rows leave by one of them")
	case l.tenant == "" && (fair || l.limit != 0 || l.batches != 0 || l.separate):
		return usage("--tenant-field is missing: name the field that says whose a row is")
	case len(l.weights) > 0 && !fair:
		return usage("--tenant-weight is for --queue fair")
	case l.aging != 0 && l.order != string(durable.QueueAged):
		return usage("--aging is for --queue aged")
	case l.aging < 0:
		return usage("--aging is %s: must be positive", l.aging)
	case l.limit < 0:
		return usage("--tenant-limit is %d: must be at least 1", l.limit)
	case l.batches < 0:
		return usage("--tenant-batches is %d: must be at least 1", l.batches)
	}
	return l.parseWeights()
}

func (l *line) parseWeights() error {
	for _, text := range l.weights {
		name, number, ok := cutLast(text, "=")
		weight, err := strconv.Atoi(number)
		if !ok || err != nil || weight < 1 {
			return usage("--tenant-weight %q: must be TENANT=WEIGHT, and the weight a whole number of at least 1", text)
		}
		if l.parsed == nil {
			l.parsed = make(map[string]int)
		}
		l.parsed[name] = weight
	}
	return nil
}

// set adds what must be the same at each start, as it is kept with the rows.
func (l *line) set(settings map[string]string) {
	for flag, field := range map[string]string{"--priority-field": l.priority, "--deadline-field": l.deadline, "--tenant-field": l.tenant} {
		if field != "" {
			settings[flag] = field
		}
	}
}

// apply lets the rows of a job leave in the order of the flags. A field that
// cannot be read is an error of the input.
func (l *line) apply(job *durable.Job[source.Row]) {
	job.Queue = durable.Queue{
		Order: durable.QueueOrder(l.order), Aging: l.aging, Weights: l.parsed, TenantLimit: l.limit, TenantBatches: l.batches, SeparateTenants: l.separate,
	}
	if l.tenant != "" {
		job.Tenant = func(row source.Row) string { return scalar(member(row.JSON, l.tenant)) }
	}
	switch {
	case l.priority != "":
		job.Priority = func(row source.Row) queue.Priority { p, _ := l.priorityOf(row); return p } // check has said it
	case l.deadline != "":
		job.Deadline = func(row source.Row) time.Time { due, _ := l.deadlineOf(row); return due }
	default:
		return
	}
	if ask := job.Prompt; ask != nil {
		job.Prompt = func(row source.Row) (llm.Chat, error) { return askUnless(l.check(row), ask, row) }
	}
	if ask := job.Request; ask != nil {
		job.Request = func(row source.Row) (sink.Request, error) { return askUnless(l.check(row), ask, row) }
	}
}

// check returns what is wrong with the field that orders a row.
func (l *line) check(row source.Row) (err error) {
	if l.priority != "" {
		_, err = l.priorityOf(row)
		return err
	}
	_, err = l.deadlineOf(row)
	return err
}

func (l *line) priorityOf(row source.Row) (queue.Priority, error) {
	raw := member(row.JSON, l.priority)
	switch text := strings.ToLower(scalar(raw)); text {
	case "low":
		return queue.PriorityLow, nil
	case "normal":
		return queue.PriorityNormal, nil
	case "high":
		return queue.PriorityHigh, nil
	case "critical":
		return queue.PriorityCritical, nil
	case "":
		if isEmpty(raw) {
			return queue.PriorityNormal, nil
		}
	default:
		if n, err := strconv.ParseInt(text, 10, 8); err == nil && n > -128 {
			return queue.Priority(n), nil
		}
	}
	return 0, fmt.Errorf("field %q is %.40s: must be low, normal, high or critical, or a whole number from -127 to 127", l.priority, raw)
}

func (l *line) deadlineOf(row source.Row) (time.Time, error) {
	raw := member(row.JSON, l.deadline)
	text := scalar(raw)
	if text == "" && isEmpty(raw) {
		return time.Time{}, nil
	}
	for _, layout := range []string{time.RFC3339, time.DateOnly} {
		if due, err := time.Parse(layout, text); err == nil {
			return due, nil
		}
	}
	return time.Time{}, fmt.Errorf("field %q is %.40s: must be a date, or a time as in 2026-12-31T18:00:00Z", l.deadline, raw)
}

// isEmpty reports whether a field is missing, null or an empty text, as in a
// CSV file.
func isEmpty(raw []byte) bool {
	text := string(raw)
	return text == "" || text == "null" || text == `""`
}
