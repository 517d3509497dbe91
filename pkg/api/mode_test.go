package api_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/netmode-io/netmode/pkg/api"
)

func TestModes(t *testing.T) {
	headless := map[api.Mode]bool{"headless": true, "statefulset-headless": true}
	want := []api.Mode{"default", "hostnetwork", "headless", "statefulset-headless"}
	if diff := cmp.Diff(want, api.Modes()); diff != "" {
		t.Errorf("modes differ (-want +got):\n%s", diff)
	}
	for _, mode := range want {
		if !mode.Valid() {
			t.Errorf("%s is not valid", mode)
		}
		if mode.Headless() != headless[mode] {
			t.Errorf("%s: Headless is %t", mode, mode.Headless())
		}
		if got, err := api.ParseMode(string(mode), nil); got != mode || err != nil {
			t.Errorf("ParseMode(%q) = %q, %v", mode, got, err)
		}
	}
	for _, mode := range []api.Mode{"", "Headless", "head", "none"} {
		if mode.Valid() || mode.Headless() {
			t.Errorf("%q: Valid is %t, Headless is %t", mode, mode.Valid(), mode.Headless())
		}
	}
}

func TestParseModeRefuses(t *testing.T) {
	mode, err := api.ParseMode("hostNetwork", field.NewPath("metadata").Child("labels").Key(api.LabelMode))
	want := `metadata.labels[netmode.io/mode]: Unsupported value: "hostNetwork": ` + wantModes
	if mode != "" || err == nil || err.Error() != want {
		t.Errorf("got %q, %v\nwant %s", mode, err, want)
	}
}

func TestSearchRewrites(t *testing.T) {
	want := []api.SearchRewrite{"auto", "prepend", "append", "init-container", "post-start", "none"}
	if diff := cmp.Diff(want, api.SearchRewrites()); diff != "" {
		t.Errorf("strategies differ (-want +got):\n%s", diff)
	}
}

func TestKeys(t *testing.T) {
	want := []string{"netmode.io/mode", "netmode.io/service", "netmode.io/search-rewrite", "netmode.io/hostname", "netmode.io/peers", "netmode.io/wait", "netmode.io/wait-timeout", "netmode.io/publish-not-ready-addresses"}
	if diff := cmp.Diff(want, api.AuthorAnnotations()); diff != "" {
		t.Errorf("author's keys differ (-want +got):\n%s", diff)
	}
	for got, want := range map[string]string{
		api.AnnotationStatus:        "netmode.io/status",
		api.AnnotationCopied:        "netmode.io/copied",
		api.LabelIgnore:             "netmode.io/ignore",
		api.LabelMode:               "netmode.io/mode",
		api.LabelPodSecurityEnforce: "pod-security.kubernetes.io/enforce",
		api.AnnotationMirror:        "kubernetes.io/config.mirror",
	} {
		if got != want {
			t.Errorf("got key %s, want %s", got, want)
		}
	}
}

// What a caller does to a returned list stays the caller's own.
func TestListsAreCopies(t *testing.T) {
	api.Modes()[0], api.SearchRewrites()[0], api.AuthorAnnotations()[0] = "x", "x", "x"
	if api.Modes()[0] == "x" || api.SearchRewrites()[0] == "x" || api.AuthorAnnotations()[0] == "x" {
		t.Error("a change of a returned list changed the next one")
	}
}
