package simulator_test

import (
	"fmt"
	"maps"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/balerhq/baler/sink/simulator"
	"github.com/balerhq/baler/sink/simulator/internal/openai/openaitest"
)

// complete runs a batch to its completion and returns its lines.
func complete(c openaitest.Client, input string) (b openaitest.Batch, output, failed []openaitest.ResultLine) {
	c.T.Helper()
	id := c.Create(c.Upload(input).ID).ID
	openaitest.Sleep(time.Second)
	if b = c.Get(id); b.Status != "completed" {
		c.T.Fatalf("batch is %s: %+v", b.Status, b.Errors.Data)
	}
	if b.OutputFileID != "" {
		output = c.Lines(b.OutputFileID)
	}
	if b.ErrorFileID != "" {
		failed = c.Lines(b.ErrorFileID)
	}
	return b, output, failed
}

func TestRowsFailAtTheirRates(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, c := openaitest.StartInBubble(t, simulator.Config{Rows: simulator.RowFaults{
			BadRequest: 0.1, Refusal: 0.1, RateLimited: 0.1, ServerError: 0.1, Timeout: 0.1,
		}})
		input := openaitest.Many(1000)
		outcomes := func() map[string]string {
			_, output, failed := complete(c, input)
			got := make(map[string]string)
			for _, l := range output {
				got[l.CustomID] = "answered"
				if l.Response.Body.Choices[0].Message.Refusal != "" {
					got[l.CustomID] = "refused"
				}
			}
			for _, l := range failed {
				if l.Error != nil {
					got[l.CustomID] = l.Error.Code
				} else {
					got[l.CustomID] = l.Response.Body.Error.Code
				}
			}
			return got
		}
		first, second := outcomes(), outcomes()
		tally := make(map[string]int)
		for _, outcome := range first {
			tally[outcome]++
		}
		for outcome, want := range map[string]int{
			"invalid_value": 100, "refused": 100, "rate_limit_exceeded": 80, "server_error": 80, "request_timeout": 80,
		} {
			if n := tally[outcome]; n < want/2 || n > want*3/2 {
				t.Errorf("%d rows are %s, want about %d", n, outcome, want)
			}
		}
		again := 0
		for id, outcome := range first {
			permanent := outcome == "invalid_value" || outcome == "refused"
			if permanent != (second[id] == "invalid_value" || second[id] == "refused") {
				t.Errorf("%s is %s, then %s", id, outcome, second[id])
			}
			if !permanent && outcome != "answered" && second[id] == "answered" {
				again++
			}
		}
		if again == 0 {
			t.Error("trying again helped no row")
		}
	})
}

func TestLinesGoMissingAreRepeatedAndMadeUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv, c := openaitest.StartInBubble(t, simulator.Config{Rows: simulator.RowFaults{Missing: 0.2, Repeated: 0.2, Foreign: 0.2, Surplus: 0.2}})
		b, output, _ := complete(c, openaitest.Many(500))
		seen := make(map[string]int)
		for _, l := range output {
			seen[l.CustomID]++
		}
		foreign, repeated, surplus := seen["foreign"], 0, 0
		delete(seen, "foreign")
		for id, n := range seen {
			switch at := len(id) - 2; {
			case id[at] == 'A': // of several rows, as they are numbered
				surplus += n
				delete(seen, id)
			case n == 2:
				repeated++
			}
		}
		for name, n := range map[string]int{
			"foreign": foreign, "repeated": repeated, "surplus": surplus, "missing": 500 - len(seen),
		} {
			if n < 50 || n > 150 {
				t.Errorf("%d lines are %s, want about 100", n, name)
			}
		}
		if b.RequestCounts.Completed != 500 {
			t.Errorf("%+v", b.RequestCounts)
		}
		openaitest.WantBilled(t, srv, 500)
	})
}

func TestResultFilesMayTakeLiberties(t *testing.T) {
	for name, test := range map[string]struct {
		quirks simulator.ResultQuirks
		line   string // ends, and then the file
		file   string
	}{
		"none":               {simulator.ResultQuirks{}, "}\n{", "}\n"},
		"CRLF":               {simulator.ResultQuirks{CRLF: true}, "}\r\n{", "}\r\n"},
		"no final newline":   {simulator.ResultQuirks{NoFinalNewline: true}, "}\n{", "}"},
		"neither, with CRLF": {simulator.ResultQuirks{CRLF: true, NoFinalNewline: true}, "}\r\n{", "}"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				_, c := openaitest.StartInBubble(t, simulator.Config{Results: test.quirks})
				b, output, _ := complete(c, openaitest.Many(20))
				content := string(c.Download(b.OutputFileID))
				if len(output) != 20 || strings.Count(content, test.line) != 19 || !strings.HasSuffix(content, test.file) {
					t.Errorf("%q", content)
				}
				var f openaitest.File
				if c.Do(200, "GET", "/v1/files/"+b.OutputFileID, "", &f); f.Bytes != int64(len(content)) {
					t.Errorf("the file has %d bytes and is said to have %d", len(content), f.Bytes)
				}
			})
		})
	}
}

func TestAnErrorFileMayBeEmpty(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, c := openaitest.StartInBubble(t, simulator.Config{Results: simulator.ResultQuirks{EmptyErrorFile: true}})
		b, _, failed := complete(c, openaitest.Many(3))
		if b.ErrorFileID == "" || len(failed) != 0 {
			t.Errorf("error file %q with %d lines", b.ErrorFileID, len(failed))
		}
	})
}

