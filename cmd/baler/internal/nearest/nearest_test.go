package nearest

import "testing"

func TestOf(t *testing.T) {
	t.Parallel()
	names := []string{"model", "provider", "out", "max-tokens", "openai"}
	for wrong, want := range map[string]string{
		"modell": "model", "Model": "model", "providr": "provider", "max-token": "max-tokens", "opnai": "openai",
		"ot": "out", "outt": "out", "temperature": "", "": "", "in": "",
	} {
		if got := Of(wrong, names); got != want {
			t.Errorf("%q: %q, want %q", wrong, got, want)
		}
	}
}
