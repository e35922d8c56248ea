package jobdir

// AccountAlias says that Account sees the batches of As: both are the same
// account under different keys.
type AccountAlias struct {
	Account string `json:"account"`
	As      string `json:"as"`
}
