package admission

import "testing"

func BenchmarkReview(b *testing.B) {
	for _, size := range []struct {
		name string
		body func(annotations ...string) []byte
	}{
		{"3kB", func(annotations ...string) []byte { return annotated(b, statefulSetPod, annotations...) }},
		{"62kB", func(annotations ...string) []byte { return largeReview(b, annotations...) }},
	} {
		for _, asked := range []struct {
			name        string
			annotations []string
			decision    Decision
		}{
			{"unannotated", nil, Unchanged},
			{"hostnetwork", []string{"mode=hostnetwork"}, Patched},
			{"prepend", []string{"mode=statefulset-headless", "search-rewrite=prepend"}, Patched},
			{"refused", []string{"mode=headless"}, Refused},
		} {
			b.Run(size.name+"/"+asked.name, func(b *testing.B) {
				r := newReviewer(b)
				body := size.body(asked.annotations...)
				if _, rec := ask(b, r, body); rec.Decision != asked.decision {
					b.Fatalf("%s, want %s: %s", rec.Decision, asked.decision, rec.Message)
				}
				b.SetBytes(int64(len(body)))
				b.ReportAllocs()
				for b.Loop() {
					if _, _, err := r.Review(b.Context(), body); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
