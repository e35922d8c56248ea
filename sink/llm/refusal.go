package llm

import "fmt"

// RefusedOptionError says that a provider does not take an option of a chat, or
// the member of a body that stands for it: none of that name, not with that
// value, or not in that place. A codec never drops an option silently.
type RefusedOptionError struct {
	Option string // its name in a chat, such as "top_p" or "temperature"
	Reason string // goes on after the name, and says what to do
}

// Error implements error.
func (e *RefusedOptionError) Error() string {
	return fmt.Sprintf("the option %q %s", e.Option, e.Reason)
}
