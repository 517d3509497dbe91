package api

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// How long a start may wait. `netmode wait` has the same limits.
const (
	MinWait     = time.Second
	MaxWait     = time.Hour
	DefaultWait = 5 * time.Minute
)

const (
	// MaxWaitNames is how many names one annotation may have.
	MaxWaitNames = 100
	// MaxWaitAddresses fit into one DNS message, of either family.
	MaxWaitAddresses = 2000
)

// The words of the annotation netmode.io/wait.
const (
	// WaitSelf is the pod itself.
	WaitSelf = "self"
	// WaitAll is as many addresses as an Indexed Job has completions.
	WaitAll = "all"
)

// Wait is what a pod waits for before its containers start. The zero Wait is none.
type Wait struct {
	// Self is the pod's own name.
	Self bool
	// Names are those of other pods, each once: pod, pod.service or
	// pod.service.namespace, or an absolute name with a dot at its end.
	Names []string
	// Addresses is how many the governing Service must have, at least.
	Addresses int
	// All stands for Addresses where they are not counted yet.
	All bool
}

// Asked reports whether there is anything to wait for.
func (w *Wait) Asked() bool { return w.Self || len(w.Names) > 0 || w.Addresses > 0 || w.All }

// parseWait reads the annotation netmode.io/wait.
func parseWait(path *field.Path, value string) (Wait, *field.Error) {
	if value == WaitAll {
		return Wait{All: true}, nil
	}
	if strings.Trim(value, "-+0123456789") == "" && value != "" {
		n, err := strconv.Atoi(value)
		if err != nil || n < 1 || n > MaxWaitAddresses {
			return Wait{}, field.Invalid(path, value, fmt.Sprintf("must be 1 to %d addresses", MaxWaitAddresses))
		}
		return Wait{Addresses: n}, nil
	}
	if n := strings.Count(value, ",") + 1; n > MaxWaitNames {
		return Wait{}, field.TooMany(path, n, MaxWaitNames)
	}
	var wait Wait
	for name := range strings.SplitSeq(value, ",") {
		name = strings.TrimSpace(name)
		switch {
		case name == WaitSelf:
			wait.Self = true
		case waitNameProblem(name) != "":
			return Wait{}, field.Invalid(path, value, strconv.Quote(name[:min(len(name), validation.DNS1123SubdomainMaxLength)])+" "+waitNameProblem(name)+
				": use self, all, a number of addresses, or names of pods: pod, pod.service, pod.service.namespace")
		case !slices.Contains(wait.Names, name):
			wait.Names = append(wait.Names, name)
		}
	}
	return wait, nil
}

// waitNameProblem says why a name cannot be waited for.
func waitNameProblem(name string) string {
	relative, absolute := strings.CutSuffix(name, ".")
	labels := strings.Split(relative[:min(len(relative), validation.DNS1123SubdomainMaxLength+1)], ".")
	switch {
	case name == WaitAll:
		return "stands alone"
	case len(validation.IsDNS1123Subdomain(relative)) > 0 ||
		slices.ContainsFunc(labels, func(l string) bool { return len(l) > validation.DNS1123LabelMaxLength }):
		return "is no DNS name"
	case absolute && len(labels) == 1:
		return "has no domain"
	case !absolute && len(labels) > 3:
		return "has more than three parts, and no dot at its end as an absolute name has"
	}
	return ""
}

// parseWaitTimeout reads the annotation netmode.io/wait-timeout.
func parseWaitTimeout(path *field.Path, value string) (time.Duration, *field.Error) {
	timeout, err := time.ParseDuration(value)
	if err != nil || timeout < MinWait || timeout > MaxWait {
		return 0, field.Invalid(path, value, "must be a duration from 1s to 1h, such as 5m")
	}
	return timeout, nil
}
