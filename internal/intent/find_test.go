package intent_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/balerhq/baler/internal/intent"
)

// candidates is a list of batches that may be the intent's.
func candidates(waited time.Duration, t intent.Terms, names ...string) intent.Event {
	return intent.Listed{Waited: waited, Terms: t, Candidates: names}
}

func with(p intent.Policy) intent.Terms { t := terms; t.Policy = p; return t }

func alone() intent.Terms { t := terms; t.Alone = true; return t }

// What becomes of a batch in doubt that a provider cannot name, in time.
func TestCandidatesHoldAnIntent(t *testing.T) {
	given, endless := grace+terms.Window, terms
	endless.Window = 0
	for name, tc := range map[string]struct {
		event intent.Event
		want  intent.State
	}{
		"it may still appear":                  {candidates(grace-1, terms, "a"), intent.Unknown},
		"it may be the one":                    {candidates(grace, terms, "a"), intent.Held},
		"it may be either":                     {candidates(grace, alone(), "a", "b"), intent.Held},
		"the window is not over":               {candidates(given-1, terms, "a"), intent.Held},
		"the window is over":                   {candidates(given, terms, "a"), intent.Uploaded},
		"the window never ends":                {candidates(given, endless, "a"), intent.Held},
		"there are none":                       {candidates(grace, terms), intent.Uploaded},
		"policy resubmit":                      {candidates(grace, with(intent.Resubmit), "a"), intent.Uploaded},
		"policy resubmit, it may still appear": {candidates(grace-1, with(intent.Resubmit), "a"), intent.Unknown},
		"policy fail":                          {candidates(grace, with(intent.Fail), "a"), intent.Ended},
		"policy fail, it may still appear":     {candidates(grace-1, with(intent.Fail)), intent.Unknown},
		"nobody else's":                        {candidates(grace, alone(), "a"), intent.Submitted},
		"nobody else's, but out of time":       {candidates(given, alone(), "a"), intent.Uploaded},
		"nobody else's, others may appear":     {candidates(grace-1, alone(), "a"), intent.Unknown},
	} {
		t.Run(name, func(t *testing.T) {
			if got := apply(t, in(intent.Unknown), tc.event); got.State != tc.want {
				t.Errorf("%s, want %s", got.State, tc.want)
			}
			if tc.want == intent.Unknown {
				return
			}
			if got := apply(t, in(intent.Held), tc.event); got.State != tc.want {
				t.Errorf("when held: %s, want %s", got.State, tc.want)
			}
		})
	}
}

func TestAHeldIntentAdoptsWhatTurnsOutToBeItsOwn(t *testing.T) {
	i := apply(t, in(intent.Held), listed("a", "b"))
	if i.State != intent.Submitted || i.Batch != "a" || i.Unproven || i.Open() {
		t.Errorf("%+v", i)
	}
	if !i.Owns("a") || !i.Owns("b") || i.Owns("c") {
		t.Errorf("it owns %q and %q", i.Batch, i.Surplus)
	}
}

// Nothing is fetched of a batch that may be somebody else's.
func TestABatchAdoptedUnprovenIsProvenWhenItHasEnded(t *testing.T) {
	i := apply(t, in(intent.Unknown), candidates(grace, alone(), "a"))
	if !i.Unproven || !i.Open() || i.Owns("a") || i.Next() != intent.Poll {
		t.Fatalf("%+v, next %s", i, i.Next())
	}
	if _, err := intent.Apply(i, intent.Proven{}); !errors.Is(err, intent.ErrOutOfOrder) {
		t.Errorf("proven while it runs: %v", err)
	}
	i = apply(t, i, intent.BatchEnded{})
	if _, err := intent.Apply(i, intent.FetchDone{}); !errors.Is(err, intent.ErrOutOfOrder) {
		t.Errorf("fetched unproven: %v", err)
	}
	if got := i.Next(); got != intent.Prove {
		t.Fatalf("next = %s, want prove", got)
	}
	i = apply(t, i, intent.Proven{})
	if i.Next() != intent.Fetch || !i.Owns("a") || i.Open() {
		t.Errorf("%+v, next %s", i, i.Next())
	}
}

func TestABatchOfSomebodyElseIsDisowned(t *testing.T) {
	reason := intent.Reason{Code: "their_mistake"}
	for name, events := range map[string][]intent.Event{
		"by its rows":                  {intent.BatchEnded{}, intent.Disowned{}},
		"by being refused":             {intent.BatchEnded{Reason: &reason}},
		"by being refused for a while": {intent.Refused{Reason: reason}},
	} {
		t.Run(name, func(t *testing.T) {
			before := apply(t, in(intent.Unknown), candidates(grace, alone(), "a"))
			i := apply(t, before, events...)
			want := before
			want.State, want.Batch, want.Unproven, want.Rev = intent.Unknown, "", false, i.Rev
			if diff := cmp.Diff(want, i); diff != "" {
				t.Errorf("something is left of it:\n%s", diff)
			}
			if i = apply(t, i, candidates(grace, terms)); i.State != intent.Uploaded {
				t.Errorf("without candidates: %s, want uploaded", i.State)
			}
		})
	}
}

