package order

import "github.com/balerhq/baler/queue/internal/rank"

// The levels from low to critical, which most queues use. Only speed depends on
// the choice.
const (
	lowest  = -1
	highest = 2
)

// NewLevelFIFO returns the order of Strict for priorities. Each of the four
// named levels is a FIFO, O(1). All other priorities share a heap, O(log n).
func NewLevelFIFO[T any, P ~int](priority func(T) P) Order[T] {
	return &levelFIFO[T, P]{priority: priority, other: heap[T]{rule: ByPriority(priority)}}
}

type levelFIFO[T any, P ~int] struct {
	priority func(T) P
	named    [highest - lowest + 1]rank.FIFO[T] // the most urgent first
	other    heap[T]
	chunks   rank.Chunks[T]
	n        int
}

func (l *levelFIFO[T, P]) Len() int { return l.n }
func (l *levelFIFO[T, P]) Tick()    {}

func (l *levelFIFO[T, P]) Push(v T) rank.Key {
	l.n++
	p := l.priority(v)
	if p < lowest || p > highest {
		return l.other.Push(v)
	}
	l.named[highest-p].Push(v, &l.chunks)
	return rank.Key{Urgency: LevelKey(p)}
}

func (l *levelFIFO[T, P]) Head() *T {
	if level := l.first(); level < len(l.named) {
		return l.named[level].Head()
	}
	return l.other.Head()
}

func (l *levelFIFO[T, P]) Pop() rank.Key {
	l.n--
	level := l.first()
	if level == len(l.named) {
		return l.other.Pop()
	}
	l.named[level].Pop(&l.chunks)
	return rank.Key{Urgency: LevelKey(highest - level)}
}

// first returns the index of the named level with the first item, or
// len(l.named) if another priority has it.
func (l *levelFIFO[T, P]) first() int {
	for i := range l.named {
		if l.named[i].Len() > 0 {
			if l.other.Len() > 0 && l.other.items.First().Urgency < LevelKey(highest-i) {
				break
			}
			return i
		}
	}
	return len(l.named)
}

func (l *levelFIFO[T, P]) Restore(k rank.Key, v T) {
	l.n++
	if i := highest - keyLevel[int](k.Urgency); i >= 0 && i < len(l.named) {
		l.named[i].Restore(v, &l.chunks)
		return
	}
	l.other.Restore(k, v)
}
