package payload

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/balerhq/baler/sink"
)

// lines is a format as OpenAI's.
func lines(endpoint string) *Format {
	return &Format{
		Head: func(dst []byte, id string) []byte {
			dst = AppendString(append(dst, `{"custom_id":`...), id)
			dst = AppendString(append(dst, `,"method":"POST","url":`...), endpoint)
			return append(dst, `,"body":`...)
		},
		Tail: "}\n",
	}
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
		format := lines(endpoint)
		l, err := Measure(format, rows)
		if multiline := bytes.IndexByte(body, '\n') >= 0; err != nil != (multiline && n > 0) {
			t.Fatalf("%q: %v", body, err)
		} else if multiline {
			return
		}
		p := l.Reader("head", "tail", rows)
		defer p.Close()
		all, err := io.ReadAll(p)
		if err != nil || int64(len(all)) != l.Size+8 {
			t.Fatalf("%d bytes, announced %d: %v", len(all), l.Size, err)
		}
		text := strings.TrimSuffix(strings.TrimPrefix(string(all), "head"), "tail")
		each := strings.SplitAfter(text, "\n")
		if len(each) != int(n)+1 || each[n] != "" {
			t.Fatalf("%d rows are %q", n, each)
		}
		for _, line := range each[:n] {
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
		p := newReader("", "", &Payload{Size: 20_000_000, format: lines("/v1/chat/completions")}, rows)
		if n, err := io.Copy(io.Discard, p); err != nil || n < 20_000_000 {
			t.Fatalf("%d bytes, %v", n, err)
		}
		if cap(p.buf) > 4*chunk {
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
	for n, size := range []int{10, chunk - 2, chunk, 10, 9 * chunk, 3 * chunk, 10} {
		row := sink.Row{ID: fmt.Sprint("row", n), Body: json.RawMessage(`"` + strings.Repeat("x", size) + `"`)}
		all = append(all, row)
		line, err := lines("/v1/x").AppendRow(nil, row)
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
	l, err := Measure(lines("/v1/x"), rows)
	p := newReader("", "", &l, rows)
	got, failed := io.ReadAll(p)
	if err := errors.Join(err, failed); err != nil || !bytes.Equal(got, want) || l.Size != int64(len(want)) {
		t.Errorf("%d bytes, announced %d, want %d: %v", len(got), l.Size, len(want), err)
	}
	if cap(p.buf) > 4*chunk {
		t.Errorf("the buffer has grown to %d bytes", cap(p.buf))
	}
	_ = p.Close()
}

// Lines that are too large to be kept are read from the rows once more, and are
// the same.
func TestRowsOfAnArray(t *testing.T) {
	format := &Format{
		Head: func(dst []byte, id string) []byte {
			return append(AppendString(append(dst, `{"custom_id":`...), id), `,"params":`...)
		},
		Tail: "}", Between: ",",
	}
	for _, size := range []int{10, chunk, 8 << 20} {
		rows := func(yield func(sink.Row, error) bool) {
			for n := range 3 {
				if !yield(sink.Row{ID: fmt.Sprint("row", n), Body: json.RawMessage(`"` + strings.Repeat("x", size) + `"`)}, nil) {
					return
				}
			}
		}
		p, err := Measure(format, rows)
		if err != nil {
			t.Fatal(err)
		}
		body := p.Reader(`{"requests":[`, "]}", rows)
		all, err := io.ReadAll(body)
		_ = body.Close()
		var got struct {
			Requests []struct {
				ID     string `json:"custom_id"`
				Params string
			}
		}
		if err := errors.Join(err, json.Unmarshal(all, &got)); err != nil || int64(len(all)) != p.Size+15 || p.Rows != 3 || len(got.Requests) != 3 {
			t.Fatalf("%d bytes of %d, %d rows of %d: %v", len(all), p.Size+15, len(got.Requests), p.Rows, err)
		}
		for n, r := range got.Requests {
			if r.ID != fmt.Sprint("row", n) || len(r.Params) != size {
				t.Errorf("row %d is %q with %d bytes", n, r.ID, len(r.Params))
			}
		}
	}
}
