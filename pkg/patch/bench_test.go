package patch_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/netmode-io/netmode/pkg/patch"
)

// bigPod is the fixture with so many environment variables that it has size bytes.
func bigPod(tb testing.TB, size int) []byte {
	tb.Helper()
	raw := podFixture(tb)
	var env strings.Builder
	for i := 0; len(raw)+env.Len()+len(`"env":[{}],`) < size; i++ {
		fmt.Fprintf(&env, `{"name":"VARIABLE_%d","value":"some value with a \"quoted\" word and %d"},`, i, i)
	}
	env.WriteString(`{"name":"LAST","value":"x"}`)
	big := bytes.Replace(raw, []byte(`"containers":[{`), []byte(`"containers":[{"env":[`+env.String()+`],`), 1)
	if len(big) < size {
		tb.Fatalf("the pod has %d bytes, want %d", len(big), size)
	}
	return big
}

func BenchmarkBuild(b *testing.B) {
	pods := []struct {
		name string
		raw  []byte
	}{{"3kB", bigPod(b, 3_000)}, {"62kB", bigPod(b, 62_000)}}
	for _, pod := range pods {
		b.Run(pod.name, func(b *testing.B) {
			b.SetBytes(int64(len(pod.raw)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := patch.Build(pod.raw, planLike); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// The benchmark measures patches that are right.
func TestBigPod(t *testing.T) {
	raw := bigPod(t, 62_000)
	_, patched := built(t, string(raw), planLike)
	want, err := modelApply(mustDecode(t, raw), planLike)
	if diff := cmp.Diff(want, mustDecode(t, patched)); err != nil || diff != "" {
		t.Errorf("%v, object differs from the model's (-model +got):\n%s", err, diff)
	}
}
