package sink

// Origin is what a Provider may implement if its Name stands for several
// services, such as all that speak the protocol of one. What one of them
// answered is then not taken for the answer of another.
type Origin interface {
	// Origin names the service, such as "api.openai.com", whoever pays.
	Origin() string
}
