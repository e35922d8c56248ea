package gemini_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/balerhq/baler/retry"
	"github.com/balerhq/baler/sink"
	"github.com/balerhq/baler/sink/gemini"
)

const answered = `"response":{"candidates":[{"content":{"parts":[{"text":"hi"}]}}]}`

// element is a row of results within a batch.
func element(key string) string { return `{"metadata":{"key":"` + key + `"},` + answered + `}` }

func batch(state, output string) string {
	return `{"name":"batches/b","metadata":{"state":"` + state + `","batchStats":{"requestCount":"3","successfulRequestCount":"3"},"output":` + output + `}`
}

func inlined(elements ...string) string {
	return `{"inlinedResponses":{"inlinedResponses":[` + strings.Join(elements, ",") + `]}}`
}

const succeeded = "BATCH_STATE_SUCCEEDED"

func TestResultsWithinABatch(t *testing.T) {
	bare := `{` + answered + `}`
	three := []string{element("a"), element("b"), element("c")}
	for name, test := range map[string]struct{ reply, want string }{
		"by key":                        {batch(succeeded, inlined(three...)) + `}`, "a b c"},
		"by place":                      {batch(succeeded, inlined(bare, element("b"), `{"error":{"code":3,"message":"no"}}`)) + `}`, "b #1 #3:INVALID_ARGUMENT"},
		"by place, not whole":           {batch(succeeded, inlined(bare, element("b"))) + `}`, "b #0"},
		"by place, with more":           {batch(succeeded, inlined(bare, element("b"), bare, `{"error":{"code":3,"message":"no"}}`)) + `}`, "b #0 #0 #0:INVALID_ARGUMENT"},
		"by place, one of two is whole": {batch(succeeded, inlined(bare)) + `,"response":` + inlined(bare, bare, bare) + `}`, "#0 #0 #0"},
		"by place, in two lists":        {batch(succeeded, inlined(bare, bare, bare)) + `,"response":` + inlined(bare, bare, bare) + `}`, "#1 #2 #3"},
		"by place, of unknown count":    {`{"name":"batches/b","metadata":{"state":"BATCH_STATE_SUCCEEDED","output":` + inlined(bare, bare) + `}}`, "#0 #0"},
		"under both names":              {batch(succeeded, inlined(three...)) + `,"done":true,"response":` + inlined(three...) + `}`, "a b c"},
		"under the second name":         {batch(succeeded, inlined(element("a"))) + `,"response":` + inlined(three...) + `}`, "a b c"},
		"repeated":                      {batch(succeeded, inlined(element("a"), element("a"), element("b"), element("c"))) + `}`, "a a b c"},
		"in a list of their own":        {batch(succeeded, `{"inlinedResponses":[`+strings.Join(three, ",")+`]}`) + `}`, "a b c"},
		"of embeddings": {batch(succeeded, `{"inlinedEmbedContentResponses":{"inlinedResponses":[`+
			`{"metadata":{"key":"a"},"response":{"embedding":{"values":[1]}}},`+element("b")+`,`+element("c")+`]}}`) + `}`, "a b c"},
		"fewer than counted": {batch(succeeded, inlined(three[:2]...)) + `}`, "a b"},
		"unreadable":         {batch(succeeded, inlined(`7`, element("a"), `{"x":1}`, element("b"), element("c"))) + `}`, "#0:unreadable_line a #0:unreadable_line b c"},
	} {
		c, _ := serve(t, answers{"GET /v1beta/batches/b": test.reply}, gemini.Config{})
		got, err := outcomes(t, c, "batches/b")
		if err != nil || names(got) != test.want {
			t.Errorf("%s: %s, %v, want %s", name, names(got), err, test.want)
		}
	}
}

