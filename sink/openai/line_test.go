package openai

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/balerhq/baler/internal/linereader"
	"github.com/balerhq/baler/retry"
	"github.com/balerhq/baler/sink"
)

func TestClassOfARow(t *testing.T) {
	for line, want := range map[string]retry.Class{
		`{"response":{"status_code":200,"body":{}}}`:                                          0,
		`{"response":{"status_code":201,"body":{}},"error":null}`:                             0,
		`{"response":{"status_code":400,"body":{"error":{"code":"c"}}}}`:                      retry.Permanent,
		`{"response":{"status_code":404,"body":null}}`:                                        retry.Permanent,
		`{"response":{"status_code":408}}`:                                                    retry.Retryable,
		`{"response":{"status_code":429,"body":{"error":{"code":"rate_limit_exceeded"}}}}`:    retry.Retryable,
		`{"response":{"status_code":429,"body":{"error":{"code":"insufficient_quota"}}}}`:     retry.Blocked,
		`{"response":{"status_code":500,"body":"<html>"}}`:                                    retry.Retryable,
		`{"response":{"status_code":529}}`:                                                    retry.Retryable,
		`{"response":null,"error":{"code":"batch_expired","message":"m"}}`:                    retry.Retryable,
		`{"response":null,"error":{"code":"batch_cancelled","message":"m"}}`:                  retry.Retryable,
		`{"response":null,"error":{"code":"request_timeout","message":"m"}}`:                  retry.Retryable,
		`{"response":null,"error":{"code":"invalid","message":"m"}}`:                          retry.Permanent,
		`{"response":null,"error":null}`:                                                      retry.Retryable,
		`{}`:                                                                                  retry.Retryable,
		`{"response":{"status_code":200,"body":{"object":"response","status":"completed"}}}`:  0,
		`{"response":{"status_code":200,"body":{"object":"response","status":"incomplete"}}}`: 0,
		`{"response":{"status_code":200,"body":{"object":"response","status":"failed","error":{"code":"server_error","message":"m"}}}}`:   retry.Retryable,
		`{"response":{"status_code":200,"body":{"object":"response","status":"failed","error":{"code":"invalid_prompt","message":"m"}}}}`: retry.Permanent,
		`{"response":{"status_code":200,"body":{"object":"response","status":"failed","error":null}}}`:                                    retry.Permanent,
		`{"response":{"status_code":200,"body":{"object":"chat.completion","status":"failed"}}}`:                                          0,
	} {
		o, err := parseLine([]byte(line))
		var got retry.Class
		if o.Err != nil {
			got = o.Err.Class
		}
		if err != nil || got != want {
			t.Errorf("%s is %s, want %s: %v", line, got, want, err)
		}
	}
}

// A row that was not run is not among those that the provider counts as
// succeeded, by whichever words it says so.
func TestRowsThatWereNotRunAreSkipped(t *testing.T) {
	for line, want := range map[string]bool{
		`{"response":null,"error":{"code":"batch_expired"}}`:      true,
		`{"response":null,"error":{"code":"batch_cancelled"}}`:    true,
		`{"response":null,"error":{"code":"request_timeout"}}`:    true,
		`{"response":{"status_code":0,"body":null},"error":null}`: true,
		`{"response":{"status_code":0,"body":{}}}`:                true,
		`{}`: true,
		`{"response":{"status_code":0,"body":{"choices":[]}}}`:         false,
		`{"response":{"status_code":200,"body":{"choices":[]}}}`:       false,
		`{"response":{"status_code":200,"body":null}}`:                 false,
		`{"response":{"status_code":500,"body":{"error":{}}}}`:         false,
		`{"response":{"status_code":429},"error":{"code":"too_many"}}`: false,
	} {
		if o, err := parseLine([]byte(line)); err != nil || o.Skipped != want {
			t.Errorf("%s: skipped %t, %v", line, o.Skipped, err)
		}
	}
}

