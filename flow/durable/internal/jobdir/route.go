package jobdir

// Route is the endpoint and the model that all rows of a batch have in common.
type Route struct {
	Endpoint string `json:"endpoint"`
	Model    string `json:"model"`
}

// NumberedRoute is a route and its number in the journal.
type NumberedRoute struct {
	N int `json:"n"`
	Route
}
