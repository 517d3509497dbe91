package api_test

import (
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/netmode-io/netmode/pkg/api"
)

// FuzzAnnotations: no key and no value panics; what is accepted is what the
// documentation lists; what is not is an error that begins with its key's path.
func FuzzAnnotations(f *testing.F) {
	for _, key := range append(api.AuthorAnnotations(), api.AnnotationStatus, api.AnnotationCopied, "netmode.io/", "netmode.io/modus", "a") {
		for _, value := range []string{"", "headless", "hostnet", "peers", "true", "Peers.x", "post-start", "\xff", "a\nb", "zk, workers.data", ",,"} {
			f.Add(key, value, "netmode.io/mode", "default")
		}
	}
	f.Fuzz(func(t *testing.T, key, value, key2, value2 string) {
		annotations := map[string]string{key: value, key2: value2}
		intent, errs := api.ParseAnnotations(annotations, annotationsPath)

		if intent.Mode != "" && (!slices.Contains(api.Modes(), intent.Mode) || string(intent.Mode) != annotations[api.AnnotationMode]) {
			t.Errorf("accepted mode %q of %q", intent.Mode, annotations)
		}
		if s := intent.SearchRewrite; s != "" && (!slices.Contains(api.SearchRewrites(), s) || string(s) != annotations[api.AnnotationSearchRewrite]) {
			t.Errorf("accepted search rewrite %q of %q", s, annotations)
		}
		if s := intent.Service; s != "" && (len(validation.IsDNS1123Label(s)) > 0 || s != annotations[api.AnnotationService]) {
			t.Errorf("accepted service %q of %q", s, annotations)
		}
		if p := intent.PublishNotReadyAddresses; p != nil && map[bool]string{true: "true", false: "false"}[*p] != annotations[api.AnnotationPublishNotReadyAddresses] {
			t.Errorf("accepted publish-not-ready-addresses %t of %q", *p, annotations)
		}

		for _, peer := range intent.Peers {
			if len(intent.Peers) > api.MaxPeers || len(validation.IsDNS1123Label(peer.Service)) > 0 || !strings.Contains(annotations[api.AnnotationPeers], peer.Service) ||
				peer.Namespace != "" && (len(validation.IsDNS1123Label(peer.Namespace)) > 0 || !strings.Contains(annotations[api.AnnotationPeers], peer.Service+"."+peer.Namespace)) {
				t.Errorf("accepted peer %+v of %q", peer, annotations)
			}
		}

		refused := map[string]bool{}
		for _, err := range errs {
			own := strings.TrimSuffix(strings.TrimPrefix(err.Field, "metadata.annotations["), "]")
			refused[own] = true
			if !slices.Contains(api.AuthorAnnotations(), own) || err.BadValue != annotations[own] ||
				!strings.HasPrefix(err.Error(), "metadata.annotations["+own+"]: ") {
				t.Errorf("error %q does not name a key and its value", err)
			}
		}
		accepted := map[string]bool{
			api.AnnotationMode:                     intent.Mode != "",
			api.AnnotationService:                  intent.Service != "",
			api.AnnotationSearchRewrite:            intent.SearchRewrite != "",
			api.AnnotationHostname:                 intent.Hostname != "",
			api.AnnotationPeers:                    len(intent.Peers) > 0,
			api.AnnotationWait:                     intent.Wait.Asked(),
			api.AnnotationWaitTimeout:              intent.WaitTimeout > 0,
			api.AnnotationPublishNotReadyAddresses: intent.PublishNotReadyAddresses != nil,
		}
		for _, known := range api.AuthorAnnotations() {
			_, given := annotations[known]
			if given != slices.Contains(intent.Keys, known) || given != (accepted[known] != refused[known]) {
				t.Errorf("%s: given %t, accepted %t, refused %t, keys %q", known, given, accepted[known], refused[known], intent.Keys)
			}
		}
		for _, unknown := range intent.Unknown {
			if !strings.HasPrefix(unknown.Key, api.Prefix) || !slices.Contains(api.AuthorAnnotations(), unknown.Nearest) || accepted[unknown.Key] {
				t.Errorf("unknown key %+v", unknown)
			}
		}
	})
}
