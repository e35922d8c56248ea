package simulator_test

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/balerhq/baler/sink/simulator"
	"github.com/balerhq/baler/sink/simulator/internal/openai/openaitest"
)

const (
	createRoute  = "POST /v1/batches"
	listRoute    = "GET /v1/batches"
	contentRoute = "GET /v1/files/{id}/content"
)

// tryCreate sends a creation and returns the status, 0 if there was no answer.
func tryCreate(c openaitest.Client, run string) (int, error) {
	c.T.Helper()
	status, _, err := c.Try("POST", "/v1/batches", "application/json", strings.NewReader(
		`{"input_file_id":"file-x","endpoint":"/v1/chat/completions","completion_window":"24h","metadata":{"run":"`+run+`"}}`))
	return status, err
}

// runs returns the metadata of the batches that exist, the oldest first.
func runs(srv *simulator.Server) string {
	var all []string
	for _, b := range srv.Batches() {
		all = append(all, b.Metadata["run"])
	}
	return strings.Join(all, " ")
}

func TestAFaultHitsTheRequestsItNames(t *testing.T) {
	for name, test := range map[string]struct {
		fault simulator.Fault
		want  string // of eight requests, those that were created
	}{
		"the first":              {simulator.Fault{}, "2 3 4 5 6 7 8"},
		"the third":              {simulator.Fault{From: 3}, "1 2 4 5 6 7 8"},
		"two from the third":     {simulator.Fault{From: 3, Times: 2}, "1 2 5 6 7 8"},
		"all from the third":     {simulator.Fault{From: 3, Times: -1}, "1 2"},
		"another route":          {simulator.Fault{Route: listRoute}, "1 2 3 4 5 6 7 8"},
		"any route":              {simulator.Fault{Route: "*"}, "2 3 4 5 6 7 8"},
		"always by chance":       {simulator.Fault{Probability: 1}, ""},
		"twice by chance":        {simulator.Fault{Probability: 1, Times: 2}, "3 4 5 6 7 8"},
		"by chance from a fifth": {simulator.Fault{Probability: 1, From: 5}, "1 2 3 4"},
	} {
		t.Run(name, func(t *testing.T) {
			test.fault.Action = simulator.ActionFail
			switch test.fault.Route {
			case "":
				test.fault.Route = createRoute
			case "*":
				test.fault.Route = ""
			}
			srv, c := openaitest.Start(t, simulator.Config{Faults: []simulator.Fault{test.fault}})
			for run := range strings.FieldsSeq("1 2 3 4 5 6 7 8") {
				if _, err := tryCreate(c, run); err != nil {
					t.Fatal(err)
				}
			}
			if got := runs(srv); got != test.want {
				t.Errorf("created %q, want %q", got, test.want)
			}
		})
	}
}

func TestChanceFollowsTheSeed(t *testing.T) {
	outcome := func(seed uint64) string {
		srv, c := openaitest.Start(t, simulator.Config{Seed: seed, Faults: []simulator.Fault{
			{Route: createRoute, Probability: 0.5, Action: simulator.ActionReset},
		}})
		for run := range strings.SplitSeq("abcdefghijklmnopqrstuvwxyz", "") {
			_, _ = tryCreate(c, run) // fails if reset
		}
		return runs(srv)
	}
	first := outcome(1)
	if n := len(strings.Fields(first)); n < 4 || n > 22 {
		t.Errorf("%d of 26 requests got through", n)
	}
	if again := outcome(1); again != first {
		t.Errorf("seed 1 gave %q, then %q", first, again)
	}
	if other := outcome(2); other == first {
		t.Errorf("seeds 1 and 2 both gave %q", other)
	}
}

func TestFailAnswersAsAProviderDoes(t *testing.T) {
	for name, test := range map[string]struct {
		fault simulator.Fault
		want  []string
	}{
		"rate limit": {
			simulator.Fault{Status: 429, Header: map[string]string{"Retry-After": "2"}},
			[]string{"Retry-After: 2", `"code":"rate_limit_exceeded"`, `"type":"requests"`},
		},
		"rate limit in milliseconds": {
			simulator.Fault{Status: 429, Header: map[string]string{"Retry-After-Ms": "1500"}},
			[]string{"Retry-After-Ms: 1500"},
		},
		"rate limit with a date": {
			simulator.Fault{Status: 429, Header: map[string]string{"Retry-After": "Wed, 21 Oct 2026 07:28:00 GMT"}},
			[]string{"Retry-After: Wed, 21 Oct 2026 07:28:00 GMT"},
		},
		"quota":       {simulator.Fault{Status: 429, Code: "insufficient_quota"}, []string{`"code":"insufficient_quota"`}},
		"default":     {simulator.Fault{}, []string{"500 ", `"type":"server_error"`, "X-Request-Id: req_"}},
		"bad gateway": {simulator.Fault{Status: 502}, []string{"502 ", "Content-Type: text/html", "<html>"}},
		"too large":   {simulator.Fault{Status: 413}, []string{"413 ", "<html>"}},
		"unavailable": {simulator.Fault{Status: 503}, []string{"503 ", "Content-Type: application/json"}},
	} {
		t.Run(name, func(t *testing.T) {
			test.fault.Action = simulator.ActionFail
			srv, c := openaitest.Start(t, simulator.Config{Faults: []simulator.Fault{test.fault}})
			resp, err := c.HTTP.Get(srv.URL + "/v1/batches")
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = resp.Body.Close() }()
			var answer strings.Builder
			answer.WriteString(resp.Status + "\n")
			if err := resp.Header.Write(&answer); err != nil {
				t.Fatal(err)
			}
			if _, err := io.Copy(&answer, resp.Body); err != nil {
				t.Fatal(err)
			}
			for _, want := range test.want {
				if !strings.Contains(answer.String(), want) {
					t.Errorf("no %q in\n%s", want, answer.String())
				}
			}
		})
	}
}