func TestResultsInAFile(t *testing.T) {
	line := func(key, rest string) string { return `{"key":"` + key + `",` + rest + "}\n" }
	c, _ := serve(t, answers{
		"GET /v1beta/batches/b": batch(succeeded, `{"responsesFile":"files/batch-b"}`) + `}`,
		"GET /v1beta/files/batch-b:download": line("a", answered) + line("b", `"error":{"code":8,"message":"later"}`) +
			line("c", `"status":{"code":7,"message":"no"}`) + line("d", `"response":{"embedding":{"values":[]}},"status":""`) +
			line("e", `"status":"INTERNAL"`) + line("f", `"error":{"code":1}`) + line("g", `"response":null`) + line("h", `"response":{}`) +
			line("i", answered+`,"error":{"code":13}`) + line("j", `"response":{"promptFeedback":{"blockReason":"SAFETY"}}`),
	}, gemini.Config{})
	got, err := outcomes(t, c, "batches/b")
	want := "a d i j b:RESOURCE_EXHAUSTED c:PERMISSION_DENIED e:error f:batch_cancelled g:no_response h:no_answer"
	if err != nil || names(got) != want {
		t.Fatalf("%s, %v, want %s", names(got), err, want)
	}
	classes := map[string]retry.Class{"b": retry.Retryable, "c": retry.Permanent, "f": retry.Retryable, "g": retry.Retryable, "h": retry.Permanent}
	for _, o := range got {
		if o.Err != nil && classes[o.ID] != 0 && o.Err.Class != classes[o.ID] {
			t.Errorf("%s is %s", o.ID, o.Err.Class)
		}
		if isSkipped := o.ID == "f" || o.ID == "g"; o.Skipped != isSkipped || (o.Status == 0) != (isSkipped || o.ID == "e") {
			t.Errorf("%s: %+v", o.ID, o)
		}
	}
}

// A blocked prompt is an answer, and a refusal.
func TestABlockedPromptIsAFlaw(t *testing.T) {
	c, _ := serve(t, answers{"GET /v1beta/batches/b": batch(succeeded,
		inlined(`{"metadata":{"key":"a"},"response":{"promptFeedback":{"blockReason":"SAFETY"}}}`, element("b"), element("c"))) + `}`}, gemini.Config{})
	got, err := outcomes(t, c, "b")
	if err != nil || len(got) != 3 || got[0].Err != nil {
		t.Fatalf("%+v, %v", got, err)
	}
	e, _ := errors.AsType[*sink.RowError](sink.ReadAnswer(&got[0], c.Info().Codec).Err)
	if e == nil || e.Class != retry.Permanent {
		t.Errorf("%+v", e)
	}
}

func TestResultsThatAreNotThere(t *testing.T) {
	ended := func(ago time.Duration) string {
		return strings.Replace(batch(succeeded, `{"responsesFile":"files/r"}`)+`}`, `{"state"`,
			`{"endTime":"`+time.Now().Add(-ago).UTC().Format(time.RFC3339)+`","state"`, 1)
	}
	for name, test := range map[string]struct {
		reply string
		want  retry.Class // 0 for no error
	}{
		"late":                         {ended(time.Minute), retry.Retryable},
		"late, nobody says since when": {batch(succeeded, `{"responsesFile":"files/r"}`) + `}`, retry.Retryable},
		"gone":                         {ended(50 * 24 * time.Hour), retry.Permanent},
		"not shown yet":                {batch(succeeded, `null`) + `}`, retry.Retryable},
		"not shown of a cancelled":     {batch("BATCH_STATE_CANCELLED", `null`) + `}`, retry.Retryable},
		"none of an expired":           {batch("BATCH_STATE_EXPIRED", `null`) + `}`, 0},
		"none of a refused":            {`{"metadata":{"state":"BATCH_STATE_FAILED"}}`, 0},
		"none of a cancelled":          {`{"metadata":{"state":"BATCH_STATE_CANCELLED"}}`, 0},
		"before the end":               {`{"metadata":{"state":"BATCH_STATE_RUNNING"}}`, retry.Retryable},
		"cut off":                      {batch(succeeded, inlined(element("a"), element("b"), element("c")))[:300], retry.Retryable},
		"a page":                       {`<html>`, retry.Retryable},
		"of another batch":             {`{"name":"batches/c","metadata":{"state":"BATCH_STATE_FAILED"}}`, retry.Retryable},
	} {
		c, _ := serve(t, answers{"GET /v1beta/batches/b": test.reply}, gemini.Config{})
		_, err := outcomes(t, c, "b")
		if (err != nil) != (test.want != 0) || err != nil && retry.ClassOf(err) != test.want {
			t.Errorf("%s: %v", name, err)
		}
		if isNotEnded := name == "before the end"; errors.Is(err, sink.ErrNotEnded) != isNotEnded {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A reply that breaks off is read again, and no row comes twice.
func TestResultsWithinABatchAreReadAgain(t *testing.T) {
	whole, calls := batch(succeeded, inlined(element("a"), element("b"), element("c")))+`}`, 0
	c, _ := serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if calls++; calls == 1 {
			w.Header().Set("Content-Length", "5000")
			_, _ = w.Write([]byte(whole[:len(whole)-60]))
			return
		}
		_, _ = w.Write([]byte(whole))
	}), gemini.Config{})
	got, err := outcomes(t, c, "b")
	if err != nil || names(got) != "a b c" || calls != 2 {
		t.Errorf("%s in %d calls, %v", names(got), calls, err)
	}
}
