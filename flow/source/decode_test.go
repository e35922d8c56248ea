package source

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

type upper string

func (u *upper) UnmarshalText(b []byte) error { *u = upper(b) + "!"; return nil }

type embedded struct{ Inner string }

// wide is a type with what encoding/json treats in a way of its own.
type wide struct {
	embedded
	Name    string `json:"name"`
	Number  json.Number
	Raw     json.RawMessage
	Bytes   []byte
	Wait    time.Duration
	At      time.Time
	Any     any
	Text    upper
	Quoted  int `json:",string"`
	Array   [2]int
	List    []int
	Map     map[string]int
	Pointer *int
	Hidden  string `json:"-"`
	Float   float32
	Small   int8
}

// A row is decoded as encoding/json does, also where the faster reader has
// rules of its own.
func TestRowsAreDecodedAsByEncodingJSON(t *testing.T) {
	for _, line := range []string{
		`{}`,
		`{"name":"a","NAME":"b","Name":"c"}`,
		`{"Number":12345678901234567890.10}`, `{"Number":"12"}`, `{"Number":"twelve"}`, `{"Number":null}`,
		`{"Raw": {"a" : [1, 2]} }`, `{"Raw":null}`,
		`{"Bytes":"aGFsbG8="}`, `{"Bytes":"aGFs\nbG8="}`, `{"Bytes":"?"}`, `{"Bytes":null}`,
		`{"Wait":5}`, `{"Wait":"5s"}`,
		`{"At":"2026-11-29T10:00:00Z"}`, `{"At":"2026-11-29T1:00:00Z"}`, `{"At":"today"}`,
		`{"Any":{"a":[1,null,"x",1e400]}}`, `{"Any":9007199254740993}`,
		`{"Text":"a"}`, `{"Text":1}`,
		`{"Quoted":"5"}`, `{"Quoted":5}`, `{"Quoted":"x"}`,
		`{"Array":[1]}`, `{"Array":[1,2,3]}`, `{"List":null}`, `{"List":[]}`, `{"List":[1,null]}`,
		`{"Map":{"a":1,"b":null}}`, `{"Map":null}`, `{"Pointer":3}`, `{"Pointer":null}`,
		`{"Hidden":"a","-":"b"}`, `{"Inner":"a"}`, `{"inner":"a"}`,
		`{"Float":1e39}`, `{"Small":300}`, `{"Small":1.0}`, `{"name":1}`, `{"name":"a"`, `{"name":"a"} x`,
		`{"name":"<\u00e9\ud83d\ude00\/>"}`,
	} {
		var want wide
		wantErr := explainJSON(json.Unmarshal([]byte(line), &want))
		got, err := decode[wide](Row{JSON: json.RawMessage(line)})
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(wide{})); diff != "" {
			t.Errorf("%s: %s", line, diff)
		}
		if (err == nil) != (wantErr == nil) || err != nil && err.Error() != wantErr.Error() {
			t.Errorf("%s: %v, want %v", line, err, wantErr)
		}
	}
}

// What is no row says what to do about it.
func TestWhatIsNoRowSaysWhatToDo(t *testing.T) {
	for content, want := range map[string]string{
		"id,text\n1,a\n":          `a CSV file must have a name that ends in .csv`,
		"{\n\"id\":1\n}\n":        `an object must be on one line, as "jq -c ." writes it`,
		`{"id":1}{"id":2}`:        "put each object on a line of its own",
		"[{\"id\":1},{\"id\":2}]": `put each element on a line of its own, as "jq -c '.[]'" does`,
		"[\n{\"id\":1}\n]":        `put each element on a line of its own`,
	} {
		_, err := collect(Rows(writeFile(t, "rows.jsonl", content)))
		wantError(t, err, 1, want)
	}
	for _, content := range []string{"{\x00\"\x00i\x00d\x00\"\x00:\x001\x00}\x00\n\x00", "\x00{\x00}\x00\n", strings.Repeat("\x00", 5000)} {
		for _, name := range []string{"rows.jsonl", "rows.csv"} {
			_, err := collect(Rows(writeFile(t, name, content)))
			wantError(t, err, 0, "many of its bytes are zero: if it is UTF-16, save it as UTF-8")
		}
	}
}
