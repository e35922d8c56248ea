package durable_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/flow/durable/internal/durabletest"
	"github.com/balerhq/baler/sink/llm"
	"github.com/balerhq/baler/sink/openai"
	"github.com/balerhq/baler/sink/simulator"
)

// Of an answer of several messages the last text counts for the schema, and all
// are kept. A last message without a text does not hide the one before.
func TestTheLastOfSeveralMessagesCounts(t *testing.T) {
	t.Parallel()
	message := func(content string) string {
		return `{"type":"message","role":"assistant","content":[` + content + `]}`
	}
	text := func(s string) string { return message(`{"type":"output_text","text":"` + s + `","annotations":[]}`) }
	const right = `{\"why\":\"late\",\"tags\":[]}`
	durabletest.Bubble(t, simulator.Config{Answer: func(r simulator.Row) simulator.Reply {
		items := text("I shall look.") + "," + text(right)
		if strings.Contains(string(r.Body), "ticket 1") {
			items = text(`{\"why\":\"early\",\"tags\":[]}`) + `,{"type":"reasoning","summary":[]},` + text(right) + "," + message("")
		}
		return simulator.Reply{Body: []byte(`{"object":"response","status":"completed","model":"m","output":[` + items + `]}`)}
	}}, openai.Config{Endpoint: "/v1/responses"}, nil, func(w *durabletest.World) {
		w.Write("in.jsonl", durabletest.Tickets(2)...)
		job := w.BriskJob()
		job.Answer = llm.JSON[summary]()
		if report := w.MustRun(job); report.Succeeded != 2 || report.Retried != 0 {
			w.T.Errorf("%+v", report)
		}
		for id, r := range w.Results() {
			value, err := durable.Value[summary](r)
			if err != nil || value.Why != "late" || !strings.Contains(string(r.Response), "I shall look.") && !strings.Contains(string(r.Response), "early") {
				w.T.Errorf("%s: %+v, %v, %s", id, value, err, r.Response)
			}
		}
	})
}

// All answers of a job are for one schema, by which an archive reads them: what
// is added later cannot have another.
func TestAnotherSchemaForWhatIsAddedIsRefused(t *testing.T) {
	t.Parallel()
	type newer struct {
		summary
		Next string `json:"next"`
	}
	w := durabletest.New(t, simulator.Config{})
	job := func(n int, answer llm.Answer) durable.Job[durabletest.Ticket] {
		w.Write("in.jsonl", durabletest.Tickets(n)...)
		job := nightly(w)
		job.Answer = answer
		return job
	}
	w.MustRun(job(2, llm.JSON[summary]()))
	_, err := w.Run(t.Context(), job(4, llm.JSON[newer]()))
	if _, is := errors.AsType[*durable.MismatchError](err); !is {
		t.Errorf("%v", err)
	}
	if report := w.MustRun(job(4, llm.JSON[summary]())); report.Succeeded != 4 || report.Earlier.Rows != 2 {
		t.Errorf("%+v", report)
	}
}
