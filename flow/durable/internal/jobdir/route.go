package jobdir

// Route is what all rows of a batch have in common.
type Route struct {
	Endpoint string `json:"endpoint"`
	Model    string `json:"model"`
}

// NumberedRoute is a lane as the journal knows it.
type NumberedRoute struct {
	N int `json:"n"`
	Route
}
