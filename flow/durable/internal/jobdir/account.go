package jobdir

// SameAccounts says that Account sees the batches of As: it is the same one,
// under another key.
type SameAccounts struct {
	Account string `json:"account"`
	As      string `json:"as"`
}
