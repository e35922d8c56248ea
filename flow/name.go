package flow

import (
	"fmt"
	"reflect"
	"strings"
)

// A StageOption sets up one stage of a pipeline.
type StageOption func(*stageSettings)

type stageSettings struct{ name string }

// Name names the stage in errors and in the graph. Without it a stage is named
// after its type, or by its String method, with a number when the name is
// taken.
func Name(name string) StageOption { return func(s *stageSettings) { s.name = name } }

// stageName is the default name of a stage: what it calls itself, or its type
// without package path and type parameters.
func stageName(stage any) string {
	if s, ok := stage.(fmt.Stringer); ok {
		return s.String()
	}
	name := strings.TrimPrefix(reflect.TypeOf(stage).String(), "*")
	name, _, _ = strings.Cut(name, "[")
	return name
}