func TestFaultsAreAppliedOrNot(t *testing.T) {
	for _, test := range []struct {
		action  simulator.Action
		status  int
		created string
	}{
		{simulator.ActionFail, 500, ""},
		{simulator.ActionFailAfter, 500, "x"},
		{simulator.ActionReset, 0, ""},
		{simulator.ActionResetAfter, 0, "x"},
		{simulator.ActionTruncate, 200, "x"},
		{simulator.ActionSlow, 200, "x"},
	} {
		t.Run(string(test.action), func(t *testing.T) {
			srv, c := openaitest.Start(t, simulator.Config{Faults: []simulator.Fault{{Route: createRoute, Action: test.action}}})
			status, err := tryCreate(c, "x")
			if status != test.status || (err != nil) != (test.status == 0 || test.action == simulator.ActionTruncate) {
				t.Errorf("status %d, %v", status, err)
			}
			if got := runs(srv); got != test.created {
				t.Errorf("created %q, want %q", got, test.created)
			}
			var logged []simulator.Request
			for r, err := range srv.Requests() {
				if err != nil {
					t.Fatal(err)
				}
				logged = append(logged, r)
			}
			if len(logged) != 1 || logged[0].Fault != test.action || logged[0].Status != test.status {
				t.Errorf("logged %+v", logged)
			}
		})
	}
}

func TestAResetIsAReset(t *testing.T) {
	_, c := openaitest.Start(t, simulator.Config{Faults: []simulator.Fault{{Action: simulator.ActionResetAfter}}})
	if _, err := tryCreate(c, "x"); !errors.Is(err, syscall.ECONNRESET) && !errors.Is(err, io.EOF) {
		t.Errorf("got %v", err)
	}
}

func TestATruncatedDownloadEndsInTheMiddle(t *testing.T) {
	srv, c := openaitest.Start(t, simulator.Config{})
	input := openaitest.Many(1000)
	id := c.Upload(input).ID
	for _, test := range []struct {
		bytes int64
		want  int
	}{{0, len(input) / 2}, {100, 100}, {int64(len(input)) - 1, len(input) - 1}} {
		if err := srv.SetFaults(simulator.Fault{Route: contentRoute, Action: simulator.ActionTruncate, Bytes: test.bytes}); err != nil {
			t.Fatal(err)
		}
		_, content, err := c.Try("GET", "/v1/files/"+id+"/content", "", nil)
		if !errors.Is(err, io.ErrUnexpectedEOF) || len(content) != test.want || !strings.HasPrefix(input, string(content)) {
			t.Errorf("%d bytes, want %d: %v", len(content), test.want, err)
		}
		if content := c.Download(id); string(content) != input {
			t.Error("the next download is not whole")
		}
	}
}

func TestALateRequestIsAppliedAfterItsReset(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv, c := openaitest.StartInBubble(t, simulator.Config{Faults: []simulator.Fault{
			{Route: createRoute, Action: simulator.ActionLate, Delay: time.Minute},
		}})
		if _, err := tryCreate(c, "late"); err == nil {
			t.Error("the request was answered")
		}
		if _, err := tryCreate(c, "next"); err != nil {
			t.Error(err)
		}
		openaitest.Sleep(time.Minute - time.Second)
		if got := runs(srv); got != "next" {
			t.Errorf("created %q, want next", got)
		}
		openaitest.Sleep(time.Second)
		if got := runs(srv); got != "next late" {
			t.Errorf("created %q, want next late", got)
		}
	})
}

func TestASlowRequestIsServedInTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, c := openaitest.StartInBubble(t, simulator.Config{Faults: []simulator.Fault{
			{Route: createRoute, Action: simulator.ActionSlow, Delay: time.Minute},
		}})
		begin := time.Now()
		if status, err := tryCreate(c, "x"); status != 200 || err != nil {
			t.Errorf("status %d, %v", status, err)
		}
		if took := time.Since(begin); took != time.Minute {
			t.Errorf("took %v", took)
		}
	})
}

