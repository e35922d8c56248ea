package intent_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/balerhq/baler/internal/intent"
)

const grace = 10 * time.Minute

var terms = intent.Terms{Grace: grace, Window: 24 * time.Hour}

var (
	sent     = time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC)
	deadline = sent.Add(time.Minute)
	overdue  = deadline.Add(grace)
)

var states = []intent.State{
	intent.Sealed, intent.Uploaded, intent.Creating, intent.Unknown, intent.Held, intent.Submitted,
	intent.Ended, intent.Fetched, intent.Committed, intent.Cleaned, intent.Rejected,
}

// in is an intent as it would be in a state, never in doubt unless Unknown or
// Held, and then looked for once in vain.
func in(s intent.State) intent.Intent {
	i := intent.Intent{Tag: "TAG", Rev: 7, State: s, Rows: 3}
	switch s {
	case intent.Sealed:
		return i
	case intent.Unknown, intent.Held:
		i.Doubts, i.Since, i.Looks = 1, sent, 1
	case intent.Submitted, intent.Ended, intent.Fetched, intent.Committed, intent.Cleaned, intent.Rejected:
		i.Batch = "batch_1"
	case intent.Uploaded, intent.Creating:
	}
	i.File, i.Creates, i.SentAt, i.Deadline = "file_1", 1, sent, deadline
	return i
}

// Every event in every state: where it leads, or that it is out of order.
func TestEveryEventInEveryState(t *testing.T) {
	listed := func(waited time.Duration, batches ...string) intent.Event {
		return intent.Listed{Waited: waited, Terms: terms, Batches: batches}
	}
	type to = map[intent.State]intent.State
	for _, tc := range []struct {
		event intent.Event
		to    to
	}{
		{intent.UploadDone{}, to{intent.Sealed: intent.Uploaded, intent.Uploaded: intent.Uploaded}},
		{intent.Sending{}, to{intent.Uploaded: intent.Creating}},
		{intent.Sending{Repeats: true}, to{intent.Unknown: intent.Creating}},
		{intent.Created{}, to{intent.Creating: intent.Submitted}},
		{intent.NotCreated{}, to{intent.Creating: intent.Uploaded}},
		{intent.Unclear{}, to{intent.Creating: intent.Unknown}},
		{listed(grace - 1), to{
			intent.Unknown: intent.Unknown, intent.Held: intent.Held, intent.Submitted: intent.Submitted,
			intent.Committed: intent.Committed, intent.Rejected: intent.Rejected,
		}},
		{listed(grace), to{
			intent.Unknown: intent.Uploaded, intent.Held: intent.Uploaded, intent.Submitted: intent.Submitted,
			intent.Committed: intent.Committed, intent.Rejected: intent.Rejected,
		}},
		{listed(0, "batch_1"), to{
			intent.Unknown: intent.Submitted, intent.Held: intent.Submitted, intent.Submitted: intent.Submitted,
			intent.Committed: intent.Committed, intent.Rejected: intent.Rejected,
		}},
		{intent.CancelDone{}, nil},
		{intent.Refused{}, to{
			intent.Sealed: intent.Rejected, intent.Uploaded: intent.Rejected, intent.Submitted: intent.Rejected,
		}},
		{intent.Abandoned{}, to{intent.Unknown: intent.Rejected, intent.Held: intent.Rejected}},
		{intent.Freed{}, nil},
		{intent.PutOff{}, to{intent.Uploaded: intent.Uploaded, intent.Submitted: intent.Uploaded}},
		{intent.PutOff{Upload: true}, to{intent.Uploaded: intent.Sealed, intent.Submitted: intent.Sealed}},
		{intent.BatchEnded{}, to{
			intent.Sealed: intent.Ended, intent.Uploaded: intent.Ended, intent.Submitted: intent.Ended,
		}},
		{intent.Proven{}, nil},
		{intent.Disowned{}, nil},
		{intent.FetchDone{}, to{intent.Ended: intent.Fetched}},
		{intent.FetchPart{Missing: 1}, to{intent.Ended: intent.Ended}},
		{intent.Decided{Verdict: intent.FailMissing}, nil},
		{intent.SettlePart{}, nil},
		{intent.SettleDone{}, to{intent.Fetched: intent.Committed}},
		{intent.CleanDone{}, to{intent.Committed: intent.Cleaned, intent.Rejected: intent.Cleaned}},
	} {
		for _, s := range states {
			t.Run(fmt.Sprintf("%T in %s", tc.event, s), func(t *testing.T) {
				got, err := intent.Apply(in(s), tc.event)
				want, fits := tc.to[s]
				if !fits {
					if !errors.Is(err, intent.ErrOutOfOrder) {
						t.Errorf("err = %v, want ErrOutOfOrder", err)
					}
					if diff := cmp.Diff(in(s), got); diff != "" {
						t.Errorf("a refused event has left a trace:\n%s", diff)
					}
					return
				}
				if err != nil || got.State != want {
					t.Fatalf("state = %s, err = %v; want %s", got.State, err, want)
				}
				if changed := !cmp.Equal(in(s), got); changed != (got.Rev == 8) {
					t.Errorf("changed = %t at revision %d: must grow by one with every change", changed, got.Rev)
				}
			})
		}
	}
}

