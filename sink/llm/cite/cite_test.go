package cite_test

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/balerhq/baler/sink/llm"
	"github.com/balerhq/baler/sink/llm/cite"
)

// labelled is an answer of testdata/labelled.txt.
type labelled struct {
	name   string
	reply  llm.Reply
	number []int // in the file, of each citation of the reply
	labels map[string][]int
}

var (
	block    = regexp.MustCompile(`⟦([^⟧]*)⟧([0-9]+(?:,[0-9]+)*)`)
	citation = regexp.MustCompile(`^([0-9]+): (.*)$`)
)

func readLabelled(tb testing.TB, file string) (all []labelled) {
	tb.Helper()
	f, err := os.Open("testdata/" + file)
	if err != nil {
		tb.Fatal(err)
	}
	defer f.Close()
	var answer []string
	var quotes []string
	var l labelled
	end := func() {
		if l.name != "" {
			l.build(tb, strings.Join(answer, "\n"), quotes)
			all = append(all, l)
		}
		answer, quotes = nil, nil
	}
	for lines := bufio.NewScanner(f); lines.Scan(); {
		line := lines.Text()
		if name, begins := strings.CutPrefix(line, "== "); begins {
			end()
			l = labelled{name: name, labels: make(map[string][]int)}
			continue
		}
		quote := citation.FindStringSubmatch(line)
		switch {
		case l.name == "" || line == "":
		case strings.HasPrefix(line, "$"):
			path, numbers, _ := strings.Cut(line, " ")
			l.labels[path] = numbersOf(tb, numbers)
		case quote != nil:
			quotes = append(quotes, quote[2])
		case len(quotes) > 0: // a quote of several lines
			quotes[len(quotes)-1] += "\n" + line
		default:
			answer = append(answer, line)
		}
	}
	end()
	return all
}

func numbersOf(tb testing.TB, text string) (all []int) {
	tb.Helper()
	if text == "-" {
		return nil
	}
	for field := range strings.SplitSeq(text, ",") {
		n, err := strconv.Atoi(field)
		if err != nil {
			tb.Fatal(err)
		}
		all = append(all, n)
	}
	return all
}

// build takes the blocks out of an answer, as a codec reads them.
func (l *labelled) build(tb testing.TB, answer string, quotes []string) {
	tb.Helper()
	var text strings.Builder
	last := 0
	for _, m := range block.FindAllStringSubmatchIndex(answer, -1) {
		text.WriteString(answer[last:m[0]])
		at := llm.Span{From: text.Len()}
		text.WriteString(answer[m[2]:m[3]])
		at.To, last = text.Len(), m[1]
		for _, n := range numbersOf(tb, answer[m[4]:m[5]]) {
			l.reply.Citations = append(l.reply.Citations, llm.Citation{Quote: quotes[n-1], At: at})
			l.number = append(l.number, n)
		}
	}
	text.WriteString(answer[last:])
	l.reply.Text = text.String()
}

// score counts pairs of a field and a citation.
type score struct{ right, found, wanted int }

func (s *score) add(found, wanted []int) (isRight bool) {
	s.found += len(found)
	s.wanted += len(wanted)
	right := 0
	for _, n := range found {
		if slices.Contains(wanted, n) {
			right++
		}
	}
	s.right += right
	return right == len(found) && right == len(wanted)
}

func (s *score) precision() float64 { return float64(s.right) / float64(s.found) }
func (s *score) recall() float64    { return float64(s.right) / float64(s.wanted) }

func (s *score) String() string {
	return fmt.Sprintf("precision %.3f (%d of %d), recall %.3f (%d of %d)", s.precision(), s.right, s.found, s.recall(), s.right, s.wanted)
}

// ours returns the citations of each field that Map finds.
func ours(t *testing.T, l *labelled) map[string][]int {
	t.Helper()
	mapped, err := cite.Map(l.reply)
	if err != nil {
		t.Fatalf("%s: %v", l.name, err)
	}
	all := make(map[string][]int)
	for _, f := range mapped.Fields {
		all[f.Path] = nil
		for _, s := range f.Sources {
			if n := l.number[s.Index]; !slices.Contains(all[f.Path], n) {
				all[f.Path] = append(all[f.Path], n)
			}
		}
	}
	return all
}

// The mapping is measured by labels: those of the first set were written before
// the code, those of the second one after it and before it was run on them.
func TestLabelledAnswers(t *testing.T) {
	for file, answers := range map[string]int{"labelled.txt": 50, "second.txt": 20} {
		var our score
		others := map[string]*score{"match of values": {}, "in quotes": {}, "nested": {}, "nested, in quotes": {}}
		all := readLabelled(t, file)
		if len(all) != answers {
			t.Fatalf("%s has %d answers, want %d", file, len(all), answers)
		}
		for _, l := range all {
			found := ours(t, &l)
			if len(found) != len(l.labels) {
				t.Errorf("%s: %d fields, and %d labels", l.name, len(found), len(l.labels))
			}
			for path, wanted := range l.labels {
				if !our.add(found[path], wanted) {
					t.Logf("%s: %s: found %v, labelled %v", l.name, path, found[path], wanted)
				}
			}
			for how, s := range others {
				byValue := valueMatch(l.reply, strings.Contains(how, "nested"), strings.Contains(how, "quotes"))
				for path, wanted := range l.labels {
					s.add(l.numbersOf(byValue[path]), wanted)
				}
			}
		}
		t.Logf("%s: cite.Map: %v", file, &our)
		if our.precision() < 0.95 || our.recall() < 0.9 {
			t.Errorf("%s: %v: want at least 0.95 and 0.9", file, &our)
		}
		for how, s := range others {
			t.Logf("%s: %s: %v", file, how, s)
			if our.precision() <= s.precision() || our.recall() <= s.recall() {
				t.Errorf("%s: %v: not above %s: %v", file, &our, how, s)
			}
		}
	}
}

