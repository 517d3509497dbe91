package integration

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/netmode-io/netmode/pkg/api"
)

// problem is what one policy has against one object.
type problem struct{ policy, reason string }

// verdict are the problems of an object under each enforcement.
type verdict map[api.Enforcement]map[problem]bool

func (v verdict) add(enforcement api.Enforcement, p problem) {
	if v[enforcement] == nil {
		v[enforcement] = map[problem]bool{}
	}
	v[enforcement][p] = true
}

// What the API server says of a ValidatingAdmissionPolicy: in a refusal and in a warning.
var (
	refusedBy = regexp.MustCompile(`ValidatingAdmissionPolicy '(?:netmode-policy|netmode-service-policy)-([^']+)' with binding '[^']+' denied request: (.*)`)
	warnedBy  = regexp.MustCompile(`^Validation failed for ValidatingAdmissionPolicy '(?:netmode-policy|netmode-service-policy)-([^']+)' with binding '[^']+': (.*)`)
	lastCode  = regexp.MustCompile(`\(([A-Z][A-Za-z]+)\)$`)
)

// problemOf finds the policy and the reason code in what the API server says; nil: it says
// something else.
func problemOf(pattern *regexp.Regexp, text string) *problem {
	found := pattern.FindStringSubmatch(text)
	if found == nil {
		return nil
	}
	p := &problem{policy: found[1]}
	if code := lastCode.FindStringSubmatch(strings.TrimSpace(found[2])); code != nil {
		p.reason = code[1]
	}
	return p
}

// differences compares an answer of the API server with the verdict of Go: refused exactly if Go
// refuses, for one of Go's reasons; and warned of exactly what Go warns of. What else Kubernetes
// warns of does not count.
func differences(got *answer, want verdict) []string {
	var all []string
	denied := want[api.EnforcementDeny]
	switch {
	case got.err == nil && len(denied) > 0:
		all = append(all, fmt.Sprintf("accepted, and Go refuses: %v", inOrder(denied)))
	case got.err != nil:
		p := problemOf(refusedBy, got.err.Error())
		switch {
		case p == nil:
			all = append(all, "refused by no policy: "+got.err.Error())
		case !denied[*p]:
			all = append(all, fmt.Sprintf("refused for %v, and Go refuses for %v: %v", *p, inOrder(denied), got.err))
		}
	}
	warned := map[problem]bool{}
	for _, text := range got.warnings {
		if p := problemOf(warnedBy, text); p != nil {
			warned[*p] = true
		}
	}
	if !maps.Equal(warned, want[api.EnforcementWarn]) {
		all = append(all, fmt.Sprintf("warned of %v, and Go warns of %v", inOrder(warned), inOrder(want[api.EnforcementWarn])))
	}
	return all
}

// withoutPolicies is the answer without what policies warn of.
func (a *answer) withoutPolicies() *answer {
	rest := *a
	rest.warnings = slices.DeleteFunc(slices.Clone(a.warnings), func(text string) bool { return problemOf(warnedBy, text) != nil })
	return &rest
}

// inOrder are problems in an order.
func inOrder(problems map[problem]bool) []string {
	var all []string
	for p := range problems {
		all = append(all, p.policy+" ("+p.reason+")")
	}
	slices.Sort(all)
	return all
}

func TestDifferences(t *testing.T) {
	t.Parallel()
	const (
		denies = `The pods "p" is invalid: : ValidatingAdmissionPolicy 'netmode-policy-a' with binding 'netmode-policy-a' denied request: spec.hostNetwork: Invalid value: true: policy a allows (this) to no pod: remove hostNetwork (PolicyHostNetworkUnmanaged)`
		warns  = `Validation failed for ValidatingAdmissionPolicy 'netmode-policy-b' with binding 'netmode-policy-b': spec.containers: policy b allows ports 1 to 2 of a node (PolicyPortOutOfRange)`
	)
	unmanaged, outside := problem{"a", "PolicyHostNetworkUnmanaged"}, problem{"b", "PolicyPortOutOfRange"}
	made := func(deny, warn []problem) verdict {
		v := verdict{}
		for _, p := range deny {
			v.add(api.EnforcementDeny, p)
		}
		for _, p := range warn {
			v.add(api.EnforcementWarn, p)
		}
		v.add(api.EnforcementAudit, problem{"c", "PolicyModeRequired"})
		return v
	}
	refused, told := fmt.Errorf("%s", denies), []string{warns, "spec.dnsPolicy: something of Kubernetes"}
	for _, tt := range []struct {
		what string
		got  answer
		want verdict
		diff []string
	}{
		{"accepted", answer{}, made(nil, nil), nil},
		{"refused", answer{err: refused}, made([]problem{outside, unmanaged}, nil), nil},
		{"warned", answer{warnings: told}, made(nil, []problem{outside}), nil},
		{"refused, and warned", answer{err: refused, warnings: told}, made([]problem{unmanaged}, []problem{outside}), nil},
		{"accepted and bad", answer{}, made([]problem{unmanaged}, nil), []string{"accepted, and Go refuses: [a (PolicyHostNetworkUnmanaged)]"}},
		{"refused and good", answer{err: refused}, made(nil, nil), []string{"refused for {a PolicyHostNetworkUnmanaged}, and Go refuses for []: " + denies}},
		{"refused by another", answer{err: fmt.Errorf("no")}, made([]problem{unmanaged}, nil), []string{"refused by no policy: no"}},
		{"no warning", answer{}, made(nil, []problem{outside}), []string{"warned of [], and Go warns of [b (PolicyPortOutOfRange)]"}},
		{"a warning too many", answer{warnings: told}, made(nil, nil), []string{"warned of [b (PolicyPortOutOfRange)], and Go warns of []"}},
	} {
		if diff := cmp.Diff(tt.diff, differences(&tt.got, tt.want)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.what, diff)
		}
	}
}
