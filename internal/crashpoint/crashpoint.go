// Package crashpoint marks where a crash is worth a test: before and after each
// durable write, and around each call that changes something at the provider.
//
// In a program that is built as usual, Here does nothing and costs nothing. With
// the build tag crashpoint it counts, and two environment variables say what for:
// under [At] stands how often it comes by which point until it kills itself, such
// as "2 after a commit", and under [Trace] a file that it appends the name of each
// point to. Its children do neither.
package crashpoint

// The environment variables of a program built with the tag crashpoint.
const (
	At    = "BALER_CRASH_AT"
	Trace = "BALER_CRASH_TRACE"
)
