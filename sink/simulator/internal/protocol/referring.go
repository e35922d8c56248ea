package protocol

// Referring is a Protocol whose rows refer to files by their IDs.
type Referring interface {
	// References returns what a row fails with because a file to which its body
	// refers is not there, or cannot be referred to; nil if all are. The files
	// are those that the account sees.
	References(body []byte, file func(id string) (File, bool)) *RowError
}