func TestAHangingRequestEndsWithTheClientOrTheDelay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv, c := openaitest.StartInBubble(t, simulator.Config{Faults: []simulator.Fault{
			{Action: simulator.ActionHang}, {Action: simulator.ActionHang, From: 2, Delay: time.Hour},
		}})
		begin := time.Now()
		c.HTTP.Timeout = time.Minute
		if _, err := tryCreate(c, "x"); err == nil || time.Since(begin) != time.Minute {
			t.Errorf("after %v: %v", time.Since(begin), err)
		}
		c.HTTP.Timeout = 0
		if _, err := tryCreate(c, "x"); err == nil || time.Since(begin) != time.Hour+time.Minute {
			t.Errorf("after %v: %v", time.Since(begin), err)
		}
		if got := runs(srv); got != "" {
			t.Errorf("created %q", got)
		}
	})
}

func TestCloseCutsOffWhatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv, c := openaitest.StartInBubble(t, simulator.Config{Faults: []simulator.Fault{{Action: simulator.ActionHang}}})
		hung := make(chan error)
		go func() {
			_, err := tryCreate(c, "x")
			hung <- err
		}()
		synctest.Wait()
		begin := time.Now()
		if err := srv.Close(); err != nil || time.Since(begin) > 5*time.Second {
			t.Errorf("closed after %v: %v", time.Since(begin), err)
		}
		if err := <-hung; err == nil {
			t.Error("the request was answered")
		}
	})
}

func TestAStaleReadShowsThePast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv, c := openaitest.StartInBubble(t, simulator.Config{Latency: openaitest.Slow})
		id := c.Create(c.Upload(openaitest.Many(10)).ID).ID
		stale := func(ago time.Duration) {
			if err := srv.SetFaults(simulator.Fault{Action: simulator.ActionStale, Delay: ago}); err != nil {
				t.Fatal(err)
			}
		}
		list := func() (p openaitest.Page[openaitest.Batch]) {
			c.Do(200, "GET", "/v1/batches", "", &p)
			return p
		}
		stale(time.Second)
		if p := list(); len(p.Data) != 0 {
			t.Errorf("a new batch is in a stale list: %+v", p)
		}
		if p := list(); len(p.Data) != 1 {
			t.Error("the list is stale a second time")
		}
		stale(time.Second)
		c.Do(404, "GET", "/v1/batches/"+id, "", nil)
		openaitest.Sleep(12 * time.Hour) // completed after 10h3m
		c.WantStatus(id, "completed", openaitest.Counts{Total: 10, Completed: 10})
		for ago, want := range map[time.Duration]string{
			time.Hour: "completed", 2*time.Hour - 2*time.Minute: "finalizing", 5 * time.Hour: "in_progress", 12*time.Hour - time.Second: "validating",
		} {
			stale(ago)
			if b := c.Get(id); b.Status != want || (want == "validating" && b.RequestCounts.Total > 0) || (want != "completed" && b.OutputFileID != "") {
				t.Errorf("%v ago the batch was %s, want %s: %+v", ago, b.Status, want, b)
			}
		}
	})
}

func TestFaultsOfABadKindAreRefused(t *testing.T) {
	srv, c := openaitest.Start(t, simulator.Config{})
	control := simulator.Control{URL: srv.URL, Client: c.HTTP}
	for field, fault := range map[string]simulator.Fault{
		"Action":      {},
		"From":        {Action: simulator.ActionFail, From: -1},
		"Times":       {Action: simulator.ActionFail, Times: -2},
		"Probability": {Action: simulator.ActionFail, Probability: 1.1},
		"Status":      {Action: simulator.ActionFail, Status: 200},
		"Delay":       {Action: simulator.ActionSlow, Delay: -1},
		"Bytes":       {Action: simulator.ActionTruncate, Bytes: -1},
		"Route":       {Action: simulator.ActionFail, Route: "POST /v1/batch"},
	} {
		for _, err := range []error{srv.SetFaults(fault), control.SetFaults(t.Context(), fault)} {
			if err == nil || !strings.Contains(err.Error(), field) {
				t.Errorf("%+v: got %v, want an error about %s", fault, err, field)
			}
		}
	}
	if err := control.SetFaults(t.Context(), simulator.Fault{Action: simulator.ActionFail, Status: http.StatusTeapot}); err != nil {
		t.Fatal(err)
	}
	if status, err := tryCreate(c, "x"); status != http.StatusTeapot || err != nil {
		t.Errorf("status %d, %v", status, err)
	}
	if err := control.SetFaults(t.Context()); err != nil {
		t.Fatal(err)
	}
	if status, err := tryCreate(c, "x"); status != 200 || err != nil {
		t.Errorf("status %d, %v", status, err)
	}
}
