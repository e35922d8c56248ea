package simulator

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Fault is something that goes wrong with requests to a route. It counts the
// requests of its route from 1 and hits those from number From on: Times of
// them, or with a Probability any of them. When several faults hit the same
// request the first in the list acts. Counting begins when the fault is set,
// and anew in a Simulator that is opened again.
type Fault struct {
	// Route is the route it concerns, such as "POST /v1/batches" or, of a
	// provider that is not at the root, "POST /mistral/v1/batch/jobs";
	// [Config.Routes] lists them. Zero means every route of every provider.
	Route string `json:"route,omitempty"`
	// From is the first request that can be hit. Zero means 1.
	From int `json:"from,omitempty"`
	// Times is how many requests are hit. Zero means 1, or without limit if
	// Probability is set. -1 means without limit.
	Times int `json:"times,omitempty"`
	// Probability is the chance, from 0 to 1, that a request is hit. Zero
	// means certain.
	Probability float64 `json:"probability,omitempty"`

	// Action is what happens. It must be set.
	Action Action `json:"action"`

	// Status is what ActionFail and ActionFailAfter answer with. Zero means
	// 500.
	Status int `json:"status,omitempty"`
	// Code is the error code in their body. Zero means one that suits the
	// status. Statuses 413, 502 and 504 have a body in HTML, as from a proxy.
	Code string `json:"code,omitempty"`
	// Header is added to their headers, such as Retry-After, and to those of
	// ActionReplace and ActionMerge.
	Header map[string]string `json:"header,omitempty"`

	// Delay is the duration, in real time, that ActionSlow, ActionHang,
	// ActionLate, ActionStale and ActionTrickle speak of. It is in nanoseconds
	// in JSON.
	Delay time.Duration `json:"delay,omitempty"`
	// Bytes is how much of the body ActionTruncate and ActionCut let through.
	// Zero means half.
	Bytes int64 `json:"bytes,omitempty"`
	// Body is what ActionReplace answers with, and what ActionPrepend puts
	// first.
	Body string `json:"body,omitempty"`
	// Merge is the JSON object that ActionMerge merges into the reply, as RFC
	// 7386 has it: null removes a member.
	Merge json.RawMessage `json:"merge,omitempty"`
	// Errors are why a batch fails validation by ActionInvalid. None means that
	// the batch does not say why.
	Errors []BatchError `json:"errors,omitempty"`
}

// BatchError is a reason why a batch fails validation.
type BatchError struct {
	Code    string `json:"code"`
	Message string `json:"message"`
	Param   string `json:"param,omitempty"` // zero means null
	Line    int    `json:"line,omitempty"`  // zero means null
}

// Action is what a [Fault] does to a request.
type Action string

// The actions. Applied means that the request has its effect.
const (
	// ActionFail answers with an error. The request is not applied.
	ActionFail Action = "fail"
	// ActionFailAfter applies the request, then answers with an error.
	ActionFailAfter Action = "fail_after"
	// ActionReset breaks the connection. The request is not applied.
	ActionReset Action = "reset"
	// ActionResetAfter applies the request, then breaks the connection.
	ActionResetAfter Action = "reset_after"
	// ActionLate breaks the connection and applies the request after Delay.
	ActionLate Action = "late"
	// ActionHang does not answer. The request is not applied. After Delay, if
	// it is set, the connection breaks.
	ActionHang Action = "hang"
	// ActionSlow waits for Delay, then serves the request.
	ActionSlow Action = "slow"
	// ActionTruncate applies the request but breaks off its answer.
	ActionTruncate Action = "truncate"
	// ActionStale lets a GET see batches and files as they were a Delay ago.
	ActionStale Action = "stale"
	// ActionReplace answers with Status, 200 if that is zero, Header and Body.
	// The request is not applied.
	ActionReplace Action = "replace"
	// ActionMerge applies the request and changes the JSON object of its
	// answer, or each of them.
	ActionMerge Action = "merge"
	// ActionCut applies the request and lets the body of its answer end early,
	// though in order.
	ActionCut Action = "cut"
	// ActionCutLines is ActionCut at the end of a line, so that what is there
	// looks whole. It lets half of the lines through.
	ActionCutLines Action = "cut_lines"
	// ActionCompress applies the request and compresses the body of its answer,
	// if the client takes gzip.
	ActionCompress Action = "compress"
	// ActionPrepend applies the request and puts Body before the body of its
	// answer.
	ActionPrepend Action = "prepend"
	// ActionTrickle applies the request and sends a byte of its answer every
	// Delay.
	ActionTrickle Action = "trickle"
	// ActionInvalid lets the batch that a request creates fail validation with
	// Errors, so that no row of it runs.
	ActionInvalid Action = "invalid"
)

var actions = []Action{
	ActionFail, ActionFailAfter, ActionReset, ActionResetAfter, ActionLate, ActionHang, ActionSlow, ActionTruncate, ActionStale,
	ActionReplace, ActionMerge, ActionCut, ActionCutLines, ActionCompress, ActionPrepend, ActionTrickle, ActionInvalid,
}

// validate returns an error that names the field that cannot be used.
func (f Fault) validate(routes []Route) error {
	i := slices.IndexFunc(routes, func(r Route) bool { return r.Name == f.Route })
	known, invalid := i >= 0, i >= 0 && routes[i].invalid
	switch {
	case f.Route != "" && !known:
		return fmt.Errorf("field Route is none that the simulator serves: %q", f.Route)
	case !slices.Contains(actions, f.Action):
		return fmt.Errorf("field Action is none of %q: %q", actions, f.Action)
	case f.From < 0:
		return fmt.Errorf("field From is negative: %d", f.From)
	case f.Times < -1:
		return fmt.Errorf("field Times is out of range: %d", f.Times)
	case !(f.Probability >= 0 && f.Probability <= 1):
		return fmt.Errorf("field Probability is not between 0 and 1: %v", f.Probability)
	case f.Action == ActionMerge && mergeFault(f.Merge) != nil:
		return fmt.Errorf("field Merge is no JSON object: %w", mergeFault(f.Merge))
	case f.Action == ActionInvalid && !invalid:
		return fmt.Errorf("field Route must be %s for a batch that is invalid: %q", creating(routes), f.Route)
	case f.Action == ActionReplace && f.Status != 0 && (f.Status < 200 || f.Status > 599):
		return fmt.Errorf("field Status is none: %d", f.Status)
	case f.Action != ActionReplace && f.Status != 0 && (f.Status < 400 || f.Status > 599):
		return fmt.Errorf("field Status is not an error: %d", f.Status)
	case f.Delay < 0:
		return fmt.Errorf("field Delay is negative: %v", f.Delay)
	case f.Bytes < 0:
		return fmt.Errorf("field Bytes is negative: %d", f.Bytes)
	}
	return nil
}

// creating names the routes that create batches which may fail validation.
func creating(routes []Route) string {
	var names []string
	for _, r := range routes {
		if r.invalid {
			names = append(names, strconv.Quote(r.Name))
		}
	}
	return strings.Join(names, " or ")
}

func mergeFault(merge json.RawMessage) error {
	var object map[string]any
	return decode(merge, &object)
}

func validateFaults(routes []Route, faults []Fault) error {
	var errs []error
	for i, f := range faults {
		if err := f.validate(routes); err != nil {
			errs = append(errs, fmt.Errorf("simulator: fault %d: %w", i, err))
		}
	}
	return errors.Join(errs...)
}
