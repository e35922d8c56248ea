// Package crashpoint marks the points where a test kills the process: before
// and after each durable write, and around each call that changes something at
// the provider.
//
// In a program that is built as usual, Here does nothing and costs nothing.
// With the build tag crashpoint it counts, under the control of two environment
// variables. [At] names a point and how often the process passes it until it
// kills itself, such as "2 after a commit". [Trace] names a file to which the
// process appends the name of each point. Child processes do neither.
package crashpoint

// The environment variables of a program built with the tag crashpoint.
const (
	At    = "BALER_CRASH_AT"
	Trace = "BALER_CRASH_TRACE"
)
