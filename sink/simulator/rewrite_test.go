package simulator_test

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/balerhq/baler/sink/simulator"
	"github.com/balerhq/baler/sink/simulator/internal/openai/openaitest"
)

const (
	getRoute  = "GET /v1/batches/{id}"
	fileRoute = "GET /v1/files/{id}"
)

// with sets the only fault.
func with(t *testing.T, srv *simulator.Server, f simulator.Fault) {
	t.Helper()
	if err := srv.SetFaults(f); err != nil {
		t.Fatal(err)
	}
}

func TestReplaceAnswersWithAnything(t *testing.T) {
	srv, c := openaitest.Start(t, simulator.Config{})
	for _, test := range []struct {
		fault  simulator.Fault
		status int
		body   string
	}{
		{simulator.Fault{Body: "<html>Maintenance</html>"}, 200, "<html>Maintenance</html>"},
		{simulator.Fault{}, 200, ""},
		{simulator.Fault{Status: 404, Body: `{"error":{"param":"file_id"}}`}, 404, `{"error":{"param":"file_id"}}`},
	} {
		test.fault.Route, test.fault.Action = createRoute, simulator.ActionReplace
		with(t, srv, test.fault)
		status, body, err := c.Try("POST", "/v1/batches", "application/json", strings.NewReader("{}"))
		if status != test.status || string(body) != test.body || err != nil {
			t.Errorf("%+v: %d %q, %v", test.fault, status, body, err)
		}
	}
	if got := runs(srv); got != "" {
		t.Errorf("created %q", got)
	}
}

func TestMergeChangesAnObject(t *testing.T) {
	srv, c := openaitest.Start(t, simulator.Config{})
	id := c.Create(c.Upload(openaitest.Many(3)).ID).ID
	was := c.Await(id, "completed")
	with(t, srv, simulator.Fault{
		Route: getRoute, Action: simulator.ActionMerge,
		Merge: []byte(`{"output_file_id":null,"id":"batch_other","request_counts":{"completed":2}}`),
	})
	is := c.Get(id)
	if is.OutputFileID != "" || is.ID != "batch_other" || is.RequestCounts != (openaitest.Counts{Total: 3, Completed: 2}) || is.CreatedAt != was.CreatedAt {
		t.Errorf("%+v became %+v", was, is)
	}
	if again := c.Get(id); again.ID != id {
		t.Errorf("a second time: %+v", again)
	}
}

func TestMergeChangesEachLine(t *testing.T) {
	srv, c := openaitest.Start(t, simulator.Config{})
	file := c.Upload(openaitest.Many(3)).ID
	with(t, srv, simulator.Fault{Route: contentRoute, Action: simulator.ActionMerge, Merge: []byte(`{"x":{"y":1}}`)})
	_, body, err := c.Try("GET", "/v1/files/"+file+"/content", "", nil)
	if err != nil || strings.Count(string(body), "\n") != 3 || strings.Count(string(body), `"x":{"y":1}`) != 3 {
		t.Errorf("%s, %v", body, err)
	}
}

func TestDownloadsThatEndEarlyOrBeginOddly(t *testing.T) {
	srv, c := openaitest.Start(t, simulator.Config{})
	input := openaitest.Many(20)
	path := "/v1/files/" + c.Upload(input).ID + "/content"
	for _, test := range []struct {
		fault simulator.Fault
		want  string
	}{
		{simulator.Fault{Action: simulator.ActionCut}, input[:len(input)/2]},
		{simulator.Fault{Action: simulator.ActionCut, Bytes: 5}, input[:5]},
		{simulator.Fault{Action: simulator.ActionCut, Bytes: 1 << 20}, input},
		{simulator.Fault{Action: simulator.ActionCutLines}, strings.Join(strings.SplitAfter(input, "\n")[:10], "")},
		{simulator.Fault{Action: simulator.ActionCompress}, input},
		{simulator.Fault{Action: simulator.ActionPrepend, Body: "\ufeff"}, "\ufeff" + input},
	} {
		test.fault.Route = contentRoute
		with(t, srv, test.fault)
		status, got, err := c.Try("GET", path, "", nil)
		if status != 200 || err != nil || string(got) != test.want {
			t.Errorf("%+v: %d, %d bytes, %v", test.fault, status, len(got), err)
		}
	}
}

