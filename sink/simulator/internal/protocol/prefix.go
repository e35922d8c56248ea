package protocol

// A Prefixed is a [Request] of which a provider may cache the beginning.
type Prefixed interface{ Prefix() Prefix }

// Prefix is what of a request may be cached.
type Prefix struct {
	Text   []byte // JSON, in the order in which a model reads it; empty if there is none
	Marked bool   // all of it is cached, because it is marked, and not any beginning
	Hour   bool   // for an hour
}
