package jobdir

// AccountAlias says that Account sees the batches of As: it is the same one,
// under another key.
type AccountAlias struct {
	Account string `json:"account"`
	As      string `json:"as"`
}
