package mistral

// DefaultBaseURL is Mistral's own API.
const DefaultBaseURL = "https://api.mistral.ai"

// KeyVariable is the environment variable that Mistral's own clients read, too.
const KeyVariable = "MISTRAL_API_KEY"
