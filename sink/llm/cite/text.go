package cite

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// evidence is a text in which values are looked for. Places are bytes of raw.
type evidence struct {
	raw     string
	letters string // the letters and digits of raw, in lower case
	at      []int  // the place in raw of each byte of letters, and the end
	begins  []bool // whether a word begins at a byte of letters; the end begins one
	words   map[string]bool
	numbers []number
	days    []day
}

// place is where a value stands in a text.
type place struct{ from, to int }

func (p place) overlaps(q place) bool { return p.from < q.to && q.from < p.to }
func (p place) contains(q place) bool { return p.from <= q.from && q.to <= p.to && p != q }

var (
	brokenWord = regexp.MustCompile(`(\pL)[-\x{ad}]\s*\n\s*(\pL)`)
	zeroHour   = regexp.MustCompile(`\b0(\d:\d\d)`)
	version    = regexp.MustCompile(`\b[vV](\d+\.)`)
)

func newEvidence(text string) *evidence {
	text = brokenWord.ReplaceAllString(text, "$1$2")
	text = zeroHour.ReplaceAllString(text, "$1")
	text = version.ReplaceAllString(text, "v $1")
	e := &evidence{raw: strings.ToValidUTF8(text, " "), words: make(map[string]bool)}
	e.readWords()
	e.days = daysIn(e.raw)
	e.numbers = numbersIn(e.raw, e.days)
	return e
}

// readWords collects the words, and the letters without what stands between
// them.
func (e *evidence) readWords() {
	var letters strings.Builder
	isInWord, word := false, 0
	end := func() {
		if isInWord {
			e.words[stem(letters.String()[word:])] = true
		}
		isInWord = false
	}
	for i, r := range e.raw {
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			if r != '\u00ad' {
				end()
			}
			continue
		}
		first := !isInWord
		if first {
			isInWord, word = true, letters.Len()
		}
		n, _ := letters.WriteRune(unicode.ToLower(r))
		for k := range n {
			e.at, e.begins = append(e.at, i), append(e.begins, first && k == 0)
		}
	}
	end()
	e.letters = letters.String()
	e.at, e.begins = append(e.at, len(e.raw)), append(e.begins, true)
}

// find returns the places of a value, as whole words, whatever stands between
// its letters.
func (e *evidence) find(v *evidence) (places []place) {
	if v.letters == "" {
		return e.findSigns(strings.TrimSpace(v.raw))
	}
	for from := 0; ; {
		i := strings.Index(e.letters[from:], v.letters)
		if i < 0 {
			return places
		}
		begin, end := from+i, from+i+len(v.letters)
		if e.begins[begin] && e.begins[end] {
			places = append(places, place{e.at[begin], e.after(end)})
		}
		from = begin + 1
	}
}

// after returns where the letter before the nth ends.
func (e *evidence) after(n int) int {
	_, size := utf8.DecodeRuneInString(e.raw[e.at[n-1]:])
	return e.at[n-1] + size
}

// findSigns finds a value without letters and digits, such as %.
func (e *evidence) findSigns(signs string) []place {
	if i := strings.Index(e.raw, signs); i >= 0 && signs != "" {
		return []place{{i, i + len(signs)}}
	}
	return nil
}

// overlap returns the part of a value's words that the text has. Words that say
// little do not count.
func (e *evidence) overlap(v *evidence) float64 {
	all, found := 0, 0
	for w := range v.words {
		if small[w] {
			continue
		}
		all++
		if e.words[w] {
			found++
		}
	}
	if all < 2 && found < all || all == 0 {
		return 0
	}
	return float64(found) / float64(all)
}

// small are words that say little.
var small = map[string]bool{}

func init() {
	for w := range strings.FieldsSeq("a an and are as at be been but by did do does for from had has have he her his in is it its no not of on or " +
		"she that the their they this to was were which with") {
		small[stem(w)] = true
	}
}

// stem cuts endings that the forms of an English word differ in.
func stem(word string) string {
	for _, ending := range []string{"ing", "ied", "ies", "ed", "es", "s"} {
		if cut, has := strings.CutSuffix(word, ending); has && len(cut) > 3 {
			return strings.TrimSuffix(cut, "e")
		}
	}
	if len(word) > 4 {
		return strings.TrimSuffix(word, "e")
	}
	return word
}

// namesFound returns the part of a name's words that the text has, such as
// those of annual_fee.
func (e *evidence) namesFound(name string) float64 {
	all, found := 0, 0.0
	for _, w := range wordsOfName(name) {
		all++
		switch {
		case e.words[stem(w)]:
			found++
		case len(w) > 3 && e.hasKin(w):
			found += 0.7
		}
	}
	if all == 0 {
		return 0
	}
	return found / float64(all)
}

// hasKin reports whether a word of the text begins as w does, such as serves
// and servings.
func (e *evidence) hasKin(w string) bool {
	for other := range e.words {
		if len(other) > 3 && (strings.HasPrefix(other, w[:4]) || strings.HasPrefix(w, other)) {
			return true
		}
	}
	return false
}

// wordsOfName divides a name at signs and before capitals, in lower case.
func wordsOfName(name string) []string {
	var b strings.Builder
	wasLower := false
	for _, r := range name {
		if unicode.IsUpper(r) && wasLower {
			b.WriteByte(' ')
		}
		wasLower = unicode.IsLower(r)
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			r = ' '
		}
		b.WriteRune(unicode.ToLower(r))
	}
	words := strings.Fields(b.String())
	kept := words[:0]
	for _, w := range words {
		if !small[w] {
			kept = append(kept, w)
		}
	}
	return kept
}
