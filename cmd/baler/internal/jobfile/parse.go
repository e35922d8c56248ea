package jobfile

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"

	"github.com/balerhq/baler/cmd/baler/internal/nearest"
)

// reader reads one file.
type reader struct {
	file    string
	options []Option
	secret  func(name string) string // see Parse
}

// Parse reads a file. Its stages are in their order; a file without stages is
// one. Each mistake is an *Error; all that are found are joined. Secret may
// return what to do instead about a name that is no option, or "".
func Parse(file string, data []byte, options []Option, secret func(name string) string) ([]Stage, error) {
	r := &reader{file: file, options: options, secret: secret}
	root, err := r.mapping(data)
	if err != nil {
		return nil, err
	}
	whole, stages, err := r.top(root)
	if err != nil {
		return nil, err
	}
	if stages == nil {
		return []Stage{whole}, nil
	}
	for i := range stages {
		stages[i].Values = merge(whole.Values, stages[i].Values)
	}
	if len(whole.Inputs) > 0 && len(stages[0].Inputs) == 0 {
		stages[0].Inputs = whole.Inputs
	}
	return stages, nil
}

// merge puts what a stage says after what the file says, which it replaces.
func merge(whole, stage []Value) []Value {
	all := slices.DeleteFunc(slices.Clone(whole), func(v Value) bool {
		return slices.ContainsFunc(stage, func(own Value) bool { return own.Name == v.Name })
	})
	return append(all, stage...)
}

func (r *reader) mapping(data []byte) (*ast.MappingNode, error) {
	file, err := parser.ParseBytes(data, 0)
	if syntax, ok := errors.AsType[yaml.Error](err); ok {
		return nil, r.mistake(syntax.GetToken(), "%s", syntax.GetMessage())
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", r.file, err)
	}
	docs := slices.DeleteFunc(file.Docs, func(d *ast.DocumentNode) bool { return d.Body == nil || d.Body.Type() == ast.CommentType })
	switch {
	case len(docs) == 0:
		return nil, &Error{Place{r.file, 1, 1}, "has no options: baler init writes a file that shows them"}
	case len(docs) > 1:
		return nil, r.mistake(docs[1].Body.GetToken(), "is a second document: several runs are %q of one", stagesKey)
	}
	m, ok := docs[0].Body.(*ast.MappingNode)
	if !ok {
		return nil, r.mistake(docs[0].Body.GetToken(), "must be a mapping of options to their values, as in \"model: gpt-5.4-mini\"")
	}
	return m, nil
}

// top reads the mapping of the whole file.
func (r *reader) top(m *ast.MappingNode) (whole Stage, stages []Stage, err error) {
	var list *ast.MappingValueNode
	rest := *m
	rest.Values = slices.DeleteFunc(slices.Clone(m.Values), func(v *ast.MappingValueNode) bool {
		if v.Key.String() != stagesKey {
			return false
		}
		list = v
		return true
	})
	whole, err = r.stage(&rest)
	if list == nil {
		return whole, nil, err
	}
	stages, wrong := r.stages(list)
	return whole, stages, errors.Join(err, wrong)
}

func (r *reader) stages(entry *ast.MappingValueNode) (stages []Stage, err error) {
	list, ok := entry.Value.(*ast.SequenceNode)
	if !ok || len(list.Values) == 0 {
		return nil, r.mistake(entry.Key.GetToken(), "%q must be a list of runs, each a mapping of options", stagesKey)
	}
	for _, n := range list.Values {
		m, ok := n.(*ast.MappingNode)
		if !ok {
			err = errors.Join(err, r.mistake(n.GetToken(), "a stage must be a mapping of options"))
			continue
		}
		s, wrong := r.stage(m)
		stages, err = append(stages, s), errors.Join(err, wrong)
	}
	return stages, err
}

func (r *reader) stage(m *ast.MappingNode) (s Stage, err error) {
	s.Place = Place{r.file, 1, 1}
	if len(m.Values) > 0 {
		s.Place = r.place(m.Values[0].Key.GetToken())
	}
	for _, entry := range m.Values {
		name := entry.Key.GetToken().Value
		option, err1 := r.option(name, entry.Key.GetToken())
		v, err2 := Value{}, error(nil)
		if err1 == nil {
			v, err2 = r.value(option, entry)
		}
		if err = errors.Join(err, err1, err2); err1 != nil || err2 != nil {
			continue
		}
		if name == inputKey {
			s.Inputs = v.Texts
		} else if len(v.Texts) > 0 {
			s.Values = append(s.Values, v)
		}
	}
	return s, err
}

