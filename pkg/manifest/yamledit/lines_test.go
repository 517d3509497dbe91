package yamledit

import (
	"strings"
	"testing"
	"unicode/utf8"
)

// A column of a long line is found as by counting from its start.
func TestOffset(t *testing.T) {
	line := strings.Repeat("aé😀 ", 1000)
	text := "short\n" + line + "\nlast"
	l := newLines([]byte(text))
	for _, column := range []int{0, 1, stride - 1, stride, stride + 1, 2*stride - 1, 2 * stride, 3999, 4000, 4001, 4005, 4006, 9999} {
		want, left := len("short\n"), column
		for ; left > 0 && want < len(text); left-- {
			_, size := utf8.DecodeRuneInString(text[want:])
			want += size
		}
		if left > 0 {
			want = -1
		}
		if got := l.offset(1, column); got != want {
			t.Errorf("column %d: offset %d, want %d", column, got, want)
		}
	}
}

// BenchmarkFlow changes a List that stands on one line.
func BenchmarkFlow(b *testing.B) {
	text := []byte("items: [" + strings.Repeat(`{"metadata": {"name": "a", "labels": {"app": "b"}}}, `, 10_000) + "{}]\n")
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		documents, err := Read("x.yaml", text)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := documents[0].tree(); err != nil {
			b.Fatal(err)
		}
	}
}
