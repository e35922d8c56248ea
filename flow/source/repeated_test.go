package source

import (
	"fmt"
	"strings"
	"testing"
)

func TestRepeatedMembersAreFound(t *testing.T) {
	many := make([]string, 100)
	for i := range many {
		many[i] = fmt.Sprintf(`"m%d":%d`, i, i)
	}
	for line, want := range map[string]string{
		`{"a":1,"a":2}`:                            "a",
		`{"a":{"b":[{"c":1},{"c":1,"c":2}]}}`:      "c",
		`{"a":1,"b":{"a":1},"c":["a","a"]}`:        "",
		`{"a":"a","b":"\"a\":","c":"{"}`:           "",
		`{"a":1,"\u0061":2}`:                       "a",
		`{"a\\":1,"a\\":2}`:                        `a\`,
		`{"":1,"":2}`:                              "",
		`{"a":1}{"a":2}`:                           "",
		`{"a":1,"A":2}`:                            "",
		`{"a":[{"a":1}],"a":1}`:                    "a",
		`{` + strings.Join(many, ",") + `}`:        "",
		`{` + strings.Join(many, ",") + `,"m7":1}`: "m7",
		`{"a":1,"a`:                                "a", // not JSON, which is told later
		`]}{"`:                                     "",
	} {
		name, column := new(repetitions).find([]byte(line))
		wantAny := want != "" || line == `{"":1,"":2}`
		if name != want || (column > 0) != wantAny {
			t.Errorf("%.60s: %q at %d, want %q", line, name, column, want)
		}
	}
}

func FuzzRepeatedMember(f *testing.F) {
	f.Add(`{"a":{"b":[{"c":1},{"c":1,"c":2}]}}`)
	f.Fuzz(func(t *testing.T, line string) {
		if _, column := new(repetitions).find([]byte(line)); column > len(line) {
			t.Errorf("column %d of %d", column, len(line))
		}
	})
}

func BenchmarkRepeatedMember(b *testing.B) {
	line := []byte(`{"id":"123","subject":"Where is it?","text":"` + strings.Repeat(`My order says \"delivered\" but nobody was at home. `, 15) + `"}`)
	b.SetBytes(int64(len(line)))
	b.ReportAllocs()
	var r repetitions
	for b.Loop() {
		if _, column := r.find(line); column > 0 {
			b.Fatal(column)
		}
	}
}
