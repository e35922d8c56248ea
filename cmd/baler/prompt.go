package main

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"text/template"

	"github.com/balerhq/baler/flow/source"
)

// prompt is a template of the fields of a row. What it shows is never a value
// that is missing or null, nor an object or a list in Go's syntax.
type prompt struct {
	template *template.Template
	fields   []string // that every row must have
	plain    []piece  // of a template of texts and fields only; nil if there is more
	buf      bytes.Buffer
}

// newPrompt returns the template of --prompt. It must use the row, unless
// something else of it is sent, too.
func newPrompt(text string, more bool) (*prompt, error) {
	p, used, err := newTemplate("--prompt", text)
	if err == nil && !used && !more {
		err = usage("--prompt uses no field of the row, so all rows would ask the same%s", braceHint(text))
	}
	return p, err
}

// newTemplate returns the template of a flag, and whether it uses the row.
func newTemplate(flag, text string) (p *prompt, used bool, err error) {
	t, err := template.New("prompt").Option("missingkey=error").Funcs(promptFuncs).Parse(text)
	if err != nil {
		return nil, false, usage("%s: %w", flag, &templateError{strings.TrimPrefix(err.Error(), "template: ") + parseHint(err)})
	}
	plain := piecesOf(t.Root)
	for _, part := range t.Templates() {
		if part.Tree != nil {
			addRow(part.Root)
			used = used || usesRow(part.Root)
			guard(part.Root)
			relax(part.Root)
		}
	}
	return &prompt{template: t, fields: fieldsOf(t.Root), plain: plain}, used, nil
}

// templateError is why a text is no template.
type templateError struct{ text string }

func (e *templateError) Error() string { return e.text }

// nameFields adds the fields of the first row to what is wrong with a template.
func (o *options) nameFields(err error, dialect source.CSVFormat) error {
	if _, is := errors.AsType[*templateError](err); !is {
		return err
	}
	for row, unread := range o.source(dialect).Items() {
		if fields, undecoded := decode(row.JSON); unread == nil && undecoded == nil {
			return usage("%w%s", err, fieldList(fields))
		}
		break
	}
	return err
}

// parseHint says how a field is written whose name is no plain word.
func parseHint(err error) string {
	if strings.Contains(err.Error(), "not defined") || strings.Contains(err.Error(), "bad character") {
		return `: write {{.name}} for a field, or {{get "my name"}} if its name has a space or a sign`
	}
	return ""
}

var singleBraces = regexp.MustCompile(`\{[\pL_][\pL\pN_]*\}`)

// braceHint helps users of other template languages.
func braceHint(text string) string {
	if name := strings.Trim(singleBraces.FindString(text), "{}"); name != "" {
		return ": write {{." + name + "}} for {" + name + "}"
	}
	return ": write {{.text}} to insert the field \"text\""
}

var errNoText = errors.New("the prompt has no text")

// fill puts the fields of a row into the prompt.
func (p *prompt) fill(fields map[string]any) (string, error) {
	for _, name := range p.fields {
		if _, ok := fields[name]; !ok {
			return "", fmt.Errorf("field %q is missing, and the template uses {{.%s}}%s", name, name, fieldList(fields))
		}
	}
	if err := p.execute(fields); err != nil {
		if fault, ok := errors.AsType[*promptError](err); ok {
			return "", fault
		}
		return "", errors.New(strings.TrimPrefix(err.Error(), "template: ") + fieldList(fields))
	}
	if len(bytes.TrimSpace(p.buf.Bytes())) == 0 {
		return "", errNoText
	}
	return p.buf.String(), nil
}

// execute writes the prompt of a row to buf. Most templates need nothing of
// text/template, which takes ten times as long.
func (p *prompt) execute(fields map[string]any) error {
	p.buf.Reset()
	if len(p.plain) > 0 && joined(&p.buf, p.plain, fields) {
		return nil
	}
	p.buf.Reset()
	return p.template.Execute(&p.buf, fields)
}

// maxListed is how many fields of a row an error names.
const maxListed = 12

// fieldList names the fields of a row, for an error.
func fieldList[V any](fields map[string]V) string {
	names := slices.Sorted(maps.Keys(fields))
	if len(names) == 0 {
		return ": the row has no fields"
	}
	more := ""
	if len(names) > maxListed {
		names, more = names[:maxListed], ", ..."
	}
	for i, name := range names {
		names[i] = strconv.Quote(name)
	}
	return ": the row has " + strings.Join(names, ", ") + more
}