// A client that asks for gzip itself sees the header, too.
func TestAnswersAreCompressedOnDemand(t *testing.T) {
	srv, c := openaitest.Start(t, simulator.Config{})
	id := c.Upload(openaitest.Many(3)).ID
	for encoding, want := range map[string]string{"gzip": "gzip", "identity": ""} {
		with(t, srv, simulator.Fault{Route: fileRoute, Action: simulator.ActionCompress})
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, srv.URL+"/v1/files/"+id, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+c.Key)
		r.Header.Set("Accept-Encoding", encoding)
		reply, err := srv.Client().Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = reply.Body.Close()
		if got := reply.Header.Get("Content-Encoding"); got != want || reply.StatusCode != 200 {
			t.Errorf("%s: %d, %q, want %q", encoding, reply.StatusCode, got, want)
		}
	}
}

func TestAnAnswerHasAHeaderOnDemand(t *testing.T) {
	srv, c := openaitest.Start(t, simulator.Config{})
	id := c.Upload(openaitest.Many(3)).ID
	with(t, srv, simulator.Fault{Route: fileRoute, Action: simulator.ActionMerge, Merge: []byte("{}"), Header: map[string]string{"Content-Type": "text/html"}})
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, srv.URL+"/v1/files/"+id, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+c.Key)
	reply, err := srv.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer reply.Body.Close()
	if got := reply.Header.Get("Content-Type"); got != "text/html" {
		t.Error(got)
	}
}

func TestTrickleSendsAByteAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv, c := openaitest.StartInBubble(t, simulator.Config{})
		id := c.Upload(openaitest.Many(1)).ID
		with(t, srv, simulator.Fault{Route: fileRoute, Action: simulator.ActionTrickle, Delay: time.Minute})
		began := time.Now()
		status, body, err := c.Try("GET", "/v1/files/"+id, "", nil)
		if took := time.Since(began); status != 200 || err != nil || took != time.Duration(len(body))*time.Minute {
			t.Errorf("%d, %d bytes in %s, %v", status, len(body), took, err)
		}
	})
}

func TestABatchIsInvalidOnDemand(t *testing.T) {
	srv, c := openaitest.Start(t, simulator.Config{})
	for _, errors := range [][]simulator.BatchError{
		nil,
		{{Code: "invalid_request", Message: "Cannot find file.", Param: "file_id"}, {Code: "other", Line: 2}},
	} {
		with(t, srv, simulator.Fault{Route: createRoute, Action: simulator.ActionInvalid, Errors: errors})
		b := c.Await(c.Create(c.Upload(openaitest.Many(3)).ID).ID, "failed")
		if len(b.Errors.Data) != len(errors) || b.RequestCounts != (openaitest.Counts{}) || b.OutputFileID != "" {
			t.Fatalf("%+v", b)
		}
		for i, e := range b.Errors.Data {
			if e.Code != errors[i].Code || (e.Param != nil) != (errors[i].Param != "") || (e.Line != nil) != (errors[i].Line != 0) {
				t.Errorf("%+v, want %+v", e, errors[i])
			}
		}
	}
	for x, err := range srv.Executions() {
		t.Errorf("a row ran: %+v, %v", x, err)
	}
	if c.Await(c.Create(c.Upload(openaitest.Many(3)).ID).ID, "completed").RequestCounts.Completed != 3 {
		t.Error("the fault has no end")
	}
}

func TestARawReplyIsTheLine(t *testing.T) {
	const raw = `"response":{"status_code":0,"body":null},"error":null`
	_, c := openaitest.Start(t, simulator.Config{Answer: func(simulator.Row) simulator.Reply { return simulator.Reply{Raw: []byte(raw)} }})
	b := c.Await(c.Create(c.Upload(openaitest.Many(1)).ID).ID, "completed")
	_, content, err := c.Try("GET", "/v1/files/"+b.OutputFileID+"/content", "", nil)
	if err != nil || !strings.HasSuffix(string(content), `",`+raw+"}\n") {
		t.Errorf("%q, %v", content, err)
	}
}

func TestFaultsThatRewriteNeedWhatTheyWrite(t *testing.T) {
	srv, _ := openaitest.Start(t, simulator.Config{})
	for field, fault := range map[string]simulator.Fault{
		"Merge":  {Action: simulator.ActionMerge, Merge: []byte(`[1]`)},
		"Route":  {Action: simulator.ActionInvalid, Route: getRoute},
		"Status": {Action: simulator.ActionReplace, Status: 99},
	} {
		if err := srv.SetFaults(fault); err == nil || !strings.Contains(err.Error(), field) {
			t.Errorf("%+v: %v, want an error about %s", fault, err, field)
		}
	}
}
