package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"text/template"
	"text/template/parse"
)

// prompt is a template of the fields of a row. What it shows is never a value
// that is missing or null, nor an object or a list in Go's syntax.
type prompt struct {
	template *template.Template
	fields   []string // that every row must have
	buf      bytes.Buffer
}

// showFunc is what the value of each {{...}} passes through.
const showFunc = "_show"

func newPrompt(text string) (*prompt, error) {
	t, err := template.New("prompt").Option("missingkey=error").Funcs(promptFuncs).Parse(text)
	if err != nil {
		return nil, usage("--prompt: %s%s", strings.TrimPrefix(err.Error(), "template: "), parseHint(err))
	}
	used := false
	for _, part := range t.Templates() {
		if part.Tree != nil {
			used = used || usesRow(part.Root)
			guard(part.Root)
		}
	}
	if !used {
		return nil, usage("--prompt uses no field of the row, so all rows would ask the same%s", braceHint(text))
	}
	return &prompt{template: t, fields: fieldsOf(t.Root)}, nil
}

// parseHint says how a field is written whose name is no plain word.
func parseHint(err error) string {
	if strings.Contains(err.Error(), "not defined") || strings.Contains(err.Error(), "bad character") {
		return `: write {{.name}} for a field, or {{index . "my name"}} if its name has a space or a sign`
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

// fill puts the fields of a row into the prompt.
func (p *prompt) fill(fields map[string]any) (string, error) {
	for _, name := range p.fields {
		if _, ok := fields[name]; !ok {
			return "", fmt.Errorf("field %q is missing, and the prompt uses {{.%s}}%s", name, name, fieldList(fields))
		}
	}
	p.buf.Reset()
	if err := p.template.Execute(&p.buf, fields); err != nil {
		if fault, ok := errors.AsType[*promptError](err); ok {
			return "", fault
		}
		return "", errors.New(strings.TrimPrefix(err.Error(), "template: ") + fieldList(fields))
	}
	if len(bytes.TrimSpace(p.buf.Bytes())) == 0 {
		return "", errors.New("the prompt has no text")
	}
	return p.buf.String(), nil
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

// promptError is a value that a prompt cannot show.
type promptError struct{ text string }

func (e *promptError) Error() string { return e.text }

// promptFuncs are those of a prompt. The builtin ones that make a text of a
// value would hide what is wrong with it.
var promptFuncs = template.FuncMap{
	showFunc:   show,
	"json":     toJSON,
	"index":    index,
	"print":    guarded("print", fmt.Sprint),
	"println":  guarded("println", fmt.Sprintln),
	"html":     guarded("html", template.HTMLEscaper),
	"js":       guarded("js", template.JSEscaper),
	"urlquery": guarded("urlquery", template.URLQueryEscaper),
	"printf": func(format string, args ...any) (string, error) {
		text, err := guarded("printf", func(args ...any) string { return fmt.Sprintf(format, args...) })(args...)
		if err == nil && strings.Contains(text, "%!") {
			err = &promptError{fmt.Sprintf("printf %q does not fit its values: %s", format, text)}
		}
		return text, err
	},
}

// toJSON lets a prompt show a field that is not a text: {{json .items}}.
func toJSON(v any) (string, error) {
	b, err := json.Marshal(v)
	return string(b), err
}

// guarded is a function that makes a text of values, for values that have one.
func guarded(name string, f func(...any) string) func(...any) (string, error) {
	return func(args ...any) (string, error) {
		for _, arg := range args {
			if _, err := show("a value of "+name, arg); err != nil {
				return "", err
			}
		}
		return f(args...), nil
	}
}

// show returns a value that has a text of its own.
func show(what string, v any) (any, error) {
	switch v.(type) {
	case nil:
		return nil, &promptError{what + " is null, so the prompt would show nothing for it: leave the row out, or test it with {{if}}"}
	case map[string]any, []any:
		return nil, &promptError{what + " is an object or a list: show it as JSON, as in {{json .items}}"}
	}
	return v, nil
}

// index is the builtin function for what JSON has, but a key that is missing is
// an error, as it is for {{.key}}.
func index(v any, keys ...any) (any, error) {
	for _, key := range keys {
		var found bool
		switch in := v.(type) {
		case map[string]any:
			name, _ := key.(string)
			v, found = in[name]
		case []any:
			n, isInt := key.(int)
			if found = isInt && n >= 0 && n < len(in); found {
				v = in[n]
			}
		}
		if !found {
			list := ""
			if in, isObject := v.(map[string]any); isObject {
				list = fieldList(in)
			}
			return nil, &promptError{fmt.Sprintf("index finds no %q%s", fmt.Sprint(key), list)}
		}
	}
	return v, nil
}

// guard makes each {{...}} of a template that shows a value show it by show.
func guard(node parse.Node) {
	eachNode(node, func(n parse.Node) {
		action, ok := n.(*parse.ActionNode)
		if !ok || len(action.Pipe.Decl) > 0 {
			return
		}
		what := "{{" + action.Pipe.String() + "}}"
		action.Pipe.Cmds = append(action.Pipe.Cmds, &parse.CommandNode{
			NodeType: parse.NodeCommand, Pos: action.Pos,
			Args: []parse.Node{
				parse.NewIdentifier(showFunc).SetPos(action.Pos),
				&parse.StringNode{NodeType: parse.NodeString, Pos: action.Pos, Quoted: strconv.Quote(what), Text: what},
			},
		})
	})
}

// usesRow reports whether a template refers to anything of its row.
func usesRow(node parse.Node) (used bool) {
	eachNode(node, func(n parse.Node) {
		switch n := n.(type) {
		case *parse.FieldNode, *parse.DotNode:
			used = true
		case *parse.VariableNode:
			used = used || n.Ident[0] == "$"
		}
	})
	return used
}

// eachNode calls f for a node and all within it.
func eachNode(node parse.Node, f func(parse.Node)) {
	f(node)
	switch n := node.(type) {
	case *parse.ListNode:
		for _, inner := range n.Nodes {
			eachNode(inner, f)
		}
	case *parse.ActionNode:
		eachNode(n.Pipe, f)
	case *parse.TemplateNode:
		if n.Pipe != nil {
			eachNode(n.Pipe, f)
		}
	case *parse.PipeNode:
		for _, command := range n.Cmds {
			eachNode(command, f)
		}
	case *parse.CommandNode:
		for _, arg := range n.Args {
			eachNode(arg, f)
		}
	case *parse.ChainNode:
		eachNode(n.Node, f)
	case *parse.IfNode:
		eachBranch(&n.BranchNode, f)
	case *parse.RangeNode:
		eachBranch(&n.BranchNode, f)
	case *parse.WithNode:
		eachBranch(&n.BranchNode, f)
	}
}

func eachBranch(n *parse.BranchNode, f func(parse.Node)) {
	eachNode(n.Pipe, f)
	eachNode(n.List, f)
	if n.ElseList != nil {
		eachNode(n.ElseList, f)
	}
}

// fieldsOf lists the fields of the row that the actions outside any condition
// or loop use: those that every row must have.
func fieldsOf(list *parse.ListNode) (names []string) {
	for _, node := range list.Nodes {
		action, ok := node.(*parse.ActionNode)
		if !ok {
			continue
		}
		for _, command := range action.Pipe.Cmds {
			for _, arg := range command.Args {
				if f, ok := arg.(*parse.FieldNode); ok {
					names = append(names, f.Ident[0])
				}
			}
		}
	}
	return names
}
