package gemini

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"sync"
)

// sealer hides the key of the client in the URL of an upload, which is in logs.
// The URL is all that the client for Python proves itself with. Without another
// key, it is good until the process ends.
var sealer = sync.OnceValue(func() cipher.AEAD {
	key := make([]byte, 32)
	_, _ = rand.Read(key) // never fails
	block, err := aes.NewCipher(key)
	if err != nil {
		panic(err) // 32 bytes are a key
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		panic(err) // the block is of AES
	}
	return aead
})

func seal(key string) []byte { return sealer().Seal(nil, nil, []byte(key), nil) }

// unseal returns the key, empty if this process has not sealed it.
func unseal(sealed []byte) string {
	key, err := sealer().Open(nil, nil, sealed, nil)
	if err != nil {
		return ""
	}
	return string(key)
}
