package openai

import "github.com/balerhq/baler/sink/simulator/internal/chatform"

// Prompt returns the text that p asks about.
func (p params) Prompt() string {
	for _, value := range [][]byte{p.messages, p.input, p.prompt} {
		if text := chatform.LastText(value); text != "" {
			return text
		}
	}
	return ""
}
