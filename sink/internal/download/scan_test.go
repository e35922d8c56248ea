package download

import (
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/balerhq/baler/retry"
	"github.com/balerhq/baler/sink"
)

// A body is lists, and a list is rows with their ids; a dash is a row without
// one.
func TestRowsThatStandInLists(t *testing.T) {
	for body, want := range map[string]string{
		"a b c":     "a b c",
		"a - c":     "a #2 c",
		"a b|a b c": "a b c", // the second list repeats the first
		"a a|a":     "a a",
		"- -|- - -": "#1 #2 #3",
		"":          "",
	} {
		var got []string
		d := &File{Format: &Format{Parse: func(row []byte) (sink.Outcome, error) {
			return sink.Outcome{ID: strings.Trim(string(row), "-")}, nil
		}}, rows: newTally(), yield: func(o sink.Outcome, _ error) bool {
			if o.ID == "" {
				o.ID = "#" + string(rune('0'+o.Line))
			}
			got = append(got, o.ID)
			return true
		}}
		d.Scan = scanLists
		if err := d.scan(strings.NewReader(body)); err != nil || strings.Join(got, " ") != want {
			t.Errorf("%q: %q, %v, want %q", body, got, err, want)
		}
	}
}

// Fewer rows than were counted are asked for again.
func TestListsThatAreShort(t *testing.T) {
	d := &File{Format: &Format{Parse: parse}, Least: 2, rows: newTally(), Scan: scanLists, yield: func(sink.Outcome, error) bool { return true }}
	if err := d.scan(strings.NewReader(`{"custom_id":"a"}`)); !errors.Is(err, errShort) || retry.ClassOf(err) != retry.Retryable {
		t.Error(err)
	}
	d.yield = func(sink.Outcome, error) bool { return false }
	d.rows = newTally()
	if err := d.scan(strings.NewReader(`{"custom_id":"a"} {"custom_id":"b"}`)); err != nil || !d.stopped || d.Rows() != 1 {
		t.Errorf("%d rows, %v", d.Rows(), err)
	}
}

func scanLists(body io.Reader, begin func(), row func([]byte) error) error {
	text, err := io.ReadAll(body)
	if err != nil {
		return err
	}
	for list := range strings.SplitSeq(string(text), "|") {
		begin()
		for element := range strings.FieldsSeq(list) {
			if err := row([]byte(element)); err != nil {
				return err
			}
		}
	}
	return nil
}
