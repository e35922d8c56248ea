// Package completions reads and writes chat completions, which OpenAI's API has
// and others follow, and the answers of the other endpoints beside them.
//
// A Format is how one endpoint of one provider writes them: what differs is in
// its fields.
package completions
