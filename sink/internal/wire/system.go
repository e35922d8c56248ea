package wire

import (
	"fmt"

	"github.com/balerhq/baler/sink/llm"
)

// System parts the instructions that begin a chat from its turns, for providers
// that keep them apart. An error names a message that has no place then.
func System(messages []llm.Message) (system, turns []llm.Message, err error) {
	n := 0
	for n < len(messages) && isSystem(messages[n].Role) {
		n++
	}
	for i, m := range messages[n:] {
		switch {
		case isSystem(m.Role):
			return nil, nil, fmt.Errorf("message %d: the role %q is only taken before all others", n+i+1, m.Role)
		case m.Role != llm.RoleUser && m.Role != llm.RoleAssistant && m.Role != "":
			return nil, nil, fmt.Errorf("message %d: the role %q is not known here", n+i+1, m.Role)
		}
	}
	return messages[:n], messages[n:], nil
}

func isSystem(role llm.Role) bool { return role == llm.RoleSystem || role == llm.RoleDeveloper }

// SystemParts returns the parts of all instructions, which are texts.
func SystemParts(system []llm.Message) ([]llm.Part, error) {
	var all []llm.Part
	for i, m := range system {
		parts, err := Parts(m)
		if err != nil {
			return nil, fmt.Errorf("message %d: %w", i+1, err)
		}
		for j := range parts {
			if !IsText(&parts[j]) {
				return nil, fmt.Errorf("message %d: part %d: instructions are text; put the file into a message of the user", i+1, j+1)
			}
		}
		all = append(all, parts...)
	}
	return all, nil
}

// IsText reports whether a part has no file.
func IsText(p *llm.Part) bool { return p.Image == nil && p.Document == nil }