func (r *reader) option(name string, at *token.Token) (Option, error) {
	if name == inputKey {
		return Option{Name: inputKey, Repeats: true}, nil
	}
	for _, o := range r.options {
		if o.Name == name {
			return o, nil
		}
	}
	if advice := r.secret(name); advice != "" {
		return Option{}, r.mistake(at, "%q is no option: %s", name, advice)
	}
	if near := r.nearest(name); near != "" {
		return Option{}, r.mistake(at, "%q is no option: did you mean %q?", name, near)
	}
	return Option{}, r.mistake(at, "%q is no option: they are named as the flags of the command are", name)
}

// value reads what an option is set to. One that is null is not set.
func (r *reader) value(o Option, entry *ast.MappingValueNode) (Value, error) {
	v := Value{Name: o.Name, Place: r.place(entry.Key.GetToken())}
	switch n := entry.Value.(type) {
	case *ast.NullNode:
		return v, nil
	case *ast.SequenceNode:
		v.List = true
		err := r.list(&v, o, entry, n)
		return v, err
	case *ast.MappingNode:
		v.List = true
		err := r.pairs(&v, o, entry, n)
		return v, err
	}
	text, err := r.scalar(o, entry.Value)
	v.Texts = []string{text}
	return v, err
}

func (r *reader) list(v *Value, o Option, entry *ast.MappingValueNode, list *ast.SequenceNode) (err error) {
	if !o.Repeats {
		return r.mistake(entry.Value.GetToken(), "%s takes one value, not a list", o.Name)
	}
	for _, n := range list.Values {
		text, wrong := r.scalar(o, n)
		v.Texts, err = append(v.Texts, text), errors.Join(err, wrong)
	}
	return err
}

// pairs reads {name: value} as name=value.
func (r *reader) pairs(v *Value, o Option, entry *ast.MappingValueNode, m *ast.MappingNode) (err error) {
	if !o.Repeats || o.Name == inputKey {
		return r.mistake(entry.Key.GetToken(), "%s takes no mapping", o.Name)
	}
	for _, pair := range m.Values {
		text, wrong := r.scalar(o, pair.Value)
		v.Texts, err = append(v.Texts, pair.Key.GetToken().Value+"="+text), errors.Join(err, wrong)
	}
	return err
}

// scalar reads one value as the text that a flag would have.
func (r *reader) scalar(o Option, n ast.Node) (string, error) {
	at := n.GetToken()
	switch n := n.(type) {
	case *ast.StringNode:
		return n.Value, r.fits(o, Text, at)
	case *ast.LiteralNode:
		return n.Value.Value, r.fits(o, Text, at)
	case *ast.BoolNode:
		return at.Value, r.fits(o, Bool, at)
	case *ast.IntegerNode:
		return strings.ReplaceAll(at.Value, "_", ""), r.fits(o, Int, at)
	case *ast.FloatNode:
		return at.Value, r.fits(o, Number, at)
	case *ast.NullNode:
		return "", r.mistake(at, "%s has an empty item", o.Name)
	case *ast.AnchorNode, *ast.AliasNode, *ast.MergeKeyNode, *ast.TagNode:
		return "", r.mistake(at, "%s is an anchor, alias or tag: write its value, or put what stages share above them", o.Name)
	}
	return "", r.mistake(at, "%s must be a single value", o.Name)
}

// fits checks a value that is written as one kind against what its option
// takes. Numbers and true are texts, too.
func (r *reader) fits(o Option, written Kind, at *token.Token) error {
	switch {
	case o.Kind == Text, o.Kind == written, o.Kind == Number && written == Int:
		return nil
	case o.Kind == Bool:
		return r.mistake(at, "%s must be true or false", o.Name)
	case o.Kind == Int:
		return r.mistake(at, "%s must be a whole number", o.Name)
	}
	return r.mistake(at, "%s must be a number", o.Name)
}

func (r *reader) place(t *token.Token) Place {
	if t == nil || t.Position == nil {
		return Place{r.file, 1, 1}
	}
	return Place{r.file, t.Position.Line, t.Position.Column}
}

func (r *reader) mistake(at *token.Token, format string, args ...any) error {
	return &Error{r.place(at), fmt.Sprintf(format, args...)}
}

func (r *reader) nearest(name string) string {
	names := []string{inputKey, stagesKey}
	for _, o := range r.options {
		names = append(names, o.Name)
	}
	return nearest.Of(strings.ReplaceAll(name, "_", "-"), names)
}
