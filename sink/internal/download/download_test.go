package download

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/balerhq/baler/internal/linereader"
	"github.com/balerhq/baler/sink"
)

func parse(line []byte) (sink.Outcome, error) {
	var l struct {
		ID string `json:"custom_id"`
	}
	err := json.Unmarshal(line, &l)
	return sink.Outcome{ID: l.ID}, err
}

// A line that is too long fails its own row alone, if it can be told whose it
// is.
func TestALineThatIsTooLongFailsItsRowAlone(t *testing.T) {
	long := `,"response":{"status_code":200,"body":{"text":"` + strings.Repeat("x", 2000) + `"}}}`
	text := `{"custom_id":"a","response":{"status_code":200,"body":{"n":1}}}` + "\n" +
		`{"id":"x","custom_id":"b"` + long + "\n" + `{"id":"` + strings.Repeat("x", maxHead) + `","custom_id":"c"` + long + "\r\n" +
		`{"custom_id":"d","response":{"status_code":200,"body":{"n":1}}}` + "\n" + `{"custom_id":"e"` + long
	var got []string
	d := &File{Format: &Format{Parse: parse, ID: "custom_id"}, rows: newTally(), doubted: true, yield: func(o sink.Outcome, err error) bool {
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