// numbersOf returns the numbers in the file of citations of the reply.
func (l *labelled) numbersOf(indexes []int) (all []int) {
	for _, i := range indexes {
		if n := l.number[i]; !slices.Contains(all, n) {
			all = append(all, n)
		}
	}
	return all
}

func TestPathsOfFields(t *testing.T) {
	mapped, err := cite.Map(llm.Reply{Text: `Here: {"a b": {"c": [[1, null], ["", {"d": false}]]}, "é_1": "x", "1": 2.50} [3]`})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, f := range mapped.Fields {
		got = append(got, f.Path+"="+string(f.Value))
	}
	want := []string{`$["a b"].c[0][0]=1`, `$["a b"].c[1][1].d=false`, `$.é_1="x"`, `$["1"]=2.50`}
	if !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	if _, has := mapped.Field(`$["1"]`); !has {
		t.Error("the field is not found by its path")
	}
}

func TestWarningOfUnmappedFields(t *testing.T) {
	for text, want := range map[string]string{
		`{"a": "Oslo", "b": "Rome"}`:              "",
		`{"a": "Oslo", "b": "Rome", "c": "Bonn"}`: "no citation was found for 2 of 3 fields: $.b, $.c",
		`{}`: "",
	} {
		mapped, err := cite.Map(llm.Reply{Text: text, Citations: []llm.Citation{{Quote: "in OSLO"}, {Quote: "nothing"}}})
		if err != nil || mapped.Warning() != want {
			t.Errorf("%s: %q, %v, want %q", text, mapped.Warning(), err, want)
		}
		if text != "{}" && !slices.Equal(mapped.Rest, []int{1}) {
			t.Errorf("%s: citations %v belong to nothing, want the second", text, mapped.Rest)
		}
	}
}

// A source says by which rule it was found, and the better ones are sure of it.
func TestRules(t *testing.T) {
	for _, test := range []struct {
		value, quote string
		rule         cite.Rule
		level        cite.Level
	}{
		{`"Acme Corporation"`, "ACME\nCorporation", cite.RuleExact, cite.High},
		{`1234.5`, "a total of 1.234,50 EUR", cite.RuleNumber, cite.Medium},
		{`"$1,234.50"`, "1234.50", cite.RuleExact, cite.High},
		{`"2026-03-05"`, "on the 5th of March, 2026", cite.RuleDate, cite.High},
		{`"the fence was painted twice"`, "Fences: two coats of paint, twice", cite.RuleWords, cite.Medium},
		{`7`, "7", cite.RuleNumber, cite.Medium},
		{`true`, "true", "", ""},
		{`7`, "17 and 70, A7", "", ""},
		{`"art"`, "party", "", ""},
		{`"2026-03-05"`, "March 6, 2026", "", ""},
	} {
		mapped, err := cite.Map(llm.Reply{Text: `{"x": ` + test.value + `}`, Citations: []llm.Citation{{Quote: test.quote}}})
		if err != nil {
			t.Fatal(err)
		}
		sources := mapped.Fields[0].Sources
		switch {
		case test.rule == "" && len(sources) > 0:
			t.Errorf("%s in %q: %+v", test.value, test.quote, sources)
		case test.rule != "" && (len(sources) != 1 || sources[0].Rule != test.rule || sources[0].Level() != test.level):
			t.Errorf("%s in %q: %+v, want %s and %s", test.value, test.quote, sources, test.rule, test.level)
		}
	}
}

func TestAnswersThatAreNone(t *testing.T) {
	for _, text := range []string{"", "no JSON", "{", `{"a":`, strings.Repeat("[", 100_000), `"text"`, "7"} {
		if _, err := cite.Map(llm.Reply{Text: text}); !errors.Is(err, cite.ErrNoAnswer) {
			t.Errorf("%.20q: %v", text, err)
		}
	}
}

func FuzzMap(f *testing.F) {
	f.Add(`{"a":"2026-03-05","b":[1,"-",true]}`, "on 5 March 2026 -1 (1) % 1.000,5", 0, 9)
	f.Add("⟦ {\"é\":\"é\"} ⟧", "É-\nÉ", -1, 99)
	f.Fuzz(func(t *testing.T, text, quote string, from, to int) {
		reply := llm.Reply{Text: text, Citations: []llm.Citation{{Quote: quote, At: llm.Span{From: from, To: to}}, {Quote: text}}}
		mapped, err := cite.Map(reply)
		if err != nil {
			return
		}
		for _, field := range mapped.Fields {
			if !json.Valid(field.Value) {
				t.Errorf("the value %q of %s is no JSON", field.Value, field.Path)
			}
			for _, s := range field.Sources {
				if s.Confidence < 0 || s.Confidence > 1 || s.Rule == "" {
					t.Errorf("%+v", s)
				}
			}
		}
	})
}
