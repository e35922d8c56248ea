package cite

import (
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// number is what a number in a text may mean.
type number struct {
	place
	values []float64
}

var numberForm = regexp.MustCompile(`(?i)\d+(?:(?:[.,'’]|[ \x{a0}\x{202f}](?:\d{3}\b))\d*)*(?:\s?(%|‰|per ?cent\b|pct\b|thousand\b|million\b|billion\b|trillion\b|mio\b|mrd\b|bn\b|mn\b)|(k|m|b)\b)?`)

var scales = map[string]float64{
	"%": 0.01, "‰": 0.001, "percent": 0.01, "per cent": 0.01, "pct": 0.01, "k": 1e3, "thousand": 1e3,
	"m": 1e6, "mn": 1e6, "mio": 1e6, "million": 1e6, "b": 1e9, "bn": 1e9, "mrd": 1e9, "billion": 1e9, "trillion": 1e12,
}

var numberWords = map[string]float64{
	"zero": 0, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10, "eleven": 11,
	"twelve": 12, "thirteen": 13, "fourteen": 14, "fifteen": 15, "sixteen": 16, "seventeen": 17, "eighteen": 18, "nineteen": 19, "twenty": 20,
	"thirty": 30, "forty": 40, "fifty": 50, "sixty": 60, "seventy": 70, "eighty": 80, "ninety": 90,
}

var wordForm = regexp.MustCompile(`\pL+`)

// numbersIn returns the numbers of a text. Those of a date are none, but for
// its year.
func numbersIn(text string, days []day) (all []number) {
	for _, d := range days {
		all = append(all, number{d.place, []float64{float64(d.year)}})
	}
	for _, m := range numberForm.FindAllStringSubmatchIndex(text, -1) {
		at := place{m[0], m[1]}
		if isInDay(at, days) || isAfterLetter(text, at.from) {
			continue
		}
		scale := ""
		for g := 2; g < len(m); g += 2 {
			if m[g] >= 0 {
				scale, at.to = strings.ToLower(text[m[g]:m[g+1]]), m[g]
			}
		}
		digits := strings.TrimRight(text[at.from:at.to], " .,'’\u00a0\u202f")
		values := valuesOf(digits)
		if len(values) == 0 {
			continue
		}
		for _, v := range slices.Clone(values) {
			if factor, is := scales[scale]; is {
				values = append(values, v*factor)
			}
		}
		all = append(all, number{at, signed(text, at, values)})
	}
	for _, m := range wordForm.FindAllStringIndex(text, -1) {
		if v, is := numberWords[strings.ToLower(text[m[0]:m[1]])]; is {
			all = append(all, number{place{m[0], m[1]}, []float64{v}})
		}
	}
	return all
}

func isInDay(at place, days []day) bool {
	for _, d := range days {
		if d.overlaps(at) {
			return true
		}
	}
	return false
}

func isAfterLetter(text string, at int) bool {
	r, _ := utf8.DecodeLastRuneInString(text[:at])
	return unicode.IsLetter(r)
}

// signed returns the values of a number that may be negative: after a minus
// sign, or in brackets as accountants write it.
func signed(text string, at place, values []float64) []float64 {
	before := strings.TrimRight(text[:at.from], "$€£¥")
	if strings.HasSuffix(before, "(") && strings.Contains(text[at.to:min(len(text), at.to+3)], ")") {
		for _, v := range slices.Clone(values) {
			values = append(values, -v)
		}
	}
	bare := strings.TrimRight(before, "-−")
	if r, _ := utf8.DecodeLastRuneInString(bare); len(bare) < len(before) && (bare == "" || unicode.IsSpace(r) || r == '(') {
		for i := range values {
			values[i] = -values[i]
		}
	}
	return values
}

// valuesOf returns what digits with separators may mean: 1.200 is 1200 or 1.2.
func valuesOf(digits string) (values []float64) {
	digits = strings.NewReplacer("'", "", "’", "", " ", "", "\u00a0", "", "\u202f", "").Replace(digits)
	point, comma := strings.Count(digits, "."), strings.Count(digits, ",")
	add := func(s string) {
		if v, err := strconv.ParseFloat(s, 64); err == nil {
			values = append(values, v)
		}
	}
	thousands := func(sep string) string {
		parts := strings.Split(digits, sep)
		for i, p := range parts {
			if i > 0 && len(p) != 3 || i == 0 && (len(p) > 3 || p == "" || p == "0") {
				return ""
			}
		}
		return strings.Join(parts, "")
	}
	switch {
	case point+comma == 0:
		add(digits)
	case point > 0 && comma > 0:
		last, other := ".", ","
		if strings.LastIndex(digits, ",") > strings.LastIndex(digits, ".") {
			last, other = ",", "."
		}
		whole, rest, _ := strings.Cut(digits, last)
		add(strings.ReplaceAll(whole, other, "") + "." + rest)
	default:
		sep := "."
		if comma > 0 {
			sep = ","
		}
		add(thousands(sep))
		if point+comma == 1 {
			add(strings.Replace(digits, sep, ".", 1))
		}
	}
	return values
}

// findNumber returns the places of a number.
func (e *evidence) findNumber(want float64) (places []place) {
	for _, n := range e.numbers {
		for _, v := range n.values {
			if v == want || math.Abs(v-want) <= 1e-9*math.Abs(want) {
				places = append(places, n.place)
				break
			}
		}
	}
	return places
}

// asNumber returns the number that a text is, with a currency or a unit.
func (e *evidence) asNumber() (values []float64) {
	if len(e.numbers) != 1 || len(e.days) > 0 {
		return nil
	}
	at := e.numbers[0].place
	before, after := e.raw[:at.from], e.raw[at.to:]
	if rest := strings.Fields(before + " " + after); len(rest) > 1 || len(rest) == 1 && len(rest[0]) > 3 {
		return nil
	}
	if strings.ContainsFunc(before, unicode.IsLetter) && !strings.HasSuffix(before, " ") {
		return nil // it is a name such as C-3
	}
	return e.numbers[0].values[:1]
}