// FuzzParseLine: a line is read the same whatever white space is around it, its
// body byte for byte, and an outcome with an error is never a success.
func FuzzParseLine(f *testing.F) {
	for _, line := range []string{
		`{"custom_id":"a","response":{"status_code":200,"body":{"n":1.0,"s":"\ud83d\ude00<"}},"error":null}`,
		`{"custom_id":"a","response":{"status_code":429,"body":{"error":{"code":"rate_limit_exceeded"}}}}`,
		`{"custom_id":"a","response":null,"error":{"code":"batch_expired","message":"m"}}`,
		`{"custom_id":"a","respon`, `null`, `[]`, ``,
	} {
		f.Add([]byte(line))
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		o, err := parseLine(line)
		padded, errPadded := parseLine([]byte(" \t" + string(line) + "\r"))
		if (err == nil) != (errPadded == nil) || err == nil && fmt.Sprint(o) != fmt.Sprint(padded) && o.Err == nil {
			t.Errorf("white space changes %+v into %+v", o, padded)
		}
		switch {
		case err != nil && (o.Err == nil || o.ID != "" || json.Valid(line) && bytes.HasPrefix(line, []byte("{}"))):
			t.Errorf("an unreadable line is %+v", o)
		case err == nil && o.Err == nil && o.Status/100 != 2:
			t.Errorf("a success of status %d", o.Status)
		case err == nil && o.Err != nil && o.Err.Class == 0:
			t.Errorf("an error without a class: %+v", o.Err)
		case len(o.Body) > 0 && (!json.Valid(o.Body) || !bytes.Contains(line, o.Body)):
			t.Errorf("the body %q is not in the line", o.Body)
		}
	})
}

// FuzzPayload: every row is one line that reads back as what was put in, and
// the size is known before.
func FuzzPayload(f *testing.F) {
	f.Add("row-1", "/v1/chat/completions", []byte(`{"model":"m","n":1.0,"t":"<é😀>"}`), uint8(3))
	f.Add("", "", []byte(`null`), uint8(0))
	f.Add("a\"b\\c\n\x7f", "/v1/\u2028", []byte(`[]`), uint8(1))
	f.Add("\xff", "/", []byte("{\n}"), uint8(2))
	f.Fuzz(func(t *testing.T, id, endpoint string, body []byte, n uint8) {
		if !json.Valid(body) {
			return
		}
		rows := func(yield func(sink.Row, error) bool) {
			for range n {
				if !yield(sink.Row{ID: id, Body: body}, nil) {
					return
				}
			}
		}
		l, err := measure(endpoint, rows)
		if multiline := bytes.IndexByte(body, '\n') >= 0; err != nil != (multiline && n > 0) {
			t.Fatalf("%q: %v", body, err)
		} else if multiline {
			return
		}
		p := newPayload("head", "tail", endpoint, rows)
		defer p.Close()
		all, err := io.ReadAll(p)
		if err != nil || int64(len(all)) != l.size+8 {
			t.Fatalf("%d bytes, announced %d: %v", len(all), l.size, err)
		}
		kept, err := io.ReadAll(l.reader("head", "tail", endpoint, nil))
		if err != nil || !bytes.Equal(kept, all) {
			t.Fatalf("kept are %q, and read %q: %v", kept, all, err)
		}
		text := strings.TrimSuffix(strings.TrimPrefix(string(all), "head"), "tail")
		lines := strings.SplitAfter(text, "\n")
		if len(lines) != int(n)+1 || lines[n] != "" {
			t.Fatalf("%d rows are %q", n, lines)
		}
		for _, line := range lines[:n] {
			checkLine(t, line, id, endpoint, body)
		}
	})
}

func checkLine(t *testing.T, line, id, endpoint string, body []byte) {
	t.Helper()
	var got struct {
		ID     string          `json:"custom_id"`
		Method string          `json:"method"`
		URL    string          `json:"url"`
		Body   json.RawMessage `json:"body"`
	}
	if err := json.Unmarshal([]byte(line), &got); err != nil {
		t.Fatalf("%q: %v", line, err)
	}
	valid := func(s string) string { return string([]rune(s)) } // invalid UTF-8 becomes U+FFFD
	if got.ID != valid(id) || got.URL != valid(endpoint) || got.Method != "POST" || !bytes.Equal(got.Body, bytes.TrimSpace(body)) {
		t.Errorf("%q is read as %+v", line, got)
	}
}

