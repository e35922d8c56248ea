package openai

import "github.com/balerhq/baler/internal/printable"

// maxWords bounds what is quoted of the provider, in bytes.
const maxWords = 4 << 10

// words makes a text of the provider fit to be printed. What is sent back to
// it, such as the name of a batch, stays as it is.
func words(s string) string { return printable.Line(s, maxWords) }
