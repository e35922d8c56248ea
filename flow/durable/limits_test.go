package durable

import (
	"strings"
	"testing"
	"time"

	"github.com/balerhq/baler/ratelimit"
)

// A limit that is given lifts no other.
func TestLimitsHaveDefaultsEach(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		given          Rate
		atOnce         int
		creates, polls ratelimit.Config
	}{
		{
			creates: ratelimit.Config{Requests: 2000, Window: time.Hour, Burst: 10 * time.Minute},
			polls:   ratelimit.Config{Requests: 3000, Window: time.Minute, Slots: 8},
		},
		{
			atOnce:  2,
			creates: ratelimit.Config{Requests: 2000, Window: time.Hour, Burst: 10 * time.Minute},
			polls:   ratelimit.Config{Requests: 3000, Window: time.Minute, Slots: 2},
		},
		{
			given:   Rate{Per: time.Second},
			creates: ratelimit.Config{Requests: 1, Window: time.Second, Burst: time.Second / 6},
			polls:   ratelimit.Config{Requests: 50, Window: time.Second, Slots: 8},
		},
		{
			given:   Rate{Requests: 600, Per: time.Minute},
			creates: ratelimit.Config{Requests: 600, Window: time.Minute, Burst: 10 * time.Second},
			polls:   ratelimit.Config{Requests: 600, Window: time.Minute, Slots: 8},
		},
		{
			given:   Rate{Requests: 600},
			creates: ratelimit.Config{Requests: 600, Window: time.Hour, Burst: 10 * time.Minute},
			polls:   ratelimit.Config{Requests: 600, Window: time.Minute, Slots: 8},
		},
	} {
		if got := createLimit(test.given); got != test.creates {
			t.Errorf("creates of %+v: %+v", test.given, got)
		}
		if got := pollLimit(test.given, test.atOnce); got != test.polls {
			t.Errorf("polls of %+v: %+v", test.given, got)
		}
	}
}

func TestALimitThatMakesNoSenseIsNamed(t *testing.T) {
	t.Parallel()
	for name, set := range map[string]func(*Job[int]){
		"Batch.MaxItems":   func(j *Job[int]) { j.Batch.MaxItems = -1 },
		"Batch.MaxBytes":   func(j *Job[int]) { j.Batch.MaxBytes = -1 },
		"Batch.MaxWait":    func(j *Job[int]) { j.Batch.MaxWait = -1 },
		"Creates.Requests": func(j *Job[int]) { j.Creates.Requests = -1 },
		"Creates.Per":      func(j *Job[int]) { j.Creates.Per = -1 },
		"Polls.Requests":   func(j *Job[int]) { j.Polls.Requests = -1 },
		"Polls.Per":        func(j *Job[int]) { j.Polls.Per = -1 },
		"PollsAtOnce":      func(j *Job[int]) { j.PollsAtOnce = -1 },
	} {
		var job Job[int]
		if err := job.mayNotBeNegative(); err != nil {
			t.Fatal(err)
		}
		set(&job)
		if err := job.mayNotBeNegative(); err == nil || !strings.Contains(err.Error(), "Job."+name+" is -1") {
			t.Errorf("%s: error %v", name, err)
		}
	}
}
