package integration

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// wantDenied holds an answer to a webhook's refusal, as kubectl shows it, in these words.
func wantDenied(t *testing.T, got *answer, entry, text string) {
	t.Helper()
	want := fmt.Sprintf("admission webhook %q denied the request: %s", entry, text)
	if got.err == nil {
		t.Fatalf("accepted, and must be refused: %s\ngot %s", want, got.object)
	}
	if diff := cmp.Diff(want, got.err.Error()); diff != "" {
		t.Errorf("refusal (-want +got):\n%s", diff)
	}
	if !apierrors.IsInvalid(got.err) {
		t.Errorf("reason %s, want %s", apierrors.ReasonForError(got.err), metav1.StatusReasonInvalid)
	}
}

// wantForbidden holds an answer to the API server's own refusal, by an admission policy, in these
// words.
func wantForbidden(t *testing.T, got *answer, policy, text string) {
	t.Helper()
	want := fmt.Sprintf("ValidatingAdmissionPolicy '%s' with binding '%s' denied request: %s", policy, policy, text)
	if got.err == nil {
		t.Fatalf("accepted, and must be refused: %s\ngot %s", want, got.object)
	}
	_, said, _ := strings.Cut(got.err.Error(), " is forbidden: ")
	if diff := cmp.Diff(want, said); diff != "" {
		t.Errorf("%v\nrefusal (-want +got):\n%s", got.err, diff)
	}
	if !apierrors.IsInvalid(got.err) {
		t.Errorf("reason %s, want %s", apierrors.ReasonForError(got.err), metav1.StatusReasonInvalid)
	}
}

// wantWarnings holds an answer to its warnings, in any order.
func wantWarnings(t *testing.T, got *answer, want ...string) {
	t.Helper()
	if diff := cmp.Diff(slices.Sorted(slices.Values(want)), slices.Sorted(slices.Values(got.warnings))); diff != "" {
		t.Errorf("warnings (-want +got):\n%s", diff)
	}
}

// wantEachOnce holds an answer to warn, and to say nothing twice.
func wantEachOnce(t *testing.T, got *answer) {
	t.Helper()
	if len(got.warnings) == 0 {
		t.Error("no warnings")
	}
	for i, warning := range got.warnings {
		if slices.Contains(got.warnings[:i], warning) {
			t.Errorf("said twice: %s", warning)
		}
	}
}

// wantGone holds a get to finding nothing.
func wantGone(t *testing.T, get func(context.Context) error) {
	t.Helper()
	if err := get(t.Context()); !apierrors.IsNotFound(err) {
		t.Errorf("it is there, or unknown: %v", err)
	}
}
