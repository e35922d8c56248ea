package openai_test

import (
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/balerhq/baler/retry"
	"github.com/balerhq/baler/sink"
	"github.com/balerhq/baler/sink/openai"
	"github.com/balerhq/baler/sink/simulator"
)

func TestCompleted(t *testing.T) {
	_, c := simulate(t, simulator.Config{})
	h := buy(t, c, "tag", chat("one"), chat("[[400]]"), chat("[[timeout]]"))
	s := await(t, c, h, "completed")
	if !s.Ended || s.Err != nil || s.Total != 3 || s.Succeeded != 1 || s.Failed != 2 {
		t.Errorf("%+v", s)
	}
	got := outcomes(t, c, h)
	for i, want := range []struct {
		status int
		class  retry.Class
	}{{200, 0}, {400, retry.Permanent}, {0, retry.Retryable}} {
		o := got[rowID(i)]
		if o.Status != want.status || (o.Err == nil) != (want.class == 0) || o.Err != nil && o.Err.Class != want.class {
			t.Errorf("row %d: %+v", i, o)
		}
	}
	if len(got) != 3 {
		t.Errorf("%d outcomes", len(got))
	}
}

func TestCompletedWithoutOutputFile(t *testing.T) {
	_, c := simulate(t, simulator.Config{})
	h := buy(t, c, "tag", chat("[[400]]"), chat("[[500]]"))
	await(t, c, h, "completed")
	got := outcomes(t, c, h)
	if len(got) != 2 || got[rowID(0)].Err.Class != retry.Permanent || got[rowID(1)].Err.Class != retry.Retryable {
		t.Errorf("%+v", got)
	}
}

func TestFailedNamesTheLines(t *testing.T) {
	_, c := simulate(t, simulator.Config{})
	h := buy(t, c, "tag", chat("fine"), `{"model":"m"}`, `{"messages":[]}`)
	s := await(t, c, h, "failed")
	if !s.Ended || s.Err == nil || s.Err.Class != retry.Permanent || s.Err.Code == "" || s.Err.Message == "" {
		t.Errorf("%+v", s)
	}
	got := outcomes(t, c, h)
	for line, want := range map[int]bool{1: false, 2: true, 3: true} {
		if o, named := got[line]; named != want || named && o.Err.Class != retry.Permanent {
			t.Errorf("line %d: %+v, want named %t", line, o, want)
		}
	}
}

func TestTokenLimitMayPassLater(t *testing.T) {
	_, c := simulate(t, simulator.Config{Limits: simulator.Limits{EnqueuedTokens: 1}})
	h := buy(t, c, "tag", chat("more than one token"))
	s := await(t, c, h, "failed")
	if s.Err == nil || s.Err.Class != retry.Retryable || s.Err.Code != "token_limit_exceeded" {
		t.Errorf("%+v", s.Err)
	}
	if got := outcomes(t, c, h); len(got) != 0 {
		t.Errorf("no line is at fault, but %+v", got)
	}
}

func TestExpired(t *testing.T) {
	server, c := simulate(t, simulator.Config{Latency: simulator.Latency{Processing: 40 * time.Hour}})
	h := buy(t, c, "tag", chat("first half"), chat("second half"))
	await(t, c, h, "in_progress")
	if err := server.Advance(25 * time.Hour); err != nil {
		t.Fatal(err)
	}
	await(t, c, h, "expired")
	done, expired := 0, 0
	for _, o := range outcomes(t, c, h) {
		switch {
		case o.Err == nil:
			done++
		case o.Err.Code == "batch_expired" && o.Err.Class == retry.Retryable:
			expired++
		}
	}
	if done != 1 || expired != 1 {
		t.Errorf("%d done, %d expired", done, expired)
	}
}

func TestCancelled(t *testing.T) {
	_, c := simulate(t, simulator.Config{Latency: simulator.Latency{Processing: 48 * time.Hour}})
	h := buy(t, c, "tag", chat("a"), chat("b"))
	await(t, c, h, "in_progress")
	if err := c.Cancel(t.Context(), h); err != nil {
		t.Fatal(err)
	}
	await(t, c, h, "cancelled")
	for id, o := range outcomes(t, c, h) {
		if o.Err == nil || o.Err.Class != retry.Retryable || o.Err.Code != "batch_cancelled" {
			t.Errorf("%v: %+v", id, o)
		}
	}
}

