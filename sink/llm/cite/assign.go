package cite

import (
	"cmp"
	"encoding/json"
	"slices"
	"strings"

	"github.com/balerhq/baler/sink/llm"
)

// cited is a citation, and where its words may be found.
type cited struct {
	llm.Citation
	index  int
	quoted int       // the length of its words, which the text begins with
	text   *evidence // its words, and those of the answer that rest on it
	around *evidence // and those before these
	leaves []int     // that stand where the citation was given
	inside bool      // it was given within the answer
}

// candidate is a citation that a field may rest on.
type candidate struct {
	leaf   int
	cite   *cited
	rule   Rule
	ratio  float64 // of RuleWords
	places []place // of the value
	names  float64 // how far the words around it name the field
	beside float64 // how many values around it are the field's neighbours
	alone  bool    // the citation was given for this field only
}

// valueOf is a leaf's value as it is looked for.
type valueOf struct {
	text   *evidence
	number []float64
	days   []int
	small  bool // it stands in many texts by chance
}

func (a *answer) mapTo(reply llm.Reply) Mapping {
	m := Mapping{Answer: json.RawMessage(reply.Text[a.From:a.To])}
	for _, l := range a.leaves {
		m.Fields = append(m.Fields, Field{Path: pathOf(l.path), Value: json.RawMessage(l.raw)})
	}
	values := make([]valueOf, len(a.leaves))
	for i := range a.leaves {
		values[i] = newValue(a.leaves[i].value)
	}
	var all []candidate
	for i, c := range reply.Citations {
		found := a.candidates(a.citedAt(reply.Text, i, c), values)
		a.weigh(found)
		all = append(all, a.compete(found)...)
	}
	used := make([]bool, len(reply.Citations))
	for i := range m.Fields {
		m.Fields[i].Sources = choose(all, i, &values[i])
		for _, s := range m.Fields[i].Sources {
			used[s.Index] = true
		}
	}
	for i := range used {
		if !used[i] {
			m.Rest = append(m.Rest, i)
		}
	}
	return m
}

func newValue(v any) (out valueOf) {
	switch v := v.(type) {
	case string:
		out.text = newEvidence(v)
		out.days = out.text.asDay()
		out.number = out.text.asNumber()
		out.small = len(out.text.letters) < 4
	case json.Number:
		if f, err := v.Float64(); err == nil {
			out.number = []float64{f}
		}
		out.small = len(strings.Trim(string(v), "0.-")) < 4
	}
	return out
}

// citedAt prepares a citation. Words of the answer that are no JSON say what a
// citation is about, as do those before them on the line.
func (a *answer) citedAt(text string, index int, c llm.Citation) *cited {
	out := &cited{Citation: c, index: index, text: newEvidence(c.Quote)}
	out.around, out.quoted = out.text, len(out.text.raw)
	at := c.At
	if at.From < 0 || at.To > len(text) || at.From >= at.To {
		return out
	}
	if at.From < a.To && a.From < at.To {
		out.inside = true
		for i, l := range a.leaves {
			if at.From < l.To && l.From < at.To {
				out.leaves = append(out.leaves, i)
			}
		}
		return out
	}
	said := text[at.From:at.To]
	out.text = newEvidence(c.Quote + "\n\n" + said)
	before := text[:at.From]
	before = before[strings.LastIndexByte(before, '\n')+1:]
	out.around = newEvidence(c.Quote + "\n\n" + before[max(0, len(before)-80):] + said)
	return out
}

// candidates returns the fields that a citation may belong to.
func (a *answer) candidates(c *cited, values []valueOf) (all []candidate) {
	for i := range a.leaves {
		isHere := slices.Contains(c.leaves, i)
		if c.inside && !isHere {
			continue
		}
		found := values[i].findIn(c.text)
		found.leaf, found.cite, found.alone = i, c, isHere && len(c.leaves) == 1
		if found.rule == "" && found.alone {
			found.rule = RulePlace
		}
		if found.rule != "" {
			all = append(all, found)
		}
	}
	return all
}

// leastOverlap is the part of a value's words that have to be found.
const leastOverlap = 0.5

// findIn looks for a value in a text.
func (v *valueOf) findIn(e *evidence) (c candidate) {
	if v.text != nil {
		if c.places = e.find(v.text); len(c.places) > 0 {
			c.rule = RuleExact
			return c
		}
	}
	if len(v.days) > 0 {
		if c.places = e.findDay(v.days); len(c.places) > 0 {
			c.rule = RuleDate
		}
		return c
	}
	for _, n := range v.number {
		c.places = append(c.places, e.findNumber(n)...)
	}
	if len(c.places) > 0 {
		c.rule = RuleNumber
		return c
	}
	if v.text != nil {
		if c.ratio = e.overlap(v.text); c.ratio >= leastOverlap {
			c.rule = RuleWords
		}
	}
	return c
}

