package main

import (
	"slices"
	"strconv"
	"text/template/parse"
)

// These functions take the place of fields. No template can name them.
const (
	showFunc      = "_show"      // what the value of each {{...}} passes through
	optionalFunc  = "_optional"  // a field that may be missing
	conditionFunc = "_condition" // one of an {{if}} or {{with}}
)

// getFunc is a field by its name: {{get "my name"}}.
const getFunc = "get"

// addRow lets get be called without the row.
func addRow(node parse.Node) {
	eachNode(node, func(n parse.Node) {
		command, ok := n.(*parse.CommandNode)
		if !ok || calls(command) != getFunc || len(command.Args) == 1 {
			return
		}
		if _, isName := command.Args[1].(*parse.StringNode); isName {
			row := &parse.VariableNode{NodeType: parse.NodeVariable, Pos: command.Pos, Ident: []string{"$"}}
			command.Args = slices.Insert(command.Args, 1, parse.Node(row))
		}
	})
}

// calls returns the function that a command calls, "" if it calls none.
func calls(command *parse.CommandNode) string {
	if f, ok := command.Args[0].(*parse.IdentifierNode); ok {
		return f.Ident
	}
	return ""
}

// relax lets fields be missing where that says something: as the condition of
// {{if}} and {{with}}, and where default, or, and, not get them.
func relax(node parse.Node) {
	eachNode(node, func(n parse.Node) {
		switch n := n.(type) {
		case *parse.IfNode:
			relaxPipe(n.Pipe, conditionFunc)
		case *parse.WithNode:
			relaxPipe(n.Pipe, conditionFunc)
		case *parse.PipeNode:
			for i, command := range n.Cmds {
				switch calls(command) {
				case "default", "or", "and", "not":
					relaxCommand(command, optionalFunc)
					if i > 0 {
						relaxCommand(n.Cmds[i-1], optionalFunc)
					}
				}
			}
		}
	})
}

func relaxPipe(pipe *parse.PipeNode, f string) {
	for _, command := range pipe.Cmds {
		relaxCommand(command, f)
	}
}

// relaxCommand makes the fields in a command calls of a function.
func relaxCommand(command *parse.CommandNode, f string) {
	if name := calls(command); name == "index" || name == getFunc {
		command.Args[0] = parse.NewIdentifier(f).SetPos(command.Pos)
	}
	for i, arg := range command.Args {
		if pipe, ok := arg.(*parse.PipeNode); ok {
			relaxPipe(pipe, f)
			continue
		}
		call := lookup(arg, f)
		switch {
		case call == nil:
		case len(command.Args) == 1:
			command.Args = call.Args
			return
		default:
			command.Args[i] = &parse.PipeNode{NodeType: parse.NodePipe, Pos: arg.Position(), Cmds: []*parse.CommandNode{call}}
		}
	}
}

// lookup returns the call of a function that looks up a field, nil if a node is
// none.
func lookup(node parse.Node, f string) *parse.CommandNode {
	var in parse.Node
	var names []string
	switch n := node.(type) {
	case *parse.FieldNode:
		in, names = &parse.DotNode{NodeType: parse.NodeDot, Pos: n.Pos}, n.Ident
	case *parse.VariableNode:
		in, names = &parse.VariableNode{NodeType: parse.NodeVariable, Pos: n.Pos, Ident: n.Ident[:1]}, n.Ident[1:]
	case *parse.ChainNode:
		in, names = n.Node, n.Field
		if pipe, ok := in.(*parse.PipeNode); ok {
			relaxPipe(pipe, f)
		}
	}
	if len(names) == 0 {
		return nil
	}
	call := &parse.CommandNode{NodeType: parse.NodeCommand, Pos: node.Position(), Args: []parse.Node{parse.NewIdentifier(f).SetPos(node.Position()), in}}
	for _, name := range names {
		call.Args = append(call.Args, text(name, node.Position()))
	}
	return call
}

func text(s string, at parse.Pos) *parse.StringNode {
	return &parse.StringNode{NodeType: parse.NodeString, Pos: at, Quoted: strconv.Quote(s), Text: s}
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
				text(what, action.Pos),
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
