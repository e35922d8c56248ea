package jobdir

// BytesPerToken is roughly how many bytes of a request make a token. It is the
// only estimate of tokens of a job: what is said in tokens of a request or a
// batch is its size, as it is kept, divided by this. Texts in English have
// about as many, others fewer, and files in base64 far more. A batch is
// certainly too large only if it is too large even at twice as many bytes a
// token.
const BytesPerToken = 4

// TokensIn estimates how many tokens so many bytes of requests have, at least
// one.
func TokensIn(bytes int) int64 { return max(int64(bytes)/BytesPerToken, 1) }
