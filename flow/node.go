package flow

import (
	"fmt"
	"reflect"
	"strings"
)

// A StageOption describes one stage to the pipeline.
type StageOption func(*Node)

// Name names the stage in errors and in the graph. Without it a stage is named after its type, or by its String method,
// with a number when the name is taken.
func Name(name string) StageOption { return func(n *Node) { n.Name = name } }

// stageName is the default name of a stage: what it calls itself, or its type without package path and type parameters.
func stageName(stage any) string {
	if s, ok := stage.(fmt.Stringer); ok {
		return s.String()
	}
	name := strings.TrimPrefix(reflect.TypeOf(stage).String(), "*")
	name, _, _ = strings.Cut(name, "[")
	return name
}