// What the actions are for is told once, by their order in an untroubled life.
func TestActionOfEveryState(t *testing.T) {
	want := map[intent.State]intent.Action{
		intent.Sealed: intent.Upload, intent.Uploaded: intent.Create, intent.Creating: intent.Doubt,
		intent.Unknown: intent.Find, intent.Held: intent.Find, intent.Submitted: intent.Poll, intent.Ended: intent.Fetch,
		intent.Fetched: intent.Settle, intent.Committed: intent.Clean, intent.Rejected: intent.Release,
		intent.Cleaned: intent.Nothing,
	}
	for _, s := range states {
		if got := in(s).Next(); got != want[s] {
			t.Errorf("in %s: %s, want %s", s, got, want[s])
		}
		if done := in(s).Done(); done != (s == intent.Cleaned) {
			t.Errorf("in %s: done = %t", s, done)
		}
	}
	if got := (intent.Intent{State: "damaged"}).Next(); got != intent.Nothing {
		t.Errorf("in a state of another version: %s, want nothing", got)
	}
}

func TestSendingRecordsWhoAndWhen(t *testing.T) {
	i := apply(t, in(intent.Sealed), intent.UploadDone{File: "file_9"},
		intent.Sending{Account: "acme", Now: sent, Deadline: deadline}, intent.Created{Batch: "batch_9"})
	want := intent.Intent{
		Tag: "TAG", Rev: 10, State: intent.Submitted, Rows: 3, Account: "acme",
		File: "file_9", Batch: "batch_9", Creates: 1, SentAt: sent, Deadline: deadline,
	}
	if diff := cmp.Diff(want, i); diff != "" {
		t.Error(diff)
	}
}

// The grace period begins when the request was given up: at its deadline, or
// earlier if it failed, or if the process is known to have died before.
func TestGraceBeginsWhenTheRequestWasGivenUp(t *testing.T) {
	for name, tc := range map[string]struct{ now, appears time.Time }{
		"failed early":            {sent.Add(time.Second), sent.Add(time.Second + grace)},
		"failed at the deadline":  {deadline, overdue},
		"found dead a day later":  {sent.Add(24 * time.Hour), overdue},
		"the clock was put back":  {sent.Add(-time.Hour), overdue},
		"given up without a wait": {sent, sent.Add(grace)},
	} {
		t.Run(name, func(t *testing.T) {
			i := apply(t, in(intent.Creating), intent.Unclear{Now: tc.now})
			if got := i.Appears(grace); !got.Equal(tc.appears) {
				t.Errorf("appears until %v, want %v", got, tc.appears)
			}
		})
	}
}

// Whoever looks for a batch must look back to the first request that may have
// created it, however often it was sent since.
func TestSinceIsTheFirstDoubtfulRequest(t *testing.T) {
	send := func(at time.Time) intent.Event { return intent.Sending{Now: at, Deadline: at.Add(time.Minute)} }
	later, last := sent.Add(time.Hour), sent.Add(20*time.Hour)
	i := apply(t, in(intent.Sealed), intent.UploadDone{},
		send(sent), intent.NotCreated{},
		send(later), intent.Unclear{Now: later},
		intent.Listed{Waited: grace, Terms: terms}, intent.Listed{Waited: grace, Terms: terms},
		send(last), intent.Unclear{Now: last})
	if !i.Since.Equal(later) || i.Doubts != 2 || i.Creates != 3 || !i.SentAt.Equal(last) {
		t.Errorf("since %v, %d doubts, %d creates, sent %v", i.Since, i.Doubts, i.Creates, i.SentAt)
	}
}

func apply(t *testing.T, i intent.Intent, events ...intent.Event) intent.Intent {
	t.Helper()
	for _, e := range events {
		var err error
		if i, err = intent.Apply(i, e); err != nil {
			t.Fatal(err)
		}
	}
	return i
}

// A batch that was put off is not what an unclear creation has made, though a
// stale reply may say that it runs.
func TestABatchThatWasPutOffIsNotFoundAgain(t *testing.T) {
	off := in(intent.Submitted)
	off.Batch = "refused"
	doubtful := apply(t, off, intent.PutOff{})
	doubtful.State = intent.Unknown
	if i := apply(t, doubtful, listed("refused")); i.State != intent.Unknown || i.Batch != "" {
		t.Errorf("adopted: %+v", i)
	}
	i := apply(t, doubtful, listed("refused", "new"))
	if i.State != intent.Submitted || i.Batch != "new" || len(i.Surplus) > 0 {
		t.Errorf("found beside it: %+v", i)
	}
	if i = apply(t, i, listed("refused", "new")); len(i.Surplus) > 0 {
		t.Errorf("bought twice: %+v", i)
	}
}

