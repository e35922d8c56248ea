package simulator

// ResultQuirks are liberties that providers with the same protocol take with
// result files. A client should not mind.
type ResultQuirks struct {
	// CRLF ends lines with a carriage return and a line feed.
	CRLF bool
	// NoFinalNewline leaves the last line without its line break.
	NoFinalNewline bool
	// EmptyErrorFile gives a batch whose rows all succeeded an error file
	// without any lines, instead of none.
	EmptyErrorFile bool
}
