package durable

// wakeup tells the packer that something it looks at has changed.
type wakeup chan struct{}

// signal wakes await and load.
func (w wakeup) signal() {
	select {
	case w <- struct{}{}:
	default:
	}
}
