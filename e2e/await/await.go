// Package await waits for what a cluster becomes.
package await

import (
	"context"
	"fmt"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/util/wait"
)

// Until asks at once, and then as often as every says, until done says yes or ctx ends. Done's text
// says what is missing, which the error then names beside why ctx ended; errors of the API are texts
// too, since it may not answer yet.
func Until(ctx context.Context, every time.Duration, done func(context.Context) (bool, string)) error {
	missing := ""
	err := wait.PollUntilContextCancel(ctx, every, true, func(ctx context.Context) (bool, error) {
		ok, why := done(ctx)
		end, ends := ctx.Deadline()
		cut := ctx.Err() != nil || ends && time.Until(end) <= every // the end may have cut done short
		if missing == "" && ctx.Err() == nil || !cut {
			missing = why
		}
		return ok, nil
	})
	if err == nil {
		return nil
	}
	if missing == "" {
		missing = "no answer"
	}
	return fmt.Errorf("%w: %s", context.Cause(ctx), missing)
}

// RolledOut says whether all of the wanted replicas, and no others, are of the present template.
func RolledOut(d *appsv1.Deployment) (want int32, ok bool) {
	want = 1
	if d.Spec.Replicas != nil {
		want = *d.Spec.Replicas
	}
	s := &d.Status
	return want, s.ObservedGeneration >= d.Generation && s.UpdatedReplicas == want && s.Replicas == want
}
