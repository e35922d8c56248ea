package scan

import (
	"errors"
	"io"
	"strings"
	"testing"
)

func TestExtractVisitsAnArrayAndKeepsTheRest(t *testing.T) {
	t.Parallel()
	const doc = ` {"batch":{"name":"x","input_config":{"requests":{"requests":[{"a": 1},"two",[3]],"n":1e3}}},"p":["q"]} `
	var got []string
	rest, err := Extract(strings.NewReader(doc), func(e []byte) error {
		got = append(got, string(e))
		return nil
	}, "batch", "inputConfig|input_config", "requests", "requests")
	const want = `{"batch":{"name":"x","input_config":{"requests":{"requests":[],"n":1e3}}},"p":["q"]}`
	if err != nil || string(rest) != want {
		t.Errorf("rest %s, %v, want %s", rest, err, want)
	}
	if text := strings.Join(got, " "); text != `{"a": 1} "two" [3]` {
		t.Errorf("visited %s", text)
	}
}

// Elements are visited as they come, before all of them are in memory.
func TestExtractReadsNoMoreThanItNeeds(t *testing.T) {
	t.Parallel()
	const n, row = 10_000, `{"a":"0123456789"},`
	in := strings.NewReader(`{"rows":[` + strings.Repeat(row, n) + `0]}`)
	visited := 0
	if _, err := Extract(in, func([]byte) error {
		visited++
		if ahead := n*len(row) - in.Len() - visited*len(row); ahead > 1<<16 {
			return errors.New("it has read too far")
		}
		return nil
	}, "rows"); err != nil || visited != n+1 {
		t.Errorf("visited %d, %v", visited, err)
	}
}

func TestExtractReportsWhatIsWrong(t *testing.T) {
	t.Parallel()
	stop := errors.New("stop")
	for doc, want := range map[string]error{
		`{"rows":[1,2`:    io.ErrUnexpectedEOF,
		``:                io.ErrUnexpectedEOF,
		`{"rows":[1]`:     io.ErrUnexpectedEOF,
		`{"rows":[1,0]}`:  stop,
		`[]`:              nil,
		`3`:               nil,
		`{"rows":[1]} {}`: nil,
		`{"rows":[x]}`:    nil,
	} {
		_, err := Extract(strings.NewReader(doc), func(e []byte) error {
			if string(e) == "0" {
				return stop
			}
			return nil
		}, "rows")
		if err == nil || (want != nil && !errors.Is(err, want)) {
			t.Errorf("%s: %v, want %v", doc, err, want)
		}
	}
	rest, err := Extract(strings.NewReader(`{"rows":null,"other":{"rows":[5]}}`), func([]byte) error { return stop }, "rows")
	if err != nil || string(rest) != `{"rows":null,"other":{"rows":[5]}}` {
		t.Errorf("%s, %v", rest, err)
	}
}
