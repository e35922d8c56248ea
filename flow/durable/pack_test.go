package durable_test

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/flow/durable/archive"
	"github.com/balerhq/baler/flow/durable/internal/durabletest"
	"github.com/balerhq/baler/sink/llm"
	"github.com/balerhq/baler/sink/simulator"
)

// clerk is a model that answers several tickets in one request, and makes one
// of several mistakes with the first ticket of a request that fault names. It
// knows how many tickets have to be asked alone for that, and were.
type clerk struct {
	fault func(text string) string

	mu       sync.Mutex
	requests int
	doubtful map[string]bool // texts
	together map[string]int  // times that a text was in a request with others
	alone    map[string]int
	most     int // tickets in a request
}

var input = regexp.MustCompile(`<[0-9a-f]{8} id="(\d+)">\n(.*)\n</`)

type reply struct {
	ID     int    `json:"id"`
	Answer string `json:"answer"`
}

func (c *clerk) answer(r simulator.Row) simulator.Reply {
	var body struct {
		Messages []struct{ Role, Content string }
	}
	if err := json.Unmarshal(r.Body, &body); err != nil || len(body.Messages) == 0 {
		return simulator.Reply{Text: fmt.Sprint("no chat: ", err)}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.requests++
	if c.doubtful == nil {
		c.doubtful, c.together, c.alone = make(map[string]bool), make(map[string]int), make(map[string]int)
	}
	last := body.Messages[len(body.Messages)-1].Content
	inputs := input.FindAllStringSubmatch(last, -1)
	if len(inputs) == 0 {
		c.alone[last]++
		return simulator.Reply{Text: "about " + last}
	}
	c.most = max(c.most, len(inputs))
	var texts []string
	var replies []reply
	for i, in := range inputs {
		if in[1] != fmt.Sprint(i+1) {
			return simulator.Reply{Text: "the ids are not in order"}
		}
		c.together[in[2]]++
		texts = append(texts, in[2])
		replies = append(replies, reply{i + 1, "about " + in[2]})
	}
	return c.spoil(texts, replies)
}

// spoil returns the reply with a mistake, if one of the tickets has one.
func (c *clerk) spoil(texts []string, replies []reply) simulator.Reply {
	doubt := func(i ...int) {
		for _, n := range i {
			c.doubtful[texts[n]] = true
		}
	}
	var all []int
	for i := range texts {
		all = append(all, i)
	}
	for i, text := range texts {
		other := (i + 7) % len(texts)
		switch c.fault(text) {
		case "missing":
			replies = append(replies[:i], replies[i+1:]...)
			doubt(i)
		case "swapped":
			replies[i].ID, replies[other].ID = replies[other].ID, replies[i].ID
			doubt(i, other)
		case "twice":
			replies = append(replies[:i+1], replies[i:]...)
			replies[i].Answer = "about something else"
			doubt(i)
		case "surplus":
			replies = append(replies, reply{len(texts) + 1, "about nothing"})
			doubt(all...)
		case "prose":
			doubt(all...)
			return simulator.Reply{Text: "They are all fine."}
		case "bad":
			doubt(all...)
			return simulator.Reply{Error: &simulator.RowError{Status: 400}}
		default:
			continue
		}
		break
	}
	text, err := json.Marshal(replies)
	if err != nil {
		return simulator.Reply{Text: err.Error()}
	}
	return simulator.Reply{Text: string(text)}
}

// someFaults lets three tickets of a hundred be at fault.
func someFaults(text string) string {
	var n int
	if _, err := fmt.Sscanf(text, "ticket number %d", &n); err != nil || n%33 != 0 {
		return ""
	}
	return []string{"missing", "swapped", "twice", "surplus", "swapped", "missing", "prose", "missing", "bad"}[n/33%9]
}

// packedJob returns a job whose tickets share requests.
func packedJob(w *durabletest.World) durable.Job[durabletest.Ticket] {
	job := w.Job()
	job.Prompt = func(tk durabletest.Ticket) (llm.Chat, error) {
		return llm.Ask(tk.Text).As("Say what it is about."), nil
	}
	job.Batch.MaxItems, job.Pack.MaxItems = 500, 25
	return job
}

// check compares the results and the bill with what has to be.
func (c *clerk) check(w *durabletest.World, report durable.Report, n int) {
	w.T.Helper()
	sum := llm.Usage{}
	got := w.Results()
	for i := range n {
		text, r := fmt.Sprintf("ticket number %d", i), got[fmt.Sprintf("t-%d", i)]
		if r.Status != durable.ItemSucceeded || r.Text != "about "+text {
			w.T.Fatalf("ticket %d: %+v", i, r)
		}
		if want := map[bool]int{true: 1}[c.doubtful[text]]; c.together[text] != 1 || c.alone[text] != want || r.Attempts != 1+want {
			w.T.Errorf("ticket %d was asked %d times with others and %d times alone, want %d: %+v", i, c.together[text], c.alone[text], want, r)
		}
		sum = sum.Add(*r.Usage)
	}
	if len(got) != n || c.most != 25 || c.requests != n/25+len(c.doubtful) {
		w.T.Errorf("%d results, %d tickets at most together, %d requests for %d doubtful tickets", len(got), c.most, c.requests, len(c.doubtful))
	}
	billed := llm.Usage{}
	for e, err := range w.Server.Executions() {
		if err != nil {
			w.T.Fatal(err)
		}
		billed = billed.Add(llm.Usage{Input: int(e.InputTokens), Output: int(e.OutputTokens)})
	}
	if report.Usage != billed || sum.Input > billed.Input || sum.Output > billed.Output {
		w.T.Errorf("usage %+v, billed %+v, of results %+v", report.Usage, billed, sum)
	}
}

// Tickets that share requests have one right result each, whatever is wrong
// with the ids of the answers, and the bill is the smallest for that.
func TestRowsThatShareRequestsHaveOneRightResultEach(t *testing.T) {
	t.Parallel()
	c := &clerk{fault: someFaults}
	w := durabletest.New(t, simulator.Config{Answer: c.answer})
	w.Write("in.jsonl", durabletest.Tickets(2000)...)
	report := w.MustRun(packedJob(w))
	c.check(w, report, 2000)
	if len(c.doubtful) < 60 || report.Retried != len(c.doubtful) {
		t.Errorf("%d doubtful tickets: %+v", len(c.doubtful), report)
	}
	for _, ordered := range []bool{false, true} {
		_, stored := durabletest.Collect(t, w.Archive("tickets").Results(archive.Query{Codec: w.Provider.Info().Codec, Ordered: ordered}))
		got := w.Results()
		for _, r := range stored {
			if want := got[r.ID]; r.Text != want.Text || *r.Usage != *want.Usage || r.Attempts != want.Attempts || r.Model != want.Model {
				t.Fatalf("the archive has %+v, the output %+v", r, want)
			}
		}
		if len(stored) != 2000 {
			t.Errorf("the archive has %d results", len(stored))
		}
	}
}

// Nothing of that depends on the process that began.
func TestRowsThatShareRequestsSurviveCrashes(t *testing.T) {
	t.Parallel()
	c := &clerk{fault: someFaults}
	w := durabletest.New(t, simulator.Config{Answer: c.answer})
	w.Write("in.jsonl", durabletest.Tickets(500)...)
	job := packedJob(w)
	job.Batch.MaxItems, job.MaxInFlight = 100, 2
	w.DieAfter(1, job)
	w.DieTorn(1, job)
	w.LoseIndex()
	w.Rebuild()
	w.DieAfter(1, job)
	c.check(w, w.MustRun(job), 500)
}

// What was answered in a shared request counts for other jobs like any answer.
func TestAnswersOfSharedRequestsAreCached(t *testing.T) {
	t.Parallel()
	c := &clerk{fault: func(string) string { return "" }}
	w := durabletest.New(t, simulator.Config{Answer: c.answer})
	job := packedJob(w)
	_, first := w.MustRunAs("one", job, durabletest.Tickets(50)...)
	job.Pack = durable.PackLimits{}
	report, got := w.MustRunAs("two", job, durabletest.Others(0, 50)...)
	if report.FromCache != 50 || c.requests != 2 {
		t.Errorf("report %+v, %d requests", report, c.requests)
	}
	for i := range 50 {
		if r, was := got[fmt.Sprintf("u-%d", i)], first[fmt.Sprintf("t-%d", i)]; !r.Cached || r.Text != was.Text || *r.Usage != *was.Usage {
			t.Fatalf("result %+v of %+v", r, was)
		}
	}
}

// A request that fails for now is sent again as it was, and then each of its
// rows alone.
func TestARequestThatFailsTwiceIsAskedRowByRow(t *testing.T) {
	t.Parallel()
	c := &clerk{fault: func(string) string { return "" }}
	shared := 0
	w := durabletest.New(t, simulator.Config{Answer: func(r simulator.Row) simulator.Reply {
		reply := c.answer(r)
		c.mu.Lock()
		defer c.mu.Unlock()
		if strings.HasPrefix(reply.Text, "[") {
			shared++
			return simulator.Reply{Error: &simulator.RowError{Status: 500}}
		}
		return reply
	}})
	w.Write("in.jsonl", durabletest.Tickets(25)...)
	report := w.MustRun(unguarded(packedJob(w)))
	if report.Succeeded != 25 || shared != 2 || len(c.alone) != 25 {
		t.Errorf("%+v, %d shared requests, %d tickets alone", report, shared, len(c.alone))
	}
}

// Even a job that sends each item once asks again alone what was not answered.
func TestARowIsAskedAloneWhateverMaxAttemptsSays(t *testing.T) {
	t.Parallel()
	c := &clerk{fault: func(text string) string { return map[bool]string{true: "missing"}[strings.HasSuffix(text, "3")] }}
	w := durabletest.New(t, simulator.Config{Answer: c.answer})
	w.Write("in.jsonl", durabletest.Tickets(25)...)
	job := packedJob(w)
	job.MaxAttempts = 1
	c.check(w, w.MustRun(job), 25)
}

// Options that belong to one answer are refused with Pack.
func TestPackIsRefusedWithOptionsOfOneAnswer(t *testing.T) {
	t.Parallel()
	w := durabletest.New(t, simulator.Config{})
	w.Write("in.jsonl", durabletest.Tickets(1)...)
	for name, change := range map[string]func(*durable.Job[durabletest.Ticket]){
		"-1":       func(j *durable.Job[durabletest.Ticket]) { j.Pack.MaxItems = -1 },
		"MaxBytes": func(j *durable.Job[durabletest.Ticket]) { j.Pack = durable.PackLimits{MaxBytes: 5} },
		`"stop"`: func(j *durable.Job[durabletest.Ticket]) {
			j.Routes = []durable.Route{{Provider: j.Provider, Model: j.Model, Options: llm.Options{"stop": json.RawMessage(`"."`)}}}
			j.Provider, j.Model = nil, ""
		},
	} {
		job := packedJob(w)
		change(&job)
		if _, err := w.Run(t.Context(), job); err == nil || !strings.Contains(err.Error(), "Job.Pack") && name != "-1" || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: error %v", name, err)
		}
	}
}
