package durable

// wake tells the packer that something it looks at has changed.
type wake chan struct{}

// signal wakes await and load.
func (w wake) signal() {
	select {
	case w <- struct{}{}:
	default:
	}
}
