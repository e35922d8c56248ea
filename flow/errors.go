package flow

import (
	"errors"
	"fmt"
)

// ErrUnread is reported for a stage that returned nil although its input was
// still open: the items that it left unread would be lost.
var ErrUnread = errors.New("returned before the end of its input")

// ErrUnanswered is reported for a stage that did not keep to the rule of one
// answer for every item.
var ErrUnanswered = errors.New("stage does not answer every item once")

// StageError says which stage failed. [Pipeline.Wait] returns it; errors.Is and
// errors.As see through it.
type StageError struct {
	Stage string // as named by Name, or by the pipeline
	Err   error
}

func (e *StageError) Error() string { return fmt.Sprintf("flow: stage %q: %v", e.Stage, e.Err) }

// Unwrap returns the stage's own error.
func (e *StageError) Unwrap() error { return e.Err }

// stageError is an error of one of several stages in a goroutine.
type stageError struct {
	stage string
	error
}
