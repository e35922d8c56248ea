package durable_test

import (
	"fmt"
	"maps"
	"os"
	"strings"
	"testing"

	"github.com/balerhq/baler/flow/durable/internal/durabletest"
	"github.com/balerhq/baler/retry"
	"github.com/balerhq/baler/sink/openai"
	"github.com/balerhq/baler/sink/simulator"
)

// odd are replies that are no answer, by what is asked, each with the code that
// it fails with.
func odd(chat bool) map[string]struct {
	reply simulator.Reply
	code  string
} {
	empty := `"response":{"status_code":200,"body":{"object":"chat.completion","choices":[{"finish_reason":"stop","message":{"content":null,"reasoning_content":"hm"}}]}},"error":null`
	filtered := simulator.Reply{Text: "half of", FinishReason: "content_filter"}
	if !chat {
		filtered.Raw = []byte(`"response":{"status_code":200,"body":{"object":"response","status":"incomplete","incomplete_details":{"reason":"content_filter"},` +
			`"output":[{"type":"message","content":[{"type":"output_text","text":"half of"}]}]}},"error":null`)
		empty = `"response":{"status_code":200,"body":{"object":"response","status":"completed","output":[{"type":"reasoning"}]}},"error":null`
	}
	return map[string]struct {
		reply simulator.Reply
		code  string
	}{
		"CUT":      {simulator.Reply{Text: "half of", FinishReason: "length"}, "max_tokens"},
		"FILTER":   {filtered, "content_filter"},
		"REFUSED":  {simulator.Reply{Refusal: "I will not"}, "refusal"},
		"REASONED": {simulator.Reply{Raw: []byte(empty)}, "empty_answer"},
		"NULLBODY": {simulator.Reply{Raw: []byte(`"response":{"status_code":200,"body":null},"error":null`)}, "no_answer"},
		"ERRBODY":  {simulator.Reply{Raw: []byte(`"response":{"status_code":200,"body":{"error":{"code":"odd","message":"m"}}},"error":null`)}, "odd"},
		"ERRTEXT":  {simulator.Reply{Raw: []byte(`"response":null,"error":"boom"`)}, "error"},
		"HTMLROW":  {simulator.Reply{Raw: []byte(`"response":{"status_code":200,"body":"<html>"},"error":null`)}, "unreadable_reply"},
	}
}

// What is no answer is an outcome of its own: with its code and class, not sent
// again, counted, and no answer for other runs.
func TestWhatIsNoAnswerFailsWithItsCode(t *testing.T) {
	t.Parallel()
	for _, endpoint := range []string{"/v1/chat/completions", "/v1/responses"} {
		replies := odd(endpoint == "/v1/chat/completions")
		answer := func(r simulator.Row) simulator.Reply {
			for word, reply := range replies {
				if strings.Contains(string(r.Body), word) {
					return reply.reply
				}
			}
			return simulator.Echo(r)
		}
		durabletest.Bubble(t, simulator.Config{Answer: answer}, openai.Config{Endpoint: endpoint}, nil, func(w *durabletest.World) {
			t := w.T
			lines, want := []string{`{"id":"fine","text":"fine"}`}, make(map[string]int)
			for word, reply := range replies {
				lines = append(lines, fmt.Sprintf(`{"id":%q,"text":%q}`, word, word))
				want[reply.code]++
			}
			w.Write("in.jsonl", lines...)
			report := w.MustRun(w.Job())
			if report.Succeeded != 1 || report.Failed != len(replies) || report.Retried != 0 || !maps.Equal(report.Failures, want) {
				t.Errorf("%s: report %+v, want the failures %v", endpoint, report, want)
			}
			for id, r := range w.Results() {
				reply, isOdd := replies[id]
				switch {
				case !isOdd && r.Error != nil, isOdd && (r.Error == nil || r.Error.Code != reply.code || r.Error.Class != retry.Permanent):
					t.Errorf("%s: %s: %+v", endpoint, id, r.Error)
				case r.Text != reply.reply.Text && isOdd, reply.reply.Raw == nil && len(r.Response) == 0:
					t.Errorf("%s: %s lost what there was: %+v", endpoint, id, r)
				}
			}
			again := w.Job()
			again.Name = "again"
			if err := os.Rename(w.Path("out.jsonl"), w.Path("first.jsonl")); err != nil {
				t.Fatal(err)
			}
			if report := w.MustRun(again); report.FromCache != 1 || report.Failed != len(replies) {
				t.Errorf("%s: from the cache came %+v", endpoint, report)
			}
		})
	}
}

// Rows that never ran go again, whatever file they are in and whatever the
// counts say.
func TestRowsWithoutAStatusGoAgain(t *testing.T) {
	t.Parallel()
	asked := make(map[string]int)
	answer := func(r simulator.Row) simulator.Reply {
		for _, word := range []string{"STATUS0", "NORESPONSE", "ROW500OUT"} {
			if strings.Contains(string(r.Body), word) {
				if asked[word]++; asked[word] == 1 {
					return simulator.Reply{Raw: []byte(map[string]string{
						"STATUS0":    `"response":{"status_code":0,"body":""},"error":null`,
						"NORESPONSE": `"response":null,"error":null`,
						"ROW500OUT":  `"response":{"status_code":500,"body":{"error":{"message":"m"}}},"error":null`,
					}[word])}
				}
			}
		}
		return simulator.Echo(r)
	}
	durabletest.Bubble(t, simulator.Config{Answer: answer}, openai.Config{}, nil, func(w *durabletest.World) {
		w.Write("in.jsonl", `{"id":"a","text":"STATUS0"}`, `{"id":"b","text":"NORESPONSE"}`, `{"id":"c","text":"ROW500OUT"}`, `{"id":"d","text":"fine"}`)
		if report := w.MustRun(w.Job()); report.Succeeded != 4 || report.Retried != 3 {
			w.T.Errorf("report %+v", report)
		}
	})
}

// What earlier runs counted is not lost, and not counted twice.
func TestFailuresAreCountedOverRuns(t *testing.T) {
	t.Parallel()
	w := durabletest.New(t, simulator.Config{Answer: func(simulator.Row) simulator.Reply {
		return simulator.Reply{Text: "half", FinishReason: "length"}
	}})
	w.Write("in.jsonl", durabletest.Tickets(300)...)
	job := unguarded(w.Job())
	job.MaxInFlight = 1
	w.DieTorn(1, job)
	report := w.MustRun(job)
	if report.Failed != 300 || !maps.Equal(report.Failures, map[string]int{"max_tokens": 300}) {
		t.Errorf("report %+v", report)
	}
}
