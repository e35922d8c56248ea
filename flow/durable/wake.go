package durable

// wakeup tells the packer that something has changed that it waits for.
type wakeup chan struct{}

// signal wakes await and load.
func (w wakeup) signal() {
	select {
	case w <- struct{}{}:
	default:
	}
}
