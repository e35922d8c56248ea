// Package liveview shows on a terminal how far a run is. [Frame.Text] lays out
// one moment as text, and [View] keeps such a text at the bottom of the
// terminal, below everything else that the program prints there.
package liveview