// What was put off keeps its tag and, if it may, its upload; the batch that was
// refused is not its batch any more, and was never bought.
func TestPutOff(t *testing.T) {
	why := intent.Reason{Class: "retryable", Code: "full"}
	off := apply(t, in(intent.Submitted), intent.PutOff{Reason: why, Again: deadline})
	if off.Batch != "" || off.File != "file_1" || off.Refusals != 1 || !off.Again.Equal(deadline) || off.Bought() {
		t.Errorf("%+v", off)
	}
	anew := apply(t, off, intent.PutOff{Reason: why, Upload: true})
	if anew.File != "" || anew.Refusals != 2 || anew.Next() != intent.Upload {
		t.Errorf("%+v", anew)
	}
	bought := apply(t, off, intent.Sending{Now: sent, Deadline: deadline}, intent.Created{Batch: "batch_2"})
	if bought.Reason != nil || !bought.Bought() {
		t.Errorf("%+v", bought)
	}
	somebodyElses := in(intent.Submitted)
	somebodyElses.Unproven = true
	if i := apply(t, somebodyElses, intent.PutOff{Reason: why}); i.State != intent.Unknown || i.Batch != "" || i.Refusals != 0 {
		t.Errorf("%+v", i)
	}
}

// A batch counts as bought unless it was refused.
func TestBought(t *testing.T) {
	for name, tc := range map[string]struct {
		in   intent.Intent
		want bool
	}{
		"runs":     {in(intent.Submitted), true},
		"ended":    {apply(t, in(intent.Submitted), intent.BatchEnded{}), true},
		"given up": {apply(t, in(intent.Submitted), intent.BatchEnded{Reason: &intent.Reason{Class: "retryable"}}), true},
		"refused":  {apply(t, in(intent.Submitted), intent.BatchEnded{Reason: &intent.Reason{Class: "permanent"}}), false},
		"blocked":  {apply(t, in(intent.Submitted), intent.Refused{Reason: intent.Reason{Class: "blocked"}}), false},
		"uploaded": {in(intent.Uploaded), false},
	} {
		if got := tc.in.Bought(); got != tc.want {
			t.Errorf("%s: %t", name, got)
		}
	}
}

// A batch is cut short once, and only one that runs and is the intent's.
func TestABatchIsCutShort(t *testing.T) {
	short := apply(t, in(intent.Submitted), intent.CutShort{})
	if !short.Short || short.State != intent.Submitted || apply(t, short, intent.CutShort{}).Rev != short.Rev {
		t.Errorf("%+v", short)
	}
	somebodyElses := in(intent.Submitted)
	somebodyElses.Unproven = true
	for _, i := range []intent.Intent{in(intent.Uploaded), in(intent.Ended), somebodyElses} {
		if got, err := intent.Apply(i, intent.CutShort{}); !errors.Is(err, intent.ErrOutOfOrder) || got.Short {
			t.Errorf("%+v, %v", got, err)
		}
	}
}

// What is not persisted does not survive a crash.
func TestAllOfAnIntentIsPersisted(t *testing.T) {
	i := intent.Intent{
		Tag: "TAG", Rev: 1, State: intent.Sealed, Route: 2, Rows: 3, Tokens: 9, Flush: &intent.Flush{Reason: "size", At: sent, Limit: 3, Fill: 0.5}, Reserved: 7, Day: "2026-11-29", Waste: 8, Account: "a", File: "f", Batch: "b", Unproven: true,
		Creates: 4, SentAt: sent, Repeats: true, Deadline: deadline, Reason: &intent.Reason{Class: "c", Code: "d", Message: "e"}, Refusals: 6, Again: sent, Past: []string{"w"},
		Doubts: 5, Since: sent, Looks: 1, Surplus: []string{"x", "y"}, Cancelled: 1, Suspects: []string{"z"}, Swept: true, Abandoned: true, Freed: true,
		Short: true, Missing: 6, Undecided: true, Verdict: intent.SendMissing, Pack: &intent.Pack{Rows: 2, Bytes: 5, Requests: 2}, Prefix: intent.WritesPrefix,
	}
	b, err := json.Marshal(i)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(b, []byte(`"prefix":"writes"`)) {
		t.Errorf("journals of before have another form: %s", b)
	}
	var got intent.Intent
	if err := json.Unmarshal(b, &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(i, got); diff != "" {
		t.Error(diff)
	}
	v := reflect.ValueOf(i)
	for n := range v.NumField() {
		if v.Field(n).IsZero() {
			t.Errorf("this test does not set %s", v.Type().Field(n).Name)
		}
	}
}
