package jobdir

// Route is what all rows of a batch have in common: who answers them, and how
// they are asked.
type Route struct {
	Name     string `json:"name,omitempty"` // of the job's route, if it has several
	Provider string `json:"provider"`
	Origin   string `json:"origin,omitempty"` // the service that speaks the provider's protocol
	Live     bool   `json:"live,omitempty"`   // its rows are asked one by one, and no batch API knows its batches
	Endpoint string `json:"endpoint"`
	Model    string `json:"model"`
	Revision int    `json:"revision,omitempty"` // of the codec
	Options  string `json:"options,omitempty"`  // in JSON: those of chats that have none
	Schema   string `json:"schema,omitempty"`   // digest of that of all chats, if its batches have one
}

// Asks returns what counts for whether two routes give the same answers.
func (r Route) Asks() Route {
	r.Name, r.Live, r.Schema = "", false, ""
	return r
}

// NumberedRoute is a route and its number in the journal.
type NumberedRoute struct {
	N int `json:"n"`
	Route
}

// Target is what a request itself says about where it goes. The zero Target
// goes anywhere.
type Target struct {
	Provider string `json:"provider,omitempty"`  // whose format the request has, if it is no chat
	Endpoint string `json:"endpoint,omitempty"`  // of a request that is no chat
	Model    string `json:"model,omitempty"`     // that the request names
	RouteKey string `json:"route_key,omitempty"` // that its route is chosen by
	Schema   string `json:"schema,omitempty"`    // digest of the chat's, if a route of the job has one schema a batch
	Tenant   string `json:"tenant,omitempty"`    // whose item it is
	Every    bool   `json:"every,omitempty"`     // the item is asked on all routes, and this row on the one that RouteKey names
}

// Asks returns what counts for whether two requests ask the same.
func (t Target) Asks() Target {
	t.RouteKey, t.Schema, t.Tenant, t.Every = "", "", "", false // the content has the schema
	return t
}

// NumberedTarget is a target and its number in the journal.
type NumberedTarget struct {
	N int `json:"n"`
	Target
}
