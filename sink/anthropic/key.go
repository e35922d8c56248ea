package anthropic

// DefaultBaseURL is Anthropic's own API.
const DefaultBaseURL = "https://api.anthropic.com"

// The environment variables that Anthropic's own clients read, too.
const (
	KeyVariable     = "ANTHROPIC_API_KEY"
	BaseURLVariable = "ANTHROPIC_BASE_URL"
)
