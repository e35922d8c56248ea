package provider

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
)

// Question is what is asked in a body: the text of its last message.
func Question(body []byte) (string, error) {
	var b struct {
		Messages []struct {
			Content string `json:"content"`
		} `json:"messages"`
	}
	if err := json.Unmarshal(body, &b); err != nil {
		return "", err
	}
	if len(b.Messages) == 0 {
		return "", errors.New("no messages")
	}
	return b.Messages[len(b.Messages)-1].Content, nil
}

// Answer is what the provider answers to a question. That to another question
// is another one.
func Answer(question string) string { return "answer " + digest("answer", question) }

// Hash names a question on the bill.
func Hash(question string) string { return digest("question", question) }

func digest(salt, text string) string {
	sum := sha256.Sum256([]byte(salt + "\x00" + text))
	return hex.EncodeToString(sum[:12])
}
