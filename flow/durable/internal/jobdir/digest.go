package jobdir

// Digest identifies a request among those of all jobs: 16 bytes of the SHA-256
// of provider, endpoint, model and body.
type Digest [16]byte
