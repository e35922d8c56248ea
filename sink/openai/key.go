package openai

// The environment variables that OpenAI's own clients read, too.
const (
	KeyVariable     = "OPENAI_API_KEY"
	BaseURLVariable = "OPENAI_BASE_URL"
)