func TestResultsFollowTheSeed(t *testing.T) {
	order := func(seed uint64) (ids string) {
		synctest.Test(t, func(t *testing.T) {
			_, c := openaitest.StartInBubble(t, simulator.Config{Seed: seed, Rows: simulator.RowFaults{
				ServerError: 0.3, Refusal: 0.1, Missing: 0.1, Repeated: 0.1,
			}})
			_, output, failed := complete(c, openaitest.Many(50))
			for _, l := range append(output, failed...) {
				ids += fmt.Sprint(l.CustomID, " ", l.Response.StatusCode, " ")
			}
		})
		return ids
	}
	first := order(1)
	if strings.HasPrefix(first, "row-0 200 row-1 200 row-2 200 ") {
		t.Errorf("not shuffled: %s", first)
	}
	if again := order(1); again != first {
		t.Errorf("seed 1 gave %s, then %s", first, again)
	}
	if other := order(2); other == first {
		t.Errorf("seeds 1 and 2 both gave %s", other)
	}
}

func TestAnswerMayBeReplaced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv, c := openaitest.StartInBubble(t, simulator.Config{Answer: func(r simulator.Row) simulator.Reply {
			switch r.CustomID {
			case "row-0":
				return simulator.Reply{Text: r.Model + " " + r.Endpoint + " " + r.Prompt(), InputTokens: 7, OutputTokens: 5}
			case "row-1":
				return simulator.Reply{Body: []byte(`{"choices":[{"finish_reason":"length"}]}`)}
			default:
				return simulator.Reply{Error: &simulator.RowError{Status: 422, Code: "odd", Message: "Odd."}}
			}
		}})
		b, output, failed := complete(c, openaitest.Chats("zero", "one", "two"))
		lines := c.ByID(append(output, failed...))
		if got := lines["row-0"].Response.Body.Choices[0].Message.Content; got != "gpt-sim /v1/chat/completions zero" {
			t.Errorf("row-0: %q", got)
		}
		if got := lines["row-1"].Response.Body.Choices[0].FinishReason; got != "length" {
			t.Errorf("row-1: %q", got)
		}
		if l := lines["row-2"]; l.Response.StatusCode != 422 || l.Response.Body.Error.Code != "odd" {
			t.Errorf("row-2: %+v", l)
		}
		var sum simulator.Execution
		ids := make(map[string]simulator.Execution)
		for e, err := range srv.Executions() {
			if err != nil {
				t.Fatal(err)
			}
			sum.InputTokens += e.InputTokens
			sum.OutputTokens += e.OutputTokens
			ids[e.CustomID] = e
		}
		if want := (simulator.Execution{Provider: "openai", Batch: b.ID, CustomID: "row-0", Status: 200, InputTokens: 7, OutputTokens: 5}); ids["row-0"] != want {
			t.Errorf("ledger %+v, want %+v", ids["row-0"], want)
		}
		if ids["row-2"].Billed() || ids["row-2"].Status != 422 {
			t.Errorf("ledger %+v", ids["row-2"])
		}
		if u := b.Usage; u.InputTokens != sum.InputTokens || u.OutputTokens != sum.OutputTokens || u.TotalTokens != sum.InputTokens+sum.OutputTokens {
			t.Errorf("usage %+v, ledger %+v", u, sum)
		}
	})
}

func TestEchoReadsEveryShapeOfRequest(t *testing.T) {
	for body, want := range map[string]string{
		`{"messages":[{"role":"user","content":"My invoice is wrong"}]}`:                                                  "billing: My invoice is wrong",
		`{"messages":[{"role":"user","content":"one"},{"role":"assistant","content":"two"}]}`:                             "general: one",
		`{"messages":[{"role":"system","content":"login"},{"role":"user","content":[{"type":"text","text":"a crash"}]}]}`: "bug: a crash",
		`{"input":"Where is my parcel?"}`: "shipping: Where is my parcel?",
		`{"input":[{"role":"user","content":[{"type":"input_text","text":"Password lost"}]}]}`: "account: Password lost",
		`{"prompt":"one two three four five six seven eight nine ten"}`:                        "general: one two three four five six seven eight",
		`{"messages":[]}`: "general: ",
		`{"messages":[{"role":"user","content":"Gr\u00f6\u00dfe \"42\"\n\tpasst"}]}`: `general: Größe "42" passt`,
	} {
		if got := simulator.Echo(simulator.Row{Body: []byte(body)}).Text; got != want {
			t.Errorf("%s: %q, want %q", body, got, want)
		}
	}
}

func TestAfterTagGroupsTheAttemptsOfAnItem(t *testing.T) {
	ledger := func(yield func(simulator.Execution, error) bool) {
		for _, e := range []simulator.Execution{
			{CustomID: "tag1_x_y", Status: 500},
			{CustomID: "tag2_x_y", Status: 200},
			{CustomID: "tag3_x_y", Status: 200},
			{CustomID: "plain", Status: 0},
		} {
			if !yield(e, nil) {
				return
			}
		}
	}
	bills, err := simulator.Tally(ledger, simulator.AfterTag)
	want := map[string]simulator.Bill{"x_y": {Executed: 3, Billed: 2}, "plain": {Executed: 1}}
	if err != nil || !maps.Equal(bills, want) {
		t.Errorf("%+v, %v, want %+v", bills, err, want)
	}
}