func TestPayloadIsNotHeldInMemory(t *testing.T) {
	body := json.RawMessage(`"` + strings.Repeat("x", 1000) + `"`)
	rows := func(yield func(sink.Row, error) bool) {
		for range 20_000 {
			if !yield(sink.Row{ID: "row", Body: body}, nil) {
				return
			}
		}
	}
	allocs := testing.AllocsPerRun(3, func() {
		p := newPayload("", "", "/v1/chat/completions", rows)
		if n, err := io.Copy(io.Discard, p); err != nil || n < 20_000_000 {
			t.Fatalf("%d bytes, %v", n, err)
		}
		if cap(p.buf) > 4*payloadChunk {
			t.Errorf("the buffer has grown to %d bytes", cap(p.buf))
		}
		_ = p.Close()
	})
	if allocs > 60 {
		t.Errorf("%v allocations for 20,000 rows", allocs)
	}
}

// Large bodies pass without a copy, between others, and the size is known
// before.
func TestLargeBodiesAreNotCopied(t *testing.T) {
	var want []byte
	var all []sink.Row
	for n, size := range []int{10, payloadChunk - 2, payloadChunk, 10, 9 * payloadChunk, 3 * payloadChunk, 10} {
		row := sink.Row{ID: fmt.Sprint("row", n), Body: json.RawMessage(`"` + strings.Repeat("x", size) + `"`)}
		all = append(all, row)
		line, err := AppendRow(nil, "/v1/x", row)
		if err != nil {
			t.Fatal(err)
		}
		want = append(want, line...)
	}
	rows := func(yield func(sink.Row, error) bool) {
		for _, row := range all {
			if !yield(row, nil) {
				return
			}
		}
	}
	l, err := measure("/v1/x", rows)
	p := newPayload("", "", "/v1/x", rows)
	got, failed := io.ReadAll(p)
	if err := errors.Join(err, failed); err != nil || !bytes.Equal(got, want) || l.size != int64(len(want)) {
		t.Errorf("%d bytes, announced %d, want %d: %v", len(got), l.size, len(want), err)
	}
	if cap(p.buf) > 4*payloadChunk {
		t.Errorf("the buffer has grown to %d bytes", cap(p.buf))
	}
	_ = p.Close()
}

// A line that is too long fails its own row alone, if it can be told whose it
// is.
func TestALineThatIsTooLongFailsItsRowAlone(t *testing.T) {
	long := `,"response":{"status_code":200,"body":{"text":"` + strings.Repeat("x", 2000) + `"}}}`
	text := `{"custom_id":"a","response":{"status_code":200,"body":{"n":1}}}` + "\n" +
		`{"id":"x","custom_id":"b"` + long + "\n" + `{"id":"` + strings.Repeat("x", maxHead) + `","custom_id":"c"` + long + "\r\n" +
		`{"custom_id":"d","response":{"status_code":200,"body":{"n":1}}}` + "\n" + `{"custom_id":"e"` + long
	var got []string
	d := &download{rows: newTally(), doubted: true, yield: func(o sink.Outcome, err error) bool {
		code := ""
		if o.Err != nil {
			code = " " + o.Err.Code
		}
		got = append(got, o.ID+code)
		return err == nil
	}}
	lines := &lineReader{r: linereader.New(strings.NewReader(text), 64, 1000)}
	if err := d.read(lines); err != nil {
		t.Error(err)
	}
	want := []string{"a", "b answer_too_large", " unreadable_line", "d", "e answer_too_large"}
	if !slices.Equal(got, want) || lines.at.offset != int64(len(text)) {
		t.Errorf("%q up to %d of %d, want %q", got, lines.at.offset, len(text), want)
	}
}

