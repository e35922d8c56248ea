// Package crashpoint marks where a crash is worth a test: before and after each
// durable write, and around each call that changes something at the provider.
//
// In a program that is built as usual, Here does nothing and costs nothing. With
// the build tag crashpoint it counts, and two environment variables say what for:
// under [At] the process kills itself when it comes by the nth point, and under
// [Trace] it appends the name of each point to a file. Its children do neither.
package crashpoint

// The environment variables of a program built with the tag crashpoint.
const (
	At    = "BALER_CRASH_AT"
	Trace = "BALER_CRASH_TRACE"
)
