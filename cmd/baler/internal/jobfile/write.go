package jobfile

import (
	"encoding/json"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
)

// width is that of the comments.
const width = 88

// Write writes a file of one run. Options that the run does not set stand in
// it, too, as comments. Head is a comment at its top.
func Write(w io.Writer, head string, options []Option, s Stage) error {
	var b strings.Builder
	comment(&b, head)
	b.WriteByte('\n')
	entry(&b, inputKey, Value{Texts: s.Inputs, List: len(s.Inputs) > 1}, Text)
	group := ""
	for _, o := range options {
		if o.Group != group {
			group = o.Group
			fmt.Fprintf(&b, "\n# --- %s\n", group)
		}
		b.WriteByte('\n')
		comment(&b, o.Usage)
		v, ok := s.Get(o.Name)
		if !ok {
			fmt.Fprintf(&b, "#%s:%s\n", o.Name, spaced(o.Default))
			continue
		}
		entry(&b, o.Name, v, o.Kind)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func spaced(text string) string {
	if text == "" {
		return ""
	}
	return " " + text
}

// entry writes one option with its value.
func entry(b *strings.Builder, name string, v Value, kind Kind) {
	write := quoted
	if kind != Text {
		write = func(text string) string { return text }
	}
	switch {
	case v.List:
		fmt.Fprintf(b, "%s:\n", name)
		for _, text := range v.Texts {
			fmt.Fprintf(b, "  - %s\n", write(text))
		}
	case kind == Text && isBlock(v.Texts[0]):
		fmt.Fprintf(b, "%s: |\n", name)
		for line := range strings.Lines(v.Texts[0]) {
			fmt.Fprintf(b, "  %s", line)
		}
	default:
		fmt.Fprintf(b, "%s: %s\n", name, write(v.Texts[0]))
	}
}

// plain are texts that are never taken for anything else, but for the words
// that YAML knows.
var (
	plain = regexp.MustCompile(`^[A-Za-z./][A-Za-z0-9_./+-]*( [A-Za-z0-9_./+-]+)*$`)
	words = regexp.MustCompile(`^(?i:true|false|null|yes|no|on|off|y|n|[.](inf|nan))$|^[.]|^-`)
	block = regexp.MustCompile(`^[^\s\pC\x{2028}\x{2029}]([^\pC\x{2028}\x{2029}]|\n)*[^\n]\n$`)
)

// isBlock reports whether a text of several lines can stand as it is.
func isBlock(text string) bool {
	return block.MatchString(text)
}

// quoted is a text as YAML: in quotes, as JSON has them, unless it is plain.
func quoted(text string) string {
	if plain.MatchString(text) && !words.MatchString(text) {
		return text
	}
	var b strings.Builder
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(text) // a string always can
	return strings.TrimSuffix(b.String(), "\n")
}

// comment writes a text as lines of a comment.
func comment(b *strings.Builder, text string) {
	for paragraph := range strings.SplitSeq(text, "\n") {
		line := "#"
		for word := range strings.FieldsSeq(paragraph) {
			if len(line)+1+len(word) > width {
				fmt.Fprintln(b, line)
				line = "#"
			}
			line += " " + word
		}
		fmt.Fprintln(b, line)
	}
}

// Sort orders options by their groups, in the order in which the groups are
// given; the order within a group stays.
func Sort(options []Option, groups []string) {
	slices.SortStableFunc(options, func(a, b Option) int {
		return rank(groups, a.Group) - rank(groups, b.Group)
	})
}

func rank(groups []string, group string) int {
	if i := slices.Index(groups, group); i >= 0 {
		return i
	}
	return len(groups)
}