// weigh finds out how far the words of a citation speak of each of its fields:
// of its name, and of the values beside it in the answer.
func (a *answer) weigh(found []candidate) {
	for i := range found {
		c := &found[i]
		path := a.leaves[c.leaf].path
		c.names = namesOf(path, c.cite.around)
		near := make(map[place]float64)
		for j := range found {
			if other := &found[j]; i != j && len(other.places) > 0 && !overlapAny(other.places, c.places) {
				near[other.places[0]] = max(near[other.places[0]], closeness(path, a.leaves[other.leaf].path))
			}
		}
		for _, n := range near {
			c.beside += n
		}
	}
}

// namesOf tells how far a text names a field. The names of what the field is in
// count half.
func namesOf(path []step, e *evidence) (sum float64) {
	weight := 1.0
	for _, s := range slices.Backward(path) {
		if s.isKey {
			sum += weight * e.namesFound(s.name)
			weight /= 2
		}
	}
	return sum
}

func overlapAny(a, b []place) bool {
	return slices.ContainsFunc(a, func(p place) bool { return slices.ContainsFunc(b, p.overlaps) })
}

// closeness is 1 for fields of the same object, and less the earlier their
// paths part.
func closeness(path, other []step) float64 {
	common := 0
	for common < len(path) && common < len(other) && path[common] == other[common] {
		common++
	}
	return min(1, float64(common+1)/float64(len(path)))
}

func (c *candidate) context() float64 { return c.beside + c.names }

// compete leaves each value in a citation to the field that it speaks of most,
// if several fields have it: to the one of the longest value, or else to the
// one whose name and neighbours are around. A value that is there n times goes
// to n fields.
func (a *answer) compete(found []candidate) (kept []candidate) {
	for i := range found {
		c := &found[i]
		if c.alone || len(c.places) == 0 || !a.loses(c, found) {
			kept = append(kept, *c)
		}
	}
	return kept
}

func (a *answer) loses(c *candidate, found []candidate) bool {
	better := 0
	for j := range found {
		other := &found[j]
		if other.leaf == c.leaf || !overlapAny(other.places, c.places) {
			continue
		}
		if isWithin(c.places, other.places) {
			return true
		}
		if isWithin(other.places, c.places) {
			continue
		}
		if other.context() > c.context()+1e-9 {
			better++
		}
	}
	return better >= c.times()
}

// times returns how often a citation has a value. That the answer says it again
// does not count.
func (c *candidate) times() int {
	quoted := 0
	for _, p := range c.places {
		if p.from < c.cite.quoted {
			quoted++
		}
	}
	return max(quoted, 1)
}

// isWithin reports whether each of some places is a part of a larger one.
func isWithin(places, larger []place) bool {
	return !slices.ContainsFunc(places, func(p place) bool {
		return !slices.ContainsFunc(larger, func(q place) bool { return q.contains(p) })
	})
}

// rank orders the rules.
func (c *candidate) rank() int {
	switch c.rule {
	case RuleExact, RuleNumber, RuleDate:
		return 2
	case RuleWords:
		return 1
	case RulePlace:
	}
	return 0
}

// closeEnough is how near the context of a source of a small value has to come
// to that of the best one.
const closeEnough = 0.6

// choose returns the sources of a field.
func choose(all []candidate, leaf int, v *valueOf) (sources []Source) {
	var mine []*candidate
	best, ratio, context := 0, 0.0, 0.0
	for i := range all {
		if c := &all[i]; c.leaf == leaf {
			mine = append(mine, c)
			best, ratio = max(best, c.rank()), max(ratio, c.ratio)
		}
	}
	for _, c := range mine {
		if c.rank() == best {
			context = max(context, c.context())
		}
	}
	for _, c := range mine {
		isWeak := c.rank() < best || c.rule == RuleWords && c.ratio < ratio || v.small && c.context() < closeEnough*context
		if c.alone || !isWeak {
			sources = append(sources, Source{Citation: c.cite.Citation, Index: c.cite.index, Rule: c.rule, Confidence: c.confidence(v)})
		}
	}
	slices.SortStableFunc(sources, func(a, b Source) int { return cmp.Compare(b.Confidence, a.Confidence) })
	return sources
}

// confidence is what a source is worth. The figures are estimates: only their
// order matters.
func (c *candidate) confidence(v *valueOf) float64 {
	var sum float64
	switch c.rule {
	case RuleExact, RuleDate:
		sum = 0.8
	case RuleNumber:
		sum = 0.7
	case RuleWords:
		sum = 0.2 + 0.5*c.ratio
	case RulePlace:
		sum = 0.4
	}
	if v.small && c.rule != RulePlace {
		sum -= 0.3
	}
	if c.names >= 0.5 {
		sum += 0.1
	}
	if c.beside > 0 {
		sum += 0.05
	}
	if c.alone {
		sum += 0.2
	}
	return min(sum, 1)
}