// What is no answer is no success: it has a code and a class, and goes again if
// it never ran.
func TestWhatIsNoAnswerIsNoSuccess(t *testing.T) {
	for line, want := range map[string]sink.RowError{
		`{"custom_id":"a","response":{"status_code":0,"body":""},"error":null}`:                                   {Class: retry.Retryable, Code: "not_executed"},
		`{"custom_id":"a","response":{"status_code":0,"body":{}},"error":null}`:                                   {Class: retry.Retryable, Code: "not_executed"},
		`{"custom_id":"a","response":{"status_code":0},"error":null}`:                                             {Class: retry.Retryable, Code: "not_executed"},
		`{"custom_id":"a","response":{"status_code":0,"body":null},"error":{"code":"batch_expired"}}`:             {Class: retry.Retryable, Code: "batch_expired"},
		`{"custom_id":"a","response":null,"error":"boom"}`:                                                        {Class: retry.Permanent, Code: "error"},
		`{"custom_id":"a","response":null,"error":{"code":7,"message":"boom"}}`:                                   {Class: retry.Permanent, Code: "7"},
		`{"custom_id":"a","response":null,"error":{"code":null,"type":"server_error","message":"m"}}`:             {Class: retry.Retryable, Code: "server_error"},
		`{"custom_id":"a","response":null,"error":["boom"]}`:                                                      {Class: retry.Permanent, Code: "error"},
		`{"custom_id":"a","response":{"status_code":200,"body":null}}`:                                            {Class: retry.Permanent, Code: "no_answer"},
		`{"custom_id":"a","response":{"status_code":200,"body":""}}`:                                              {Class: retry.Permanent, Code: "no_answer"},
		`{"custom_id":"a","response":{"status_code":200}}`:                                                        {Class: retry.Permanent, Code: "no_answer"},
		`{"custom_id":"a","response":{"status_code":200,"body":"<html>"}}`:                                        {Class: retry.Permanent, Code: "unreadable_reply"},
		`{"custom_id":"a","response":{"status_code":200,"body":{"error":{"code":"c","message":"m"}}}}`:            {Class: retry.Permanent, Code: "c"},
		`{"custom_id":"a","response":{"status_code":200,"body":{"error":{"code":null,"type":"server_error"}}}}`:   {Class: retry.Retryable, Code: "server_error"},
		`{"custom_id":"a","response":{"status_code":200,"body":{"error":{"message":"m","type":"server_error"}}}}`: {Class: retry.Retryable, Code: "server_error"},
		`{"custom_id":"a","response":{"status_code":200,"body":{"error":{"code":502,"message":"m"}}}}`:            {Class: retry.Retryable, Code: "status_502"},
		`{"custom_id":"a","response":{"status_code":200,"body":{"error":"words"}}}`:                               {Class: retry.Permanent, Code: "error"},
		`{"custom_id":"a","response":{"status_code":500,"body":"<html>"}}`:                                        {Class: retry.Retryable, Code: "status_500"},
	} {
		o, err := parseLine([]byte(line))
		if err != nil || o.ID != "a" || o.Err == nil || o.Err.Class != want.Class || o.Err.Code != want.Code {
			t.Errorf("%s: %+v, %v", line, o.Err, err)
		}
	}
	for _, line := range []string{
		`{"response":{"body":{"choices":[{"message":{"content":"an answer, and no status"}}]}}}`,
		`{"response":{"status_code":200,"body":{"choices":[{}],"error":{"code":"a warning"}}}}`,
		`{"response":{"status_code":200,"body":{"object":"response","status":"completed","error":null}}}`,
	} {
		if o, err := parseLine([]byte(line)); err != nil || o.Err != nil || o.Status != 200 {
			t.Errorf("%s: %+v, %v", line, o, err)
		}
	}
}

// Lines that are too large to be kept are read from the rows once more, and are
// the same.
func TestManyLinesAreNotKept(t *testing.T) {
	body := json.RawMessage(`"` + strings.Repeat("x", 1<<20) + `"`)
	ranged := 0
	rows := func(yield func(sink.Row, error) bool) {
		ranged++
		for n := range maxKept>>20 + 1 {
			if !yield(sink.Row{ID: fmt.Sprint("row", n), Body: body}, nil) {
				return
			}
		}
	}
	l, err := measure("/v1/x", rows)
	if err != nil || l.kept != nil {
		t.Fatalf("%d chunks are kept, %v", len(l.kept), err)
	}
	r := l.reader("", "", "/v1/x", rows)
	defer r.Close()
	if n, err := io.Copy(io.Discard, r); n != l.size || err != nil || ranged != 2 {
		t.Errorf("%d bytes of %d, %v; the rows were read %d times", n, l.size, err, ranged)
	}
}