func TestUploadWithoutAnswerIsFoundAgain(t *testing.T) {
	const upload = "POST /v1/files"
	server, c := simulate(t, simulator.Config{Faults: []simulator.Fault{
		{Route: upload, Action: simulator.ActionResetAfter},
		{Route: upload, Action: simulator.ActionFailAfter, From: 2},
	}})
	first, err := c.Upload(t.Context(), spec("tag"), rows(chat("a")))
	if err != nil {
		t.Fatal(err)
	}
	if again, err := c.Upload(t.Context(), spec("tag"), rows(chat("a"))); again != first || err != nil {
		t.Errorf("%q and %q, %v", first, again, err)
	}
	if n := requests(t, server, upload); n != 1 {
		t.Errorf("%d uploads of one file", n)
	}
	if other, err := c.Upload(t.Context(), spec("tag"), rows(chat("longer"))); other == first || err != nil {
		t.Errorf("another content is the same file: %q, %v", other, err)
	}
	if other, err := c.Upload(t.Context(), spec("gat"), rows(chat("a"))); other == first || err != nil {
		t.Errorf("another tag is the same file: %q, %v", other, err)
	}
}

func TestFindReadsAllPagesBackToItsTime(t *testing.T) {
	const list = "GET /v1/batches"
	server, c := simulate(t, simulator.Config{})
	begin := server.Now()
	file, err := c.Upload(t.Context(), spec("tag"), rows(chat("a")))
	if err != nil {
		t.Fatal(err)
	}
	want, err := c.Create(t.Context(), spec("wanted"), file, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Advance(time.Hour); err != nil {
		t.Fatal(err)
	}
	for range 210 {
		if _, err := c.Create(t.Context(), spec("other"), file, nil); err != nil {
			t.Fatal(err)
		}
	}
	find := func(since time.Time) (found []string, pages int) {
		before := requests(t, server, list)
		found, err := c.Find(t.Context(), "wanted", since)
		if err != nil {
			t.Fatal(err)
		}
		return found, requests(t, server, list) - before
	}
	if found, pages := find(begin.Add(-time.Minute)); len(found) != 1 || found[0] != want || pages != 3 {
		t.Errorf("found %q on %d pages", found, pages)
	}
	if found, _ := find(begin.Add(2 * time.Hour)); len(found) != 0 {
		t.Errorf("found %q, which is older", found)
	}
	if _, pages := find(server.Now().Add(time.Hour)); pages != 1 {
		t.Errorf("read %d pages of what is older", pages)
	}
}

func TestDownloadGoesOnWhereItBrokeOff(t *testing.T) {
	const content = "GET /v1/files/{id}/content"
	bodies := make([]string, 26)
	for i := range bodies {
		bodies[i] = chat(rowID(i))
	}
	for name, fault := range map[string]simulator.Fault{
		"cut in half":  {Action: simulator.ActionTruncate, Times: 2},
		"cut in row 1": {Action: simulator.ActionTruncate, Bytes: 10, Times: 3},
		"reset":        {Action: simulator.ActionReset, Times: 2},
		"failing":      {Action: simulator.ActionFail, Times: 2},
	} {
		fault.Route = content
		_, c := simulate(t, simulator.Config{Faults: []simulator.Fault{fault}})
		h := buy(t, c, "tag", bodies...)
		await(t, c, h, "completed")
		n := 0
		for o, err := range c.Results(t.Context(), h) {
			if err != nil || o.Err != nil {
				t.Fatalf("%s: %+v, %v", name, o, err)
			}
			n++
		}
		if n != len(bodies) {
			t.Errorf("%s: %d rows", name, n)
		}
	}
}

func TestDownloadThatAlwaysBreaksIsAnErrorThatEndsTheSequence(t *testing.T) {
	_, c := simulate(t, simulator.Config{Faults: []simulator.Fault{
		{Route: "GET /v1/files/{id}/content", Action: simulator.ActionTruncate, Times: -1},
	}})
	h := buy(t, c, "tag", chat("a"), chat("[[400]]"))
	await(t, c, h, "completed")
	failed := 0
	for _, err := range c.Results(t.Context(), h) {
		if failed > 0 {
			t.Error("the sequence goes on after its error")
		}
		if err != nil {
			failed++
			if retry.ClassOf(err) != retry.Retryable {
				t.Error(err)
			}
		}
	}
	if failed != 1 {
		t.Errorf("%d errors", failed)
	}
}

func TestRowsMissingInBothFilesAreAbsent(t *testing.T) {
	_, c := simulate(t, simulator.Config{Rows: simulator.RowFaults{Missing: 1}})
	h := buy(t, c, "tag", chat("a"), chat("b"))
	if s := await(t, c, h, "completed"); s.Succeeded != 2 {
		t.Fatalf("%+v: the simulator no longer counts rows that it does not deliver", s)
	}
	if got := outcomes(t, c, h); len(got) != 0 {
		t.Errorf("%+v", got)
	}
}

// A batch that is said to run, though it has ended, has files all the same.
func TestRemoveWaitsForTheEnd(t *testing.T) {
	server, c := simulate(t, simulator.Config{})
	h := buy(t, c, "tag", chat("a"), chat("[[400]]"))
	await(t, c, h, "completed")
	stale := simulator.Fault{
		Route: batchRoute, Action: simulator.ActionMerge, Times: -1,
		Merge: json.RawMessage(`{"status":"validating","output_file_id":null,"error_file_id":null}`),
	}
	if err := server.SetFaults(stale); err != nil {
		t.Fatal(err)
	}
	c = connect(t, server.URL, openai.Config{}) // which has not seen its end
	if err := c.Remove(t.Context(), h); !errors.Is(err, sink.ErrNotEnded) || retry.ClassOf(err) != retry.Permanent {
		t.Errorf("removed while it runs: %v", err)
	}
	stale.Times = 2
	if err := server.SetFaults(stale); err != nil {
		t.Fatal(err)
	}
	if err := c.Remove(t.Context(), h); err != nil {
		t.Error(err)
	}
	if n := requests(t, server, "DELETE /v1/files/{id}"); n != 3 {
		t.Errorf("%d files deleted, want input, output and errors", n)
	}
}

func TestRemoveDeletesEveryFile(t *testing.T) {
	server, c := simulate(t, simulator.Config{})
	h := buy(t, c, "tag", chat("a"), chat("[[400]]"))
	await(t, c, h, "completed")
	if err := c.Remove(t.Context(), sink.Handle{Batch: h.Batch}); err != nil { // without the name of its file
		t.Fatal(err)
	}
	if n := requests(t, server, "DELETE /v1/files/{id}"); n != 3 {
		t.Errorf("%d files deleted, want input, output and errors", n)
	}
	if _, err := c.Upload(t.Context(), spec("tag"), rows(chat("a"), chat("[[400]]"))); err != nil {
		t.Error(err)
	}
	if n := requests(t, server, "POST /v1/files"); n != 2 {
		t.Error("a deleted file was found again")
	}
}

// The list of files is read only when an upload may be there already.
func TestANewUploadIsNotLookedFor(t *testing.T) {
	const upload, list = "POST /v1/files", "GET /v1/files"
	server, c := simulate(t, simulator.Config{Faults: []simulator.Fault{{Route: upload, Action: simulator.ActionResetAfter, From: 2}}})
	fresh := spec("tag")
	fresh.New = true
	if _, err := c.Upload(t.Context(), fresh, rows(chat("a"))); err != nil || requests(t, server, list) != 0 {
		t.Errorf("%d lists of files: %v", requests(t, server, list), err)
	}
	lost := spec("gat")
	lost.New = true
	if _, err := c.Upload(t.Context(), lost, rows(chat("a"))); err != nil || requests(t, server, upload) != 2 || requests(t, server, list) != 1 {
		t.Errorf("%d uploads, %d lists of files: %v", requests(t, server, upload), requests(t, server, list), err)
	}
}