// One that was adopted unproven gives way to one that is proven, and may be
// surplus itself.
func TestAProvenBatchTakesThePlaceOfAnUnprovenOne(t *testing.T) {
	unproven := apply(t, in(intent.Unknown), candidates(grace, alone(), "a"))
	i := apply(t, unproven, listed("b"))
	if i.Batch != "b" || i.Unproven || len(i.Surplus) != 0 || i.Rev != unproven.Rev+1 {
		t.Errorf("%+v", i)
	}
	i = apply(t, i, listed("a", "b"))
	if diff := cmp.Diff([]string{"a"}, i.Surplus); i.Batch != "b" || diff != "" {
		t.Errorf("adopted %s: %s", i.Batch, diff)
	}
	i = apply(t, unproven, listed("b", "a"))
	if diff := cmp.Diff([]string{"b"}, i.Surplus); i.Batch != "a" || i.Unproven || diff != "" {
		t.Errorf("adopted %s: %s", i.Batch, diff)
	}
}

// The rows of one that is given up fail, without a batch; what is found of it
// later was bought for nothing.
func TestFailedByPolicy(t *testing.T) {
	i := apply(t, in(intent.Held), candidates(grace, with(intent.Fail), "a"))
	if i.Next() != intent.Fetch || i.Batch != "" || i.Reason == nil || i.Reason.Code != "creation_unclear" {
		t.Fatalf("%+v, next %s", i, i.Next())
	}
	i = apply(t, i, intent.FetchDone{}, intent.SettleDone{})
	many := slices.Repeat([]string{"b"}, 100)
	if got := len(apply(t, i, intent.Listed{Candidates: many}).Suspects); got != maxSuspects {
		t.Errorf("%d suspects are kept", got)
	}
	i = apply(t, i, intent.Listed{Batches: []string{"a"}, Candidates: []string{"b"}})
	if i.Batch != "" || !cmp.Equal(i.Surplus, []string{"a"}) || !cmp.Equal(i.Suspects, []string{"b"}) {
		t.Errorf("%+v", i)
	}
}

// A list may lack what is there, once.
func TestABatchIsSentAgainOnlyAfterTwoLooksInVain(t *testing.T) {
	none, one := candidates(grace, terms), candidates(grace, terms, "a")
	soon, resubmit := candidates(grace-1, terms), candidates(grace, with(intent.Resubmit), "a")
	sending := intent.Sending{Now: sent, Deadline: deadline}
	for name, tc := range map[string]struct {
		events []intent.Event
		want   intent.State
	}{
		"one look":                       {[]intent.Event{none}, intent.Unknown},
		"two looks":                      {[]intent.Event{none, none}, intent.Uploaded},
		"the first came too early":       {[]intent.Event{soon, none}, intent.Unknown},
		"a new process begins anew":      {[]intent.Event{none, soon, none}, intent.Unknown},
		"and looks twice itself":         {[]intent.Event{none, soon, none, none}, intent.Uploaded},
		"found by the second":            {[]intent.Event{none, listed("a")}, intent.Submitted},
		"a candidate in between":         {[]intent.Event{none, one, none}, intent.Held},
		"twice without a candidate":      {[]intent.Event{one, none, none}, intent.Uploaded},
		"policy resubmit, one look":      {[]intent.Event{resubmit}, intent.Unknown},
		"policy resubmit, two looks":     {[]intent.Event{resubmit, resubmit}, intent.Uploaded},
		"sent again, it is counted anew": {[]intent.Event{none, none, sending, intent.Unclear{Now: sent}, none}, intent.Unknown},
	} {
		t.Run(name, func(t *testing.T) {
			i := in(intent.Unknown)
			i.Looks = 0
			if got := apply(t, i, tc.events...); got.State != tc.want {
				t.Errorf("%s, want %s", got.State, tc.want)
			}
		})
	}
}

// The clock of the machine says nothing about a time in which there was no
// process; the age of the candidates may.
func TestCandidatesThatAreOldEnoughHoldNothing(t *testing.T) {
	aged := intent.Listed{Waited: grace, Aged: grace + terms.Window, Terms: terms, Candidates: []string{"a"}}
	if i := apply(t, in(intent.Held), aged); i.State != intent.Uploaded {
		t.Errorf("held in spite of its age: %s", i.State)
	}
	aged.Aged--
	if i := apply(t, in(intent.Held), aged); i.State != intent.Held {
		t.Errorf("not held: %s", i.State)
	}
}
