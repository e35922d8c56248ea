package gemini

// DefaultBaseURL is Google's own API.
const DefaultBaseURL = "https://generativelanguage.googleapis.com"

// The environment variables that Google's own clients read, too. If both keys
// are set, these clients use that of GoogleKeyVariable.
const (
	GoogleKeyVariable = "GOOGLE_API_KEY"
	KeyVariable       = "GEMINI_API_KEY"
	BaseURLVariable   = "GOOGLE_GEMINI_BASE_URL"
)
