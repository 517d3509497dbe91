package api_test

import (
	"fmt"
	"testing"

	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/netmode-io/netmode/pkg/api"
)

// More annotations than the API server looks through count as a wish.
func TestAsksOfMany(t *testing.T) {
	many := map[string]string{}
	for i := range api.MaxAnnotations {
		many[fmt.Sprintf("k%d", i)] = ""
	}
	if api.Asks(many) {
		t.Errorf("%d annotations of others ask", len(many))
	}
	many[api.AnnotationStatus] = "{}"
	if !api.Asks(many) {
		t.Errorf("%d annotations of others do not ask", len(many))
	}
	for _, tt := range []struct {
		key  string
		asks bool
	}{{api.AnnotationMode, true}, {api.Prefix, true}, {api.AnnotationStatus, false}, {api.AnnotationCopied, false}, {"netmode.i", false}, {api.AnnotationMirror, false}} {
		if api.Asks(map[string]string{tt.key: ""}) != tt.asks {
			t.Errorf("%s: want %v", tt.key, tt.asks)
		}
	}
}

func TestReadsAnnotation(t *testing.T) {
	for key, want := range map[string]bool{
		api.AnnotationMode: true, "netmode.io/x": true, api.AnnotationMirror: true, "netmode.io": false, "": false, "kubectl.kubernetes.io/restartedAt": false,
	} {
		if api.ReadsAnnotation([]byte(key)) != want {
			t.Errorf("%q: want %v", key, want)
		}
	}
}

// Only the first unknown keys are compared with the known ones.
func TestNearestOfTheFirst(t *testing.T) {
	many := map[string]string{}
	for i := range 3 * api.MaxNearest {
		many[fmt.Sprintf("%smod%03d", api.Prefix, i)] = ""
	}
	intent, errs := api.ParseAnnotations(many, field.NewPath("a"))
	if len(errs) > 0 || len(intent.Unknown) != len(many) {
		t.Fatalf("%v, %d unknown", errs, len(intent.Unknown))
	}
	for i, unknown := range intent.Unknown {
		if (unknown.Nearest != "") != (i < api.MaxNearest) {
			t.Errorf("%d: %+v", i, unknown)
		}
	}
}
